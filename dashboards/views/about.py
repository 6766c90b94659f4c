"""What the figures are, whose they are, and what every warning means."""

from __future__ import annotations

import json

import pandas as pd

from mlperf_dashboards.parts.columns import ColumnText
from mlperf_dashboards.parts.result_columns import FACT_COLUMNS, RESULT_COLUMNS
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.settings import settings
from mlperf_stats import __version__
from mlperf_stats.explanations import catalogue
from mlperf_stats.rules import wording
from mlperf_stats.store.database import published_path

SECTIONS = (
    (
        "What is official, and what is ours",
        "A score is the benchmark's result by the MLPerf rules, computed here from the run files: the "
        "fastest and the slowest runs are dropped, the rest averaged, a scaling factor applied where there "
        "is one. Everything else is ours: intervals, expected scores, spreads, comparisons. They are about "
        "the raw times of the same runs and are not official figures.",
        (wording.EXPECTED_NOT_DRAWN,),
    ),
    (
        "What an interval holds for",
        "Each interval names its level and, where it attains another one, that as well. Where too few runs "
        "bound it, its end is ∞, an arrow in pictures, and an empty cell in files. A warning beside a figure "
        "is part of the figure.",
        (wording.WITHIN_SUBMISSION, wording.SELECTED),
    ),
    (
        "Derived and combined figures",
        "Figures per accelerator or per dollar, and scores combined over benchmarks, are no results of "
        "MLPerf and are labelled where they stand.",
        (wording.DERIVED, wording.COMPOSITE, wording.UNVERIFIED),
    ),
    (
        "What stays on this machine",
        "All of it. The server listens on this machine alone unless it was told otherwise, asks nobody "
        "anything, and reports nothing. Uploaded logs are kept while the browser's session lasts, unless "
        "they are saved to the database.",
        (),
    ),
)
COLUMN_COLUMNS = {
    "column": ColumnText("Column", "Of the table of results."),
    "help": ColumnText("Meaning", "Times are in minutes."),
}
WARNING_COLUMNS = {
    "code": ColumnText("Code", "As tables show it.", width="medium"),
    "about": ColumnText("About", "What carries it."),
    "brief": ColumnText("In short", "One line.", width="medium"),
    "meaning": ColumnText("Meaning", "What was seen, and what it does to the figures.", width="large"),
    "advice": ColumnText("Advice", "What can be done.", width="large"),
}


def main() -> None:
    """The page."""
    with Sheet("About the numbers", "What the figures are, whose they are, and how far they go.") as sheet:
        for title, text, sentences in SECTIONS:
            sheet.heading(title)
            for paragraph in (text, *sentences):
                sheet.paragraph(paragraph)
        sheet.heading("Where the data come from")
        sheet.table("provenance", provenance(), FACT_COLUMNS)
        sheet.heading("Columns")
        texts = [{"column": text.label, "help": text.help} for text in RESULT_COLUMNS.values()]
        sheet.table("columns", pd.DataFrame(texts), COLUMN_COLUMNS)
        sheet.heading("Warnings and problems")
        known = [{name: getattr(entry, name) for name in WARNING_COLUMNS} for entry in catalogue().values()]
        sheet.table("warnings", pd.DataFrame(known), WARNING_COLUMNS, sentences=True)
        sheet.note(wording.TRADEMARK)


def provenance() -> pd.DataFrame:
    """Version, databases, and what the published snapshot holds."""
    chosen = settings()
    told = [
        ("mlperf-stats", __version__),
        ("Your database", f"{chosen.database}{'' if chosen.database.exists() else ' (not made yet)'}"),
    ]
    beside = published_path().with_name("provenance.json")
    if chosen.published and beside.exists():
        snapshot = json.loads(beside.read_text(encoding="utf-8"))
        runs = ", ".join(f"v{name}: {count}" for name, count in snapshot["runs_by_round"].items())
        told += [
            ("Published results", str(snapshot["results"])),
            ("Their runs by round", runs),
            ("SHA-256 of the snapshot", snapshot["sha256"]),
        ]
    return pd.DataFrame([{"fact": name, "value": value} for name, value in told])


main()
