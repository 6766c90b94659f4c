from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.power_law import power_law, scatter_prior, sized_times

SIZES = [8, 16, 64, 512]
TIMES = [31.0, 17.2, 5.4, 1.3]
EXACT = [0.0] * 4


def test_an_exact_law_is_found_with_its_exponent() -> None:
    family = sized_times(SIZES, [100 * size**-0.8 for size in SIZES], EXACT)
    law = power_law(family)
    assert law.exponent.estimate == pytest.approx(0.8, abs=1e-12)
    assert law.exponent.high - law.exponent.low == pytest.approx(0, abs=1e-6)


def test_without_a_prior_it_is_the_regression_that_scipy_has() -> None:
    peer = stats.linregress(np.log(SIZES), np.log(TIMES))
    law = power_law(sized_times(SIZES, TIMES, EXACT), level=0.9)
    half = stats.t.ppf(0.95, 2) * peer.stderr
    assert law.exponent.estimate == pytest.approx(-peer.slope, rel=1e-12)
    assert law.exponent.low == pytest.approx(-peer.slope - half, rel=1e-10)
    assert law.exponent.high == pytest.approx(-peer.slope + half, rel=1e-10)


def test_units_do_not_matter() -> None:
    first = power_law(sized_times(SIZES, TIMES, EXACT)).exponent
    other = power_law(sized_times([3 * size for size in SIZES], [60 * t for t in TIMES], EXACT)).exponent
    assert (other.estimate, other.low, other.high) == pytest.approx((first.estimate, first.low, first.high))


def test_a_prior_is_averaged_in_by_degrees_of_freedom() -> None:
    family = sized_times(SIZES, TIMES, EXACT)
    law = power_law(family, VariancePrior(df=6.0, variance=0.04, sets=5))
    assert law.scatter**2 == pytest.approx((6 * 0.04 + 2 * family.scatter) / 8)
    assert law.scatter_df == 8


def test_two_sizes_without_others_rest_on_the_times_alone_and_say_so() -> None:
    law = power_law(sized_times([8, 32], [10.0, 3.0], [0.01**2, 0.02**2]))
    # Var(log t1 - log t2) / log(4)^2, normal quantile.
    half = 1.959964 * math.hypot(0.01, 0.02) / math.log(4)
    assert law.exponent.estimate == pytest.approx(math.log(10 / 3) / math.log(4))
    assert law.exponent.high - law.exponent.estimate == pytest.approx(half, rel=1e-6)
    assert law.exponent.warnings == (codes.SCATTER_UNKNOWN,)


def test_it_is_never_surer_than_the_times_are() -> None:
    on_the_line = [100 * size**-0.8 for size in SIZES]
    law = power_law(sized_times(SIZES, on_the_line, [0.1**2] * 4))
    x = np.log(SIZES) - np.log(SIZES).mean()
    least = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(x @ x)
    assert law.exponent.high - law.exponent.estimate == pytest.approx(least)


@pytest.mark.parametrize(("exponent", "growth", "left"), [(1.0, 64, 1.0), (0.5, 4, 0.5), (0.0, 8, 1 / 8)])
def test_efficiency_is_what_the_exponent_leaves(exponent: float, growth: float, left: float) -> None:
    law = power_law(sized_times(SIZES, [10 * size**-exponent for size in SIZES], EXACT))
    assert law.efficiency(growth).estimate == pytest.approx(left)
    assert law.efficiency(growth).estimand == "scaling-efficiency"
    for shrinking in (1.0, 0.5, -2.0, math.nan):
        with pytest.raises(StatisticsError, match="growth"):
            law.efficiency(shrinking)


def test_priors_need_two_families_that_scatter() -> None:
    straight = sized_times([8, 32], [10.0, 3.0], [0.0, 0.0])
    scattered = sized_times(SIZES, TIMES, EXACT)
    assert scatter_prior([straight, scattered]) is None
    assert scatter_prior([scattered, scattered, straight]) is not None


def test_coverage_of_the_exponent_with_a_scatter_borrowed() -> None:
    """Families of 2 to 4 systems with 5 % scatter about exponent 0.85; 8 others of 4 lend their scatter."""
    rng = np.random.default_rng(20)
    hits = {2: 0, 3: 0, 4: 0}
    repetitions = 400

    def family(sizes: list[int]) -> object:
        noise = np.exp(rng.normal(0, 0.05, len(sizes)))
        return sized_times(sizes, np.array(sizes, float) ** -0.85 * noise, [0.0] * len(sizes))

    for _ in range(repetitions):
        prior = scatter_prior([family(SIZES) for _ in range(8)])  # type: ignore[misc]
        for count in hits:
            found = power_law(family(SIZES[:count]), prior).exponent  # type: ignore[arg-type]
            hits[count] += found.low <= 0.85 <= found.high
    # Binomial standard error at 95 %: 1.1 points.
    assert all(0.92 <= hit / repetitions <= 0.985 for hit in hits.values()), hits


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(TooFewRunsError, match="2 distinct"):
        sized_times([8, 8], [1.0, 2.0], [0.0, 0.0])
    with pytest.raises(SampleError, match="one each"):
        sized_times([8, 16], [1.0, 2.0], [0.0])
    with pytest.raises(SampleError, match="negative"):
        sized_times([8, 16], [1.0, 2.0], [0.0, -1.0])
    with pytest.raises(SampleError):
        sized_times([8, 16], [1.0, 0.0], [0.0, 0.0])
