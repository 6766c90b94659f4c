"""Which results are there? — the table, like the published one, with intervals and warnings."""

from __future__ import annotations

from mlperf_dashboards import data
from mlperf_dashboards.parts.columns import RESULT_COLUMNS
from mlperf_dashboards.parts.filters import choose
from mlperf_dashboards.parts.sheet import Sheet

sheet = Sheet("Results", "MLPerf Training results with what their runs say about them.")
frame = data.results_frame(data.current_source())
rows = choose(frame).of(frame)
sheet.table("results", rows, RESULT_COLUMNS, order=["result_id", "score_minutes"], selects="multi-row")
