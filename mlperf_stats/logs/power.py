"""Power logs to mean power: the energy of a run is its mean power times its time to train.

Source: MLPerf Training power measurement as the official summarizer computes it. Node logs carry
readings between a start and a stop mark, switch logs one estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_stats.logs import mllog
from mlperf_stats.logs.marks import Mark, as_number
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


def read_power(data: bytes, path: str) -> PowerLog:
    """Read one ``node_*.txt`` or ``sw_*.txt``. Never raises."""
    found = list(mllog.marks(data, _PATTERN))
    marks = [item for item in found if isinstance(item, Mark)]
    problems = [item for item in found if isinstance(item, Problem)]
    is_node = path.rpartition("/")[2].startswith("node_")
    watts, reason = _node_watts(marks) if is_node else _switch_watts(marks)
    if watts is None:
        problems.append(Problem("power-log-unsound", f"{path}: {reason}"))
    return PowerLog(path, is_node, watts, tuple(problems))


def _efficiency(marks: Sequence[Mark]) -> float | None:
    values = [as_number(mark.value) for mark in marks if mark.key == "conversion_eff"]
    return values[-1] if values else 1.0


def _node_watts(marks: Sequence[Mark]) -> tuple[float | None, str]:
    start_ms = stop_ms = previous_ms = last_ms = None
    watt_ms = 0.0
    for mark in sorted(
        (mark for mark in marks if mark.time_ms is not None), key=lambda mark: mark.time_ms or 0.0
    ):
        if mark.key == "power_measurement_start":
            start_ms = previous_ms = mark.time_ms
        elif mark.key == "power_measurement_stop":
            stop_ms = mark.time_ms
        elif mark.key == "power_reading" and previous_ms is not None and stop_ms is None:
            watts = as_number(mark.value)
            if watts is None or mark.time_ms is None:
                return None, "a power reading is no number"
            watt_ms += watts * (mark.time_ms - previous_ms)
            previous_ms = last_ms = mark.time_ms
    stop_ms = last_ms if stop_ms is None else stop_ms
    efficiency = _efficiency(marks)
    if start_ms is None or stop_ms is None or efficiency is None:
        return None, "no start mark, no readings, or an efficiency that is no number"
    if stop_ms <= start_ms:
        return None, "the measurement stops when it starts"
    return efficiency * watt_ms / (stop_ms - start_ms), ""


def _switch_watts(marks: Sequence[Mark]) -> tuple[float | None, str]:
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
