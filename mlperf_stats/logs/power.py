"""Power logs to mean power: the energy of a run is its mean power times its time to train.

Source: MLPerf Training power measurement as the official summarizer computes it. Node logs carry
readings between a start and a stop mark, switch logs one estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mlperf_stats.logs import mllog
from mlperf_stats.logs.marks import REFUSALS, Mark, as_number
from mlperf_stats.logs.problems import merge_problems
from mlperf_stats.model import Problem

_PATTERN = mllog.key_pattern(
    (
        "power_measurement_start",
        "power_measurement_stop",
        "power_reading",
        "conversion_eff",
        "interconnect_power_est",
    )
)


@dataclass(frozen=True, slots=True)
class PowerLog:
    """Mean power of one node or switch over a run."""

    path: str
    is_node: bool
    watts: float | None
    """None where the log does not allow to compute it; ``problems`` says why."""
    problems: tuple[Problem, ...] = ()


class _Reading(msgspec.Struct, gc=False):
    """A mark of a tidy power log; one whose types differ makes the log an untidy one."""

    key: str
    time_ms: float
    value: float | int | str | None = None


_decode_readings = msgspec.json.Decoder(_Reading).decode_lines


def read_power(data: bytes, path: str) -> PowerLog:
    """Read one ``node_*.txt`` or ``sw_*.txt``. Never raises."""
    problems: list[Problem] = []
    marks: Sequence[Mark | _Reading] | None = _tidy_marks(data)
    if marks is None:
        marks = mllog.marks(data, problems, _PATTERN)
    is_node = path.rpartition("/")[2].startswith("node_")
    watts, reason = _node_watts(marks) if is_node else _switch_watts(marks)
    if watts is None:
        problems.append(Problem("power-log-unsound", f"{path}: {reason}"))
    return PowerLog(path, is_node, watts, tuple(merge_problems(problems)))


def _tidy_marks(data: bytes) -> list[_Reading] | None:
    """Marks of a log whose every line is one mark and nothing else, as nearly all are; else None.

    Decoding all lines at once is ten times faster than finding them one by one.
    """
    try:
        return _decode_readings(data.replace(mllog.TOKEN, b"")) if data.startswith(mllog.TOKEN) else None
    except REFUSALS:
        return None


def _efficiency(marks: Sequence[Mark | _Reading]) -> float | None:
    values = [as_number(mark.value) for mark in marks if mark.key == "conversion_eff"]
    return values[-1] if values else 1.0


def _node_watts(marks: Sequence[Mark | _Reading]) -> tuple[float | None, str]:
    start_ms = stop_ms = previous_ms = last_ms = None
    watt_ms = 0.0
    for time_ms, mark in _in_time(marks):
        if mark.key == "power_reading":
            if previous_ms is None or stop_ms is not None:
                continue
            watts = as_number(mark.value)
            if watts is None:
                return None, "a power reading is no number"
            watt_ms += watts * (time_ms - previous_ms)
            previous_ms = last_ms = time_ms
        elif mark.key == "power_measurement_start":
            start_ms = previous_ms = time_ms
        elif mark.key == "power_measurement_stop":
            stop_ms = time_ms
    stop_ms = last_ms if stop_ms is None else stop_ms
    efficiency = _efficiency(marks)
    if start_ms is None or stop_ms is None or efficiency is None:
        return None, "no start mark, no readings, or an efficiency that is no number"
    if stop_ms <= start_ms:
        return None, "the measurement stops when it starts"
    return efficiency * watt_ms / (stop_ms - start_ms), ""


def _in_time(marks: Sequence[Mark | _Reading]) -> list[tuple[float, Mark | _Reading]]:
    """Marks that have a time, by it; the order of the log decides between equal ones."""
    timed = [(time_ms, mark) for mark in marks if (time_ms := as_number(mark.time_ms)) is not None]
    timed.sort(key=lambda item: item[0])
    return timed


def _switch_watts(marks: Sequence[Mark | _Reading]) -> tuple[float | None, str]:
    estimates = [as_number(mark.value) for mark in marks if mark.key == "interconnect_power_est"]
    efficiency = _efficiency(marks)
    if not estimates or estimates[-1] is None or efficiency is None:
        return None, "no interconnect_power_est"
    return efficiency * estimates[-1], ""


def run_energy(logs: Sequence[PowerLog], minutes: float | None) -> tuple[float | None, tuple[Problem, ...]]:
    """Energy of a run in joules over all its nodes and switches, None unless every log is sound."""
    problems = [problem for log in logs for problem in log.problems]
    if not any(log.is_node for log in logs):
        problems.append(Problem("power-log-unsound", "no node_*.txt among the power logs"))
        return None, tuple(problems)
    watts = [log.watts for log in logs]
    if minutes is None or any(value is None for value in watts):
        return None, tuple(problems)
    return sum(value for value in watts if value is not None) * minutes * 60.0, tuple(problems)
