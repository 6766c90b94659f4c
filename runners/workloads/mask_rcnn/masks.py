"""Masks: from COCO's outlines to what a region should show, and from what it shows back to the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as run_lengths
from torch import Tensor
from torch.nn.functional import grid_sample

from mlperf_runners.workloads.mask_rcnn.roi_align import roi_align

THRESHOLD = 0.5
Bitmap = NDArray[np.uint8]


def bitmap(segmentation: Any, height: int, width: int) -> Bitmap:
    """Polygons or run lengths as an image of 0 and 1, shape (height, width)."""
    packed = run_lengths.frPyObjects(segmentation, height, width)
    if isinstance(packed, list):
        packed = run_lengths.merge(packed)
    found: Bitmap = run_lengths.decode(packed)
    return found


def seen_in(bitmaps: Tensor, boxes: Tensor, side: int) -> Tensor:
    """What each box shows of its own mask, shape (k, side, side), 0 or 1.

    ``bitmaps``: (k, height, width); ``boxes``: (k, 4) in their pixels.
    """
    if not len(boxes):
        return boxes.new_zeros((0, side, side))
    shown = [
        roi_align(whole[None].to(box.dtype), box[None], 1, side)[0, 0]
        for whole, box in zip(bitmaps, boxes, strict=True)
    ]
    return (torch.stack(shown) >= THRESHOLD).to(boxes.dtype)


def pasted(shares: Tensor, box: Tensor, height: int, width: int) -> Bitmap:
    """The mask of a region, shares (side, side), on the whole image, shape (height, width), 0 or 1.

    A pixel belongs to the object if the mask, read at the pixel's centre between the centres of its
    cells, reaches a half; outside the box, it does not.
    """
    whole = np.zeros((height, width), np.uint8)
    left, top, right, bottom = box.tolist()
    first, last = max(math.floor(left), 0), min(math.ceil(right), width)
    upper, lower = max(math.floor(top), 0), min(math.ceil(bottom), height)
    if first >= last or upper >= lower or right <= left or bottom <= top:
        return whole
    across = (torch.arange(first, last, device=box.device) + 0.5 - left) / (right - left) * 2 - 1
    down = (torch.arange(upper, lower, device=box.device) + 0.5 - top) / (bottom - top) * 2 - 1
    grid = torch.stack([across[None, :].expand(len(down), -1), down[:, None].expand(-1, len(across))], 2).to(
        shares.dtype
    )
    read = grid_sample(shares[None, None], grid[None], padding_mode="border", align_corners=False)[0, 0]
    inside = (across.abs() <= 1)[None, :] & (down.abs() <= 1)[:, None]
    whole[upper:lower, first:last] = ((read >= THRESHOLD) & inside).cpu().numpy()
    return whole


def packed(mask: Bitmap) -> dict[str, Any]:
    """Run lengths as pycocotools packs them."""
    found: dict[str, Any] = run_lengths.encode(np.asfortranarray(mask))
    return found
