"""Convergence points by hand, one case per trouble that published logs have."""

from __future__ import annotations

import pytest

from mlperf_stats.model import Evaluation
from mlperf_stats.rules.convergence import convergence
from mlperf_stats.rules.suite import benchmark

RESNET = benchmark("4.0", "resnet")
BERT = benchmark("1.0", "bert")
STABLE_DIFFUSION = benchmark("4.0", "stable_diffusion")


def at(
    point: float | None, elapsed_ms: float | None = None, value: float | None = 0.5, **more: object
) -> Evaluation:
    return Evaluation(elapsed_ms, point, value, **more)  # type: ignore[arg-type]


def test_the_last_evaluation_counts() -> None:
    assert convergence([at(31, 1.0), at(35, 2.0), at(39, 3.0)], RESNET) == (39, "epoch")


def test_the_last_evaluation_in_time_counts_not_the_last_line() -> None:
    assert convergence([at(39, 3.0), at(31, 1.0), at(35, 2.0)], RESNET) == (39, "epoch")


def test_the_order_of_lines_decides_between_equal_or_missing_times() -> None:
    assert convergence([at(35, 3.0), at(39, 3.0)], RESNET) == (39, "epoch")
    assert convergence([at(39, 3.0), at(35, None)], RESNET) == (35, "epoch")


def test_evaluations_after_the_stop_do_not_count() -> None:
    assert convergence([at(35, 2.0), at(39, 3.0, after_stop=True)], RESNET) == (35, "epoch")


def test_evaluations_without_progress_do_not_count() -> None:
    assert convergence([at(35, 2.0), at(None, 3.0)], RESNET) == (35, "epoch")
    assert convergence([], RESNET) == (None, "epoch")
    assert convergence([at(None, 3.0)], RESNET) == (None, "epoch")


def test_a_run_that_missed_the_target_has_its_last_evaluation_too() -> None:
    assert convergence([at(90, 3.0, value=0.1)], RESNET) == (90, "epoch")


@pytest.mark.parametrize(
    ("round_name", "name", "unit"),
    [
        ("4.0", "gpt3", "token"),
        ("5.0", "llama31_405b", "sample"),
        ("2.0", "minigo", "model"),
        ("3.0", "unet3d", "epoch"),
        ("4.0", "unet3d", "sample"),
    ],
)
def test_units(round_name: str, name: str, unit: str) -> None:
    assert convergence([at(7, 1.0, unit="epoch_num")], benchmark(round_name, name)) == (7, unit)


def test_logs_that_count_something_else_say_so() -> None:
    assert convergence([at(7, 1.0, unit="samples_count")], benchmark("5.1", "rgat")) == (7, "sample")
    assert convergence([at(7, 1.0, unit="step_num")], RESNET) == (7, "step")
    assert convergence([at(7, 1.0, unit="iteration")], benchmark("0.6", "minigo")) == (7, "model")


def test_bert_counts_the_samples_of_its_evaluations() -> None:
    """Three submissions log a planned, constant train_samples: it must not win over the evaluations."""
    evaluations = [at(2_401_280, 1.0), at(2_551_360, 2.0)]
    assert convergence(evaluations, BERT, 2_851_520) == (2_551_360, "sample")
    assert convergence(evaluations, BERT) == (2_551_360, "sample")


def test_bert_whose_evaluations_count_epochs_uses_train_samples() -> None:
    """v0.7 to v2.0: epoch_num is 1 in every evaluation."""
    evaluations = [at(1, 1.0, unit="epoch_num"), at(1, 2.0, unit="epoch_num")]
    assert convergence(evaluations, BERT, 3_000_064) == (3_000_064.0, "sample")
    assert convergence(evaluations, BERT) == (None, "sample")
    assert convergence([], BERT, 3_000_064) == (3_000_064.0, "sample")


def test_train_samples_mean_nothing_elsewhere() -> None:
    assert convergence([], RESNET, 1_281_167) == (None, "epoch")


def quality(point: float, fid: float | None, clip: float | None) -> list[Evaluation]:
    return [
        at(point, 2.0, value, metric=metric, unit="samples_count", after_stop=True)
        for metric, value in (("FID", fid), ("CLIP", clip))
        if value is not None
    ]


def test_stable_diffusion_takes_the_first_point_that_reaches_both_targets() -> None:
    """Evaluated after the stop, in any order; 1 536 000 fails on CLIP, 1 024 000 on FID."""
    evaluations = [
        *quality(2_560_000, 70.0, 0.18),
        *quality(2_048_000, 76.7, 0.17),
        *quality(1_536_000, 89.0, 0.1499),
        *quality(1_024_000, 114.4, 0.16),
    ]
    assert convergence(evaluations, STABLE_DIFFUSION) == (2_048_000, "sample")


def test_stable_diffusion_reaches_its_targets_exactly() -> None:
    assert convergence(quality(512_000, 90.0, 0.15), STABLE_DIFFUSION) == (512_000, "sample")


def test_stable_diffusion_needs_both_metrics() -> None:
    evaluations = [*quality(512_000, 80.0, None), *quality(1_024_000, None, 0.2)]
    assert convergence(evaluations, STABLE_DIFFUSION) == (None, "sample")


def test_stable_diffusion_believes_the_repeated_evaluation() -> None:
    evaluations = [*quality(512_000, 80.0, 0.2), *quality(512_000, 95.0, 0.2)]
    assert convergence(evaluations, STABLE_DIFFUSION) == (None, "sample")


def test_stable_diffusion_of_round_3_1_counts_steps() -> None:
    evaluations = [at(5_000, 1.0, 80.0, metric="FID", unit="step_num"), at(5_000, 2.0, 0.2, metric="CLIP")]
    assert convergence(evaluations, benchmark("3.1", "stable_diffusion")) == (5_000, "step")
