from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.size_curve import size_curve

SIZES = np.array([256.0, 1024.0, 4096.0, 16384.0, 65536.0])


def work(critical: float, least: float = 35.0) -> np.ndarray:
    return least * (1 + SIZES / critical)


def test_an_exact_law_is_found() -> None:
    curve = size_curve(SIZES, work(20_000), [1e-8] * 5)
    assert curve.critical.estimate == pytest.approx(20_000, rel=0.01)
    assert curve.critical.low < 20_000 < curve.critical.high
    assert curve.at(0).estimate == pytest.approx(35, rel=5e-3)
    assert curve.at(8192).estimate == pytest.approx(35 * (1 + 8192 / 20_000), rel=5e-3)
    grown = (1 + 65536 / 20_000) / (1 + 256 / 20_000)
    assert curve.growth(256, 65536).estimate == pytest.approx(grown, rel=0.01)
    assert curve.critical.warnings == ()


def test_units_of_work_and_size_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    noisy = work(20_000) * np.exp(rng.normal(0, 0.03, 5))
    one = size_curve(SIZES, noisy, [0.0] * 5)
    other = size_curve(SIZES * 7, noisy * 1e6, [0.0] * 5)
    assert other.critical.estimate == pytest.approx(7 * one.critical.estimate)
    assert other.at(7 * 5000).high == pytest.approx(1e6 * one.at(5000).high)
    assert other.growth(7 * 256, 7 * 4096).low == pytest.approx(one.growth(256, 4096).low)


def test_without_a_bend_the_critical_size_is_open() -> None:
    flat = size_curve(SIZES, [35.0, 35.1, 34.9, 35.0, 35.05], [0.0] * 5)
    assert flat.critical.high == math.inf
    assert flat.critical.low > SIZES[-1]
    assert flat.critical.warnings == (codes.CRITICAL_SIZE_OPEN,)
    assert flat.growth(SIZES[0], SIZES[-1]).high < 1.05
    proportional = size_curve(SIZES, SIZES / 7, [1e-6] * 5)
    assert proportional.critical.low == 0
    assert proportional.critical.warnings == (codes.CRITICAL_SIZE_OPEN,)


def test_means_on_a_curve_are_as_unsure_as_their_runs() -> None:
    narrow = size_curve(SIZES, work(20_000), [1e-8] * 5).at(4096)
    wide = size_curve(SIZES, work(20_000), [0.05**2] * 5).at(4096)
    assert wide.half_width_relative > 10 * narrow.half_width_relative


def test_coverage_of_the_curve_and_of_the_critical_size() -> None:
    """Five sizes, 4 % scatter about laws with the bend below, inside and above them."""
    rng = np.random.default_rng(5)
    repetitions = 150
    for critical in (500.0, 8_000.0, 100_000.0):
        truth = work(critical)
        size_hits = curve_hits = 0
        for _ in range(repetitions):
            curve = size_curve(SIZES, truth * np.exp(rng.normal(0, 0.04, 5)), [0.0] * 5)
            size_hits += curve.critical.low <= critical <= curve.critical.high
            band = curve.at(4096)
            curve_hits += band.low <= truth[2] <= band.high
        # Binomial standard error at 95 %: 1.8 points.
        assert size_hits / repetitions >= 0.91, critical
        assert curve_hits / repetitions >= 0.91, critical


def test_refusals() -> None:
    with pytest.raises(TooFewRunsError, match="3 distinct"):
        size_curve([1, 2, 2], [1.0, 2.0, 3.0], [0, 0, 0])
    with pytest.raises(SampleError, match="one of each"):
        size_curve([1, 2, 3], [1.0, 2.0, 3.0], [0, 0])
    with pytest.raises(SampleError, match="negative"):
        size_curve([1, 2, 3], [1.0, 2.0, 3.0], [0, 0, -1])
    with pytest.raises(SampleError):
        size_curve([1, 2, 3], [1.0, -2.0, 3.0], [0, 0, 0])
