"""Training of the Transformer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.transformer import TransformerSettings
from mlperf_runners.workloads.transformer.model import Transformer
from mlperf_runners.workloads.translation.task import Pair, TranslationTask
from mlperf_runners.workloads.translation.text import batches_by_length


class TransformerTask(TranslationTask):
    """The Transformer with Adam, warm-up and inverse square root; batches and loss count target pieces."""

    def __init__(self, settings: TransformerSettings, mode: str, context: Context) -> None:
        self._settings = settings
        super().__init__(settings, mode, context)

    def _translator(self, vocabulary: int) -> Transformer:
        settings = self._settings
        return Transformer(
            vocabulary,
            settings.layers,
            settings.width,
            settings.heads,
            settings.inner_width,
            settings.dropout,
        )

    def _batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        return batches_by_length(lengths, self._settings.batch_size)

    def _units(self, pairs: Sequence[Pair]) -> int:
        return sum(len(target) for _, target in pairs)

    def _learning_rate(self, step: int) -> float:
        settings = self._settings
        return float(
            settings.learning_rate
            * settings.width**-0.5
            * min(step**-0.5, step * settings.warmup_steps**-1.5)
        )
