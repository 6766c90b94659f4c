"""Batches of images: from ImageNet's files, or the digits that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.loading import loaded
from mlperf_runners.workloads.resnet import ResnetSettings
from mlperf_runners.workloads.resnet.imagenet import ImageFolder, classes_of

Images = tuple[torch.Tensor, torch.Tensor]
"""Pixels, shape (n, channels, side, side), and labels, shape (n,)."""
EVAL_SHARE = 0.2
DIGITS, DIGITS_SIDE = 10, 8
EVAL_BATCH = 256


class ImageData(Protocol):
    """What the task asks of its data."""

    train_samples: int
    eval_samples: int

    def train_batches(self, epoch: int, size: int) -> Iterator[Images]:
        """This process's share of every full batch of ``size`` images."""

    def eval_batches(self) -> Iterator[Images]:
        """This process's share of the evaluation images."""


class Digits:
    """1 797 real images of handwritten digits, 8 × 8, one channel; moved by up to one pixel in training."""

    def __init__(self, settings: ResnetSettings, context: Context) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels = torch.from_numpy((digits.images / 16 - 0.5).astype(np.float32))[:, None]
        labels = torch.from_numpy(digits.target)
        order = torch.from_numpy(np.random.default_rng(settings.data_seed).permutation(len(labels)))
        self.eval_samples = round(EVAL_SHARE * len(labels))
        self.train_samples = len(labels) - self.eval_samples
        held, kept = order[: self.eval_samples], order[self.eval_samples :]
        self._train = pixels[kept].to(context.device), labels[kept].to(context.device)
        self._eval = pixels[held].to(context.device), labels[held].to(context.device)
        self._context = context

    def train_batches(self, epoch: int, size: int) -> Iterator[Images]:
        random = self._context.random("order", epoch)
        order = random.permutation(self.train_samples)
        shifts = random.integers(-1, 2, (self.train_samples, 2))
        pixels, labels = self._train
        padded = torch.nn.functional.pad(pixels, (1, 1, 1, 1), value=-0.5)
        for first in range(0, self.train_samples - size + 1, size):
            mine = self._context.share(order[first : first + size])
            yield _shifted(padded, mine, shifts[mine]), labels[mine]

    def eval_batches(self) -> Iterator[Images]:
        mine = self._context.share(np.arange(self.eval_samples))
        for first in range(0, len(mine), EVAL_BATCH):
            batch = mine[first : first + EVAL_BATCH]
            yield self._eval[0][batch], self._eval[1][batch]


def _shifted(padded: torch.Tensor, chosen: np.ndarray, shifts: np.ndarray) -> torch.Tensor:
    """The chosen images, each moved by its own (rows, columns)."""
    side = torch.arange(DIGITS_SIDE, device=padded.device)
    rows = side[None, :] + torch.from_numpy(1 + shifts[:, :1]).to(padded.device)
    columns = side[None, :] + torch.from_numpy(1 + shifts[:, 1:]).to(padded.device)
    images = torch.from_numpy(chosen).to(padded.device)
    return padded[images[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None]


class ImageNet:
    """Files decoded by processes of their own, in an order that depends on the seed alone."""

    def __init__(self, settings: ResnetSettings, context: Context) -> None:
        root = Path(settings.data)
        classes = classes_of(root / "train")
        self._train = ImageFolder(root / "train", classes, settings.image_size, context.seed)
        self._eval = ImageFolder(root / "val", classes, settings.image_size, None)
        self.train_samples, self.eval_samples = len(self._train), len(self._eval)
        self._context = context
        self._processes = settings.loader_processes

    def train_batches(self, epoch: int, size: int) -> Iterator[Images]:
        order = self._context.random("order", epoch).permutation(self.train_samples)
        batches = [
            [(int(position), epoch) for position in self._context.share(order[first : first + size])]
            for first in range(0, self.train_samples - size + 1, size)
        ]
        return self._loaded(self._train, batches)

    def eval_batches(self) -> Iterator[Images]:
        mine = self._context.share(range(self.eval_samples))
        batches = [
            [(position, 0) for position in mine[first : first + EVAL_BATCH]]
            for first in range(0, len(mine), EVAL_BATCH)
        ]
        return self._loaded(self._eval, batches)

    def _loaded(self, images: ImageFolder, batches: list[list[tuple[int, int]]]) -> Iterator[Images]:
        device = self._context.device
        for pixels, labels in loaded(images, batches, self._processes, pinned=device.type == "cuda"):
            yield pixels.to(device, non_blocking=True), labels.to(device, non_blocking=True)
