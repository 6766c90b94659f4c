"""One run file to one :class:`~mlperf_stats.model.Run`, whatever state the file is in.

Timing follows the official tool: the last ``run_start`` before the first ``run_stop``, in file order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from mlperf_stats.logs import mll, mllog, mlp05
from mlperf_stats.logs.marks import PROGRESS_KEYS, Mark, Metadata, as_count, as_number, short_text
from mlperf_stats.logs.problems import merge_problems
from mlperf_stats.model import Evaluation, Problem, Run, RunStatus

_GRAMMARS = (mllog, mll, mlp05)
_STATUSES = {
    "success": RunStatus.CONVERGED,
    "aborted": RunStatus.NOT_CONVERGED,
    "abort": RunStatus.NOT_CONVERGED,
    "fail": RunStatus.NOT_CONVERGED,
}


_progress_counts = attrgetter(*PROGRESS_KEYS)


def read_run(data: bytes, path: str) -> Run:
    """Read the bytes of one run file. Never raises: what is wrong becomes a problem of the run."""
    content_hash = hashlib.sha256(data).hexdigest()
    problems = list(_encoding_problems(data))
    for grammar in _GRAMMARS:
        of_grammar: list[Problem] = []
        marks = grammar.marks(data, of_grammar)
        if marks or of_grammar:
            return _assemble(_collect(marks, of_grammar + problems), grammar.NAME, data, path, content_hash)
    return Run(
        path=path,
        status=RunStatus.UNREADABLE,
        content_hash=content_hash,
        size_bytes=len(data),
        problems=(Problem("no-marks", "the file holds no MLPerf log line that matters"), *problems),
    )


@dataclass(slots=True)
class _Collected:
    """What the marks of one file say, before it is judged."""

    problems: list[Problem]
    start: Mark | None = None
    stop: Mark | None = None
    starts: int = 0
    stops: int = 0
    evaluations: list[tuple[Mark, bool]] = field(default_factory=list)
    """Evaluation marks in file order, each with whether it stands after run_stop."""
    values: dict[str, Any] = field(default_factory=dict)
    batch_sizes: set[float] = field(default_factory=set)


def _assemble(found: _Collected, grammar: str, data: bytes, path: str, content_hash: str) -> Run:
    start_ms = as_number(found.start.time_ms) if found.start else None
    stop_ms = as_number(found.stop.time_ms) if found.stop else None
    status, minutes = _outcome(found, start_ms, stop_ms, grammar)
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
        seed=short_text(seed) if seed is not None else None,
        train_samples=as_count(found.values.get("train_samples")),
        content_hash=content_hash,
        size_bytes=len(data),
        grammar=grammar,
        logged_benchmark=short_text(found.values.get("submission_benchmark")),
        logged_division=short_text(found.values.get("submission_division")),
        problems=tuple(merge_problems(found.problems)) if found.problems else (),
    )


def _collect(marks: Sequence[Mark], problems: list[Problem]) -> _Collected:
    found = _Collected(problems)
    for mark in marks:
        key = mark.key
        if key == "eval_accuracy":
            found.evaluations.append((mark, found.stop is not None))
        elif key == "run_start":
            found.starts += 1
            if found.stop is None:
                found.start = mark
        elif key == "run_stop":
            found.stops += 1
            found.stop = found.stop or mark
        elif mark.value is not None:
            if key == "global_batch_size" and (size := as_number(mark.value)) is not None:
                found.batch_sizes.add(size)
            # Ranks log derived seeds after the run's own; train_samples is logged anew at the end.
            if key == "train_samples" or key not in found.values:
                found.values[key] = mark.value
    if found.starts > 1 or found.stops > 1:
        problems.append(
            Problem("run-marks-repeated", f"{found.starts} × run_start, {found.stops} × run_stop")
        )
    if len(found.batch_sizes) > 1:
        sizes = ", ".join(f"{size:g}" for size in sorted(found.batch_sizes))
        problems.append(
            Problem("gbs-ambiguous", f"global_batch_size is logged as {sizes[:200]}; the first is kept")
        )
    return found


def _outcome(
    found: _Collected, start_ms: float | None, stop_ms: float | None, grammar: str
) -> tuple[RunStatus, float | None]:
    """Status and time to train; notes what is odd about them."""
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
    return _status(found.stop, grammar, found.problems), (stop_ms - start_ms) / 60_000


def _status(stop: Mark, grammar: str, problems: list[Problem]) -> RunStatus:
    logged = stop.metadata.status
    if logged is None:
        problems.append(Problem("status-missing", "run_stop says neither success nor failure"))
        # v0.5 entries wrote run_stop only on success, and were accepted so; later rounds require the word.
        return RunStatus.CONVERGED if grammar == mlp05.NAME else RunStatus.NOT_CONVERGED
    text = short_text(logged)
    status = _STATUSES.get(text.strip().lower())
    if status is None:
        problems.append(Problem("status-unknown", f"run_stop has the status {text!r}"))
        return RunStatus.NOT_CONVERGED
    return status


def _evaluations(found: _Collected, start_ms: float | None) -> Iterator[Evaluation]:
    for mark, after_stop in found.evaluations:
        time_ms = as_number(mark.time_ms)
        elapsed = None if time_ms is None or start_ms is None else time_ms - start_ms
        point, unit = _progress(mark.metadata)
        for metric, value in _values(mark):
            if value is None:
                found.problems.append(
                    Problem("evaluation-without-number", f"at {point}: {short_text(mark.value)!r}")
                )
            yield Evaluation(elapsed, point, value, metric, after_stop, unit)


def _progress(metadata: Metadata) -> tuple[float | None, str]:
    """How far training had come, by what tells it most exactly."""
    for unit, logged in zip(PROGRESS_KEYS, _progress_counts(metadata), strict=True):
        if logged is not None and (point := as_number(logged)) is not None:
            return point, unit
    return None, ""


def _values(mark: Mark) -> Sequence[tuple[str, float | None]]:
    """The metrics of one evaluation: Mask R-CNN logs box and mask AP together, in three shapes."""
    value = mark.value
    if type(value) is float:
        return ((short_text(mark.metadata.metric), as_number(value)),)
    if isinstance(value, dict) and isinstance(value.get("accuracy"), dict):
        value = value["accuracy"]
    if isinstance(value, dict):
        return [(short_text(metric), as_number(number)) for metric, number in value.items()]
    if isinstance(value, list):
        return [(name, as_number(number)) for name, number in zip(("BBOX", "SEGM"), value, strict=False)]
    return ((short_text(mark.metadata.metric), as_number(value)),)


def _encoding_problems(data: bytes) -> Iterator[Problem]:
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Problem("not-utf-8", f"byte {error.start}")
