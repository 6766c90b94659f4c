"""What a workload has to bring so that the training loop can train it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

Batch = Any
"""Whatever one step trains on; only the task that made it looks inside."""


class Task(Protocol):
    """One training in one process: model and optimiser from the start, data once the clock runs."""

    model: torch.nn.Module
    train_samples: int
    """Known after :meth:`load_data`."""
    eval_samples: int
    steps_per_epoch: int

    def load_data(self) -> None:
        """Read the dataset; the clock is running."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        """This process's share of the batches of an epoch (0, 1, …), ``steps_per_epoch`` of them."""

    def train_step(self, batch: Batch) -> torch.Tensor:
        """Forward, backward and optimiser step; the loss, not yet synchronised."""

    def evaluate(self) -> float | Mapping[str, float]:
        """Quality on the evaluation data, the same number in every process.

        Where there are several, by the names under which they are logged, that of ``target`` first.
        """

    def hyperparameters(self) -> Mapping[str, Any]:
        """Values to log under the official keys, once the data are there."""
