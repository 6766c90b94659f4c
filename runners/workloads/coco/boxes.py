"""Boxes: overlap, the coding of one relative to another, suppression of those that overlap.

A box is left, top, right, bottom; arrays of them have shape (n, 4).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

LARGEST_GROWTH = math.log(1000 / 16)
"""A decoded side is at most so many times as long as the anchor's (its logarithm), else it could overflow."""


def areas(boxes: Tensor) -> Tensor:
    """Shape (n,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of every pair, shape (n, m); 0 for two boxes without area."""
    low = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = (high - low).clamp(min=0).prod(2)
    union = areas(boxes)[:, None] + areas(others)[None, :] - common
    return common / union.clamp(min=torch.finfo(union.dtype).tiny)


def centred(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and sizes, both of shape (n, 2)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(boxes: Tensor, anchors: Tensor, spread: tuple[float, float]) -> Tensor:
    """``boxes`` as offsets from ``anchors``, row by row.

    Offsets are the shift of the centre in sizes of the anchor and the logarithm of the growth, divided
    by ``spread`` so that they vary by about one. Source: Girshick et al., CVPR 2014, appendix C.
    """
    centres, sizes = centred(boxes)
    anchor_centres, anchor_sizes = centred(anchors)
    shifts = (centres - anchor_centres) / anchor_sizes / spread[0]
    return torch.cat([shifts, (sizes / anchor_sizes).log() / spread[1]], -1)


def decode(offsets: Tensor, anchors: Tensor, spread: tuple[float, float]) -> Tensor:
    """The boxes that have these offsets from ``anchors``: the inverse of :func:`encode`."""
    anchor_centres, anchor_sizes = centred(anchors)
    centres = anchor_centres + offsets[..., :2] * spread[0] * anchor_sizes
    halves = anchor_sizes * (offsets[..., 2:] * spread[1]).clamp(max=LARGEST_GROWTH).exp() / 2
    return torch.cat([centres - halves, centres + halves], -1)


def clipped(boxes: Tensor, width: float, height: float) -> Tensor:
    """The parts of boxes that lie in the image."""
    return torch.stack(
        [
            boxes[..., 0].clamp(0, width),
            boxes[..., 1].clamp(0, height),
            boxes[..., 2].clamp(0, width),
            boxes[..., 3].clamp(0, height),
        ],
        -1,
    )


def suppressed(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """Non-maximum suppression within each group: positions of what stays, best score first.

    A box is dropped if it overlaps a better one that stays by more than ``threshold``.
    """
    order = scores.argsort(descending=True, stable=True)
    ranked = boxes[order]
    same = groups[order, None] == groups[None, order]
    rivals = ((overlaps(ranked, ranked) > threshold) & same).cpu().numpy()
    stays = np.ones(len(order), bool)
    for row in range(len(order)):
        if stays[row]:
            stays[row + 1 :] &= ~rivals[row, row + 1 :]
    return order[torch.from_numpy(stays).to(order.device)]
