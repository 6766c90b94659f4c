"""``mlperf-stats show``: one result in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Annotated, Any

from mlperf_stats.cli.completion import complete_result
from mlperf_stats.cli.console import print_lines, print_notes, print_table
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import DatabaseOptions, LevelOption, OutputOptions, text_argument
from mlperf_stats.cli.output import (
    Format,
    emit_json,
    emit_print,
    emit_rows,
    emit_text,
    markdown_section,
    markdown_table,
)
from mlperf_stats.text.markup import markdown
from mlperf_stats.text.numbers import count, interval, minutes, percent, plural, progress
from mlperf_stats.text.warnings import warning_notes

if TYPE_CHECKING:
    from mlperf_stats.analysis.show import ResultDetail, RunDetail

EXAMPLES = (
    ("mlperf-stats show 5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert", "by its id"),
    ("mlperf-stats show 'nyx_n1*bert'", "by a glob, or a part of the id, that fits one result"),
    ("mlperf-stats show tinybox_red/bert --format json", "with every field of every run"),
)

HASH_SHOWN = 12
LENDERS_SHOWN = 6


def command(
    result_id: Annotated[
        str,
        text_argument("RESULT_ID", "An id, a part of one, or a glob; one result must fit.", complete_result),
    ],
    database: DatabaseOptions,
    output: OutputOptions,
    level: LevelOption = 0.95,
) -> None:
    """Every run, evaluation, problem and source of one result.

    CSV has a row per run; JSON has everything. Ids that a table has shortened (…) are understood.
    """
    from mlperf_stats.analysis.show import show_result

    with database.open() as store:
        detail = show_result(store, result_id.replace("…", "*"), level=level)
    rows = [_run_row(run) for run in detail.runs]
    match output.format:
        case Format.JSON:
            emit_json(output, detail.to_dict())
        case Format.CSV:
            emit_rows(output, rows, columns=list(rows[0]) if rows else (), view=RUN_VIEW)
        case Format.MARKDOWN:
            emit_text(output, _markdown(detail, rows))
        case Format.TABLE:
            emit_print(output, lambda out: _print_detail(detail, rows, out))


def _run_row(detail: RunDetail) -> dict[str, Any]:
    row = asdict(detail.run)
    del row["run_key"], row["result_key"]
    row["problems"] = [problem.code for problem in detail.run.problems]
    return {**row, "role": detail.role, "evaluations": len(detail.evaluations)}


def _convergence(row: Mapping[str, Any]) -> str:
    point = row["convergence_point"]
    if point is None or row["status"] != "converged":
        return ""
    return f"{progress(point)} {row['convergence_unit']}"


RUN_VIEW = (
    Column("Run", lambda row: row["path"].rpartition("/")[2]),
    Column("Status", lambda row: row["status"]),
    Column("In the score", lambda row: row["role"]),
    Column("Minutes", lambda row: minutes(row["minutes"]), justify="right"),
    Column("Converged at", _convergence, justify="right"),
    Column("Seed", lambda row: row["seed"] or "", justify="right", leaves=2),
    Column("SHA-256", lambda row: row["content_hash"][:HASH_SHOWN], leaves=1),
)
BATCH_SIZE = Column("GBS", lambda row: count(row["gbs"]), justify="right")
PROBLEMS = Column("Problems", lambda row: " ".join(row["problems"]), wraps=True)


def _view(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns that say something: batch sizes where they differ, problems where there are any."""
    view = list(RUN_VIEW)
    if len({row["gbs"] for row in rows}) > 1:
        view.append(BATCH_SIZE)
    if any(row["problems"] for row in rows):
        view.append(PROBLEMS)
    return view


def _print_detail(detail: ResultDetail, rows: Sequence[Mapping[str, Any]], out: IO[str]) -> None:
    print_lines([*_heading(detail), "", *_figures(detail), ""], out)
    print_table(_view(rows), rows, out)
    for title, lines in _sections(detail):
        print_notes(["", title, *(f"  {line}" for line in lines)], out)
    if notes := warning_notes([detail.row]):
        print_notes(["", "Warnings", *notes], out)


def _sections(detail: ResultDetail) -> Iterator[tuple[str, list[str]]]:
    """What is listed below the runs, where there is any."""
    for title, lines in (
        ("Evaluations, in the order of the log: quality@progress", list(_evaluations(detail))),
        ("Problems", list(_problems(detail))),
        ("Byte-identical files elsewhere", list(_identical(detail))),
        ("Borrowed by the controlled mean", list(_borrowed(detail))),
    ):
        if lines:
            yield title, lines


def _heading(detail: ResultDetail) -> Iterator[str]:
    row, result = detail.row, detail.result
    yield result.result_id
    size = ["no accelerators"]
    if row["accelerators"] != 0:
        size = [f"{count(row['accelerators']) or '?'} × {row['accelerator'] or 'accelerators not named'}"]
    if row["nodes"]:
        size.append(plural(row["nodes"], "node"))
    kind = [row["division"] or "division unknown", row["availability"] or "availability unknown"]
    yield "  " + ", ".join([*kind, *size, row["framework"] or "framework not named"])
    if result.system_name:
        yield f"  system: {result.system_name}"
    if row["gbs"] is not None:
        yield f"  global batch size: {row['gbs']}"
    yield f"  logs: {result.path}"
    if result.description_path:
        yield f"  description: {result.description_path}"


def _figures(detail: ResultDetail) -> Iterator[str]:
    row, rules = detail.row, detail.benchmark
    scaled = f", scaled by {row['scaling_factor']:g}" if row["scaling_factor"] != 1 else ""
    yield (
        f"Score            {minutes(row['score_minutes']) or 'none (' + str(detail.score.state) + ')'}"
        f"   {row['runs_converged']} of {row['runs']} runs converged, {rules.runs} asked for, "
        f"{rules.dropped_each_side} dropped on each side{scaled}"
    )
    for name, label, attained in (
        ("median", "Median", row["median_level"]),
        ("gmean", "Geometric mean", detail.level),
        ("expected", "Expected score", detail.level),
        ("controlled", "Controlled mean", detail.level),
    ):
        if row[f"{name}_minutes"] is not None:
            between = interval(row[f"{name}_low"], row[f"{name}_high"])
            said = _controlled_label(row) if name == "controlled" else ""
            yield f"{label:16} {minutes(row[f'{name}_minutes'])}   {between} at {percent(attained)}{said}"
    if row["cv"] is not None:
        yield f"Spread           {percent(row['cv'], 2)} (standard deviation over mean)"
    if row["energy_joules"] is not None:
        yield f"Energy           {row['energy_joules']:.4g} J"
    yield "Minutes. Score by the MLPerf rules; all other figures are on raw times and not official."


def _controlled_label(row: Mapping[str, Any]) -> str:
    """What the controlled interval is about, and how much of it is the result's own."""
    share = row["controlled_own_share"]
    own = "" if share is None else f", own share {percent(share, 0)}"
    return f"   expected time, not the score{own}"


def _evaluations(detail: ResultDetail) -> Iterator[str]:
    for run in detail.runs:
        texts = [_evaluation(item) for item in run.evaluations]
        if texts:
            unit = f" (logged as {run.run.progress_unit})" if run.run.progress_unit else ""
            name = run.run.path.rpartition("/")[2]
            yield f"{name}{unit}: {'  '.join(texts)}"


def _evaluation(item: Mapping[str, Any]) -> str:
    value = "?" if item["value"] is None else f"{item['value']:.4g}"
    metric = f"{item['metric']} " if item["metric"] else ""
    return f"{metric}{value}@{progress(item['point'])}{' after stop' if item['after_stop'] else ''}"


def _problems(detail: ResultDetail) -> Iterator[str]:
    result = detail.result
    found = [(result.description_path or "description", problem) for problem in result.system_problems]
    found += [(result.path, problem) for problem in result.problems]
    found += [(run.run.path, problem) for run in detail.runs for problem in run.run.problems]
    for path, problem in found:
        times = f" ({problem.count} times)" if problem.count > 1 else ""
        yield f"{path}: {problem.code}{times}{', ' if problem.detail else ''}{problem.detail}"


def _identical(detail: ResultDetail) -> Iterator[str]:
    for run in detail.runs:
        for other in run.identical_to:
            yield f"{run.run.path.rpartition('/')[2]} = {other}"


def _borrowed(detail: ResultDetail) -> Iterator[str]:
    """Method, lenders and who was left out, each with the reason."""
    estimate = detail.controlled
    if estimate is None:
        return
    peers = estimate.peers
    lent = "convergence" if estimate.method == "controlled" else "spread of times only"
    others = [
        f"{count(len(names))} {where}"
        for names, where in (
            (peers.same_size, "of its batch size and round"),
            (peers.other_sizes, "of other batch sizes"),
            (peers.other_rounds, "of other rounds"),
        )
        if names
    ]
    yield f"method {estimate.method}: {lent} from {', '.join(others) or 'no other result'}"
    shown = peers.same_size[:LENDERS_SHOWN]
    if shown:
        more = len(peers.same_size) - len(shown)
        yield f"of its batch size: {', '.join(shown)}" + (f" and {more} more (--format json)" if more else "")
    for one in peers.left_out:
        yield f"left out: {one.label} ({one.code})"


def _markdown(detail: ResultDetail, rows: Sequence[Mapping[str, Any]]) -> str:
    title, *facts = _heading(detail)
    listed = [
        f"{title}:\n\n" + "".join(f"- {markdown(line)}\n" for line in lines)
        for title, lines in _sections(detail)
    ]
    section = markdown_section(
        title, [*facts, *_figures(detail)], markdown_table(_view(rows), rows), warning_notes([detail.row])
    )
    return "\n".join([section, *listed])
