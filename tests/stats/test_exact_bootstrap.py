"""The bootstrap law without simulation, against enumeration, SciPy's resampling and Hutson & Ernst."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats import resampling
from mlperf_stats.stats.exact_bootstrap import (
    Statistic,
    bootstrap_interval,
    bootstrap_law,
    bootstrap_standard_error,
    enumerated_law,
)

RNG = np.random.default_rng(11)
FIVE = RNG.lognormal(3, 0.1, size=5)
TEN = RNG.lognormal(3, 0.1, size=10)

STATISTICS: dict[Statistic, object] = {
    "median": lambda rows: np.median(rows, axis=-1),
    "mean": lambda rows: np.mean(rows, axis=-1),
    "olympic-mean": lambda rows: np.sort(rows, axis=-1)[..., 1:-1].mean(axis=-1),
}


def test_tables_hold_every_resample() -> None:
    # C(2n - 1, n) multisets of n values: 126 of five, 92 378 of ten (nothing dropped).
    assert resampling.kept_table(5, 0).weights.size == 126
    assert resampling.kept_table(10, 0).weights.size == 92_378
    assert resampling.kept_table(10, 4).weights.size == 55


@pytest.mark.parametrize("statistic", STATISTICS)
def test_law_of_four_values_counts_all_256_resamples(statistic: Statistic) -> None:
    values = FIVE[:4]
    resamples = np.array(list(product(values, repeat=4)))
    drawn = np.sort(STATISTICS[statistic](resamples))
    law = bootstrap_law(values, statistic)
    assert law.weights.sum() == pytest.approx(1, abs=1e-14)
    for value in np.unique(drawn.round(9)):
        share = np.mean(np.abs(drawn - value) < 1e-8)
        assert law.weights[np.abs(law.values - value) < 1e-8].sum() == pytest.approx(share, abs=1e-13)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_short_tables_equal_full_enumeration_at_ten(statistic: Statistic) -> None:
    short, full = bootstrap_law(TEN, statistic), enumerated_law(TEN, STATISTICS[statistic])
    for probability in (0.001, 0.025, 0.31, 0.5, 0.975):
        assert short.quantile(probability) == pytest.approx(full.quantile(probability), rel=1e-13)
    assert short.values @ short.weights == pytest.approx(full.values @ full.weights, rel=1e-12)


def test_geometric_mean_is_the_mean_of_logs() -> None:
    full = enumerated_law(FIVE, lambda rows: np.exp(np.log(rows).mean(axis=-1)))
    found = bootstrap_interval(FIVE, "geometric-mean")
    assert (found.low, found.high) == pytest.approx((full.quantile(0.025), full.quantile(0.975)), rel=1e-12)


@pytest.mark.parametrize("kind", ["percentile", "bca"])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_agrees_with_scipy_up_to_its_monte_carlo_error(statistic: Statistic, kind: str) -> None:
    def peer(rows: np.ndarray, axis: int) -> np.ndarray:
        assert axis in {-1, rows.ndim - 1}
        return STATISTICS[statistic](rows)

    theirs = stats.bootstrap((TEN,), peer, n_resamples=40_000, method=kind, rng=1, batch=10_000)
    ours = bootstrap_interval(TEN, statistic, kind=kind)
    spread = theirs.standard_error
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.06 * spread)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.06 * spread)


def test_five_runs_give_their_range_for_the_median_by_every_kind() -> None:
    for kind in ("percentile", "bca"):
        found = bootstrap_interval(FIVE, "median", kind=kind)
        assert (found.low, found.high) == pytest.approx((FIVE.min(), FIVE.max()))
        assert "bootstrap-few-runs" in found.warnings


@pytest.mark.parametrize("statistic", ["mean", "median", "olympic-mean"])
def test_closed_form_standard_error_is_that_of_the_law(statistic: Statistic) -> None:
    law = bootstrap_law(TEN, statistic)
    mean = law.values @ law.weights
    spread = np.sqrt((law.values - mean) ** 2 @ law.weights)
    assert bootstrap_standard_error(TEN, statistic) == pytest.approx(spread, rel=1e-9)


def test_standard_error_of_the_mean_is_known() -> None:
    values = RNG.lognormal(size=37)
    assert bootstrap_standard_error(values, "mean") == pytest.approx(values.std() / np.sqrt(37), rel=1e-12)


@pytest.mark.parametrize(("statistic", "dropped"), [("mean", 0), ("olympic-mean", 1)])
def test_inverted_law_meets_the_exact_one(statistic: Statistic, dropped: int) -> None:
    ordered = np.sort(TEN)
    exact, inverted = bootstrap_law(TEN, statistic), resampling._inverted_law(ordered, dropped)
    for probability in (0.025, 0.2, 0.5, 0.8, 0.975):
        difference = exact.quantile(probability) - inverted.quantile(probability)
        assert abs(difference) < 0.002 * (ordered[-1] - ordered[0])


def test_beyond_ten_the_law_has_the_closed_form_moments() -> None:
    values = RNG.lognormal(3, 0.25, size=40)
    law = bootstrap_law(values, "olympic-mean", dropped=4)
    mean = law.values @ law.weights
    spread = np.sqrt((law.values - mean) ** 2 @ law.weights)
    # The smoothing of a thousandth of the range adds a variance of its square.
    assert spread == pytest.approx(bootstrap_standard_error(values, "olympic-mean", 4), rel=1e-3)


def test_median_stays_exact_beyond_ten() -> None:
    values = RNG.lognormal(size=25)
    law = bootstrap_law(values, "median")
    # P(resampled median ≤ x(j)) = P(Bin(25, j/25) ≥ 13).
    shares = stats.binom.sf(12, 25, np.arange(1, 26) / 25)
    assert np.cumsum(law.weights) == pytest.approx(shares, abs=1e-12)


def test_bca_of_tied_runs_says_that_it_is_degenerate() -> None:
    found = bootstrap_interval([1, 2, 2, 2, 2, 3], "median", kind="bca")
    assert "bca-degenerate" in found.warnings
    assert found.low <= 2 <= found.high


def test_equal_runs_and_one_run() -> None:
    same, one = bootstrap_interval([4, 4, 4], "mean"), bootstrap_interval([4], "mean")
    assert (same.low, same.high) == (4, 4)
    assert "zero-variance" in same.warnings
    assert (one.low, one.high, one.warnings) == (-np.inf, np.inf, ("single-run",))


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(StatisticsError, match="ten is the most"):
        enumerated_law(range(11), np.median)
    with pytest.raises(StatisticsError, match="one finite number per resample"):
        enumerated_law([1, 2, 3], lambda rows: rows)
    with pytest.raises(StatisticsError, match="at most 200"):
        bootstrap_interval(np.arange(1, 202), "mean")
    with pytest.raises(StatisticsError, match="no bootstrap of 'mode'"):
        bootstrap_interval(FIVE, "mode")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="percentile and bca"):
        bootstrap_interval(FIVE, kind="basic")  # type: ignore[arg-type]
    with pytest.raises(TooFewRunsError, match="at least 3"):
        bootstrap_interval([1, 2], "olympic-mean")
    with pytest.raises(StatisticsError, match="closed form"):
        bootstrap_standard_error(np.arange(61), "mean")
