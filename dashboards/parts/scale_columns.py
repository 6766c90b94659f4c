"""Columns of scaling, performance profiles and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_dashboards.parts.columns import ColumnText
from mlperf_dashboards.parts.result_columns import RESULT_COLUMNS
from mlperf_stats.analysis.profile import SHOWN_FACTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

_KIND = ColumnText("Accelerator", "Kind, spellings made one.")

SCALE_COLUMNS: Mapping[str, ColumnText] = {
    "result_id": RESULT_COLUMNS["result_id"],
    "accelerator_kind": _KIND,
    "accelerators": RESULT_COLUMNS["accelerators"],
    "gbs": RESULT_COLUMNS["gbs"],
    "minutes": ColumnText("Minutes", "Expected time, convergence controlled.", "minutes"),
    "minutes_low": ColumnText("Low", "Lower end of its interval.", "minutes"),
    "minutes_high": ColumnText("High", "Upper end of its interval.", "minutes"),
    "accelerator_minutes": ColumnText("Acc-min", "Minutes times accelerators; derived.", "minutes"),
    "efficiency": ColumnText("Efficiency", "Against the family's smallest system.", "percent"),
    "efficiency_low": ColumnText("from", "Lower end of its interval.", "percent"),
    "efficiency_high": ColumnText("to", "Upper end of its interval.", "percent"),
    "differs": ColumnText("Differs", "Whether the loss or gain is more than noise."),
    "cost": ColumnText("Cost", "At the price given.", "number"),
    "energy_joules": RESULT_COLUMNS["energy_joules"],
    "base": ColumnText("Base", "The family's smallest system."),
    "warnings": RESULT_COLUMNS["warnings"],
}
FIT_COLUMNS: Mapping[str, ColumnText] = {
    "round": RESULT_COLUMNS["round"],
    "submitter": RESULT_COLUMNS["submitter"],
    "accelerator_kind": _KIND,
    "results": ColumnText("Results", "Of the family.", "whole"),
    "from_accelerators": ColumnText("From", "Accelerators of the smallest.", "whole"),
    "to_accelerators": ColumnText("To", "Accelerators of the largest.", "whole"),
    "doubling": ColumnText("Per doubling", "Factor of the time when accelerators double.", "minutes"),
    "doubling_low": ColumnText("low", "Lower end of its interval.", "minutes"),
    "doubling_high": ColumnText("high", "Upper end of its interval.", "minutes"),
    "efficiency": ColumnText("Efficiency", "Of a doubling.", "percent"),
    "differs": ColumnText("Differs", "From ideal, by more than noise."),
    "warnings": RESULT_COLUMNS["warnings"],
}
PROFILE_COLUMNS: Mapping[str, ColumnText] = {
    "submission": ColumnText("System", "Round, submitter and system."),
    "accelerators": RESULT_COLUMNS["accelerators"],
    "benchmarks": ColumnText("Has", "Benchmarks.", "whole"),
    **{
        f"within_{factor:g}": ColumnText(
            "Best" if factor == 1 else f"≤ {factor:g}×",
            "Share of the benchmarks on which it takes at most so many times as long as the best.",
            "percent",
        )
        for factor in SHOWN_FACTORS
    },
    "missing": ColumnText("Missing", "A missing benchmark counts as never close to the best.", "codes"),
}
HISTORY_COLUMNS: Mapping[str, ColumnText] = {
    "round": RESULT_COLUMNS["round"],
    "benchmark": RESULT_COLUMNS["benchmark"],
    "results": ColumnText("Results", "Of the round.", "whole"),
    "minutes": ColumnText("Fastest", "Minutes, convergence controlled.", "minutes"),
    "minutes_low": ColumnText("low", "Lower end of its interval.", "minutes"),
    "minutes_high": ColumnText("high", "Upper end of its interval.", "minutes"),
    "minutes_change": ColumnText("Change", "Factor to the round before.", "minutes"),
    "minutes_differs": ColumnText("Differs", "Whether the change is more than noise."),
    "minutes_accelerators": ColumnText("Accelerators", "Of the fastest.", "whole"),
    "minutes_result": ColumnText("Result", "The fastest."),
    "accelerator_minutes": ColumnText("Fewest acc-min", "Accelerator-minutes; derived.", "minutes"),
    "accelerator_minutes_low": ColumnText("acc low", "Lower end of its interval.", "minutes"),
    "accelerator_minutes_high": ColumnText("acc high", "Upper end of its interval.", "minutes"),
    "accelerator_minutes_change": ColumnText("acc change", "Factor to the round before.", "minutes"),
    "accelerator_minutes_result": ColumnText("acc result", "The one with the fewest."),
    "changed": ColumnText("New because", "What makes it another benchmark than before."),
}
