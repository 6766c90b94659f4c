"""The tables of ``scale``: columns for reading and the notes below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.text.numbers import count, interval, minutes, progress
from mlperf_stats.text.warnings import warning_cell

if TYPE_CHECKING:
    from mlperf_stats.analysis.scale_differences import Measure

NOISE = "~"
NOISE_NOTE = "~: the interval holds 1, so the difference may be noise."
_EXPECTED = "expected time of a run (geometric mean, raw times) with the luck of convergence controlled for"
TIME_NOTE = f"Minutes: {_EXPECTED}. Acc-min: minutes × accelerators."
EFFICIENCY_NOTE = (
    "Efficiency: accelerator-minutes of the submitter's smallest system of this accelerator over this one's; "
    "1 is ideal."
)
FIT_NOTES = (
    "Time ∝ accelerators^-exponent over the results of one submitter and accelerator; 1 is ideal. Doubling, "
    "span: share of the ideal speed-up left by twice the accelerators, and from smallest to largest.",
    "Scatter: standard deviation of results about the line, moderated by the other lines of the round. The "
    "intervals include it.",
)
DIFFERENCE_NOTE = (
    "Ratio: to the best of the round and division, whose choice the simultaneous intervals allow for. "
    "{noise} ≥{factor}×: the whole interval is at {factor} or above."
)
PART_NOTES = (
    "Loss: accelerator-minutes of the larger system over the smaller one's, from own times. Throughput: the "
    "part of time per unit of training. Convergence: the part of training needed. Product: both together.",
    "Check: does the measured loss lie where own throughput and the convergence of all others put it?",
    "Reference: the convergence part as the reference has it at these batch sizes (RCPs).",
)
CURVE_NOTES = (
    "Work: mean training to the target at a batch size, in the unit of the logs, with its interval (none "
    "where two results alone show how results scatter). Law: least work × (1 + batch size ÷ critical size), "
    "with its band; it needs three sizes.",
    "Reference: runs of the reference implementation (RCPs), where the package that holds them is installed.",
)
LAW_NOTES = (
    "Work = least × (1 + batch size ÷ critical): larger batches cost little below the critical size and "
    "buy little above it. Loss: work at the largest over work at the smallest batch size.",
)


def ratios(name: str) -> CellText:
    """The interval of a ratio."""
    return lambda row: interval(row[f"{name}_low"], row[f"{name}_high"])


def unless_noise(name: str) -> CellText:
    """The ratio ``name`` of a row, or ``~`` where its interval holds 1."""

    def cell(row: Mapping[str, Any], /) -> str:
        if row[name] is None:
            return ""
        return NOISE if row[f"{name}_low"] <= 1 <= row[f"{name}_high"] else minutes(row[name])

    return cell


def nothing_fitted(results: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no line."""
    usable = [row for row in results if row["accelerator_minutes"] is not None]
    families = {
        (row["round"], row["division"], row["submitter"].casefold(), row["accelerator_kind"])
        for row in usable
    }
    return (
        "Nothing to fit: a line takes two numbers of accelerators or more from one submitter on one kind of "
        f"accelerator, in one round and division. Results with a time and a number: {len(usable)}, from "
        f"{len(families)} of such families."
    )


def _minutes(name: str) -> CellText:
    return lambda row: minutes(row[name])


def _text(name: str) -> CellText:
    return lambda row: str(row[name])


def _count(name: str) -> CellText:
    return lambda row: count(row[name])


def _energy(row: Mapping[str, Any]) -> str:
    """Megajoules."""
    joules = row["energy_joules"]
    return "" if joules is None else minutes(joules / 1e6)


def result_view(rows: Sequence[Mapping[str, Any]], *, priced: bool) -> list[Column]:
    """Results by size; cost where there is a price, energy where any was measured."""
    columns = [
        Column("Result", _text("result_id"), is_id=True),
        Column("Acc", _count("accelerators"), justify="right"),
        Column("Minutes", _minutes("minutes"), justify="right"),
        Column("Acc-min", _minutes("accelerator_minutes"), justify="right"),
        Column(
            "Interval",
            lambda row: interval(row["accelerator_minutes_low"], row["accelerator_minutes_high"]),
            justify="right",
            leaves=2,
        ),
    ]
    if priced:
        columns.append(Column("Cost", _minutes("cost"), justify="right"))
    if any(row["energy_joules"] is not None for row in rows):
        columns.append(Column("MJ", _energy, justify="right"))
    return [
        *columns,
        Column("Efficiency", unless_noise("efficiency"), justify="right"),
        Column("Interval", ratios("efficiency"), justify="right", leaves=1),
    ]


FIT_VIEW = (
    Column("Round", _text("round"), leaves=4),
    Column("Submitter", _text("submitter")),
    Column("Accelerator", _text("accelerator_kind")),
    Column("From", _count("from_accelerators"), justify="right"),
    Column("To", _count("to_accelerators"), justify="right"),
    Column("Results", _count("results"), justify="right", leaves=3),
    Column("Exponent", unless_noise("exponent"), justify="right"),
    Column("Interval", ratios("exponent"), justify="right"),
    Column("Doubling", unless_noise("doubling"), justify="right"),
    Column("Span", unless_noise("efficiency"), justify="right"),
    Column("Scatter", _minutes("scatter"), justify="right", leaves=1),
    Column("Warnings", warning_cell, wraps=True, leaves=2),
)


_AMOUNTS = {"minutes": "Minutes", "accelerator-minutes": "Acc-min"}
"""By measure the header of what is compared."""


def difference_notes(measure: Measure, factor: float) -> list[str]:
    """What is compared, and how with the best."""
    times = "" if measure == "minutes" else "accelerators × "
    return [
        f"{_AMOUNTS[measure]}: {times}{_EXPECTED}.",
        DIFFERENCE_NOTE.format(noise=NOISE_NOTE, factor=f"{factor:g}"),
    ]


def difference_view(measure: Measure, factor: float) -> list[Column]:
    """Results against the best, in the unit of the measure."""

    def verdict(row: Mapping[str, Any]) -> str:
        said = {"noise": NOISE, "factor": f"≥{factor:g}×", "best": "best"}
        return said.get(row["verdict"], "")

    return [
        Column("Result", _text("result_id"), is_id=True),
        Column("Acc", _count("accelerators"), justify="right"),
        Column(_AMOUNTS[measure], _minutes("value"), justify="right"),
        Column("Ratio", unless_noise("ratio"), justify="right"),
        Column("Interval", ratios("ratio"), justify="right", leaves=1),
        Column("Verdict", verdict),
    ]


def _pair(row: Mapping[str, Any]) -> str:
    return f"{row['smaller_accelerators']}→{row['larger_accelerators']}"


def _sizes(row: Mapping[str, Any]) -> str:
    return f"{row['smaller_gbs'] or '?'}→{row['larger_gbs'] or '?'}"


def _agrees(row: Mapping[str, Any]) -> str:
    return "" if row["agrees"] is None else "yes" if row["agrees"] else "no"


PART_VIEW = (
    Column("Larger result", _text("larger"), is_id=True),
    Column("Acc", _pair, justify="right"),
    Column("GBS", _sizes, justify="right", leaves=2),
    Column("Loss", unless_noise("loss"), justify="right"),
    Column("Interval", ratios("loss"), justify="right", under="Loss"),
    Column("Throughput", unless_noise("throughput"), justify="right"),
    Column("Interval", ratios("throughput"), justify="right", under="Throughput"),
    Column("Convergence", unless_noise("convergence"), justify="right"),
    Column("Interval", ratios("convergence"), justify="right", under="Convergence"),
    Column("Product", unless_noise("product"), justify="right", leaves=5),
    Column("Check", _agrees),
    Column("Reference", unless_noise("reference"), justify="right", leaves=1),
    Column("Note", _text("note"), wraps=True, leaves=6),
)


CURVE_VIEW = (
    Column("Round", _text("round"), leaves=4),
    Column("Division", _text("division"), leaves=6),
    Column("Source", _text("source")),
    Column("GBS", _count("gbs"), justify="right"),
    Column("Results", _count("results"), justify="right", leaves=3),
    Column("Runs", _count("runs"), justify="right", leaves=2),
    Column("Work", _minutes("convergence"), justify="right"),
    Column("Interval", ratios("convergence"), justify="right"),
    Column("Unit", _text("unit"), leaves=5),
    Column("Law", _minutes("law"), justify="right"),
    Column("Band", ratios("law"), justify="right", leaves=1),
)


def _critical(row: Mapping[str, Any]) -> str:
    low, high = row["critical_gbs_low"], row["critical_gbs_high"]
    return f"{progress(round(low))} – {minutes(high) if high == float('inf') else progress(round(high))}"


LAW_VIEW = (
    Column("Round", _text("round")),
    Column("Division", _text("division"), leaves=1),
    Column("Source", _text("source")),
    Column("Sizes", _count("sizes"), justify="right", leaves=2),
    Column("From", _count("from_gbs"), justify="right"),
    Column("To", _count("to_gbs"), justify="right"),
    Column("Critical", lambda row: progress(round(row["critical_gbs"])), justify="right"),
    Column("Interval", _critical, justify="right"),
    Column("Loss", lambda row: minutes(row["loss"]) if row["differs"] else NOISE, justify="right"),
    Column("Interval", ratios("loss"), justify="right"),
    Column("Warnings", warning_cell, wraps=True, leaves=3),
)
