"""What detectors share: boxes, their coding and suppression, average precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from coco_files import CATEGORY_IDS

from mlperf_runners.workloads.coco.annotations import Part
from mlperf_runners.workloads.coco.boxes import decode, encode, overlaps, suppressed
from mlperf_runners.workloads.coco.evaluation import Detections, average_precision, result_rows
from mlperf_runners.workloads.ssd.priors import SPREAD


def random_boxes(count: int, seed: int) -> torch.Tensor:
    low = torch.from_numpy(np.random.default_rng(seed).uniform(0, 0.7, (count, 2)))
    size = torch.from_numpy(np.random.default_rng(seed + 1).uniform(0.05, 0.3, (count, 2)))
    return torch.cat([low, low + size], 1).float()


# ---------------------------------------------------------------- boxes


def test_decoding_undoes_encoding() -> None:
    boxes, anchors = random_boxes(200, 1), random_boxes(200, 5)
    again = decode(encode(boxes, anchors, SPREAD), anchors, SPREAD)
    assert torch.allclose(again, boxes, atol=1e-5)


def test_offsets_are_shifts_in_sizes_and_logarithms_of_growth() -> None:
    """A box twice as wide as the anchor, its centre half an anchor's width to the right."""
    anchor, box = torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[0.0, 0.0, 8.0, 2.0]])
    expected = [[0.5 / 0.1, 0.0, np.log(2) / 0.2, 0.0]]
    assert np.allclose(encode(box, anchor, (0.1, 0.2)), expected)


def test_overlaps_are_those_counted_in_cells() -> None:
    corners = np.random.default_rng(0).integers(0, 12, (40, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1) + 1], 1)
    cells = np.zeros((40, 14, 14), bool)
    for number, (left, top, right, bottom) in enumerate(boxes):
        cells[number, top:bottom, left:right] = True
    common = (cells[:, None] & cells[None]).sum((2, 3))
    union = (cells[:, None] | cells[None]).sum((2, 3))
    found = overlaps(torch.from_numpy(boxes).float(), torch.from_numpy(boxes).float())
    assert np.allclose(found, common / union)


def plainly_suppressed(boxes: torch.Tensor, scores: list[float], groups: list[int]) -> list[int]:
    kept: list[int] = []
    for number in sorted(range(len(scores)), key=lambda row: -scores[row]):
        rivals = [row for row in kept if groups[row] == groups[number]]
        if all(overlaps(boxes[[number]], boxes[[row]]).item() <= 0.4 for row in rivals):
            kept.append(number)
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_that_of_the_plain_algorithm(seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = random_boxes(150, seed)
    # Few distinct scores: ties keep their order.
    scores, groups = random.integers(0, 40, 150) / 40, random.integers(0, 3, 150)
    found = suppressed(boxes, torch.from_numpy(scores), torch.from_numpy(groups), 0.4)
    assert found.tolist() == plainly_suppressed(boxes, scores.tolist(), groups.tolist())
    assert 10 < len(found) < 140
    assert suppressed(boxes[:0], torch.zeros(0), torch.zeros(0), 0.4).tolist() == []


# ---------------------------------------------------------------- average precision


def test_detections_become_rows_of_coco() -> None:
    found = Detections(
        image_id=1007,
        boxes=np.array([[10.0, 20.0, 40.0, 25.0]], np.float32),
        scores=np.array([0.25], np.float32),
        labels=np.array([3]),
    )
    (row,) = result_rows([found], CATEGORY_IDS)
    assert row == {"image_id": 1007, "category_id": 90, "bbox": [10.0, 20.0, 30.0, 5.0], "score": 0.25}


def test_average_precision_of_a_case_by_hand(coco: Path) -> None:
    """All boxes of category 1 are found as they are; those of category 90 half as wide as they are.

    A half has an overlap of .5 with the whole, which counts at the first of the ten thresholds alone:
    the mean of 1 and .1. Nothing is asked of category 3, and the crowd is nobody's miss.
    """
    part = Part(coco, "val2017")
    found = []
    for picture in part.pictures:
        boxes = picture.boxes.copy()
        halved = picture.labels == 3
        boxes[halved, 2] = (boxes[halved, 0] + boxes[halved, 2]) / 2
        found.append(Detections(picture.id, boxes, np.ones(len(boxes), np.float32), picture.labels))
    rows = result_rows(found, part.category_ids)
    assert average_precision(part.truth(), rows, "bbox") == pytest.approx(0.55, abs=1e-9)
    assert average_precision(part.truth(), [], "bbox") == 0.0
