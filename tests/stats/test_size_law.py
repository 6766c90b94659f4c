"""Prediction of a cell from cells of other sizes and rounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.stats.size_law import CellMean, predict_cell

SPREAD = 0.05**2


def curve(size: float, critical: float = 1000.0) -> float:
    return 2.0 + math.log1p(size / critical)


def cells(sizes: list[float], shift: float = 0.0) -> list[CellMean]:
    return [CellMean(size, curve(size) + shift, 0.005**2) for size in sizes]


def test_nothing_known() -> None:
    assert predict_cell([[]], 8.0, SPREAD) is None
    assert predict_cell([[CellMean(math.nan, 1.0, 0.1)]], 8.0, SPREAD) is None


def test_follows_the_curve_of_large_batches() -> None:
    found = predict_cell([cells([250, 500, 1000, 4000, 8000])], 2000.0, SPREAD)
    assert found is not None
    centre, deviation = found
    assert centre == pytest.approx(curve(2000), abs=0.02)
    assert abs(centre - curve(2000)) < deviation < 0.12


def test_far_sizes_are_less_certain() -> None:
    near = predict_cell([cells([500, 1000, 2000])], 1500.0, SPREAD)
    far = predict_cell([cells([500, 1000, 2000])], 64000.0, SPREAD)
    assert near is not None
    assert far is not None
    assert far[1] > 2 * near[1]


def test_other_rounds_count_less_than_the_same_round() -> None:
    here = predict_cell([cells([900, 1100]), []], 1000.0, SPREAD)
    there = predict_cell([[], cells([900, 1100])], 1000.0, SPREAD)
    assert here is not None
    assert there is not None
    assert there[1] > here[1]
    assert there[0] == pytest.approx(curve(1000), abs=0.03)


def test_a_round_effect_is_seen_where_both_rounds_have_a_size() -> None:
    shifted = predict_cell([cells([500], 0.3), cells([500, 1000])], 1000.0, SPREAD)
    assert shifted is not None
    assert shifted[0] > curve(1000) + 0.1


def test_an_outlying_cell_is_not_believed() -> None:
    good = cells([400, 600, 800, 1200, 1600, 2000])
    plain = predict_cell([good], 1000.0, SPREAD)
    spoilt = predict_cell([[*good, CellMean(1001.0, curve(1000) + 1.5, 0.005**2)]], 1000.0, SPREAD)
    assert plain is not None
    assert spoilt is not None
    assert spoilt[0] == pytest.approx(plain[0], abs=0.25)


def test_without_a_size_all_cells_are_alike() -> None:
    members = [CellMean(math.nan, value, 1e-6) for value in (1.0, 1.1, 0.9, 1.05)]
    found = predict_cell([members], math.nan, SPREAD)
    assert found is not None
    assert found[0] == pytest.approx(np.mean([1.0, 1.1, 0.9, 1.05]), abs=1e-3)
    # A further cell: variance between cells and the error of their mean.
    assert found[1] == pytest.approx(np.std([1.0, 1.1, 0.9, 1.05], ddof=1) * math.sqrt(1.25), rel=0.35)


def test_many_cells_are_cut_to_the_nearest() -> None:
    sizes = list(np.geomspace(10, 1e5, 200))
    found = predict_cell([cells(sizes)], 1000.0, SPREAD)
    assert found is not None
    assert found[0] == pytest.approx(curve(1000), abs=0.01)
