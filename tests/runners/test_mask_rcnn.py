"""Mask R-CNN: settings, data, the network, training and quality."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.coco.backbone import Backbone, Bottleneck, FixedNorm
from mlperf_runners.workloads.coco.evaluation import average_precision
from mlperf_runners.workloads.mask_rcnn import WORKLOAD
from mlperf_runners.workloads.mask_rcnn.images import padded, resized
from mlperf_runners.workloads.mask_rcnn.model import STRIDES, Found

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
