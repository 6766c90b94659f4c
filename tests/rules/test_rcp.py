"""The RCP test against the rules' worked examples, constructed cases and the official checker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from official_rcp import MISSED, checker, official_verdict

from mlperf_stats.errors import InputError, NoReferenceError
from mlperf_stats.rules.rcp import Basis, Variant, Verdict, exact_p_value, limit_at, limits, rcp_test
from mlperf_stats.rules.rcp_data import (
    ReferencePoint,
    ReferenceSet,
    has_references,
    reference_set,
    reference_values,
)
from mlperf_stats.rules.suite import benchmark, suite
from mlperf_stats.store import Filters, open_snapshot
from mlperf_stats.store.queries import list_results, runs_of

TEXT, CODE = Variant.RULES_TEXT, Variant.OFFICIAL_CODE
ROUNDS = ("1.0", "2.0", "3.0", "4.0", "5.0")


def made(*points: tuple[int, Sequence[float]], name: str = "resnet", round_name: str = "4.0") -> ReferenceSet:
    """References of a benchmark with N = 5, one dropped on each side."""
    ordered = (ReferencePoint(gbs, tuple(sorted(values))) for gbs, values in points)
    return ReferenceSet(benchmark(round_name, name), tuple(ordered))


# The examples of the rules' appendix: N = 5, ten reference runs at two batch sizes.
EXAMPLE = made(
    (128, [16, 14, 16, 17, 16, 16, 15, 16, 15, 16]), (256, [20, 21, 21, 20, 22, 22, 21, 21, 20, 20])
)


@pytest.mark.parametrize(
    ("gbs", "variant", "mean", "sd", "speedup", "minimum"),
    [
        (128, TEXT, 15.75, 0.43, 0.0353, 15.21),
        (256, TEXT, 20.75, 0.66, 0.0412, 19.93),
        (192, TEXT, 18.25, 0.547, 0.0368, 17.60),
        (128, CODE, 15.75, 0.78, 0.0656, 14.78),
    ],
)
def test_worked_examples(
    gbs: int, variant: Variant, mean: float, sd: float, speedup: float, minimum: float
) -> None:
    _, limit = limit_at(gbs, EXAMPLE, variant)
    assert limit is not None
    assert limit.mean == pytest.approx(mean)
    assert limit.sd == pytest.approx(sd, abs=0.005)
    assert limit.max_speedup == pytest.approx(speedup, abs=0.0001)
    assert limit.minimum == pytest.approx(minimum, abs=0.01)


@pytest.mark.parametrize(
    ("points", "gbs", "verdict", "basis", "mean"),
    [
        ([15, 15, 15, 16, 16], 128, Verdict.PASSED, Basis.FOUND, 15 + 1 / 3),
        ([19, 19, 19, 20, 21], 256, Verdict.FAILED, Basis.FOUND, 19 + 1 / 3),
        ([17, 18, 18, 18, 20], 192, Verdict.PASSED, Basis.INTERPOLATED, 18),
    ],
)
def test_worked_submissions(
    points: list[float], gbs: int, verdict: Verdict, basis: Basis, mean: float
) -> None:
    result = rcp_test(points, gbs, EXAMPLE, TEXT)
    assert (result.verdict, result.basis) == (verdict, basis)
    assert result.mean == pytest.approx(mean)


def test_pass_faster_than_the_reference_is_normalised_and_a_slower_one_is_not() -> None:
    faster = rcp_test([15, 15, 15, 16, 16], 128, EXAMPLE, TEXT)
    assert faster.normalisation == pytest.approx(15.75 / (46 / 3))
    assert rcp_test([17, 17, 17, 17, 17], 128, EXAMPLE, TEXT).normalisation == 1.0
    assert rcp_test([19, 19, 19, 20, 21], 256, EXAMPLE, TEXT).normalisation == 1.0


def test_too_small_batch_is_held_against_the_smallest_point() -> None:
    slow = rcp_test([15, 15, 16, 16, 16], 64, EXAMPLE, TEXT)
    assert (slow.verdict, slow.basis) == (Verdict.PASSED, Basis.SMALLEST)
    fast = rcp_test([12, 12, 12, 13, 13], 64, EXAMPLE, TEXT)
    assert (fast.verdict, fast.basis) == (Verdict.MISSING, Basis.SMALLEST)


def test_too_large_batch_is_missing() -> None:
    result = rcp_test([30] * 5, 512, EXAMPLE, TEXT)
    assert (result.verdict, result.basis, result.limit) == (Verdict.MISSING, Basis.NONE, None)


def test_runs_that_missed_the_target() -> None:
    assert rcp_test([15, 15, 16, 16, None], 128, EXAMPLE, TEXT).mean == pytest.approx(47 / 3)
    assert rcp_test([15, 15, 16, None, None], 128, EXAMPLE, TEXT).verdict is Verdict.NOT_CONVERGED
    assert rcp_test([15, 15], 128, EXAMPLE, TEXT).verdict is Verdict.NOT_CONVERGED


def test_pruning() -> None:
    """8 is below the fastest; 64 is above the line 32–128 (11.27), 128 below the line 32–256 (13.86)."""
    known = made((8, [20] * 10), (32, [10] * 10), (64, [13] * 10), (128, [13.8] * 10), (256, [19] * 10))
    assert [limit.gbs for limit in limits(known, TEXT)] == [32, 128, 256]
    assert [limit.gbs for limit in limits(known, TEXT, prune=False)] == [8, 32, 64, 128, 256]


def test_no_spread_makes_the_mean_the_limit() -> None:
    _, limit = limit_at(32, made((32, [10] * 10)), TEXT)
    assert limit is not None
    assert limit.minimum == 10
    assert limit.max_speedup == 0


def test_leniency_begins_with_the_round() -> None:
    points = (2304, [400_000.0] * 6)
    now = made(points, name="llama31_405b", round_name="5.0")
    rules = replace(now.benchmark, round="4.1")
    assert rcp_test([360_000] * 3, 2304, now, CODE).verdict is Verdict.PASSED
    assert rcp_test([350_000] * 3, 2304, now, CODE).verdict is Verdict.FAILED
    assert rcp_test([360_000] * 3, 2304, replace(now, benchmark=rules), CODE).verdict is Verdict.FAILED


def test_exact_test_counts_ties_and_failures() -> None:
    """By hand: reference 1, 1, 2, 2; C(6, 2) = 15 splits of six pooled values.

    Runs 1, 1: mid-ranks 2.5 (four) and 5.5 (two); 6 splits have the rank sum 5 and none a smaller one.
    Runs 1 and one that missed: mid-ranks 2 (three), 4.5 (two), 6; sums up to 8 in 3 + 6 + 3 splits.
    """
    known = made((8, [1, 1, 2, 2]))
    assert exact_p_value([1, 1], 8, known) == pytest.approx(6 / 15)
    assert exact_p_value([1, None], 8, known) == pytest.approx(12 / 15)
    assert exact_p_value([1, 1], 16, known) is None


@pytest.mark.parametrize(
    ("points", "gbs"), [([1.0, -1.0, 1.0], 8), ([1.0, math.nan, 2.0], 8), ([1.0] * 3, 0)]
)
def test_impossible_input(points: list[float], gbs: int) -> None:
    with pytest.raises(InputError):
        rcp_test(points, gbs, EXAMPLE, TEXT)


def test_rounds_without_references_say_which_have_some() -> None:
    with pytest.raises(NoReferenceError, match=r"rounds 1\.0, .*4\.0 have some"):
        reference_set("0.6", "resnet")
    assert not has_references("2.0", "minigo")


def test_missing_tool_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlperf_stats.rules import rcp_data

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoReferenceError, match=r"mlperf-stats\[rcp\]"):
        rcp_data._folders.__wrapped__()


def test_reference_values_for_others() -> None:
    values, unit = reference_values("5.0", "bert")
    assert unit == "sample"
    assert len(values) == 13
    assert values[3072] == tuple(sorted(values[3072]))


@pytest.mark.parametrize("round_name", ROUNDS)
def test_limits_equal_the_official_checker(round_name: str) -> None:
    compared = 0
    for rules in suite(round_name):
        if not has_references(round_name, rules.name):
            continue
        official = checker(round_name, rules.name)
        for prune, records in ((False, official.rcp_data), (True, official.pruned_rcp_data)):
            ours = limits(reference_set(round_name, rules.name), CODE, prune=prune)
            theirs = sorted(records.values(), key=lambda record: record["BS"])
            assert [limit.gbs for limit in ours] == [record["BS"] for record in theirs]
            for limit, record in zip(ours, theirs, strict=True):
                assert limit.mean == pytest.approx(record["RCP Mean"], abs=1e-4)
                assert limit.sd == pytest.approx(record["RCP Stdev"], abs=1e-4)
                assert limit.minimum == pytest.approx(record["Min Epochs"], abs=1e-4)
                compared += 1
    assert compared > 40


@pytest.mark.parametrize("round_name", ROUNDS)
def test_published_results_equal_the_official_checker(round_name: str) -> None:
    """Every closed result of the snapshot, both codes on the convergence points that we read."""
    verdicts = set()
    with open_snapshot() as store:
        results = list_results(store, Filters(rounds=(round_name,), divisions=("closed",)))
        runs = runs_of(store, results)
    for result in results:
        filed = runs.get(result.key, [])
        sizes = {run.gbs for run in filed} - {None}
        points = [run.convergence_point if run.status == "converged" else None for run in filed]
        usable = all(run.convergence_point for run in filed if run.status == "converged")
        if not has_references(round_name, result.benchmark) or len(sizes) != 1 or not usable:
            continue
        rules = benchmark(round_name, result.benchmark)
        ours = rcp_test(points, sizes.pop(), reference_set(round_name, result.benchmark), CODE)
        if ours.verdict is Verdict.NOT_CONVERGED:
            continue
        marked = [MISSED if point is None else round(point, 3) for point in points]
        theirs = official_verdict(round_name, rules.name, ours.gbs, marked, rules.dropped_each_side)
        verdicts.add((ours.verdict, ours.basis))
        assert (ours.verdict is Verdict.PASSED) == theirs.passed, result.result_id
        assert ours.mean == pytest.approx(theirs.mean, abs=1e-4) or theirs.mean is None
        if ours.limit is not None:
            assert ours.limit.accepted_from == pytest.approx(theirs.limit, abs=1e-4), result.result_id
        if ours.verdict is Verdict.PASSED:
            assert ours.normalisation == pytest.approx(theirs.normalisation, abs=1e-4), result.result_id
    assert (Verdict.PASSED, Basis.FOUND) in verdicts
