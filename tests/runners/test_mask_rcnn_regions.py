"""Mask R-CNN: RoIAlign and masks of regions, against direct computations."""

from __future__ import annotations

import math

import numpy as np
import torch
from pycocotools import mask as run_lengths

from mlperf_runners.workloads.mask_rcnn.masks import bitmap, packed, pasted, seen_in
from mlperf_runners.workloads.mask_rcnn.roi_align import levels_of, pooled, roi_align


def interpolated(features: torch.Tensor, across: float, down: float) -> torch.Tensor:
    """Features at a point, from the four cells whose centres surround it; cells count from 0."""
    height, width = features.shape[1:]
    across, down = min(max(across, 0.0), width - 1.0), min(max(down, 0.0), height - 1.0)
    left, top = math.floor(across), math.floor(down)
    total = torch.zeros(len(features), dtype=features.dtype)
    for row, share_down in ((top, 1 - (down - top)), (top + 1, down - top)):
        for column, share in ((left, 1 - (across - left)), (left + 1, across - left)):
            if share and share_down:
                total += features[:, row, column] * share * share_down
    return total


def directly_aligned(features: torch.Tensor, box: list[float], stride: int, side: int) -> torch.Tensor:
    """Each output cell is the mean of two by two points; a pixel's centre lies at a half."""
    left, top, right, bottom = (value / stride for value in box)
    found = torch.zeros(len(features), side, side, dtype=features.dtype)
    for row in range(side):
        for column in range(side):
            for i in (0.25, 0.75):
                for j in (0.25, 0.75):
                    across = left + (column + j) * (right - left) / side - 0.5
                    down = top + (row + i) * (bottom - top) / side - 0.5
                    found[:, row, column] += interpolated(features, across, down) / 4
    return found


def test_roi_align_is_the_sum_written_out() -> None:
    features = torch.randn(3, 9, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # Inside, across cells, over the edges on every side, less than a cell.
    boxes = [
        [8.0, 4.0, 40.0, 30.0],
        [3.3, 5.1, 17.9, 6.4],
        [-6.0, -3.0, 60.0, 41.0],
        [20.0, 20.0, 20.5, 21.0],
    ]
    found = roi_align(features, torch.tensor(boxes, dtype=torch.float64), 4, 5)
    for box, own in zip(boxes, found, strict=True):
        assert torch.allclose(own, directly_aligned(features, box, 4, 5), atol=1e-12)


def test_roi_align_of_a_slope_is_the_slope_itself() -> None:
    """Between centres, interpolation is exact on a plane: the cell's mean is its centre's value."""
    across = torch.arange(20.0).expand(1, 16, 20) + 0.5
    (found,) = roi_align(across, torch.tensor([[8.0, 8.0, 36.0, 36.0]]), 2, 7)
    assert torch.allclose(found[0], (4 + 2 * (torch.arange(7.0) + 0.5)).expand(7, 7))


def test_larger_regions_are_read_from_coarser_maps() -> None:
    """Side 224 belongs to the map of stride 16, as published; half of it to the finer one."""
    sides = torch.tensor([10.0, 56.0, 111.0, 112.0, 223.0, 224.0, 447.0, 448.0, 2000.0])
    boxes = torch.stack([torch.zeros(9), torch.zeros(9), sides, sides], 1)
    assert levels_of(boxes, 4, 224).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3]


def test_regions_keep_their_order_over_images_and_maps() -> None:
    generator = torch.Generator().manual_seed(2)
    maps = [torch.randn(2, 3, 64 // stride, 64 // stride, generator=generator) for stride in (4, 8)]
    boxes = [
        torch.tensor([[0.0, 0.0, 60.0, 60.0], [4.0, 4.0, 20.0, 20.0], [0.0, 8.0, 64.0, 60.0]]),
        torch.tensor([[30.0, 30.0, 42.0, 46.0]]),
    ]
    found = pooled(maps, (4, 8), boxes, 7, 100.0)
    expected = [(0, 1), (0, 0), (0, 1), (1, 0)]
    for own, box, (image, level) in zip(found, torch.cat(boxes), expected, strict=True):
        assert torch.allclose(
            own, directly_aligned(maps[level][image], box.tolist(), 4 << level, 7), atol=1e-5
        )
    assert pooled(maps, (4, 8), [boxes[0][:0]] * 2, 7, 100.0).shape == (0, 3, 7, 7)


def test_outlines_become_bitmaps_of_their_inside() -> None:
    square = [[2.0, 1.0, 7.0, 1.0, 7.0, 5.0, 2.0, 5.0]]
    expected = np.zeros((6, 9), np.uint8)
    expected[1:5, 2:7] = 1
    assert np.array_equal(bitmap(square, 6, 9), expected)
    # Run lengths count down the columns: eight empty pixels, then two of the second column.
    lengths = {"counts": [8, 2, 44], "size": [6, 9]}
    assert np.argwhere(bitmap(lengths, 6, 9)).tolist() == [[2, 1], [3, 1]]


def test_a_region_sees_its_part_of_the_mask() -> None:
    whole = torch.zeros(1, 40, 40, dtype=torch.uint8)
    whole[0, 10:20, 10:30] = 1
    # The box reaches ten pixels further down: the upper half of it is filled.
    (seen,) = seen_in(whole, torch.tensor([[10.0, 10.0, 30.0, 30.0]]), 28)
    assert seen[:14].min() == 1
    assert seen[14:].max() == 0


def test_pasting_reads_the_mask_at_every_pixel() -> None:
    shares = torch.rand(28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    left, top, right, bottom = box = [-3.3, 5.2, 21.7, 30.9]
    found = pasted(shares, torch.tensor(box, dtype=torch.float64), 26, 40)
    for row in range(26):
        for column in range(40):
            across, down = (column + 0.5 - left) / (right - left), (row + 0.5 - top) / (bottom - top)
            inside = 0 <= across <= 1 and 0 <= down <= 1
            value = interpolated(shares[None], 28 * across - 0.5, 28 * down - 0.5).item()
            assert found[row, column] == (inside and value >= 0.5)
    assert 50 < found.sum() < 400


def test_a_mask_survives_the_way_to_a_region_and_back() -> None:
    whole = bitmap([[12.0, 8.0, 50.0, 20.0, 30.0, 55.0]], 64, 64)
    box = torch.tensor([[12.0, 8.0, 50.0, 55.0]])
    again = pasted(seen_in(torch.from_numpy(whole[None]), box, 28)[0], box[0], 64, 64)
    assert (again & whole).sum() / (again | whole).sum() > 0.93
    assert pasted(torch.ones(28, 28), torch.tensor([70.0, 5.0, 80.0, 9.0]), 64, 64).sum() == 0


def test_masks_are_packed_as_pycocotools_reads_them() -> None:
    mask = (np.random.default_rng(0).random((4, 5)) < 0.5).astype(np.uint8)
    assert np.array_equal(run_lengths.decode(packed(mask)), mask)
