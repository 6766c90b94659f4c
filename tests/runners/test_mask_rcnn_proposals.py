"""Mask R-CNN: anchors, sampling and proposals, and what is learnt from them."""

from __future__ import annotations

import math

import pytest
import torch

from mlperf_runners.workloads.mask_rcnn.anchors import anchors_of, matched, sampled
from mlperf_runners.workloads.mask_rcnn.heads import box_loss, mask_loss
from mlperf_runners.workloads.mask_rcnn.proposals import ProposalHead, proposal_loss, proposals


def test_anchors_stand_on_the_cells_and_have_their_size() -> None:
    anchors = anchors_of(3, 5, 8, 16, (0.5, 1, 2), torch.device("cpu"))
    assert anchors.shape == (45, 4)
    sides = anchors[:, 2:] - anchors[:, :2]
    assert torch.allclose(sides.prod(1), torch.full((45,), 256.0), rtol=1e-5)
    assert torch.allclose(sides[:3, 1] / sides[:3, 0], torch.tensor([0.5, 1, 2]))
    # Row 2, column 3, the square one.
    assert anchors[3 * (2 * 5 + 3) + 1].tolist() == [28 - 8, 20 - 8, 28 + 8, 20 + 8]


def test_anchors_show_objects_they_overlap_or_are_closest_to() -> None:
    anchors = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 5], [50, 50, 60, 60], [20, 20, 30, 30]]
    )
    boxes = torch.tensor([[0.0, 0, 10, 9], [54, 50, 64, 60]])
    labels, objects = matched(anchors, boxes)
    # Overlaps: .9, .89, .56 (neither); .43, but the closest to its object; none.
    assert labels.tolist() == [1, 1, -1, 1, 0]
    assert objects[:4].tolist() == [0, 0, 0, 1]


def test_samples_have_the_share_they_should() -> None:
    torch.manual_seed(0)
    mask = torch.arange(100) < 30
    positive, negative = sampled(mask, ~mask, 40, 0.25)
    assert (len(set(positive.tolist())), len(set(negative.tolist()))) == (10, 30)
    assert positive.max() < 30 <= negative.min()
    few, many = sampled(torch.arange(100) < 3, ~mask, 40, 0.25)
    assert (len(few), len(many)) == (3, 37)


def test_proposals_are_decoded_clipped_and_thinned_out() -> None:
    anchors = [
        torch.tensor([[0.0, 0, 20, 20], [1, 0, 21, 20], [40, 40, 60, 60]]),
        torch.tensor([[0.0, 0, 20, 21]]),
    ]
    said = [
        (torch.tensor([2.0, 1.0, 0.0]), torch.tensor([[0.0] * 4, [0.0] * 4, [0.0, 0.0, math.log(4), 0.0]])),
        (torch.tensor([3.0]), torch.zeros(1, 4)),
    ]
    found = proposals(said, anchors, (55, 70), 10, 10)
    # The second one overlaps the first of its map; that of the other map may overlap. 80 wide, then clipped.
    assert found.tolist() == [[0, 0, 20, 21], [0, 0, 20, 20], [10, 40, 70, 55]]
    assert proposals(said, anchors, (55, 70), 1, 10).tolist() == [[0, 0, 20, 21], [0, 0, 20, 20]]


def test_the_head_of_proposals_speaks_in_the_order_of_the_anchors() -> None:
    head = ProposalHead(2, 3)
    with torch.no_grad():
        head.shared.weight.zero_()
        head.shared.weight[0, 0, 1, 1] = 1
        head.objects.weight.zero_()
        head.objects.weight[:, 0] = torch.tensor([1.0, 10.0, 100.0])[:, None, None]
    features = torch.rand(1, 2, 4, 5)
    ((logits, offsets),) = head([features])
    assert offsets.shape == (1, 60, 4)
    place = 3 * (2 * 5 + 3)
    expected = features[0, 0, 2, 3] * torch.tensor([1.0, 10.0, 100.0])
    assert torch.allclose(logits[0, place : place + 3], expected)


def test_losses_of_proposals_and_heads_are_the_sums_written_out() -> None:
    anchors = torch.tensor([[0.0, 0, 10, 10], [30, 30, 40, 40]])
    boxes = torch.tensor([[1.0, 0, 11, 10]])
    logits, offsets = torch.tensor([0.3, -0.2]), torch.tensor([[0.5, 0.0, 0.0, 0.01], [9.0] * 4])
    # The object lies .1 anchors to the right. Smooth L1 is quadratic below 1/9.
    place = (0.4 - 1 / 18) + 0.5 * 0.01**2 * 9
    kind = (math.log(1 + math.exp(-0.3)) + math.log(1 + math.exp(-0.2))) / 2
    assert proposal_loss(logits, offsets, anchors, boxes, 4).item() == pytest.approx(
        place / 2 + kind, rel=1e-5
    )

    said = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    moves = torch.zeros(2, 3, 4)
    moves[0, 1] = torch.tensor([0.5, 0.0, 3.0, 0.0])
    moves[0, 2] = 7.0
    kinds = (-said[0].log_softmax(0)[1].item() + math.log(3)) / 2
    found = box_loss(said, moves, torch.tensor([1, 0]), torch.zeros(2, 4))
    assert found.item() == pytest.approx(kinds + (0.5 * 0.25 + 2.5) / 2, rel=1e-5)


def test_masks_are_learnt_for_the_right_class_alone() -> None:
    logits = torch.zeros(2, 3, 4, 4, requires_grad=True)
    loss = mask_loss(logits, torch.tensor([2, 1]), torch.ones(2, 4, 4))
    assert loss.item() == pytest.approx(math.log(2))
    loss.backward()
    touched = logits.grad.abs().sum((2, 3)) > 0
    assert touched.tolist() == [[False, False, True], [False, True, False]]
    assert mask_loss(logits[:0], torch.zeros(0, dtype=torch.long), torch.ones(0, 4, 4)).item() == 0
