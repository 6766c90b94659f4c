"""The training loop under the MLPerf clock, the same for every workload.

The clock starts before the dataset is touched and stops when an evaluation has reached the target or
the last epoch has passed; evaluations are inside. Source: MLPerf Training rules, "Timing".
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mlperf_logging.mllog import constants as keys

from mlperf_runners.training.context import Context
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.training.task import Task

TRACKED_STATS = "tracked_stats"
CONTENDED_SHARE = 0.05
"""A thread that waited for a core for a larger share of its run was not alone on the machine."""


@dataclass(frozen=True, slots=True)
class Goal:
    """When a training is over."""

    target: float
    max_epochs: float
    evaluate_every: float
    """Epochs between evaluations."""
    first_evaluation: float = 0.0
    """No evaluation before this many epochs."""
    further: Mapping[str, float] = field(default_factory=dict)
    """Targets of the other qualities, where an evaluation gives several: all have to be reached."""
    lower_is_better: bool = False

    def reached(self, qualities: Mapping[str, float]) -> bool:
        """Whether all are as good as their targets or better; the first is that of ``target``."""
        first, *_ = qualities
        targets = {first: self.target, **self.further}
        if self.lower_is_better:
            return all(qualities[name] <= most for name, most in targets.items())
        return all(qualities[name] >= least for name, least in targets.items())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the timed part went."""

    converged: bool
    minutes: float
    quality: float
    epochs: float
    samples: int
    waited_share: float
    """Share of the timed part that the training thread was ready to run but had no core."""

    @property
    def contended(self) -> bool:
        """Whether others used the machine so much that the time is not to be trusted."""
        return self.waited_share > CONTENDED_SHARE


@dataclass(frozen=True, slots=True)
class _Instant:
    """A moment, with the time that the training thread has waited for a core until then."""

    ms: int
    waited_ns: int

    @classmethod
    def now(cls) -> _Instant:
        return cls(int(time.time() * 1000), _waited_ns())


def train(task: Task, goal: Goal, context: Context, log: Logbook) -> Outcome:
    """Train until the goal is reached or out of reach, logging as the rules want it.

    The task has its model, and ``init_start`` is logged; it gets its data here.
    """
    context.barrier()
    log.end(keys.INIT_STOP)
    start = _Instant.now()
    log.start(keys.RUN_START, time_ms=start.ms)
    task.load_data()
    log.hyperparameters(task.hyperparameters())
    log.event(keys.TRAIN_SAMPLES, task.train_samples)
    log.event(keys.EVAL_SAMPLES, task.eval_samples)
    training = _Training(task, goal, context, log)
    converged = training.run()
    context.barrier()
    stop = _Instant.now()
    status = keys.SUCCESS if converged else keys.ABORTED
    log.end(keys.RUN_STOP, time_ms=stop.ms, status=status, **training.progress())
    return Outcome(
        converged=converged,
        minutes=(stop.ms - start.ms) / 60_000,
        quality=training.quality,
        epochs=training.epochs,
        samples=training.samples,
        waited_share=(stop.waited_ns - start.waited_ns) / 1e6 / max(stop.ms - start.ms, 1),
    )


class _Training:
    """Blocks of steps with an evaluation after each."""

    def __init__(self, task: Task, goal: Goal, context: Context, log: Logbook) -> None:
        self._task = task
        self._context = context
        self._goal = goal
        self._log = log
        self._steps = 0
        self._last_step = math.ceil(goal.max_epochs * task.steps_per_epoch)
        # Points of the grid that have passed or are skipped; they count from 1.
        self._point = max(math.ceil(goal.first_evaluation / goal.evaluate_every - 1e-9), 1) - 1
        self.quality = 0.0

    @property
    def epochs(self) -> float:
        return self._steps / self._task.steps_per_epoch

    @property
    def samples(self) -> int:
        return round(self.epochs * self._task.train_samples)

    def progress(self) -> dict[str, Any]:
        return {"epoch_num": self.epochs, "samples_count": self.samples}

    def run(self) -> bool:
        """True as soon as the target is reached, False when the last epoch has passed."""
        block_end = self._start_block()
        loss: torch.Tensor | None = None
        block_started = time.perf_counter()
        epoch = 0
        while True:
            self._task.model.train()
            for batch in self._task.batches(epoch):
                loss = self._task.train_step(batch)
                self._steps += 1
                if self._steps < block_end:
                    continue
                self._end_block(loss, time.perf_counter() - block_started)
                is_reached = self._evaluate()
                # A training that has diverged cannot come back, and what it measures means nothing.
                if self._has_diverged(loss):
                    return False
                if is_reached or self._steps >= self._last_step:
                    return is_reached
                block_end = self._start_block()
                block_started = time.perf_counter()
                self._task.model.train()
            epoch += 1

    def _start_block(self) -> int:
        """Begin a block; the step after which it ends with an evaluation."""
        goal, per_epoch = self._goal, self._task.steps_per_epoch
        end = self._steps
        # Where an epoch has few steps, several points of the grid may fall on one: evaluate once.
        while end <= self._steps:
            self._point += 1
            end = round(self._point * goal.evaluate_every * per_epoch)
        end = min(end, self._last_step)
        self._block_first, self._block_steps = self.epochs, end - self._steps
        self._log.start(
            keys.BLOCK_START,
            first_epoch_num=self._block_first,
            epoch_count=self._block_steps / per_epoch,
            samples_count=self.samples,
        )
        return end

    def _end_block(self, loss: torch.Tensor, seconds: float) -> None:
        samples = self._block_steps / self._task.steps_per_epoch * self._task.train_samples
        stats = {"throughput": samples / seconds, "train_loss": loss.item()}
        self._log.event(TRACKED_STATS, stats, **self.progress())
        self._log.end(keys.BLOCK_STOP, first_epoch_num=self._block_first, samples_count=self.samples)

    def _has_diverged(self, loss: torch.Tensor) -> bool:
        """The same answer in all processes: where one sees it, they end together."""
        return not math.isfinite(self._context.sums(loss.item())[0])

    def _evaluate(self) -> bool:
        self._log.start(keys.EVAL_START, **self.progress())
        self._task.model.eval()
        # All processes evaluate one model, whether through DistributedDataParallel or not.
        self._context.same_buffers(self._task.model)
        with torch.no_grad():
            measured = self._task.evaluate()
        self._log.event(keys.EVAL_ACCURACY, measured, **self.progress())
        self._log.end(keys.EVAL_STOP, **self.progress())
        qualities = measured if isinstance(measured, Mapping) else {"": measured}
        self.quality = next(iter(qualities.values()))
        return self._goal.reached(qualities)


def _waited_ns() -> int:
    """Time this thread was runnable without a core; 0 where the kernel does not tell."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    return 0
