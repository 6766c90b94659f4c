from __future__ import annotations

import math

import pytest

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.recovered_variances import log_deviation, ratio_interval


def interval(estimate: float, low: float, high: float, level: float = 0.95) -> Interval:
    return Interval(estimate, low, high, level, level, "made-up", "geometric-mean", 5)


def normal(estimate: float, deviation: float) -> Interval:
    half = 1.959964 * deviation
    return interval(estimate, estimate * math.exp(-half), estimate * math.exp(half))


def test_normal_intervals_give_the_normal_answer() -> None:
    found = ratio_interval(normal(20, 0.03), normal(5, 0.04))
    assert found.estimate == pytest.approx(4)
    assert found.high == pytest.approx(4 * math.exp(1.959964 * 0.05))
    assert found.low == pytest.approx(4 * math.exp(-1.959964 * 0.05))


def test_asymmetric_limits_by_zou_and_donner() -> None:
    found = ratio_interval(interval(10, 9, 12), interval(5, 4, 5.5), factor=2)
    # Formula 6: low = d - sqrt((a - la)^2 + (ub - b)^2), on logs.
    below = math.hypot(math.log(10 / 9), math.log(5.5 / 5))
    above = math.hypot(math.log(12 / 10), math.log(5 / 4))
    assert (found.low, found.estimate, found.high) == pytest.approx(
        (4 * math.exp(-below), 4, 4 * math.exp(above))
    )


def test_the_other_way_round_is_the_reciprocal() -> None:
    one, other = interval(10, 9, 12), interval(5, 4, 5.5)
    there, back = ratio_interval(one, other), ratio_interval(other, one)
    assert (1 / back.high, 1 / back.estimate, 1 / back.low) == pytest.approx(
        (there.low, there.estimate, there.high)
    )


def test_an_open_interval_opens_the_ratio() -> None:
    found = ratio_interval(interval(10, 0, math.inf), interval(5, 4, 6))
    assert (found.low, found.high) == (0, math.inf)


def test_a_ratio_beyond_all_numbers_is_infinite() -> None:
    wide = interval(1, 1e-300, 1e300)
    found = ratio_interval(wide, wide)
    assert (found.low, found.high) == (0.0, math.inf)


def test_deviation_of_a_normal_interval() -> None:
    assert log_deviation(normal(7, 0.02)) == pytest.approx(0.02)
    assert log_deviation(interval(7, 0, 9)) == math.inf


def test_refusals() -> None:
    with pytest.raises(StatisticsError, match="levels"):
        ratio_interval(interval(1, 0.5, 2), interval(1, 0.5, 2, level=0.9))
    with pytest.raises(StatisticsError, match="positive"):
        ratio_interval(interval(0, 0, 2), interval(1, 0.5, 2))
