"""Tables as files, where forms differ in what a cell can hold."""

from __future__ import annotations

import math
from pathlib import Path

import openpyxl

from mlperf_stats.store.tables import write_table


def test_a_worksheet_has_empty_cells_for_open_ends(tmp_path: Path) -> None:
    """They were divisions by zero, which every sum over the column would have become."""
    path = tmp_path / "table.xlsx"
    columns = {"low": "real", "high": "real"}
    assert write_table(columns, [(-math.inf, 1.5), (1.0, math.inf), (0.5, math.nan)], path) == 3
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert list(sheet.values)[1:] == [(None, 1.5), (1, None), (0.5, None)]
