"""Who lends to whom among results of the published snapshot, and what the estimates make of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.analysis.lenders import Lenders, accelerator_kind, as_converged_runs, identities, lineage
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.splits import COLUMNS, validate_splits
from mlperf_stats.errors import InputError, StatisticsError
from mlperf_stats.store import Store, open_snapshot
from mlperf_stats.store.queries import Filters, list_results

RGAT = Filters(benchmarks=("rgat",))


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


@pytest.fixture(scope="module")
def lenders(snapshot: Store) -> Lenders:
    return Lenders(snapshot, Filters(benchmarks=("rgat", "gnn", "unet3d")))


def first(lenders: Lenders, benchmark: str, round_: str) -> RunSet:
    return next(
        one for one in lenders.sets if (one.result.benchmark, one.result.round) == (benchmark, round_)
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NVIDIA H100-SXM5-80GB", "h100"),
        ("NVIDIA A100-PCIe-40GB", "a100-pcie"),
        ("TPU-v3", "tpu-v3"),
        ("", ""),
    ],
)
def test_accelerators_of_one_kind_have_one_name(text: str, kind: str) -> None:
    assert accelerator_kind(text) == kind


def test_lineage_is_kind_and_number(lenders: Lenders) -> None:
    result = first(lenders, "rgat", "5.0").result
    assert lineage(replace(result, accelerator="NVIDIA H200-SXM", accelerators=8)) == "h200x8"
    assert lineage(replace(result, accelerator="", accelerators=None)) == "x?"


def test_runs_that_were_filed_again_with_edits_are_known(snapshot: Store) -> None:
    """Of round 2.0 and again of 3.0: other bytes, the same seeds, starts and stops."""
    bert = Lenders(snapshot, Filters(benchmarks=("bert",)))
    system = "Dell/4xXE8545x4A100-SXM-80GB/bert"
    early, late = (
        next(one for one in bert.sets if one.result.result_id == f"{round_}/{system}")
        for round_ in ("2.0", "3.0")
    )
    assert {run.content_hash for run in early.present}.isdisjoint(run.content_hash for run in late.present)
    assert identities(early) == identities(late)
    prior = bert.prior_of(late)
    assert prior is not None
    assert early.result.result_id not in prior.peers.other_rounds
    # To others these runs lend once, in the round where they were filed first.
    other = next(one for one in bert.sets if one.result.round == "3.0" and one is not late)
    peers = bert.prior_of(other)
    assert peers is not None
    assert late.result.result_id not in peers.peers.same_size + peers.peers.other_sizes


def test_nobody_lends_to_itself_nor_to_whom_it_shares_a_log_with(lenders: Lenders) -> None:
    for item in lenders.sets:
        prior = lenders.prior_of(item)
        if prior is None:
            continue
        lent = {*prior.peers.same_size, *prior.peers.other_sizes, *prior.peers.other_rounds}
        shared = {other.result.result_id for other in lenders.sets if identities(other) & identities(item)}
        assert not lent & (shared | {item.result.result_id})


def test_a_submitter_can_be_left_out_whole(lenders: Lenders) -> None:
    item = first(lenders, "unet3d", "2.0")
    prior = lenders.prior_of(item, by="submitter")
    assert prior is not None
    everybody = (*prior.peers.same_size, *prior.peers.other_sizes, *prior.peers.other_rounds)
    assert not [name for name in everybody if f"/{item.result.submitter}/" in name]


def test_strict_and_quick_priors_agree(lenders: Lenders) -> None:
    item = first(lenders, "rgat", "5.0")
    strict, quick = lenders.prior_of(item, strict=True), lenders.prior_of(item)
    assert strict is not None
    assert quick is not None
    assert strict.peers == quick.peers
    assert quick.convergence.spread == pytest.approx(strict.convergence.spread, rel=0.2)


def test_the_reference_lends_in_its_round_and_division(snapshot: Store, lenders: Lenders) -> None:
    item = first(lenders, "rgat", "5.0")
    prior = lenders.prior_of(item)
    assert prior is not None
    everybody = (*prior.peers.same_size, *prior.peers.other_sizes)
    assert [name for name in everybody if name.startswith("reference at batch size ")]
    assert not [name for name in prior.peers.other_rounds if name.startswith("reference")]
    without = Lenders(snapshot, RGAT, references=False)
    plain = without.prior_of(first(without, "rgat", "5.0"))
    assert plain is not None
    assert not [name for name in (*plain.peers.same_size, *plain.peers.other_sizes) if "reference" in name]


def test_a_lone_result_borrows_from_the_reference(snapshot: Store) -> None:
    result = list_results(snapshot, RGAT)[0]
    alone = Filters(benchmarks=("rgat",), submitters=(result.submitter,), systems=(result.system,))
    lenders = Lenders(snapshot, alone)
    assert len(lenders.sets) == 1
    prior = lenders.prior_of(lenders.sets[0])
    assert prior is not None
    assert all(name.startswith("reference") for name in (*prior.peers.same_size, *prior.peers.other_sizes))
    assert Lenders(snapshot, alone, references=False).prior_of(lenders.sets[0]) is None


def test_runs_that_cannot_be_compared_are_not_pooled(lenders: Lenders) -> None:
    item = first(lenders, "rgat", "5.0")
    runs = as_converged_runs(item)
    assert runs is not None
    assert runs.n == len(item.minutes)
    pointless = replace(item, present=tuple(replace(run, convergence_point=None) for run in item.present))
    assert as_converged_runs(pointless) is None
    mixed = [replace(item.present[0], convergence_unit="sample"), *item.present[1:]]
    assert as_converged_runs(replace(item, present=tuple(mixed))) is None


def test_estimates_of_a_benchmark_are_sound(snapshot: Store) -> None:
    estimates = ControlledEstimates(snapshot, RGAT)
    for result in list_results(snapshot, RGAT):
        found = estimates.of(result.key, 0.95)
        assert found is not None
        interval = found.geometric_mean
        assert 0 < interval.low < interval.estimate < interval.high < math.inf
        assert 0 <= found.own_share <= 1
        assert found.peers.same_size or found.peers.other_sizes
    assert estimates.of(("main", -1), 0.95) is None


def test_splits_of_a_benchmark_keep_their_promise(snapshot: Store) -> None:
    """16 results, 10 splits each: the published tables have 20 (docs/validation/controlled.md)."""
    rows = validate_splits(snapshot, RGAT, repeats=10).rows
    assert [(row["benchmark"], row["method"]) for row in rows] == [
        (name, method) for name in ("rgat", "ALL") for method in ("t_log", "moderated", "controlled")
    ]
    found = rows[2]
    assert (found["submissions"], found["splits"], found["by"], found["runs"]) == (16, 160, "submission", 3)
    assert found["coverage"] > 0.92
    assert found["untied_width_ratio"] < 0.25
    assert set(COLUMNS) == set(found)


def test_splits_depend_on_the_seed_alone(snapshot: Store) -> None:
    one, again, other = (
        validate_splits(snapshot, RGAT, repeats=2, seed=seed).rows[2]["median_half_width"]
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_unusable_questions_are_refused(snapshot: Store) -> None:
    with pytest.raises(InputError, match="submitter"):
        validate_splits(snapshot, RGAT, by="system")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="seed"):
        validate_splits(snapshot, RGAT, seed=-1)
    with pytest.raises(StatisticsError):
        validate_splits(snapshot, RGAT, runs=0)
    with pytest.raises(StatisticsError):
        validate_splits(snapshot, RGAT, repeats=0)
    assert validate_splits(snapshot, RGAT, runs=10_000).rows == ()
