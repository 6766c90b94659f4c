"""One run file to one :class:`~mlperf_stats.model.Run`, whatever state the file is in.

Timing follows the official tool: the last ``run_start`` before the first ``run_stop``, in file order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlperf_stats.logs import mll, mllog, mlp05
from mlperf_stats.logs.marks import Mark, as_count, as_number
from mlperf_stats.model import Evaluation, Problem, Run, RunStatus

_GRAMMARS = (mllog, mll, mlp05)
_STATUSES = {
    "success": RunStatus.CONVERGED,
    "aborted": RunStatus.NOT_CONVERGED,
    "abort": RunStatus.NOT_CONVERGED,
    "fail": RunStatus.NOT_CONVERGED,
}
_PROGRESS_KEYS = ("samples_count", "epoch_num", "step_num", "epoch", "iteration")
"""Metadata that tells how far training had come, most exact first."""


def read_run(data: bytes, path: str) -> Run:
    """Read the bytes of one run file. Never raises: what is wrong becomes a problem of the run."""
    content_hash = hashlib.sha256(data).hexdigest()
    for grammar in _GRAMMARS:
        marks = list(grammar.marks(data))
        if marks:
            return _assemble(marks, grammar.NAME, data, path, content_hash)
    problems = (Problem("no-marks", "the file holds no MLPerf log line that matters"),)
    return Run(
        path=path,
        status=RunStatus.UNREADABLE,
        content_hash=content_hash,
        size_bytes=len(data),
        problems=problems + tuple(_encoding_problems(data)),
    )


@dataclass
class _Collected:
    """What the marks of one file say, before it is judged."""

    start: Mark | None = None
    stop: Mark | None = None
    starts: int = 0
    stops: int = 0
    evaluations: list[tuple[Mark, bool]] = field(default_factory=list)
    """Evaluation marks in file order, each with whether it stands after run_stop."""
    values: dict[str, Any] = field(default_factory=dict)
    batch_sizes: set[float] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def _assemble(
    marks: Iterable[Mark | Problem], grammar: str, data: bytes, path: str, content_hash: str
) -> Run:
    found = _collect(marks)
    found.problems.extend(_encoding_problems(data))
    status, minutes = _outcome(found)
    start_ms = found.start.time_ms if found.start else None
    stop_ms = found.stop.time_ms if found.stop else None
    evaluations = tuple(_evaluations(found, start_ms))
    seed = found.values.get("seed")
    return Run(
        path=path,
        status=status,
        start_ms=start_ms,
        stop_ms=stop_ms,
        minutes=minutes,
        evaluations=evaluations,
        gbs=as_count(found.values.get("global_batch_size")),
        seed=_short_text(seed) if seed is not None else None,
        train_samples=as_count(found.values.get("train_samples")),
        content_hash=content_hash,
        size_bytes=len(data),
        grammar=grammar,
        logged_benchmark=_short_text(found.values.get("submission_benchmark")),
        logged_division=_short_text(found.values.get("submission_division")),
        problems=tuple(merge_problems(found.problems)),
    )


def _collect(marks: Iterable[Mark | Problem]) -> _Collected:
    found = _Collected()
    for mark in marks:
        if isinstance(mark, Problem):
            found.problems.append(mark)
        elif mark.key == "run_start":
            found.starts += 1
            if found.stop is None:
                found.start = mark
        elif mark.key == "run_stop":
            found.stops += 1
            found.stop = found.stop or mark
        elif mark.key == "eval_accuracy":
            found.evaluations.append((mark, found.stop is not None))
        elif mark.value is not None:
            if mark.key == "global_batch_size" and (size := as_number(mark.value)) is not None:
                found.batch_sizes.add(size)
            # Ranks log derived seeds after the run's own; train_samples is logged anew at the end.
            if mark.key == "train_samples" or mark.key not in found.values:
                found.values[mark.key] = mark.value
    if found.starts > 1 or found.stops > 1:
        found.problems.append(
            Problem("run-marks-repeated", f"{found.starts} × run_start, {found.stops} × run_stop")
        )
    if len(found.batch_sizes) > 1:
        sizes = ", ".join(f"{size:g}" for size in sorted(found.batch_sizes))
        found.problems.append(
            Problem("gbs-ambiguous", f"global_batch_size is logged as {sizes}; the first is kept")
        )
    return found


def _outcome(found: _Collected) -> tuple[RunStatus, float | None]:
    """Status and time to train; notes what is odd about them."""
    start_ms = found.start.time_ms if found.start else None
    stop_ms = found.stop.time_ms if found.stop else None
    if start_ms is None:
        found.problems.append(Problem("run-start-missing", "no run_start with a time"))
    if stop_ms is None:
        found.problems.append(Problem("run-stop-missing", "no run_stop with a time"))
    if start_ms is None and stop_ms is None and not found.evaluations:
        return RunStatus.UNREADABLE, None
    if start_ms is None or stop_ms is None or found.stop is None:
        return RunStatus.INCOMPLETE, None
    if stop_ms <= start_ms:
        found.problems.append(
            Problem("stop-before-start", f"run_stop is {start_ms - stop_ms:g} ms before run_start")
        )
        return RunStatus.INCOMPLETE, None
    return _status(found.stop, found.problems), (stop_ms - start_ms) / 60_000


def _status(stop: Mark, problems: list[Problem]) -> RunStatus:
    logged = stop.metadata.get("status")
    if logged is None:
        problems.append(Problem("status-missing", "run_stop says neither success nor failure"))
        # v0.5 entries wrote run_stop only on success, and were accepted so; later rounds require the word.
        return (
            RunStatus.CONVERGED if stop.value in ("", None) and not stop.metadata else RunStatus.NOT_CONVERGED
        )
    status = _STATUSES.get(str(logged).strip().lower())
    if status is None:
        problems.append(Problem("status-unknown", f"run_stop has the status {_short_text(logged)!r}"))
        return RunStatus.NOT_CONVERGED
    return status


def _evaluations(found: _Collected, start_ms: float | None) -> Iterator[Evaluation]:
    for mark, after_stop in found.evaluations:
        elapsed = None if mark.time_ms is None or start_ms is None else mark.time_ms - start_ms
        point, unit = _progress(mark.metadata)
        for metric, value in _values(mark):
            if value is None:
                found.problems.append(
                    Problem("evaluation-without-number", f"at {point}: {_short_text(mark.value)!r}")
                )
            yield Evaluation(elapsed, point, value, metric, after_stop, unit)


def _progress(metadata: dict[str, Any]) -> tuple[float | None, str]:
    for key in _PROGRESS_KEYS:
        point = as_number(metadata.get(key))
        if point is not None:
            return point, key
    return None, ""


def _values(mark: Mark) -> Iterator[tuple[str, float | None]]:
    """The metrics of one evaluation: Mask R-CNN logs box and mask AP together, in three shapes."""
    value = mark.value
    if isinstance(value, dict) and isinstance(value.get("accuracy"), dict):
        value = value["accuracy"]
    if isinstance(value, dict):
        for metric, number in value.items():
            yield _short_text(metric), as_number(number)
    elif isinstance(value, list):
        for metric, number in zip(("BBOX", "SEGM"), value, strict=False):
            yield metric, as_number(number)
    else:
        yield _short_text(mark.metadata.get("metric")), as_number(value)


def _encoding_problems(data: bytes) -> Iterator[Problem]:
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Problem("not-utf-8", f"byte {error.start}")


def _short_text(value: Any) -> str:
    """Text of a logged scalar; odd values are cut so that no log can blow up the database."""
    return "" if value is None else str(value)[:200]


def merge_problems(problems: Iterable[Problem]) -> Iterator[Problem]:
    """One problem per code, with the first detail and the total count."""
    first: dict[str, Problem] = {}
    counts: Counter[str] = Counter()
    for problem in problems:
        first.setdefault(problem.code, problem)
        counts[problem.code] += problem.count
    for code, problem in first.items():
        yield Problem(code, problem.detail, counts[code])
