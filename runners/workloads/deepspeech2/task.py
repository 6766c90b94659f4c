"""Training and evaluation of DeepSpeech2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys
from torch.nn.functional import ctc_loss

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.batches import like_lengths
from mlperf_runners.workloads.deepspeech2 import EVAL, TRAIN, DeepSpeechSettings
from mlperf_runners.workloads.deepspeech2.decoding import beam_search, best_path
from mlperf_runners.workloads.deepspeech2.librispeech import Recordings, Speech
from mlperf_runners.workloads.deepspeech2.model import DeepSpeech2
from mlperf_runners.workloads.deepspeech2.symbols import BLANK, SYMBOLS, decode
from mlperf_runners.workloads.deepspeech2.tones import write_corpus

Batch = tuple[Recordings, int]
"""The recordings of this process, and how many all processes have together."""


class DeepSpeechTask:
    """DeepSpeech2 with Nesterov's momentum."""

    def __init__(self, settings: DeepSpeechSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._generated: TemporaryDirectory[str] | None = None
        if mode == "mini":
            self._generated = TemporaryDirectory(prefix="mlperf-stats-speech-")
            parts = {"train-clean-100": settings.utterances, EVAL: settings.eval_utterances}
            write_corpus(Path(self._generated.name), parts, settings.sample_rate, settings.data_seed)
        self._window = round(settings.window_seconds * settings.sample_rate)
        self._stride = round(settings.stride_seconds * settings.sample_rate)
        network = DeepSpeech2(
            self._window // 2 + 1, SYMBOLS, settings.channels, settings.width, settings.layers
        )
        self.model: torch.nn.Module = context.data_parallel(network)
        self._optimizer = torch.optim.SGD(
            self.model.parameters(), lr=settings.learning_rate, momentum=settings.momentum, nesterov=True
        )
        self._steps = 0

    def load_data(self) -> None:
        """List the recordings; small generated ones are read and kept."""
        settings = self._settings
        folder = Path(self._generated.name if self._generated else settings.data)
        self._train, self._eval = (
            Speech(folder, part, settings.sample_rate, self._window, self._stride) for part in (TRAIN, EVAL)
        )
        if self._generated:
            self._train.keep()
            self._eval.keep()
            self._generated.cleanup()
        self._numbers, self._eval_numbers = (
            like_lengths(
                np.array([utterance.samples for utterance in speech.utterances]),
                settings.batch_size,
                self._context.world,
            )
            for speech in (self._train, self._eval)
        )
        self.train_samples, self.eval_samples = len(self._train), len(self._eval)
        self.steps_per_epoch = len(self._numbers)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """At first from short to long recordings, as published; then in an order drawn anew."""
        order = np.arange(len(self._numbers))
        if epoch:
            order = self._context.random("order", epoch).permutation(order)
        numbers = [self._numbers[number] for number in order]
        loaded = self._loaded(self._train, numbers)
        return ((recordings, len(all_)) for recordings, all_ in zip(loaded, numbers, strict=True))

    def train_step(self, batch: Batch) -> torch.Tensor:
        """One step on the CTC loss, averaged over the utterances."""
        recordings, together = batch
        self._set_learning_rate()
        self._optimizer.zero_grad(set_to_none=True)
        logits, lengths = self._heard(recordings)
        total = ctc_loss(
            logits.log_softmax(2).transpose(0, 1),
            recordings.symbols.to(logits.device),
            lengths,
            recordings.lengths,
            blank=BLANK,
            reduction="sum",
            # A recording too short for its transcript has no alignment and an endless loss.
            zero_infinity=True,
        )
        loss = total * self._context.world / together
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._settings.gradient_limit)
        self._optimizer.step()
        self._steps += 1
        return loss.detach()

    def evaluate(self) -> float:
        """Word error rate over all utterances: words to be changed, added or taken out, per word said."""
        import jiwer

        wrong = said = 0
        for recordings in self._loaded(self._eval, self._eval_numbers):
            found = jiwer.process_words(list(recordings.words), self.transcripts(recordings))
            wrong += found.substitutions + found.deletions + found.insertions
            said += found.substitutions + found.deletions + found.hits
        wrong_together, said_together = self._context.sums(wrong, said)
        return wrong_together / said_together

    def transcripts(self, recordings: Recordings) -> list[str]:
        """What the model hears."""
        logits, lengths = self._heard(recordings)
        found = logits.log_softmax(2).cpu().numpy()
        beams = self._settings.beams
        rows = [row[:length] for row, length in zip(found, lengths.tolist(), strict=True)]
        return [decode(best_path(row) if beams == 1 else beam_search(row, beams)) for row in rows]

    def hyperparameters(self) -> Mapping[str, Any]:
        """Keys as other benchmarks have them; there are no official ones for this."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.SGD,
            keys.OPT_BASE_LR: settings.learning_rate,
            "opt_momentum": settings.momentum,
            keys.OPT_LR_DECAY_FACTOR: 1 / settings.anneal,
        }

    def _heard(self, recordings: Recordings) -> tuple[torch.Tensor, torch.Tensor]:
        spectrograms = recordings.spectrograms.to(self._context.device)
        with self._context.autocast(self._settings.precision):
            logits, lengths = self.model(spectrograms, recordings.frames)
        return logits.float(), lengths

    def _loaded(self, speech: Speech, numbers: list[np.ndarray]) -> Iterator[Recordings]:
        """This process's share of every batch: all have equally many, of which none is empty."""
        shares = [self._context.share(batch) for batch in numbers]
        return speech.batches(shares, self._settings.loader_processes)

    def _set_learning_rate(self) -> None:
        epoch = self._steps // self.steps_per_epoch
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate / self._settings.anneal**epoch
