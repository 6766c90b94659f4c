"""Default boxes of SSD, and what each of them has to learn from an image.

Source: Liu et al., SSD, ECCV 2016, section 2.2, with the places and limits of the MLPerf reference. Boxes are
shares of the image's sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mlperf_runners.workloads.coco.boxes import encode, overlaps
from mlperf_runners.workloads.ssd import map_sides, map_steps

SPREAD = (0.1, 0.2)
"""Of offsets: of the centre and of the size."""
MATCHED = 0.5
"""A default box that overlaps an object by more has to find it."""


def boxes_per_cell(ratios: Sequence[float]) -> int:
    """Default boxes at each place of a map: two squares, and two of every ratio."""
    return 2 + 2 * len(ratios)


def default_boxes(image_size: int, scales: Sequence[float], ratios: Sequence[Sequence[float]]) -> Tensor:
    """All of them, shape (n, 4), map by map, row by row, cell by cell.

    Centres and sides are at most 1 each; a box may cross the image's border.
    """
    parts = []
    maps = len(ratios)
    grids = zip(map_sides(image_size, maps), map_steps(image_size, maps), strict=True)
    for number, (side, step) in enumerate(grids):
        scale, following = scales[number : number + 2]
        between = math.sqrt(scale * following)
        sizes = [(scale, scale), (between, between)]
        for ratio in ratios[number]:
            long, short = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            sizes += [(long, short), (short, long)]
        places = ((torch.arange(side) + 0.5) * step / image_size).clamp(max=1)
        down, across = torch.meshgrid(places, places, indexing="ij")
        centres = torch.stack([across, down], 2).reshape(-1, 1, 2)
        halves = torch.tensor(sizes).clamp(max=1)[None] / 2
        parts.append(torch.cat([centres - halves, centres + halves], 2).reshape(-1, 4))
    return torch.cat(parts)


def matched(boxes: Tensor, labels: Tensor, priors: Tensor) -> tuple[Tensor, Tensor]:
    """What each default box has to say: offsets (n, 4) and labels (n,), 0 for background.

    Every object has the default box that overlaps it most, whatever the overlap.
    """
    shared = overlaps(boxes, priors)
    best, chosen = shared.max(0)
    closest = shared.argmax(1)
    best[closest] = 1.0
    chosen[closest] = torch.arange(len(boxes))
    found = torch.where(best > MATCHED, labels[chosen], 0)
    return encode(boxes[chosen], priors, SPREAD), found
