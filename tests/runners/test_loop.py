"""The training loop with a task that costs nothing: when it evaluates, when it stops, what it logs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mlperf_runners.training.context import Context
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.training.loop import Goal, Outcome, train
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import Run, RunStatus


class Counting:
    """Quality is the number of steps divided by 100."""

    def __init__(self, steps_per_epoch: int, loss: float = 1.0) -> None:
        self.model = torch.nn.Linear(1, 1)
        self.steps_per_epoch = steps_per_epoch
        self.train_samples, self.eval_samples = 10 * steps_per_epoch, 7
        self.steps = 0
        self.loss = loss
        self.epochs: list[int] = []
        self.loaded = 0

    def load_data(self) -> None:
        self.loaded += 1

    def batches(self, epoch: int) -> Iterator[int]:
        self.epochs.append(epoch)
        return iter(range(self.steps_per_epoch))

    def train_step(self, batch: int) -> torch.Tensor:
        assert self.model.training
        self.steps += 1
        return torch.tensor(self.loss)

    def evaluate(self) -> float:
        assert not self.model.training
        return self.steps / 100

    def hyperparameters(self) -> dict[str, Any]:
        return {"opt_name": "none"}


ALONE = Context(1, torch.device("cpu"))


def trained(task: Counting, goal: Goal, folder: Path, context: Context = ALONE) -> tuple[Outcome, Run]:
    path = folder / "mllog.txt"
    with Logbook(path) as log:
        log.start("init_start")
        outcome = train(task, goal, context, log)
    return outcome, read_run(path.read_bytes(), "mllog.txt")


@pytest.mark.parametrize("per_epoch", [7, 22, 100, 749])
@pytest.mark.parametrize("every", [0.1, 0.25, 1.0])
def test_evaluations_stand_on_the_nearest_steps_of_the_grid(
    per_epoch: int, every: float, tmp_path: Path
) -> None:
    outcome, run = trained(Counting(per_epoch), Goal(1e9, 2.0, every), tmp_path)
    expected = sorted({max(round(point * every * per_epoch), 1) for point in range(1, round(2 / every) + 1)})
    assert [item.point for item in run.evaluations] == [10 * step for step in expected]
    assert not outcome.converged
    assert run.status is RunStatus.NOT_CONVERGED
    assert outcome.epochs == 2


def test_it_stops_at_the_first_evaluation_that_reaches_the_target(tmp_path: Path) -> None:
    task = Counting(20)
    outcome, run = trained(task, Goal(0.3, 50, 0.2), tmp_path)
    # Every 4 steps: 28 are too few, 32 enough.
    assert (task.steps, outcome.quality, outcome.epochs, outcome.samples) == (32, 0.32, 1.6, 320)
    assert run.status is RunStatus.CONVERGED
    assert run.evaluations[-1].value == 0.32
    assert run.minutes == outcome.minutes
    assert task.epochs == [0, 1]
    assert task.loaded == 1


class Falling(Counting):
    """The quality is an error: what is left of 1."""

    def evaluate(self) -> float:
        return 1 - super().evaluate()


def test_an_error_has_to_fall_to_its_target(tmp_path: Path) -> None:
    outcome, run = trained(Falling(20), Goal(0.7, 50, 0.2, lower_is_better=True), tmp_path)
    # Every 4 steps: 0.72 is too much after 28, 0.68 little enough after 32.
    assert (outcome.converged, outcome.quality, outcome.epochs) == (True, pytest.approx(0.68), 1.6)
    assert run.status is RunStatus.CONVERGED
    assert [item.value for item in run.evaluations][-2:] == pytest.approx([0.72, 0.68])
    assert not trained(Falling(20), Goal(0.7, 1, 0.2, lower_is_better=True), tmp_path)[0].converged


def test_there_is_no_evaluation_before_the_first_one(tmp_path: Path) -> None:
    _, run = trained(Counting(10), Goal(1.0, 6, 1, first_evaluation=3), tmp_path)
    assert [item.point for item in run.evaluations] == [300, 400, 500, 600]


class CountingTwice(Counting):
    """A second quality that is half as good."""

    def evaluate(self) -> dict[str, float]:  # type: ignore[override]
        return {"BBOX": super().evaluate(), "SEGM": self.steps / 200}


def test_a_training_with_two_qualities_ends_when_both_are_reached(tmp_path: Path) -> None:
    outcome, run = trained(CountingTwice(10), Goal(0.2, 9, 1, further={"SEGM": 0.2}), tmp_path)
    assert (outcome.converged, outcome.quality, outcome.epochs) == (True, 0.4, 4)
    assert [(item.metric, item.value) for item in run.evaluations[-2:]] == [("BBOX", 0.4), ("SEGM", 0.2)]
    outcome, _ = trained(CountingTwice(10), Goal(0.4, 9, 1, further={"SEGM": 0.1}), tmp_path)
    assert outcome.epochs == 4
    outcome, _ = trained(CountingTwice(10), Goal(0.2, 3, 1, further={"SEGM": 0.2}), tmp_path)
    assert (outcome.converged, outcome.quality) == (False, 0.3)


def test_the_last_epoch_may_be_cut_and_is_evaluated(tmp_path: Path) -> None:
    outcome, run = trained(Counting(10), Goal(1.0, 1.25, 1), tmp_path)
    assert [item.point for item in run.evaluations] == [100, 130]
    assert outcome.epochs == 1.3


def test_a_training_that_has_diverged_ends_at_its_next_evaluation(tmp_path: Path) -> None:
    task = Counting(10, loss=math.nan)
    outcome, run = trained(task, Goal(1.0, 1000, 1), tmp_path)
    assert (task.steps, outcome.converged, run.status) == (10, False, RunStatus.NOT_CONVERGED)


def test_a_training_that_has_diverged_has_not_converged_whatever_it_measures(tmp_path: Path) -> None:
    outcome, _ = trained(Counting(10, loss=math.nan), Goal(0.05, 1000, 1), tmp_path)
    assert (outcome.quality, outcome.converged) == (0.1, False)
    assert '"status": "aborted"' in (tmp_path / "mllog.txt").read_text()


class BesideDiverged(Context):
    """Another process of the training has a loss that is no number."""

    def sums(self, *values: float) -> tuple[float, ...]:
        return tuple(value + math.nan for value in values)


def test_all_processes_end_where_one_has_diverged(tmp_path: Path) -> None:
    task = Counting(10)
    outcome, _ = trained(task, Goal(1.0, 1000, 1), tmp_path, BesideDiverged(1, torch.device("cpu")))
    assert (task.steps, outcome.converged) == (10, False)


def test_the_clock_starts_before_the_data_are_touched(tmp_path: Path) -> None:
    trained(Counting(10), Goal(0.1, 1, 1), tmp_path)
    lines = (tmp_path / "mllog.txt").read_text().splitlines()
    keys = [json.loads(line.removeprefix(":::MLLOG "))["key"] for line in lines]
    assert keys[:5] == ["init_start", "init_stop", "run_start", "opt_name", "train_samples"]
    assert keys[-1] == "run_stop"
