"""Which commands there are, with what ``--help`` says of them before their modules are imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A built-in command; its module is ``mlperf_stats.cli.commands.<name>``."""

    name: str
    section: str
    brief: str
    """First line of the command's help; a test holds the two equal."""

    @property
    def module(self) -> str:
        return f"mlperf_stats.cli.commands.{self.name}"


@dataclass(frozen=True, slots=True)
class Companion:
    """A command that joins through the entry-point group and needs an extra to be installed."""

    name: str
    section: str
    brief: str
    package: str
    """Import name of the package that brings it; it is listed where that package is installed."""
    extra: str


ENTRY_POINT_GROUP = "mlperf_stats.commands"

RESULTS = "Read results"
COMPARE = "Compare results"
PLAN = "Plan and check runs"
DATA = "Bring in and take out data"
MORE = "More"

COMMANDS = (
    CommandEntry("results", RESULTS, "One line per result: score, median, interval, runs, warnings."),
    CommandEntry("show", RESULTS, "Every run, evaluation, problem and source of one result."),
    CommandEntry(
        "variance", RESULTS, "Where the run-to-run variance comes from, and how far scores can be trusted."
    ),
    CommandEntry("explain", RESULTS, "What a warning means and what to do about it."),
    CommandEntry(
        "compare",
        COMPARE,
        "Is A faster than B? Ratios of times with intervals that hold together, ties, equality, ranks.",
    ),
    CommandEntry(
        "combine",
        COMPARE,
        "One number for many benchmarks: the custom summary result of a submission, with its interval.",
    ),
    CommandEntry(
        "scale",
        COMPARE,
        "What a larger system buys: time, accelerator-minutes, energy and cost by accelerator count.",
    ),
    CommandEntry(
        "profile", COMPARE, "On what share of the benchmarks is a system within a factor of the best?"
    ),
    CommandEntry("history", COMPARE, "The best of a benchmark round by round, as long as it stays the same."),
    CommandEntry(
        "plan", PLAN, "How many runs are enough: for a width, a difference, a valid result, a budget."
    ),
    CommandEntry("check", PLAN, "Check logs before filing them, or a whole round for what deserves a look."),
    CommandEntry(
        "rcp", PLAN, "Convergence against the reference: the RCP test, its limit, the score's normalisation."
    ),
    CommandEntry("validate", PLAN, "Do the intervals cover what they claim to, on real runs?"),
    CommandEntry("ingest", DATA, "Read a results repository, an archive or a campaign into the database."),
    CommandEntry("report", DATA, "Write results with intervals and pictures as one HTML or Markdown file."),
    CommandEntry("export", DATA, "Write runs, evaluations or results as CSV, XLSX or Parquet."),
)

COMPANIONS = (
    Companion("run", MORE, "Repeat training runs, with a stopping rule.", "mlperf_runners", "runners"),
    Companion("dashboard", MORE, "Open the dashboard in a browser.", "mlperf_dashboards", "dashboard"),
)
