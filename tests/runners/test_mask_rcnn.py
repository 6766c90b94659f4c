"""Mask R-CNN: RoIAlign and masks against direct computations, anchors, sampling, losses, training."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as run_lengths

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.coco.backbone import Backbone, Bottleneck, FixedNorm
from mlperf_runners.workloads.coco.evaluation import average_precision
from mlperf_runners.workloads.mask_rcnn import WORKLOAD
from mlperf_runners.workloads.mask_rcnn.anchors import anchors_of, matched, sampled
from mlperf_runners.workloads.mask_rcnn.heads import box_loss, mask_loss
from mlperf_runners.workloads.mask_rcnn.images import padded, resized
from mlperf_runners.workloads.mask_rcnn.masks import bitmap, packed, pasted, seen_in
from mlperf_runners.workloads.mask_rcnn.model import STRIDES, Found
from mlperf_runners.workloads.mask_rcnn.proposals import ProposalHead, proposal_loss, proposals
from mlperf_runners.workloads.mask_rcnn.roi_align import levels_of, pooled, roi_align

SMALL: dict[str, Any] = {
    "classes": 3,
    "min_size": 64,
    "max_size": 96,
    "width": 4,
    "blocks": (1, 1, 1, 1),
    "pyramid_width": 8,
    "anchor_sizes": (12, 24, 40, 60, 80),
    "canonical_size": 80,
    "anchor_samples": 16,
    "candidates": 10,
    "candidates_per_level": 20,
    "region_samples": 8,
    "head_width": 16,
    "mask_width": 8,
    "mask_layers": 1,
    "batch_size": 4,
    "warmup_steps": 2,
    "learning_rate": 0.02,
    "loader_processes": 0,
}


def task_of(data: Path, seed: int = 3, **changes: Any) -> Any:
    context = Context.start(seed, "cpu", 1)
    settings = WORKLOAD.changed("full", {"data": str(data), **SMALL, **changes})
    WORKLOAD.check_dataset(settings, "full")
    task = WORKLOAD.create(settings, "full", context)
    task.load_data()
    return task


# ---------------------------------------------------------------- RoIAlign


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


# ---------------------------------------------------------------- masks


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


# ---------------------------------------------------------------- proposals


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


# ---------------------------------------------------------------- losses


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


# ---------------------------------------------------------------- the network


def test_the_resnet_50_backbone_has_its_published_parameters(tmp_path: Path) -> None:
    """ResNet-50 has 25 557 032 parameters, 2 049 000 of them in its classifier."""
    backbone = Backbone(Bottleneck, (3, 4, 6, 3), 64, (1, 2, 2, 2))
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 25_557_032 - 2_049_000
    torch.save(backbone.state_dict(), tmp_path / "resnet50.pt")
    fixed = Backbone(Bottleneck, (3, 4, 6, 3), 64, (1, 2, 2, 2), FixedNorm)
    fixed.load(tmp_path / "resnet50.pt")
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        pairs = list(zip(backbone.eval()(images), fixed.train()(images), strict=True))
    assert [maps.shape[1:] for maps, _ in pairs] == [(256 << n, 16 >> n, 16 >> n) for n in range(4)]
    for maps, others in pairs:
        assert torch.allclose(maps, others, rtol=1e-3, atol=1e-3 * maps.abs().max().item())


def test_trained_weights_are_started_from_and_their_first_stage_stays(coco: Path, tmp_path: Path) -> None:
    torch.manual_seed(9)
    weights = Backbone(Bottleneck, (1, 1, 1, 1), 4, (1, 2, 2, 2)).state_dict()
    torch.save(weights, tmp_path / "weights.pt")
    task = task_of(coco, backbone=str(tmp_path / "weights.pt"))
    task.train_step(next(iter(task.batches(0))))
    after = task.model.backbone.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, weights[name])}
    assert {name.split(".")[0] for name in moved} == {"layer2", "layer3", "layer4"}
    assert not any(".bn" in name for name in moved)


def test_images_of_a_batch_are_padded_to_one_size(coco: Path) -> None:
    task = task_of(coco)
    images, sizes, targets = next(iter(task.batches(0)))
    # 120 × 90 grows to a shorter side of 64 (85 wide), 80 × 100 likewise (80 high); 32 divides the batch.
    assert set(sizes) <= {(64, 85), (80, 64)}
    assert all(side % 32 == 0 for side in images.shape[2:])
    for image, (rows, columns), target in zip(images, sizes, targets, strict=True):
        assert image[:, rows:].abs().sum() == image[:, :, columns:].abs().sum() == 0
        assert target.boxes[:, 2].max() <= columns + 1e-3
        assert target.boxes[:, 3].max() <= rows + 1e-3
    pixels, scale = resized(task._eval.image(0), 64, 70)
    assert max(pixels.shape) == 70, "the longer side is bound as well"
    assert scale == 70 / max(task._eval.image(0).size)
    assert padded([pixels])[1] == [tuple(pixels.shape[1:])]


def test_mirrored_images_take_boxes_and_masks_with_them(coco: Path) -> None:
    task = task_of(coco)
    sides = set()
    for epoch in range(6):
        pixels, target = task._train[0, epoch]
        (red,) = (target.labels == 1).nonzero()[0].tolist()
        left, top, right, bottom = (target.boxes[red] / target.scale).tolist()
        assert np.allclose(target.bitmaps[red, round(top) : round(bottom), round(left) : round(right)], 1)
        assert target.bitmaps[red].sum() == round(right - left) * round(bottom - top)
        box = target.boxes[red].round().int().tolist()
        inside = pixels[:, box[1] + 1 : box[3] - 1, box[0] + 1 : box[2] - 1].mean((1, 2))
        assert inside[0] > inside[2] + 2, "red"
        sides.add(left < 20)
    assert sides == {True, False}


def test_quality_is_the_average_precision_of_boxes_and_of_masks(coco: Path) -> None:
    """A network that finds every box as it is, with masks that fill it on one image and half of it else.

    Half a mask has an overlap of .5 with the whole, which counts at the first of the ten thresholds.
    """
    task = task_of(coco)
    asked: list[int] = []

    def detect(images: torch.Tensor, sizes: list[tuple[int, int]]) -> list[Found]:
        found = []
        for _ in sizes:
            picture = task._eval.pictures[len(asked)]
            scale = sizes[len(found)][0] / picture.height
            masks = torch.ones(len(picture.labels), 28, 28)
            masks[:, 14:] = float(picture.id % 2)
            boxes = torch.from_numpy(picture.boxes)
            found.append(
                Found(boxes * scale, torch.ones(len(boxes)), torch.from_numpy(picture.labels), masks)
            )
            asked.append(picture.id)
        return found

    task._network.detect = detect
    qualities = task.evaluate()
    assert list(qualities) == ["BBOX", "SEGM"]
    assert qualities["BBOX"] == pytest.approx(1.0, abs=1e-9)
    # Of seven images with objects the second, fourth and sixth have whole masks: above .5, a half of
    # what is found is right, up to a recall of 3/7, which holds 43 of the 101 recalls that are read.
    assert qualities["SEGM"] == pytest.approx(0.1 + 0.9 * 0.5 * 43 / 101, abs=1e-9)
    assert average_precision(task._truth, [], "segm") == 0.0


def test_masks_are_packed_as_pycocotools_reads_them() -> None:
    mask = (np.random.default_rng(0).random((4, 5)) < 0.5).astype(np.uint8)
    assert np.array_equal(run_lengths.decode(packed(mask)), mask)


def test_mask_rcnn_learns_from_coco_files(coco: Path) -> None:
    task = task_of(coco)
    assert (task.train_samples, task.eval_samples, task.steps_per_epoch) == (7, 8, 1)
    task.model.train()
    found = [task.train_step(batch).item() for epoch in range(30) for batch in task.batches(epoch)]
    assert np.mean(found[-4:]) < 0.8 * np.mean(found[:4])
    task.model.eval()
    with torch.no_grad():
        assert all(0 <= value <= 1 for value in task.evaluate().values())


@pytest.mark.parametrize("part", ["train2017", "val2017"])
@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        ([], "no polygon of three points"),
        ([[1, 2, 3, 4]], "no polygon of three points"),
        ([[1, 2, 3, 4, 5, 6, 7]], "neither polygons"),
        ([["1"] * 6], "neither polygons"),
        ("outline", "neither polygons"),
        (None, "neither polygons"),
        ({"counts": [5, 5], "size": [90, 120]}, "do not add up"),
        ({"counts": [5, 5], "size": [2, 5]}, "another size"),
    ],
)
def test_a_malformed_outline_is_named(part: str, segmentation: Any, words: str, coco: Path) -> None:
    path = coco / f"annotations/instances_{part}.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["segmentation"] = segmentation
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetMissingError, match=rf"instances_{part}\.json: .*annotation 2 .*{words}"):
        task_of(coco)


def test_without_the_dataset_the_message_says_what_goes_where(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"mask_rcnn needs annotations/instances_train2017\.json"):
        WORKLOAD.check_dataset(WORKLOAD.changed("full", {"data": str(tmp_path)}), "full")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask_target": 33.9}, "mask_target 33.9 cannot be reached"),
        ({"anchor_sizes": [32, 64]}, "anchor_sizes must be 5 positive numbers"),
        ({"max_size": 700}, "min_size must be from 32 to max_size"),
        ({"region_samples": 2}, "region_samples must be 4 or more"),
        ({"warmup_factor": 0}, "warmup_factor"),
        ({"blocks": [3]}, "blocks must be 4"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        WORKLOAD.changed("full", changes)


def test_strides_are_those_of_the_pyramid() -> None:
    assert STRIDES == (4, 8, 16, 32, 64)
