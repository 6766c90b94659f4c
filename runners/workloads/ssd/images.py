"""Images as SSD is trained on them: cropped, mirrored, their colours changed; and as it is evaluated.

Source of the crops: Liu et al., SSD, ECCV 2016, section 2.2.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.utils.data import Dataset

from mlperf_runners.workloads.coco.annotations import Floats, Part
from mlperf_runners.workloads.coco.boxes import overlaps
from mlperf_runners.workloads.resnet.imagenet import DEVIATION, MEAN
from mlperf_runners.workloads.ssd.priors import matched

_LEAST_OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
"""A crop has to overlap an object by so much; which one is drawn."""
_SMALLEST_CROP = 0.3
_LONGEST_CROP = 2.0
_CHANGES = ((ImageEnhance.Brightness, 0.125), (ImageEnhance.Contrast, 0.5), (ImageEnhance.Color, 0.5))

Example = tuple[Tensor, Tensor, Tensor]
"""Pixels (3, side, side), offsets (boxes, 4) and labels (boxes,) that the default boxes should find."""


class TrainImages(Dataset[Example]):
    """Augmented images with what the default boxes have to learn.

    An item is asked for by (position, epoch): its augmentation depends on these and the seed alone,
    whichever process decodes it.
    """

    def __init__(self, part: Part, side: int, priors: Tensor, crop_tries: int, seed: int) -> None:
        self._part = part
        self._side = side
        self._priors = priors
        self._crop_tries = crop_tries
        self._seed = seed

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, key: tuple[int, int]) -> Example:
        position, epoch = key
        picture = self._part.pictures[position]
        image = self._part.image(position)
        random = np.random.default_rng([self._seed, epoch, position])
        sides: Floats = np.array([picture.width, picture.height] * 2, np.float32)
        boxes: Floats = picture.boxes / sides
        image, boxes, labels = cropped(image, boxes, picture.labels, self._crop_tries, random)
        image, boxes = mirrored(image, boxes, random)
        pixels = as_input(coloured(image, random), self._side)
        return pixels, *matched(torch.from_numpy(boxes), torch.from_numpy(labels), self._priors)


class EvalImages(Dataset[Tensor]):
    """Images resized and no more."""

    def __init__(self, part: Part, side: int) -> None:
        self._part = part
        self._side = side

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, position: int) -> Tensor:
        return as_input(self._part.image(position), self._side)


def as_input(image: Image.Image, side: int) -> Tensor:
    """The whole image, resized and normalised, shape (3, side, side)."""
    resized = image if image.size == (side, side) else image.resize((side, side), Image.Resampling.BILINEAR)
    pixels = (np.asarray(resized, np.float32) / 255 - MEAN) / DEVIATION
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def cropped(
    image: Image.Image, boxes: Floats, labels: np.ndarray, tries: int, random: np.random.Generator
) -> tuple[Image.Image, Floats, np.ndarray]:
    """A random part of the image that shows enough of an object, or all of it.

    ``boxes`` are shares of the image's sides. Objects stay whose centre lies in the part.
    """
    choice = int(random.integers(len(_LEAST_OVERLAPS) + 1))
    if choice == len(_LEAST_OVERLAPS):
        return image, boxes, labels
    for _ in range(tries):
        width, height = random.uniform(_SMALLEST_CROP, 1, 2)
        if not 1 / _LONGEST_CROP <= width / height <= _LONGEST_CROP:
            continue
        left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
        window = np.array([left, top, left + width, top + height], np.float32)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centres > window[:2]) & (centres < window[2:])).all(1)
        shared = overlaps(torch.from_numpy(window[None]), torch.from_numpy(boxes))[0].numpy()
        if inside.any() and shared[inside].min() >= _LEAST_OVERLAPS[choice]:
            return _cut(image, window), _within(boxes[inside], window), labels[inside]
    return image, boxes, labels


def mirrored(image: Image.Image, boxes: Floats, random: np.random.Generator) -> tuple[Image.Image, Floats]:
    """Left and right exchanged, half of the time."""
    if random.random() < 0.5:
        return image, boxes
    turned = boxes.copy()
    turned[:, [0, 2]] = 1 - boxes[:, [2, 0]]
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), turned


def coloured(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation changed a little."""
    for change, most in _CHANGES:
        image = change(image).enhance(random.uniform(1 - most, 1 + most))
    return image


def _cut(image: Image.Image, window: Floats) -> Image.Image:
    left, top, right, bottom = (window * np.array([image.width, image.height] * 2)).round().astype(int)
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _within(boxes: Floats, window: Floats) -> Floats:
    """Boxes as shares of the window's sides."""
    size = window[2:] - window[:2]
    moved: Floats = np.clip((boxes - np.tile(window[:2], 2)) / np.tile(size, 2), 0, 1)
    return moved
