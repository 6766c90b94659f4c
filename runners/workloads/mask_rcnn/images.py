"""Images of any size: resized, half of them mirrored, and padded to one size for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from mlperf_runners.workloads.coco.annotations import Part
from mlperf_runners.workloads.mask_rcnn.masks import bitmap
from mlperf_runners.workloads.mask_rcnn.model import Target
from mlperf_runners.workloads.resnet.imagenet import DEVIATION, MEAN

MULTIPLE = 32
"""Sides of a batch are multiples of the coarsest stride of the backbone."""


class TrainImages(Dataset[tuple[Tensor, Target]]):
    """Images with their objects.

    An item is asked for by (position, epoch): whether it is mirrored depends on these and the seed
    alone, whichever process decodes it.
    """

    def __init__(self, part: Part, min_size: int, max_size: int, seed: int) -> None:
        self._part = part
        self._sizes = min_size, max_size
        self._seed = seed

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Target]:
        position, epoch = key
        picture = self._part.pictures[position]
        pixels, scale = resized(self._part.image(position), *self._sizes)
        boxes = torch.from_numpy(picture.boxes) * scale
        bitmaps = torch.from_numpy(
            np.stack([bitmap(own, picture.height, picture.width) for own in picture.segmentations])
        )
        if np.random.default_rng([self._seed, epoch, position]).random() < 0.5:
            pixels, bitmaps = pixels.flip(2), bitmaps.flip(2)
            boxes[:, [0, 2]] = picture.width * scale - boxes[:, [2, 0]]
        return pixels, Target(boxes, torch.from_numpy(picture.labels), bitmaps, scale)


class EvalImages(Dataset[tuple[Tensor, float]]):
    """Images and their scales."""

    def __init__(self, part: Part, min_size: int, max_size: int) -> None:
        self._part = part
        self._sizes = min_size, max_size

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, position: int) -> tuple[Tensor, float]:
        return resized(self._part.image(position), *self._sizes)


def resized(image: Image.Image, min_size: int, max_size: int) -> tuple[Tensor, float]:
    """Pixels (3, height, width), normalised, and the scale: as large as both bounds allow."""
    scale = min(min_size / min(image.size), max_size / max(image.size))
    size = round(image.width * scale), round(image.height * scale)
    small = image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)
    pixels = (np.asarray(small, np.float32) / 255 - MEAN) / DEVIATION
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), scale


def padded(images: Sequence[Tensor]) -> tuple[Tensor, list[tuple[int, int]]]:
    """Images in one tensor (n, 3, height, width), at its top left, and their own heights and widths."""
    sizes = [(image.shape[1], image.shape[2]) for image in images]
    height, width = (-(-max(side) // MULTIPLE) * MULTIPLE for side in zip(*sizes, strict=True))
    together = torch.zeros(len(images), 3, height, width)
    for place, image, (rows, columns) in zip(together, images, sizes, strict=True):
        place[:, :rows, :columns] = image
    return together, sizes


def unstacked(items: list[Any]) -> tuple[Any, ...]:
    """A batch of (image, something) as images and somethings, for images of different sizes."""
    return tuple(zip(*items, strict=True))
