"""Training of GNMT."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.batches import like_lengths
from mlperf_runners.workloads.gnmt import GnmtSettings
from mlperf_runners.workloads.gnmt.model import Gnmt
from mlperf_runners.workloads.translation.beam import Scoring
from mlperf_runners.workloads.translation.task import Pair, TranslationTask

WARMUP_FROM = 0.01
"""Of the full learning rate."""


class GnmtTask(TranslationTask):
    """GNMT with Adam, warm-up and a few late halvings; batches and loss count sentences."""

    def __init__(self, settings: GnmtSettings, mode: str, context: Context) -> None:
        self._settings = settings
        super().__init__(settings, mode, context)

    def load_data(self) -> None:
        """Read the text; its size decides when the learning rate falls."""
        super().load_data()
        settings = self._settings
        total = math.ceil(settings.max_epochs * self.steps_per_epoch)
        self._remain = int(settings.remain_share * total)
        self._interval = max((total - self._remain) // settings.decay_steps, 1)

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of GNMT."""
        settings = self._settings
        return {
            **super().hyperparameters(),
            keys.OPT_LR_ALT_DECAY_FUNC: True,
            keys.OPT_LR_ALT_WARMUP_FUNC: True,
            keys.OPT_LR_REMAIN_STEPS: self._remain,
            keys.OPT_LR_DECAY_INTERVAL: self._interval,
            keys.OPT_LR_DECAY_STEPS: settings.decay_steps,
            keys.OPT_LR_DECAY_FACTOR: settings.decay_factor,
        }

    def _translator(self, vocabulary: int) -> Gnmt:
        settings = self._settings
        return Gnmt(vocabulary, settings.layers, settings.width, settings.dropout)

    def _batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        return like_lengths(lengths, self._settings.batch_size, self._context.world)

    def _units(self, pairs: Sequence[Pair]) -> int:
        return len(pairs)

    def _scoring(self) -> Scoring:
        return Scoring(self._settings.length_penalty, self._settings.coverage_penalty)

    def _take_step(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._settings.gradient_limit)
        super()._take_step()

    def _learning_rate(self, step: int) -> float:
        settings = self._settings
        if step <= settings.warmup_steps:
            return float(settings.learning_rate * WARMUP_FROM ** (1 - step / settings.warmup_steps))
        falls = 0
        if step > self._remain:
            falls = min((step - self._remain - 1) // self._interval + 1, settings.decay_steps)
        return float(settings.learning_rate * settings.decay_factor**falls)
