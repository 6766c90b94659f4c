"""ImageNet as it is unpacked: a folder of JPEG files per class, decoded and augmented as published.

Source of the augmentation: Szegedy et al., Going Deeper with Convolutions, CVPR 2015 (random crops of
8 to 100 % of the area), as in the MLPerf reference; evaluation crops the centre of the resized image.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from mlperf_runners.errors import DatasetMissingError

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
RESIZED_SHARE = 256 / 224
"""Evaluation: shorter side after resizing, as a multiple of the crop."""
_CROPS_TRIED = 10

Box = tuple[int, int, int, int]


class ImageFolder(Dataset[tuple[torch.Tensor, int]]):
    """Images of ``<folder>/<class>/*.JPEG``; classes are numbered by the order of their names.

    An item is asked for by (position, epoch): its augmentation depends on these and the seed alone,
    whichever process decodes it.
    """

    def __init__(self, folder: Path, classes: tuple[str, ...], side: int, seed: int | None) -> None:
        """``seed``: of the augmentation; None for evaluation."""
        self._folder = folder
        self._side = side
        self._seed = seed
        names: list[bytes] = []
        labels: list[int] = []
        for number, name in enumerate(classes):
            own = sorted(path.name for path in (folder / name).glob("*.JPEG"))
            names += [os.fsencode(f"{name}/{one}") for one in own]
            labels += [number] * len(own)
        if not names:
            raise DatasetMissingError(f"{folder}: no <class>/*.JPEG there; unpack ImageNet so that there are")
        # Arrays, because processes that decode would each come to have a copy of a million Python objects.
        self._names, self._labels = np.array(names), np.array(labels, np.int32)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, int]:
        position, epoch = key
        path = self._folder / os.fsdecode(bytes(self._names[position]))
        label = int(self._labels[position])
        try:
            with Image.open(path) as file:
                image = file.convert("RGB")
        except OSError as error:
            raise DatasetMissingError(f"{path}: cannot be decoded ({error}); replace the file") from error
        if self._seed is None:
            pixels = centre(image, self._side)
        else:
            pixels = augmented(image, self._side, np.random.default_rng([self._seed, epoch, position]))
        return torch.from_numpy(pixels), label


def classes_of(folder: Path) -> tuple[str, ...]:
    """Names of the class folders, in order."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))


def augmented(image: Image.Image, side: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A random crop, resized to ``side`` and mirrored half of the time; shape (3, side, side)."""
    box = _random_box(image.width, image.height, random)
    cropped = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    pixels = _normalised(cropped)
    return pixels[:, :, ::-1].copy() if random.random() < 0.5 else pixels


def centre(image: Image.Image, side: int) -> NDArray[np.float32]:
    """The centre of the image after resizing its shorter side; shape (3, side, side)."""
    scale = side * RESIZED_SHARE / min(image.size)
    width, height = round(image.width * scale), round(image.height * scale)
    left, top = (width - side) // 2, (height - side) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return _normalised(resized.crop((left, top, left + side, top + side)))


def _random_box(width: int, height: int, random: np.random.Generator) -> Box:
    for _ in range(_CROPS_TRIED):
        area = width * height * random.uniform(0.08, 1.0)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        box_width, box_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < box_width <= width and 0 < box_height <= height:
            left = int(random.integers(0, width - box_width + 1))
            top = int(random.integers(0, height - box_height + 1))
            return left, top, left + box_width, top + box_height
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _normalised(image: Image.Image) -> NDArray[np.float32]:
    pixels = (np.asarray(image, np.float32) / 255 - MEAN) / DEVIATION
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
