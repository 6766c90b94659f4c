"""Which N of M > N runs make a result: the rule against picking the lucky ones.

Source: MLPerf Training rules, section "Benchmark Results". All M runs are put in an objective order
(launch time), every window of N consecutive runs is scored, a window without a valid score counts as
+∞, and the window with the median score has to be taken, whether it is valid or not.

The rules do not say which window is the median of an even number of windows. A result needs the runs
of one window, so the mean of two will not do; here it is the slower of the middle two. The rule is there
to take the choice from the submitter, so the doubt must not work in their favour: of two windows,
taking the faster one would be picking the better half of the luck.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlperf_stats.errors import InputError, RulesError
from mlperf_stats.model import Run, RunStatus
from mlperf_stats.rules.scoring import Score, ScoreState, score
from mlperf_stats.rules.suite import Benchmark


@dataclass(frozen=True, slots=True)
class Window:
    """N consecutive launches and their score; indices point into the runs as they were given."""

    runs: tuple[int, ...]
    """In order of launch."""
    score: Score

    @property
    def rank_minutes(self) -> float:
        """The score that the window is ranked by: minutes, +∞ where it is not valid."""
        return math.inf if self.score.score_minutes is None else self.score.score_minutes


@dataclass(frozen=True, slots=True)
class Selection:
    """Every window, in order of launch, and the one that the rule takes."""

    windows: tuple[Window, ...]
    chosen: int | None
    """Index of the window to take; None if runs are absent, which leaves its rank unknown."""
    state: ScoreState

    @property
    def window(self) -> Window | None:
        """The window to take, None if it is unknown."""
        return None if self.chosen is None else self.windows[self.chosen]

    @property
    def score(self) -> Score | None:
        """Score of the window to take (perhaps an invalid one), None if it is unknown."""
        return None if self.window is None else self.window.score


def select(
    minutes: Sequence[float | None],
    statuses: Sequence[RunStatus | str],
    launched: Sequence[float | None],
    benchmark: Benchmark,
    scaling_factor: float = 1.0,
) -> Selection:
    """Score every window of ``benchmark.runs`` consecutive launches and take the median one.

    Windows of equal score rank in order of launch; runs launched at the same time, as given.

    Args:
        minutes: Time to train per run, shape (m,); None where there is none.
        statuses: How each run ended, shape (m,).
        launched: Launch time of each run in any unit, shape (m,).
        benchmark: The rules to apply.
        scaling_factor: Factor of the submission's ``scaling.json``.

    Raises:
        RulesError: there are fewer runs than the benchmark asks for, so there is no window.
        InputError: a launch time is missing, or the input is not what :func:`score` accepts.
    """
    order = _launch_order(len(minutes), launched)
    size = benchmark.runs
    if len(order) < size:
        raise RulesError(
            f"{benchmark.name}: no window of {size} runs in {len(order)}; measure at least {size} runs"
        )
    if len(statuses) != len(minutes):
        raise InputError(f"{len(minutes)} times but {len(statuses)} statuses; give one of each per run")

    windows = []
    for start in range(len(order) - size + 1):
        runs = order[start : start + size]
        of_window = score(
            [minutes[run] for run in runs],
            [statuses[run] for run in runs],
            benchmark,
            scaling_factor,
        )
        windows.append(Window(tuple(runs), _translated(of_window, runs)))
    return _median(tuple(windows))


def select_runs(runs: Iterable[Run], benchmark: Benchmark, scaling_factor: float = 1.0) -> Selection:
    """:func:`select` of runs as read from logs, launched at their run_start."""
    filed = tuple(runs)
    return select(
        [run.minutes for run in filed],
        [run.status for run in filed],
        [run.start_ms for run in filed],
        benchmark,
        scaling_factor,
    )


def _median(windows: tuple[Window, ...]) -> Selection:
    if any(window.score.state is ScoreState.UNKNOWN for window in windows):
        return Selection(windows, None, ScoreState.UNKNOWN)
    ranked = sorted(range(len(windows)), key=lambda index: windows[index].rank_minutes)
    chosen = ranked[len(ranked) // 2]
    return Selection(windows, chosen, windows[chosen].score.state)


def _launch_order(runs: int, launched: Sequence[float | None]) -> list[int]:
    if len(launched) != runs:
        raise InputError(f"{len(launched)} launch times for {runs} runs; give one per run")
    times: list[float] = []
    for index, time in enumerate(launched):
        if time is None or not math.isfinite(time):
            raise InputError(
                f"run {index} has no launch time, so its place among the windows is unknown; "
                "select from runs that say when they started"
            )
        times.append(time)
    return sorted(range(runs), key=times.__getitem__)


def _translated(of_window: Score, runs: Sequence[int]) -> Score:
    """The score with its indices pointing to the caller's runs instead of the window's."""
    return replace(
        of_window,
        kept=tuple(runs[index] for index in of_window.kept),
        dropped_fast=tuple(runs[index] for index in of_window.dropped_fast),
        dropped_slow=tuple(runs[index] for index in of_window.dropped_slow),
    )
