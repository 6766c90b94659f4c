"""How far a run had to train: which of its evaluations gives the convergence point.

Sources: MLPerf Training rules, sections on the quality measure and on reference convergence points, and
what the official RCP checker reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_stats.model import Evaluation
from mlperf_stats.rules.suite import Benchmark, ConvergenceRule

_FEWEST_SAMPLES = 1_000
"""Smaller "sample counts" are epoch numbers: the rules evaluate BERT every 150 000 samples at most
often, and logs that do not count samples say 1."""


_OTHER_UNITS = {"samples_count": "sample", "step_num": "step"}
"""Logged counts that say themselves what they count; ``epoch_num`` holds whatever the benchmark counts."""


def convergence(
    evaluations: Sequence[Evaluation], benchmark: Benchmark, train_samples: int | None = None
) -> tuple[float | None, str]:
    """Convergence point of a run and its unit, by the benchmark's rule.

    - In general: the last evaluation at or before run_stop.
    - bert: the same, where evaluations count samples. Many logs up to 2.0 file a constant 1 there; then
      it is ``train_samples``. The other way round would be wrong: three submissions log the samples they
      *planned* as ``train_samples``, the same number in every run.
    - stable_diffusion: the smallest point at which every target was reached. Evaluation is off the
      clock, so its place in time does not matter.

    Args:
        evaluations: Evaluations of one run in the order of its log.
        benchmark: Gives rule, targets and unit.
        train_samples: Last ``train_samples`` of the log, if it has one.

    Returns:
        The point, None if the log does not tell, and the unit: the benchmark's, unless the log counts
        something else and says so.
    """
    if benchmark.convergence is ConvergenceRule.FIRST_PASSING:
        deciding = _first_passing(evaluations, benchmark)
    else:
        deciding = _last(evaluations)
    point = None if deciding is None else deciding.point
    if benchmark.convergence is ConvergenceRule.LAST_OR_TRAINED_SAMPLES and (
        point is None or point < _FEWEST_SAMPLES
    ):
        return None if train_samples is None else float(train_samples), benchmark.convergence_unit
    logged_unit = "" if deciding is None else deciding.unit
    return point, _OTHER_UNITS.get(logged_unit, benchmark.convergence_unit)


def _last(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The last evaluation in time that belongs to the timed run.

    The log's order says what stands after run_stop, since clocks of ranks differ by milliseconds.
    Where an evaluation has no time, and among equal times, the order of the log decides as well.
    """
    timed = [entry for entry in evaluations if not entry.after_stop and entry.point is not None]
    if not timed:
        return None
    times = [entry.elapsed_ms for entry in timed if entry.elapsed_ms is not None]
    if len(times) < len(timed):
        return timed[-1]
    latest = max(times)
    return next(entry for entry in reversed(timed) if entry.elapsed_ms == latest)


def _first_passing(evaluations: Sequence[Evaluation], benchmark: Benchmark) -> Evaluation | None:
    """An evaluation at the smallest point that reaches every target.

    A repeated evaluation of the same metric at the same point replaces the earlier one.
    """
    qualities: dict[float, dict[str, float]] = {}
    at: dict[float, Evaluation] = {}
    for entry in evaluations:
        if entry.point is not None and entry.value is not None:
            qualities.setdefault(entry.point, {})[entry.metric.upper()] = entry.value
            at[entry.point] = entry
    passing = [
        point
        for point, by_metric in qualities.items()
        if all(
            target.logged in by_metric and target.reached(by_metric[target.logged])
            for target in benchmark.targets
        )
    ]
    return at[min(passing)] if passing else None
