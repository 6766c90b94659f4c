"""How columns of results are headed, explained and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import SIGNIFICANT_DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Kind = Literal["text", "minutes", "number", "whole", "percent", "codes"]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """Heading, explanation and kind of a column."""

    label: str
    help: str
    kind: Kind = "text"


RESULT_COLUMNS: Mapping[str, ColumnText] = {
    "result_id": ColumnText("Result", "Round, submitter, system and benchmark."),
    "round": ColumnText("Round", "Round of MLPerf Training."),
    "division": ColumnText("Division", "Closed: the reference's model and quality; open: anything else."),
    "availability": ColumnText("Availability", "Available, preview, or research and other internal."),
    "submitter": ColumnText("Submitter", "Folder of the submitter."),
    "system": ColumnText("System", "Folder of the system."),
    "benchmark": ColumnText("Benchmark", "Benchmark of the suite."),
    "accelerator": ColumnText("Accelerator", "Model, as the system's description names it."),
    "accelerators": ColumnText("Accelerators", "Number in the whole system.", "whole"),
    "hardware": ColumnText("Hardware", "Accelerators of the whole system and their model."),
    "nodes": ColumnText("Nodes", "Number of nodes.", "whole"),
    "framework": ColumnText("Framework", "As the system's description names it."),
    "gbs": ColumnText("Batch size", "Global batch size; empty where runs differ.", "whole"),
    "runs": ColumnText("Runs", "Run files that are there.", "whole"),
    "runs_converged": ColumnText("Converged", "Runs that reached the target.", "whole"),
    "score_minutes": ColumnText(
        "Score", "Minutes, by the MLPerf rules; empty where they give none.", "minutes"
    ),
    "olympic_minutes": ColumnText("Unscaled score", "The score without the scaling factor.", "minutes"),
    "scaling_factor": ColumnText("Scaling", "Factor of the convergence rule; 1 where there is none."),
    "median_minutes": ColumnText("Median", "Minutes, of the raw times; not official.", "minutes"),
    "median_low": ColumnText("Median low", "Lower end of the interval of the median.", "minutes"),
    "median_high": ColumnText("Median high", "Upper end of the interval of the median.", "minutes"),
    "median_level": ColumnText("Level", "Level that the median's interval attains.", "percent"),
    "gmean_minutes": ColumnText("Geometric mean", "Minutes, of the raw times; not official.", "minutes"),
    "gmean_low": ColumnText("Geometric low", "Lower end of its 95 % interval.", "minutes"),
    "gmean_high": ColumnText("Geometric high", "Upper end of its 95 % interval.", "minutes"),
    "expected_minutes": ColumnText("Expected score", "Expectation of the unscaled score.", "minutes"),
    "expected_low": ColumnText("Expected low", "Lower end of its 95 % interval.", "minutes"),
    "expected_high": ColumnText("Expected high", "Upper end of its 95 % interval.", "minutes"),
    "controlled_minutes": ColumnText(
        "Controlled", "Expected time of a run with the luck of convergence controlled for.", "minutes"
    ),
    "controlled_low": ColumnText("Controlled low", "Lower end of its 95 % interval.", "minutes"),
    "controlled_high": ColumnText("Controlled high", "Upper end of its 95 % interval.", "minutes"),
    "controlled_own_share": ColumnText(
        "Own share", "Share of the controlled estimate's information from its own runs.", "percent"
    ),
    "cv": ColumnText("Spread", "Standard deviation over mean of the converged runs.", "percent"),
    "convergence_points": ColumnText("Points", "Different convergence points of its runs.", "whole"),
    "energy_joules": ColumnText("Energy", "Joules, where power was measured.", "number"),
    "warnings": ColumnText("Warnings", "Codes; they are explained below the table.", "codes"),
}


def configured(names: Mapping[str, ColumnText]) -> dict[str, Any]:
    """Streamlit's configuration of these columns."""
    return {name: _configuration(text) for name, text in names.items()}


def _configuration(text: ColumnText) -> Any:
    match text.kind:
        case "minutes" | "number" | "whole":
            return st.column_config.NumberColumn(text.label, help=text.help, format="plain")
        case "percent":
            return st.column_config.NumberColumn(text.label, help=text.help, format="%.1f%%")
        case "codes":
            return st.column_config.ListColumn(text.label, help=text.help)
        case _:
            return st.column_config.TextColumn(text.label, help=text.help)


def shown(frame: pd.DataFrame, texts: Mapping[str, ColumnText]) -> pd.DataFrame:
    """The columns of ``texts`` as cells: four digits for minutes, percent, harmless text, lists of codes."""
    import pandas as pd

    present = {name: text for name, text in texts.items() if name in frame.columns}
    return pd.DataFrame({name: _cells(frame[name], text.kind) for name, text in present.items()})


def _cells(column: pd.Series[Any], kind: Kind) -> Any:
    match kind:
        case "minutes" | "number":
            return column.map(_four_digits).astype(float)
        case "percent":
            return column.astype(float) * 100
        case "whole":
            return column.astype("Int64")
        case "codes":
            return column.map(lambda codes: [code for code in (codes or "").split(";") if code])
        case _:
            return column.map(lambda value: "" if value is None or value != value else clean(str(value)))


def _four_digits(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or value == 0:
        return value
    return round(value, max(SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))), 0))
