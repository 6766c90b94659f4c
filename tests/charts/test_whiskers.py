"""Axes and whiskers: what is finite is inside, what is not is an arrow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlperf_stats.charts.whiskers import Measure, domain_of, drawn, log_ticks


@given(
    st.lists(st.floats(1e-6, 1e9) | st.sampled_from([math.inf, -math.inf, 0.0]), max_size=20), st.booleans()
)
def test_domain_holds_what_is_finite(values: list[float], log: bool) -> None:
    low, high = domain_of(values, log=log)
    assert math.isfinite(low)
    assert low < high < math.inf
    assert low > 0 or not log
    for value in values:
        if math.isfinite(value) and (value > 0 or not log):
            assert low <= value <= high


@pytest.mark.parametrize(
    ("low", "high", "log", "open_left", "open_right"),
    [
        (2.0, 3.0, True, False, False),
        (2.0, math.inf, True, False, True),
        (0.0, 3.0, True, True, False),
        (0.0, 3.0, False, False, False),
        (-math.inf, math.inf, False, True, True),
    ],
)
def test_open_ends_become_arrows(
    low: float, high: float, log: bool, open_left: bool, open_right: bool
) -> None:
    measure = Measure("minutes", (1.0, 10.0), log)
    found = drawn({"estimate": 2.5, "low": low, "high": high}, measure)
    assert (found["open_left"], found["open_right"]) == (open_left, open_right)
    assert found["left"] == (1.0 if open_left else low)
    assert found["right"] == (10.0 if open_right else high)


@pytest.mark.parametrize(
    ("domain", "ticks"),
    [
        ((1.0, 10.0), [1, 2, 5, 10]),
        ((0.9, 12000.0), [1, 10, 100, 1000, 10000]),
        ((0.96, 1.87), [1, 1.2, 1.4, 1.6, 1.8]),
        ((0.11, 0.33), [0.15, 0.2, 0.25, 0.3]),
    ],
)
def test_logarithmic_ticks(domain: tuple[float, float], ticks: list[float]) -> None:
    assert log_ticks(domain) == ticks


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e9))
def test_logarithmic_axes_have_ticks(low: float, factor: float) -> None:
    ticks = log_ticks((low, low * factor))
    assert 3 <= len(ticks) <= 16
    assert all(low * (1 - 1e-9) <= tick <= low * factor * (1 + 1e-9) for tick in ticks)


def test_share_along_the_axis() -> None:
    assert Measure("x", (1.0, 100.0), log=True).share(10) == pytest.approx(0.5)
    assert Measure("x", (0.0, 4.0)).share(1) == pytest.approx(0.25)
