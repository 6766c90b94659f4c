"""The report on results: for each benchmark of each round pictures, figures with intervals, and every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.results import overlapping, results_chart
from mlperf_stats.charts.runs import run_strips
from mlperf_stats.explanations import catalogue
from mlperf_stats.report.document import Block, Column, Document, Facts, Figure, Paragraph, Section, Table
from mlperf_stats.report.methods import METHODS
from mlperf_stats.rules.wording import (
    DERIVED,
    EXPECTED_NOT_DRAWN,
    SELECTED,
    TRADEMARK,
    UNVERIFIED,
    WITHIN_SUBMISSION,
)
from mlperf_stats.text.numbers import interval, minutes, percent, progress
from mlperf_stats.text.warnings import codes_of

if TYPE_CHECKING:
    from mlperf_stats.analysis.accounts import Account, Accounts
    from mlperf_stats.analysis.show import ResultDetail, RunDetail
    from mlperf_stats.store.queries import Filters

MOST_DRAWN = 30
"""Results of one picture; of more there are several, each of which a printed page holds."""

RUN_PICTURES = 400
"""Of more results than this the runs are listed and not drawn, which keeps the file below 3 MB."""

LOCAL = "local"
Group = tuple[str, str, str]
"""Round, benchmark and division: what may stand in one picture."""

INTRODUCTION = (
    "Times to train in minutes. The score is the official benchmark result by the MLPerf rules; it is one "
    "draw of a few runs. Every other figure is a statistic on the raw times with its interval, not official."
)


def results_report(accounts: Accounts, *, selection: str = "all results", source: str = "") -> Document:
    """What there is to say of results, as a document.

    Args:
        accounts: From :func:`mlperf_stats.analysis.accounts.accounts`.
        selection: What was asked for, in words.
        source: Where the results come from, in words.
    """
    groups: dict[Group, list[Account]] = {}
    for account in accounts.results:
        row = account.detail.row
        groups.setdefault((row["round"], row["benchmark"], row["division"]), []).append(account)
    drawn = len(accounts.results) <= RUN_PICTURES
    sections = [_section(group, members, accounts.level, drawn) for group, members in groups.items()]
    rows = [account.detail.row for account in accounts.results]
    return Document(
        title=f"MLPerf Training results with their uncertainty: {selection}",
        introduction=(Facts(_facts(rows, accounts.level, selection, source)), Paragraph(INTRODUCTION)),
        sections=(*sections, _methods(accounts), *_warnings(rows)),
        disclosures=_disclosures(rows),
    )


def selection_of(filters: Filters) -> str:
    """Filters in words: ``round 5.0; benchmark bert or rgat; at most 64 accelerators``."""
    words = [
        f"{name} {' or '.join(values)}"
        for name, values in (
            ("round", filters.rounds),
            ("division", filters.divisions),
            ("availability", filters.availabilities),
            ("submitter", filters.submitters),
            ("system", filters.systems),
            ("accelerator", filters.accelerators),
            ("benchmark", filters.benchmarks),
        )
        if values
    ]
    if filters.min_accelerators is not None:
        words.append(f"at least {filters.min_accelerators} accelerators")
    if filters.max_accelerators is not None:
        words.append(f"at most {filters.max_accelerators} accelerators")
    return "; ".join(words) or "all results"


def _facts(
    rows: Sequence[Mapping[str, Any]], level: float, selection: str, source: str
) -> tuple[tuple[str, str], ...]:
    from mlperf_stats import __version__
    from mlperf_stats.analysis.summaries import STATISTICS_VERSION

    runs, converged = (sum(row[name] or 0 for row in rows) for name in ("runs", "runs_converged"))
    facts = [
        ("Selection", selection),
        ("Results", str(len(rows))),
        ("Runs", f"{runs}, of which {converged} converged"),
        ("Confidence level", percent(level)),
        ("Source", source),
        ("Made by", f"mlperf-stats {__version__}, statistics {STATISTICS_VERSION}"),
    ]
    return tuple((term, text) for term, text in facts if text)


def _section(group: Group, members: Sequence[Account], level: float, drawn: bool) -> Section:
    round_name, benchmark, division = group
    ordered = sorted(members, key=_speed)
    rows = [account.detail.row for account in ordered]
    title = f"{benchmark}, round {round_name}, {division or 'unknown'} division"
    blocks: list[Block] = [Facts(_group_facts(ordered))]
    ties = overlapping([row for row in rows if row["median_minutes"] is not None], "median")
    pages = _pages(len(ordered))
    for page in pages:
        if len(pages) > 1:
            blocks.append(Paragraph(f"Results {page.start + 1} to {page.stop}, the fastest first:"))
        draw = partial(results_chart, rows[page], level=level, tied=ties)
        blocks.append(Figure(draw, _spoken(rows[page])))
        if drawn:
            details = [account.detail for account in ordered[page]]
            told = f"Every run of {benchmark}, round {round_name}; the table of runs lists them."
            blocks.append(Figure(partial(run_strips, details), told))
    blocks += [_medians(ordered), _expectations(ordered, level), _runs(ordered)]
    return Section(title, tuple(blocks))


def _pages(number: int) -> list[slice]:
    """As few parts as there have to be, of about equal size."""
    parts = -(-number // MOST_DRAWN)
    bounds = [number * part // parts for part in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def _speed(account: Account) -> tuple[bool, float, str]:
    median = account.detail.row["median_minutes"]
    return median is None, median or 0.0, account.detail.row["result_id"]


def _group_facts(members: Sequence[Account]) -> tuple[tuple[str, str], ...]:
    rules = members[0].detail.benchmark
    rows = [account.detail.row for account in members]
    counts = sorted({row["accelerators"] for row in rows if row["accelerators"]})
    sizes = "not known" if not counts else str(counts[0])
    if len(counts) > 1:
        sizes = (
            f"{counts[0]} to {counts[-1]}; times of systems of different size are no comparison of hardware"
        )
    named = sorted({row["availability"] or "not stated" for row in rows})
    return (
        ("Target quality", rules.quality_target or "the campaign's own"),
        ("Official runs", f"{rules.scored_runs}, {rules.dropped_each_side} dropped on each side"),
        ("Results", str(len(rows))),
        ("Accelerators", sizes),
        ("Availability", ", ".join(named)),
    )


def _spoken(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the picture of results shows, in a sentence."""
    known = [row for row in rows if row["median_minutes"] is not None]
    if not known:
        return "No result has a converged run, so there is nothing to draw."
    first, last = known[0], known[-1]
    told = f"Median times with intervals, sorted: the fastest is {first['result_id']} with {_median(first)}"
    if first is last:
        return f"{told}."
    return f"{told}, the slowest {last['result_id']} with {_median(last)}. The table has all."


def _median(row: Mapping[str, Any]) -> str:
    return f"{minutes(row['median_minutes'])} min ({interval(row['median_low'], row['median_high'])})"


_ID = Column("Result", long=True)


def _right(header: str) -> Column:
    return Column(header, right=True)


def _medians(members: Sequence[Account]) -> Table:
    columns = (
        _ID,
        Column("Accelerators", long=True),
        _right("Score"),
        _right("Converged runs"),
        _right("Median"),
        _right("Interval"),
        _right("Level"),
        Column("Method"),
        Column("Warnings", long=True),
    )
    return Table("Scores and medians, minutes", columns, tuple(_median_cells(account) for account in members))


def _median_cells(account: Account) -> tuple[str, ...]:
    row = account.detail.row
    return (
        row["result_id"],
        f"{row['accelerators'] or '?'} × {row['accelerator'] or 'not named'}",
        minutes(row["score_minutes"]) or f"none ({account.detail.score.state})",
        f"{row['runs_converged']} of {row['runs']}",
        minutes(row["median_minutes"]),
        interval(row["median_low"], row["median_high"]),
        percent(row["median_level"]),
        account.methods.get("median", ""),
        ", ".join(codes_of(row)),
    )


def _expectations(members: Sequence[Account], level: float) -> Table:
    columns = (
        _ID,
        _right("Converged runs"),
        _right("Expected score"),
        _right("Interval"),
        Column("Method"),
        _right("Expected time, controlled"),
        _right("Interval"),
        _right("Own share"),
        Column("Method"),
    )
    return Table(
        f"Expected score and expected time, minutes, {percent(level)} intervals",
        columns,
        tuple(_expected_cells(account) for account in members),
    )


def _expected_cells(account: Account) -> tuple[str, ...]:
    row = account.detail.row
    return (
        row["result_id"],
        f"{row['runs_converged']} of {row['runs']}",
        minutes(row["expected_minutes"]),
        interval(row["expected_low"], row["expected_high"]),
        account.methods.get("expected", ""),
        minutes(row["controlled_minutes"]),
        interval(row["controlled_low"], row["controlled_high"]),
        percent(row["controlled_own_share"], 0),
        account.methods.get("controlled", ""),
    )


def _runs(members: Sequence[Account]) -> Table:
    runs = Column("Runs: minutes@convergence point, in the order of the files", long=True)
    columns = (_ID, runs, Column("Logs", long=True))
    return Table("Every run", columns, tuple(_run_cells(account.detail) for account in members))


def _run_cells(detail: ResultDetail) -> tuple[str, ...]:
    units = {run.run.convergence_unit for run in detail.runs if run.run.convergence_point is not None}
    unit = f" ({', '.join(sorted(units))})" if units else ""
    return (
        detail.result.result_id,
        "  ".join(map(_run_text, detail.runs)) + unit,
        detail.result.path,
    )


def _run_text(run: RunDetail) -> str:
    """``13.42@3``, in brackets if the score drops it, with its status if it did not converge."""
    time = minutes(run.run.minutes) or "no time"
    point = run.run.convergence_point
    text = time if point is None else f"{time}@{progress(point)}"
    if run.run.status != "converged":
        return f"{text} {str(run.run.status).replace('_', ' ')}"
    return f"({text})" if run.role.startswith("dropped") else text


def _methods(accounts: Accounts) -> Section:
    used = {name for account in accounts.results for name in account.methods.values()}
    facts = tuple((name, text) for name, text in METHODS.items() if name in used)
    text = (
        "Figures carry the name of their method. Runs in brackets are dropped by the rules of the score; the "
        "statistics use all runs that converged."
    )
    return Section("Methods", (Paragraph(text), Facts(facts)))


def _warnings(rows: Iterable[Mapping[str, Any]]) -> list[Section]:
    counts = Counter(code for row in rows for code in codes_of(row))
    if not counts:
        return []
    known = catalogue()
    cells = tuple(
        (code, str(number), known[code].meaning, known[code].advice)
        if code in known
        else (code, str(number), "", "")
        for code, number in counts.most_common()
    )
    columns = (Column("Code"), _right("Results"), Column("What it means"), Column("What to do"))
    return [Section("Warnings", (Table("Codes in the tables above", columns, tuple(cells)),))]


def _disclosures(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    own = [UNVERIFIED] if any(row["round"] == LOCAL for row in rows) else []
    return (*own, DERIVED, EXPECTED_NOT_DRAWN, WITHIN_SUBMISSION, SELECTED, TRADEMARK)
