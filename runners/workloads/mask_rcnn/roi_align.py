"""RoIAlign: features of a region, read between the cells of a map, in a grid of fixed size.

Source: He et al., Mask R-CNN, ICCV 2017, section 3, and Lin et al., Feature Pyramid Networks, CVPR 2017,
section 4.2. The centre of the first cell lies half a cell inside the map.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

SAMPLES = 2
"""Points along each side of an output cell, whose mean is the cell's value."""
CANONICAL_LEVEL = 2
"""The map, counted from the finest, from which regions of the canonical size are read."""


def roi_align(features: Tensor, boxes: Tensor, stride: float, side: int) -> Tensor:
    """Features (channels, height, width) of each box (k, 4), shape (k, channels, side, side).

    Boxes are in pixels of the image, ``stride`` of which make a cell. A point beyond the centres of the
    outermost cells has their value.
    """
    count, points = len(boxes), side * SAMPLES
    steps = (torch.arange(points, device=boxes.device, dtype=boxes.dtype) + 0.5) / points
    across = boxes[:, None, 0] + steps * (boxes[:, None, 2] - boxes[:, None, 0])
    down = boxes[:, None, 1] + steps * (boxes[:, None, 3] - boxes[:, None, 1])
    height, width = features.shape[1:]
    grid = torch.stack(
        [
            (2 * across / stride / width - 1)[:, None, :].expand(count, points, points),
            (2 * down / stride / height - 1)[:, :, None].expand(count, points, points),
        ],
        3,
    )
    rows = grid.reshape(1, count * points, points, 2)
    # In the boxes' precision: half of it would miss by pixels.
    read = grid_sample(features[None].to(rows.dtype), rows, padding_mode="border", align_corners=False)[0]
    return avg_pool2d(read.reshape(-1, count, points, points).transpose(0, 1), SAMPLES)


def levels_of(boxes: Tensor, maps: int, canonical_size: float) -> Tensor:
    """The map from which each box is read, shape (k,): the larger, the coarser."""
    sides = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=1e-6).sqrt()
    levels = CANONICAL_LEVEL + (sides / canonical_size).log2() + 1e-6
    return levels.floor().clamp(0, maps - 1).long()


def pooled(
    maps: Sequence[Tensor], strides: Sequence[int], boxes: Sequence[Tensor], side: int, canonical_size: float
) -> Tensor:
    """Features of the boxes of all images, one image after the other, each read from its map."""
    parts: list[Tensor] = []
    places: list[Tensor] = []
    first = 0
    for image, own in enumerate(boxes):
        levels = levels_of(own, len(maps), canonical_size)
        for level, (features, stride) in enumerate(zip(maps, strides, strict=True)):
            chosen = (levels == level).nonzero()[:, 0]
            if len(chosen):
                parts.append(roi_align(features[image], own[chosen], stride, side))
                places.append(first + chosen)
        first += len(own)
    if not parts:
        return maps[0].new_zeros((0, maps[0].shape[1], side, side))
    return torch.cat(parts)[torch.cat(places).argsort()]
