"""The custom summary result: arithmetic on published results, invariances, refusals, disclosure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from madeup_logs import submission_files, write_tree

import mlperf_stats as ms
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.summary_rows import COLUMNS
from mlperf_stats.analysis.summary_score import combine
from mlperf_stats.analysis.summary_types import SummaryRatio
from mlperf_stats.errors import (
    CannotCombineError,
    InputError,
    NotComparableError,
    NotFoundError,
    StatisticsError,
)
from mlperf_stats.rules.normalise import normalise, reference
from mlperf_stats.rules.wording import COMPOSITE
from mlperf_stats.store import Filters, Store, open_memory, open_snapshot
from mlperf_stats.store.ingest import ingest

DGX1 = "0.5/nvidia/submission/dgx1_ngc18.11_*"
THREE = ("resnet", "transformer", "ncf")
HPE, QCT = "5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09", "5.0/QCT/D74H-7U"
DELL = "5.0/Dell/XE9680x8H200-SXM-141GB"
FLIPPING = (
    ["5.0/Dell/2xXE9680Lx8H200-SXM-141GB", "5.0/Lenovo/SR780aV3-8xB200_SXM_180GB"],
    ("bert", "llama2_70b_lora", "retinanet", "stable_diffusion"),
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with open_snapshot() as opened:
        yield opened


def test_equals_direct_computation_on_normalised_results(store: Store) -> None:
    """Round 0.5, one machine in two folders, normalised by the published P100 references."""
    frame = ms.published().filter(round="0.5", system="dgx1_ngc18.11_*").to_frame().set_index("benchmark")
    scores = [frame.loc[name, "score_minutes"] for name in THREE]
    direct = math.prod(
        normalise(score, reference("0.5", name)) for score, name in zip(scores, THREE, strict=True)
    ) ** (1 / 3)
    found = combine(store, [DGX1], benchmarks=THREE, allow=["framework"])
    assert found.summaries[0].score == pytest.approx(direct, rel=1e-12)
    assert found.reference == "reference results published for round 0.5, taken as exact"
    assert math.prod(part.contribution for part in found.summaries[0].components) == pytest.approx(direct)


def test_order_of_benchmarks_does_not_matter(store: Store) -> None:
    one = combine(store, [QCT], benchmarks=("bert", "rgat", "retinanet"), interval="controlled").summaries[0]
    other = combine(store, [QCT], benchmarks=("rgat", "retinanet", "bert"), interval="controlled").summaries[
        0
    ]
    for name in ("score", "estimate", "low", "high", "weights_low", "weights_high"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12)


def test_units_move_the_summary_by_their_factor_alone(store: Store, tmp_path: Path) -> None:
    """References in seconds instead of minutes multiply everything by 60."""
    scores = {name: 7.0 + number for number, name in enumerate(("bert", "rgat"))}
    found = []
    for factor in (1, 60):
        path = tmp_path / f"{factor}.json"
        path.write_text(json.dumps({name: factor * value for name, value in scores.items()}))
        found.append(combine(store, [QCT], benchmarks=tuple(scores), reference=str(path)).summaries[0])
    for name in ("score", "estimate", "low", "high"):
        assert getattr(found[1], name) == pytest.approx(60 * getattr(found[0], name))


def figures(ratio: SummaryRatio) -> tuple[float, ...]:
    return tuple(value for value in astuple(ratio) if isinstance(value, float))


@pytest.mark.parametrize("interval", ["own", "controlled"])
def test_the_reference_cancels_in_a_ratio(store: Store, tmp_path: Path, interval: str) -> None:
    """None, a file, another submission with its uncertainty, or one of the two: one ratio."""
    benchmarks = ("bert", "retinanet")
    path = tmp_path / "minutes.csv"
    path.write_text("benchmark,minutes\nbert,11\nretinanet,3.5\n")
    reports = [
        combine(store, [HPE, QCT], benchmarks=benchmarks, reference=text, interval=interval)
        for text in ("none", str(path), DELL, QCT)
    ]
    first = reports[0].ratios[0]
    for report in reports[1:]:
        assert figures(report.ratios[0]) == pytest.approx(figures(first))
        assert report.summaries[0].score / report.summaries[1].score == pytest.approx(first.score)
    by_itself = reports[3].summaries
    assert (by_itself[1].estimate, by_itself[1].low, by_itself[1].high) == (1.0, 1.0, 1.0)
    assert by_itself[0].low == pytest.approx(first.low)


def test_weights_0_and_1(store: Store) -> None:
    both = combine(store, [QCT], benchmarks=("bert", "rgat"), weights={"bert": 3, "rgat": 0})
    alone = combine(store, [QCT], benchmarks=("bert",))
    assert both.weights == (1.0, 0.0)
    assert both.summaries[0].score == pytest.approx(alone.summaries[0].score)
    assert both.summaries[0].high == pytest.approx(alone.summaries[0].high)
    assert "Weight 0: rgat." in both.disclosure
    bert, rgat = both.summaries[0].components
    assert (bert.without, rgat.without) == (None, pytest.approx(bert.score_minutes))


def test_reference_uncertainty_widens_unless_exact(store: Store) -> None:
    options = {"benchmarks": ("bert", "rgat"), "reference": DELL}
    wide = combine(store, [QCT], **options).summaries[0]  # type: ignore[arg-type]
    exact = combine(store, [QCT], reference_exact=True, **options)  # type: ignore[arg-type]
    narrow = exact.summaries[0]
    assert math.log(wide.high / wide.low) > 1.2 * math.log(narrow.high / narrow.low)
    assert "taken as exact" in exact.reference


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        ([QCT], {"benchmarks": ("maskrcnn",)}, CannotCombineError,
         "has no result for maskrcnn; these would work"),
        ([DGX1], {"allow": ["framework"]}, CannotCombineError,
         r"no score for maskrcnn \(unknown-absent-runs\)"),
        ([DGX1], {}, NotComparableError, "--allow framework"),
        (["5.0/QCT/*"], {}, NotComparableError, "not one machine of one submission"),
        ([QCT, "5.0/Dell/XE7740x8H200-NVL-141GB"], {}, CannotCombineError, "has no result for bert"),
        ([QCT, QCT], {}, InputError, "named twice"),
        ([], {}, InputError, "name a submission"),
        (["no/such/system"], {}, NotFoundError, "no result or system"),
        ([QCT], {"weights": {"gnmt": 1}}, InputError, "which is not combined"),
        ([QCT], {"weights": dict.fromkeys(("bert", "rgat"), 0), "benchmarks": ("bert", "rgat")},
         StatisticsError, "one above 0"),
        ([QCT], {"interval": "other"}, InputError, "--interval"),
        ([QCT], {"show_wrong": True}, InputError, "two submissions"),
        ([QCT], {"reference": "published"}, CannotCombineError, "no published reference results"),
        ([DGX1], {"reference": "published", "benchmarks": ("resnet", "gnmt"), "allow": ["framework"]},
         CannotCombineError, "has no result for gnmt; these would work: --benchmark resnet"),
        ([QCT], {"reference": "4.0/NVIDIA/h200_ngc24.04_pytorch", "benchmarks": ("bert",)},
         CannotCombineError, "has no result for bert"),
    ],
)  # fmt: skip
def test_refusals(
    store: Store, names: list[str], options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        combine(store, names, **options)  # type: ignore[arg-type]


def test_refusal_lists_what_would_work(store: Store) -> None:
    with pytest.raises(CannotCombineError) as refused:
        combine(store, [DGX1], allow=["framework"])
    assert refused.value.benchmarks == ("maskrcnn",)
    assert combine(store, [DGX1], benchmarks=refused.value.usable, allow=["framework"], reference="none")


def test_submissions_that_differ_are_not_set_against_each_other(store: Store) -> None:
    frame = ms.published().filter(round="4.0", benchmark="bert", accelerators=8, division="closed").to_frame()
    other = str(frame["result_id"].iloc[0]).rpartition("/")[0]
    with pytest.raises(NotComparableError, match="--allow round"):
        combine(store, [QCT, other], benchmarks=("bert",))
    found = combine(store, [QCT, other], benchmarks=("bert",), allow=["round"])
    assert "in spite of differences in round (5.0 / 4.0)" in found.disclosure


def test_invalid_results_are_named(tmp_path: Path) -> None:
    files = submission_files("ACME", "x8", "resnet", (10.0, 11.0, 12.0, 13.0, 14.0))
    failed = b"".join(
        line for line in files.popitem()[1].splitlines(keepends=True) if b"run_stop" not in line
    )
    for number in (3, 4):
        files[f"ACME/results/x8/resnet/result_{number}.txt"] = failed
    folder = write_tree(tmp_path, files)
    with open_memory() as own:
        ingest(own, [folder], round="4.0")
        with pytest.raises(CannotCombineError, match=r"no score for resnet \(invalid-nonconverged\)"):
            combine(own, ["4.0/ACME/x8"])


@pytest.mark.parametrize(
    "content",
    [
        "bert;5",
        "benchmark,minutes\nbert,fast",
        "benchmark,minutes\nbert,-1",
        "benchmark,minutes\nbert,30\nbert,31",
        "",
    ],
)
def test_reference_files_that_are_none(store: Store, tmp_path: Path, content: str) -> None:
    path = tmp_path / "minutes.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"minutes\.csv"):
        combine(store, [QCT], benchmarks=("bert",), reference=str(path))


@pytest.mark.parametrize(
    "content", ['{"bert": true}', '{"bert": 30, "bert": 31}', '{"bert": 30, " bert": 31}']
)
def test_reference_objects_that_are_none(store: Store, tmp_path: Path, content: str) -> None:
    path = tmp_path / "minutes.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"minutes\.json.*bert"):
        combine(store, [QCT], benchmarks=("bert",), reference=str(path))


def test_components_are_what_show_says(store: Store) -> None:
    """One rule for one result, ties included: own runs as the geometric mean, or the controlled mean.

    Own intervals are equal; controlled ones are drawn here, so that they agree to Monte-Carlo error.
    """
    rows = {row["benchmark"]: row for row in results_table(store, Filters(systems=("D74H-7U",)))}
    assert "one-convergence-point" in rows["retinanet"]["warnings"]
    for interval, figure, tolerance in (("own", "gmean", 1e-9), ("controlled", "controlled", 2e-3)):
        for part in combine(store, [QCT], interval=interval).summaries[0].components:
            row = rows[part.benchmark]
            expected = [row[f"{figure}_{name}"] for name in ("minutes", "low", "high")]
            assert [part.estimate, part.low, part.high] == pytest.approx(expected, rel=tolerance)


def test_wrong_means_change_their_order_with_the_reference(store: Store) -> None:
    """Two real submissions of round 5.0 with close results: the arithmetic mean lets each win at home."""
    pair, benchmarks = FLIPPING
    wrong = combine(store, pair, benchmarks=benchmarks, show_wrong=True).wrong
    assert wrong is not None
    assert wrong.flips("arithmetic")
    assert wrong.flips("harmonic")
    assert not wrong.flips("geometric")
    assert "the reference's doing" in " ".join(wrong.sentences())


def test_every_output_discloses_and_cites(store: Store) -> None:
    report = combine(store, [HPE, QCT], benchmarks=("bert", "rgat"))
    frame = report.to_frame()
    assert list(frame.columns) == list(COLUMNS)
    for text in (*frame["disclosure"], report.to_dict()["disclosure"], report.to_markdown()):
        assert COMPOSITE in text
        assert "equal weights: bert, rgat" in text
    for text in (*frame["citation"], report.to_dict()["citation"], report.to_markdown()):
        assert f"{HPE}/bert; {HPE}/rgat; {QCT}/bert; {QCT}/rgat" in text
    assert "<table" in report._repr_html_()


def test_variance_shares_sum_to_one(store: Store) -> None:
    for interval in ("own", "controlled"):
        (one,) = combine(store, [QCT], interval=interval).summaries
        assert math.fsum(part.variance_share for part in one.components) == pytest.approx(1)
        assert one.weights_low < one.score < one.weights_high


def test_one_run_filed_three_times_has_no_controlled_law(tmp_path: Path) -> None:
    files = submission_files("ACME", "one", "mine", (30.0, 30.0, 30.0))
    logs = [path for path in files if path.endswith(".txt")]
    write_tree(tmp_path, files | dict.fromkeys(logs, files[logs[0]]))
    with open_memory() as own:
        ingest(own, [tmp_path], round="local")
        report = combine(own, ["local/ACME/one"])
        (found,) = report.summaries
        assert (found.low, found.high) == (0.0, math.inf)
        assert "of whose variance" not in report.to_markdown()
        with pytest.raises(CannotCombineError, match="one run"):
            combine(own, ["local/ACME/one"], interval="controlled")


def test_constant_convergence_is_named(store: Store) -> None:
    """As in the results table: the code says why own times alone count."""
    name = "1.0/Google/tpu-v4-2048-TF"
    found = combine(store, [name], benchmarks=("maskrcnn",), interval="controlled", reference="none")
    (part,) = found.summaries[0].components
    assert "convergence-constant" in part.warnings
    assert "convergence-unknown" not in part.warnings


def test_a_benchmark_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    write_tree(tmp_path, submission_files("ACME", "one", "mine[1]", (30.0, 31.0, 32.5)))
    with open_memory() as own:
        ingest(own, [tmp_path], round="local")
        (found,) = combine(own, ["local/ACME/one"], interval="controlled").summaries
    assert found.low < found.estimate < found.high


def test_python_interface() -> None:
    found = ms.combine(QCT, benchmarks=("bert", "rgat"), weights={"bert": 2})
    assert found.weights == pytest.approx((2 / 3, 1 / 3))
