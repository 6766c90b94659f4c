"""Training and evaluation of NeuMF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.ncf import NcfSettings
from mlperf_runners.workloads.ncf.data import Interactions, generate, read_movielens
from mlperf_runners.workloads.ncf.model import NeuMF

HITS_AMONG = 10
PAIRS_AT_ONCE = 1 << 20
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class NcfTask:
    """NeuMF with Adam; every epoch draws new negatives."""

    def __init__(self, settings: NcfSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        # Embeddings need the number of users and items, which real data tell when they are read.
        generated = mode == "mini"
        self._data = generate(settings.users, settings.items, settings.data_seed) if generated else None
        if self._data is not None:
            self._build(self._data)

    def _build(self, data: Interactions) -> None:
        settings = self._settings
        model = NeuMF(data.users, data.items, settings.gmf_width, settings.mlp_widths)
        self.model: torch.nn.Module = self._context.data_parallel(model)
        self._optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=settings.learning_rate,
            betas=(settings.beta_1, settings.beta_2),
            eps=settings.epsilon,
        )

    def load_data(self) -> None:
        """Read the ratings, or take the generated ones, and draw the items to rank."""
        settings = self._settings
        data = self._data
        if data is None:
            self._data = data = read_movielens(Path(settings.data))
            self._build(data)
        self._interactions = data
        random = np.random.default_rng([settings.data_seed, 1])
        self._candidates = data.candidates(settings.eval_negatives, random)
        self.train_samples = len(data.train_items) * (1 + settings.train_negatives)
        self.eval_samples = data.users
        self.steps_per_epoch = max(self.train_samples // settings.batch_size, 1)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Positives and their fresh negatives, shuffled together; an incomplete last batch is left out."""
        random = self._context.random("negatives", epoch)
        data = self._interactions
        negative_users = np.repeat(data.train_users, self._settings.train_negatives)
        users = np.concatenate((data.train_users, negative_users))
        items = np.concatenate((data.train_items, data.negatives(negative_users, random)))
        labels = np.zeros(len(users), np.float32)
        labels[: len(data.train_users)] = 1
        order = random.permutation(len(users))
        tensors = [self._on_device(column[order]) for column in (users, items, labels)]
        size = min(self._settings.batch_size, len(users))
        for step in range(self.steps_per_epoch):
            mine = slice(step * size + self._context.rank, (step + 1) * size, self._context.world)
            yield tensors[0][mine], tensors[1][mine], tensors[2][mine]

    def train_step(self, batch: Batch) -> torch.Tensor:
        """One step of Adam on the binary cross-entropy."""
        users, items, labels = batch
        self._optimizer.zero_grad(set_to_none=True)
        with self._context.autocast(self._settings.precision):
            logits = self.model(users, items)
        loss = binary_cross_entropy_with_logits(logits.float(), labels)
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def evaluate(self) -> float:
        """Share of users whose held-out item ranks among the first 10 of their candidates."""
        rows: NDArray[np.int64] = self._context.share(np.arange(self._interactions.users))
        at_once = max(PAIRS_AT_ONCE // self._candidates.shape[1], 1)
        hits = sum(self._hits(rows[first : first + at_once]) for first in range(0, len(rows), at_once))
        return self._context.sums(hits)[0] / self._interactions.users

    def _hits(self, users: NDArray[np.int64]) -> int:
        items = self._on_device(self._candidates[users])
        scores = self.model(self._on_device(users)[:, None].expand_as(items), items)
        # Ties count against the model: a constant score must not look like a perfect one, nor one that is
        # no number, which compares with nothing.
        better = (~(scores[:, 1:] < scores[:, :1])).sum(1)
        return int((better < HITS_AMONG).sum())

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of NeuMF."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.ADAM,
            keys.OPT_BASE_LR: settings.learning_rate,
            keys.OPT_ADAM_BETA_1: settings.beta_1,
            keys.OPT_ADAM_BETA_2: settings.beta_2,
            keys.OPT_ADAM_EPSILON: settings.epsilon,
        }

    def _on_device(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._context.device)
