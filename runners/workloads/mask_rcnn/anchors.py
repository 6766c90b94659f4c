"""Anchors of the proposals, which of them show an object, and fair samples of both kinds.

Source: Ren et al., Faster R-CNN, NeurIPS 2015, section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mlperf_runners.workloads.coco.boxes import overlaps

OBJECT, NOTHING = 0.7, 0.3
"""An anchor with at least / less than this overlap shows an object / background; others are not learnt."""
IGNORED = -1


def anchors_of(
    rows: int, columns: int, stride: int, size: float, ratios: Sequence[float], device: torch.device
) -> Tensor:
    """Anchors of one map, shape (rows · columns · ratios, 4): row by row, cell by cell."""
    sizes = torch.tensor(
        [(size / math.sqrt(ratio), size * math.sqrt(ratio)) for ratio in ratios], device=device
    )
    down, across = torch.meshgrid(
        (torch.arange(rows, device=device) + 0.5) * stride,
        (torch.arange(columns, device=device) + 0.5) * stride,
        indexing="ij",
    )
    centres = torch.stack([across, down], 2).reshape(-1, 1, 2)
    return torch.cat([centres - sizes / 2, centres + sizes / 2], 2).reshape(-1, 4)


def matched(anchors: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """For each anchor 1, 0 or ``IGNORED``, and the object it overlaps most.

    The anchors that overlap an object most show it, whatever their overlap.
    """
    shared = overlaps(anchors, boxes)
    best, objects = shared.max(1)
    labels = torch.full_like(objects, IGNORED)
    labels[best < NOTHING] = 0
    labels[best >= OBJECT] = 1
    most = shared.max(0).values
    labels[((shared == most) & (most > 0)).any(1)] = 1
    return labels, objects


def sampled(positive: Tensor, negative: Tensor, count: int, share: float) -> tuple[Tensor, Tensor]:
    """Positions of at most ``count`` rows drawn from two masks, at most ``share`` of them positive."""
    drawn = _drawn(positive, int(count * share))
    return drawn, _drawn(negative, count - len(drawn))


def _drawn(mask: Tensor, most: int) -> Tensor:
    rows = mask.nonzero()[:, 0]
    return rows[torch.randperm(len(rows))[:most].to(rows.device)]
