"""What the user sees while a campaign runs, on standard error."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from mlperf_runners.campaign.folder import Attempt, RunResult
from mlperf_runners.dispatch.stopping import Verdict
from mlperf_stats.logs.runs import read_run
from mlperf_stats.text.names import clean

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval

_TERMINAL_SECONDS = 1.0
_PIPE_SECONDS = 10.0


def interval_words(interval: Interval | None) -> list[str]:
    """The running interval in a few words; none while it has no end."""
    if interval is None or math.isinf(interval.high) or math.isinf(interval.low):
        return []
    what = "ratio" if interval.estimand.startswith("ratio") else "minutes"
    return [f"{what} {interval.estimate:.3g} ({interval.low:.3g} – {interval.high:.3g})"]


class Progress:
    """A line per run that ended; on a terminal also a line that says what is going on right now."""

    def __init__(
        self,
        metric: str,
        target_of: Callable[[int], float],
        out: TextIO | None = None,
        name_of: Callable[[int], str] = "run {}".format,
    ) -> None:
        """``target_of``, ``name_of``: the target and the name of a run by its index."""
        self._metric = metric
        self._target_of = target_of
        self._name_of = name_of
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._line = ""

    @property
    def interval_seconds(self) -> float:
        """How long nothing may be shown."""
        return _TERMINAL_SECONDS if self._live else _PIPE_SECONDS

    def show(self, results: list[RunResult], verdict: Verdict, running: list[Attempt]) -> None:
        """Renew the line of the moment."""
        if not self._live:
            return
        parts = [verdict.reason, *interval_words(verdict.interval)]
        parts += [f"{self._name_of(attempt.index)} {self._quality(attempt)}" for attempt in running]
        if verdict.runs_left:
            parts.append(f"about {verdict.runs_left} more")
        width = shutil.get_terminal_size().columns - 1
        self._line = clean(" · ".join(parts))[:width]
        self._out.write(f"\r\x1b[K{self._line}")
        self._out.flush()

    def finished(self, attempt: Attempt, result: RunResult) -> None:
        """A run was trained to its end."""
        word = "converged" if result.status == "converged" else "did not converge"
        note = "; the machine was busy with something else" if result.contended else ""
        self._print(
            f"{self._name_of(attempt.index)}: {word}, {self._metric} {result.quality:.4f} after "
            f"{result.epochs:.3g} epochs, {result.minutes:.3f} min{note}"
        )

    def died(self, attempt: Attempt, how: str, words: str) -> None:
        """An attempt ended without a result."""
        name = self._name_of(attempt.index)
        self._print(f"{name}, attempt {attempt.number}: {how}{': ' if words else ''}{words}")

    def close(self) -> None:
        """Leave the terminal clean."""
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _print(self, text: str) -> None:
        self.close()
        self._out.write(clean(text) + "\n")
        self._out.flush()

    def _quality(self, attempt: Attempt) -> str:
        """The latest evaluation of a run that is under way, against its target."""
        try:
            run = read_run(attempt.log.read_bytes(), attempt.log.name)
        except OSError:
            return "starts"
        if not run.evaluations:
            return "trains"
        # Where an evaluation gives several qualities, the first one is the metric's.
        first = run.evaluations[0].metric
        latest = next(one for one in reversed(run.evaluations) if one.metric == first)
        return f"{self._metric} {latest.value:.4f} of {self._target_of(attempt.index):g}"
