"""Training and evaluation of a translator; what kind of network it is, subclasses say."""

from __future__ import annotations

import errno
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys
from torch.nn.functional import cross_entropy, pad

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.translation import TranslationSettings
from mlperf_runners.workloads.translation.beam import Scoring, Translator, translate
from mlperf_runners.workloads.translation.grammar import Grammar
from mlperf_runners.workloads.translation.text import (
    EVAL_SET,
    PADDING,
    START,
    Encoded,
    ParallelText,
    Pieces,
    padded,
    read_parallel,
    train_pieces,
)

SENTENCES_AT_ONCE = 64
Pair = tuple[Encoded, Encoded]
Batch = tuple[torch.Tensor, torch.Tensor, int]
"""Sources and targets of this process, and how many units the loss is the mean of, in all processes."""


class TranslationTask(ABC):
    """A translator with Adam and a smoothed cross-entropy."""

    def __init__(self, settings: TranslationSettings, mode: str, context: Context) -> None:
        self._shared = settings
        self._context = context
        self._texts = _generated(settings) if mode == "mini" else None
        # The pieces are part of the preprocessing, like the generated language: before the clock starts.
        if self._texts is not None:
            self._pieces = Pieces(train_pieces(self._texts[0], settings.vocabulary))
        else:
            self._pieces = Pieces(_kept_pieces(Path(settings.data), settings.vocabulary, context))
        self._network = self._translator(self._pieces.size)
        self.model: torch.nn.Module = context.data_parallel(self._network)
        betas = settings.beta_1, settings.beta_2
        self._optimizer = torch.optim.Adam(self.model.parameters(), betas=betas, eps=settings.epsilon)
        self._steps = 0

    @abstractmethod
    def _translator(self, vocabulary: int) -> Translator[Any]:
        """The network."""

    @abstractmethod
    def _learning_rate(self, step: int) -> float:
        """Of the step; the first is 1."""

    @abstractmethod
    def _batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Which sentences make a batch; ``lengths`` are those of the longer sides, shape (sentences,)."""

    @abstractmethod
    def _units(self, pairs: Sequence[Pair]) -> int:
        """How many units the loss of a batch is the mean of: pieces or sentences."""

    def _scoring(self) -> Scoring:
        return Scoring(self._shared.length_penalty)

    def _take_step(self) -> None:
        self._optimizer.step()

    def load_data(self) -> None:
        """Read the text and turn it into pieces."""
        settings = self._shared
        folder = Path(settings.data)
        texts = self._texts or (read_parallel(folder, "train"), read_parallel(folder, EVAL_SET))
        train, self._eval = texts
        sources, targets = self._pieces.encode(train.sources), self._pieces.encode(train.targets)
        lengths = np.array([max(map(len, pair)) for pair in zip(sources, targets, strict=True)])
        kept = np.flatnonzero(lengths <= settings.longest)
        if not len(kept):
            raise SettingsError(
                f"longest {settings.longest}: none of {len(lengths)} training sentences is as short; raise it"
            )
        self._train = [(sources[number], targets[number]) for number in kept]
        self._numbers = self._batches(lengths[kept])
        self.train_samples, self.eval_samples = len(self._train), len(self._eval)
        self.steps_per_epoch = len(self._numbers)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches in an order drawn anew."""
        for number in self._context.random("order", epoch).permutation(len(self._numbers)):
            pairs = [self._train[sentence] for sentence in self._numbers[number]]
            mine = self._context.share(pairs)
            device = self._context.device
            sources = padded([source for source, _ in mine], device)
            yield sources, padded([target for _, target in mine], device), self._units(pairs)

    def train_step(self, batch: Batch) -> torch.Tensor:
        """One step of Adam on the smoothed cross-entropy."""
        sources, targets, units = batch
        self._steps += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate(self._steps)
        self._optimizer.zero_grad(set_to_none=True)
        given = pad(targets, (1, -1), value=START)
        with self._context.autocast(self._shared.precision):
            logits = self.model(sources, given)
        total = cross_entropy(
            logits.flatten(0, 1).float(),
            targets.flatten(),
            ignore_index=PADDING,
            reduction="sum",
            label_smoothing=self._shared.label_smoothing,
        )
        # Gradients are averaged over processes, whose shares have different numbers of pieces.
        loss = total * self._context.world / units
        loss.backward()
        self._take_step()
        return loss.detach()

    def evaluate(self) -> float:
        """Uncased BLEU of all translations with sacreBLEU's international tokens, as a fraction.

        The references count so: sacreBLEU with ``-lc --tokenize intl``, and mteval-v14 international.
        """
        from sacrebleu import corpus_bleu

        translations = self.translations(self._eval.sources)
        references = [list(self._eval.targets)]
        return float(corpus_bleu(translations, references, lowercase=True, tokenize="intl").score) / 100

    def translations(self, sentences: Any) -> list[str]:
        """Translations of the sentences, shared over the processes."""
        settings, scoring = self._shared, self._scoring()
        mine = self._pieces.encode(self._context.share(sentences))
        by_length = sorted(range(len(mine)), key=lambda number: len(mine[number]))
        found: list[list[int]] = [[] for _ in mine]
        for first in range(0, len(mine), SENTENCES_AT_ONCE):
            chosen = by_length[first : first + SENTENCES_AT_ONCE]
            sources = padded([mine[number] for number in chosen], self._context.device)
            with self._context.autocast(settings.precision):
                best = translate(self._network, sources, settings.beams, scoring, settings.extra_length)
            for number, pieces in zip(chosen, best, strict=True):
                found[number] = pieces
        return self._context.gathered(self._pieces.decode(found))

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of both benchmarks."""
        settings = self._shared
        return {
            keys.OPT_NAME: keys.ADAM,
            keys.OPT_BASE_LR: settings.learning_rate,
            keys.OPT_LR_WARMUP_STEPS: settings.warmup_steps,
            keys.OPT_ADAM_BETA_1: settings.beta_1,
            keys.OPT_ADAM_BETA_2: settings.beta_2,
            keys.OPT_ADAM_EPSILON: settings.epsilon,
            keys.MAX_SEQUENCE_LENGTH: settings.longest,
        }


def _generated(settings: TranslationSettings) -> tuple[ParallelText, ParallelText]:
    """Training and evaluation text of the made-up languages."""
    random = np.random.default_rng(settings.data_seed)
    pairs = Grammar(random).pairs(settings.sentences + settings.eval_sentences)
    cut = settings.sentences
    train, held = ([list(side) for side in zip(*part, strict=True)] for part in (pairs[:cut], pairs[cut:]))
    return ParallelText(*train), ParallelText(*held)


def _kept_pieces(folder: Path, vocabulary: int, context: Context) -> bytes:
    """The SentencePiece model beside the data, made by the first process of the first run.

    Raises:
        DatasetMissingError: it is not there and cannot be kept there.
    """
    path = folder / f"sentencepiece-{vocabulary}.model"
    if context.leads and not path.exists():
        try:
            _keep(path, train_pieces(read_parallel(folder, "train"), vocabulary))
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            raise DatasetMissingError(
                f"{path}: cannot be written ({error.strerror}); the data's folder must be writable in the "
                "first run, which keeps the pieces there for all others"
            ) from error
    context.barrier()
    return path.read_bytes()


def _keep(path: Path, content: bytes) -> None:
    """Write a file that others may be waiting for: it is there complete or not at all."""
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    finally:
        Path(scratch).unlink(missing_ok=True)
