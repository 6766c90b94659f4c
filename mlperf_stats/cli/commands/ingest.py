"""``mlperf-stats ingest``: logs into the database."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.console import print_lines, print_table
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import DB_OPTION, OutputOptions, round_option
from mlperf_stats.cli.output import Format, Output, emit_json, emit_print, emit_rows
from mlperf_stats.cli.parameters import OptionGroup
from mlperf_stats.explanations import catalogue
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import plural

if TYPE_CHECKING:
    from mlperf_stats.store import Store
    from mlperf_stats.store.ingest import IngestProgress, IngestReport, Limits

EXAMPLES = (
    ("mlperf-stats ingest training_results_v5.0", "a clone; the round is read from its name"),
    ("mlperf-stats ingest results.zip --round 5.1", "an archive whose name does not tell the round"),
    ("mlperf-stats ingest my-campaign --round local --db mine.db", "own runs, in a database of their own"),
)

WORST_SHOWN = 5
INTERRUPTED = 128 + 2
"""What a shell reports for a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs are read, and what they may cost."""

    jobs: int | None
    file_gib: float | None
    archive_gib: float | None
    archive_files: int | None
    archive_ratio: float | None

    def limits(self) -> Limits:
        """The reader's own limits, where the user gave no others."""
        from mlperf_stats.store.ingest import Limits

        given = {
            "file_bytes": None if self.file_gib is None else int(self.file_gib * (1 << 30)),
            "archive_bytes": None if self.archive_gib is None else int(self.archive_gib * (1 << 30)),
            "archive_files": self.archive_files,
            "archive_ratio": self.archive_ratio,
        }
        return Limits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _reading(
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", min=1, help="Processes that read (default: one per processor)."),
    ] = None,
    file_gib: Annotated[
        float | None,
        typer.Option("--max-file-gib", metavar="GIB", min=0, help="Larger files are not read (default: 1)."),
    ] = None,
    archive_gib: Annotated[
        float | None,
        typer.Option(
            "--max-archive-gib", metavar="GIB", min=0, help="What an archive may unpack to (default: 64)."
        ),
    ] = None,
    archive_files: Annotated[
        int | None,
        typer.Option(
            "--max-archive-files", metavar="N", min=1, help="Members of an archive (default: 500000)."
        ),
    ] = None,
    archive_ratio: Annotated[
        float | None,
        typer.Option(
            "--max-archive-ratio", metavar="X", min=1, help="Unpacked to packed size (default: 400)."
        ),
    ] = None,
) -> Reading:
    return Reading(jobs, file_gib, archive_gib, archive_files, archive_ratio)


ReadingOptions = Annotated[Reading, OptionGroup(_reading)]


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Folders, .zip or .tar.* with <submitter>/results inside."),
    ],
    output: OutputOptions,
    reading: ReadingOptions,
    round_name: Annotated[str | None, round_option("The round of all PATHs; 'local' for own runs.")] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest", metavar="FILE", help="Published files (lines 'round,path'): missing ones are noted."
        ),
    ] = None,
    database: Annotated[Path | None, DB_OPTION] = None,
) -> None:
    """Read a results repository, an archive or a campaign into the database.

    Reading the same files again changes nothing; a changed file replaces its run. What is wrong with
    an input is counted and kept, it never stops the others.
    """
    from mlperf_stats.store import default_db_path, open_store
    from mlperf_stats.store.ingest import ingest

    with open_store(database, write=True) as store:
        try:
            with _progress_bar() as on_progress:
                report = ingest(
                    store,
                    paths,
                    round=round_name,
                    manifest=manifest,
                    limits=reading.limits(),
                    jobs=reading.jobs,
                    on_progress=on_progress,
                )
        except KeyboardInterrupt:
            print(f"mlperf-stats: {_interrupted(store)}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
    _emit(output, report, database or default_db_path())


def _interrupted(store: Store) -> str:
    (number,) = store.connection.execute("SELECT count(*) FROM main.submissions").fetchone()
    kept = plural(number, "submission")
    return f"interrupted; {kept} {'is' if number == 1 else 'are'} in the database, the same command goes on"


@contextmanager
def _progress_bar() -> Iterator[Callable[[IngestProgress], None] | None]:
    """A bar on the terminal's stderr; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda state: bar.update(
            task, description=clean(state.label), completed=state.bytes_done, total=state.bytes_total
        )


def _emit(output: Output, report: IngestReport, database: Path) -> None:
    problems = _problem_rows(report)
    match output.format:
        case Format.JSON:
            emit_json(output, _summary(report, database))
        case Format.CSV | Format.MARKDOWN:
            emit_rows(output, problems, columns=("code", "count", "brief"), view=PROBLEM_VIEW)
        case Format.TABLE:
            emit_print(output, lambda out: _print_report(report, problems, database, out))


def _summary(report: IngestReport, database: Path) -> dict[str, Any]:
    return {
        "database": str(database),
        "submissions": report.submissions,
        "results": report.results,
        "runs": report.runs,
        "added": report.added,
        "replaced": report.replaced,
        "unchanged": report.unchanged,
        "ignored_files": report.ignored_files,
        "runs_by_status": report.runs_by_status,
        "runs_by_round": report.runs_by_round,
        "problems_by_code": report.problems_by_code,
        "skipped_members": report.skipped_members,
        "worst": [{"path": path, "code": code, "detail": detail} for path, code, detail in report.worst],
    }


def _problem_rows(report: IngestReport) -> list[dict[str, Any]]:
    known = catalogue()
    return [
        {"code": code, "count": number, "brief": known[code].brief if code in known else ""}
        for code, number in report.problems_by_code.most_common()
    ]


PROBLEM_VIEW = (
    Column("Count", lambda row: str(row["count"]), justify="right"),
    Column("Problem", lambda row: str(row["code"])),
    Column("In brief", lambda row: str(row["brief"]), wraps=True),
)


def _unknown_rounds(report: IngestReport) -> list[str]:
    """A note on rounds without rules of their own."""
    from mlperf_stats.rules.suite import LOCAL_ROUND, rounds

    unknown = sorted(set(report.runs_by_round) - {*rounds(), LOCAL_ROUND})
    return [
        f"No suite is known for round {name}: its runs are kept as runs that no suite covers."
        for name in unknown
    ]


def _next(report: IngestReport, database: Path) -> str:
    """The command that shows what was read."""
    from mlperf_stats.store import default_db_path

    rounds = "".join(f" --round {shlex.quote(name)}" for name in sorted(report.runs_by_round) if name)
    where = "" if database == default_db_path() else f" --db {shlex.quote(str(database))}"
    return f"Next: mlperf-stats results{rounds}{where}"


def _print_report(report: IngestReport, problems: list[dict[str, Any]], database: Path, out: Any) -> None:
    statuses = ", ".join(f"{number} {status}" for status, number in report.runs_by_status.most_common())
    rounds = ", ".join(f"{number} of {name}" for name, number in sorted(report.runs_by_round.items()))
    print_lines(
        [
            f"{plural(report.submissions, 'submission')} (one per system), "
            f"{plural(report.results, 'result')}, {plural(report.runs, 'run')}: {statuses}",
            f"Runs by round: {rounds}",
            *_unknown_rounds(report),
            f"{database}: {plural(report.added, 'run')} added, {report.replaced} replaced, "
            f"{report.unchanged} kept",
            f"{plural(report.ignored_files, 'other file')} counted and not read",
            *(
                f"{plural(number, 'archive member')} skipped: {why}"
                for why, number in report.skipped_members.most_common()
            ),
        ],
        out,
    )
    if report.runs:
        print_lines([_next(report, database)], out)
    if not problems:
        return
    print_lines(["", "Problems noted (kept with the runs; 'mlperf-stats explain PROBLEM' says more):"], out)
    print_table(PROBLEM_VIEW, problems, out)
    if report.worst:
        print_lines(["", "Most serious:"], out)
        print_lines([f"  {path}: {code}, {detail}" for path, code, detail in report.worst[:WORST_SHOWN]], out)
