"""Tasks in full mode on a folder of data, and a few steps of their training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.registry import workload

STEPS = 12


def task_of(name: str, data: Path, seed: int = 3, **changes: Any) -> Any:
    torch.set_num_threads(1)
    context = Context.start(seed, "cpu", 1)
    chosen = workload(name)
    settings = chosen.changed("full", {"data": str(data), **changes})
    chosen.check_dataset(settings, "full")
    task = chosen.create(settings, "full", context)
    task.load_data()
    return task


def losses(task: Any, steps: int = STEPS) -> list[float]:
    """Losses of the first steps, over as many epochs as they take."""
    found: list[float] = []
    task.model.train()
    for epoch in range(steps):
        for batch in task.batches(epoch):
            found.append(task.train_step(batch).item())
            if len(found) == steps:
                return found
    raise AssertionError("no batches")


def quality(task: Any) -> float:
    task.model.eval()
    with torch.no_grad():
        return float(task.evaluate())
