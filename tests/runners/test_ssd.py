"""SSD and COCO's files: what is read, default boxes, the loss, augmentation, training."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from coco_files import CATEGORY_IDS
from PIL import Image

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.coco.annotations import Part
from mlperf_runners.workloads.coco.backbone import Backbone, BasicBlock
from mlperf_runners.workloads.coco.boxes import centred, decode
from mlperf_runners.workloads.coco.shapes import write_shapes
from mlperf_runners.workloads.ssd import WORKLOAD, map_sides, map_steps
from mlperf_runners.workloads.ssd.images import cropped, mirrored
from mlperf_runners.workloads.ssd.loss import hard_negatives, multibox_loss
from mlperf_runners.workloads.ssd.model import Ssd
from mlperf_runners.workloads.ssd.priors import SPREAD, default_boxes, matched

SMALL: dict[str, Any] = {
    "classes": 3,
    "image_size": 64,
    "width": 8,
    "blocks": (1, 1, 1),
    "scales": (0.3, 0.5, 0.7),
    "ratios": ((2,), (2,)),
    "batch_size": 4,
    "warmup_steps": 2,
    "learning_rate": 0.05,
    "loader_processes": 0,
}


def task_of(data: Path, seed: int = 3, **changes: Any) -> Any:
    context = Context.start(seed, "cpu", 1)
    settings = WORKLOAD.changed("full", {"data": str(data), **SMALL, **changes})
    WORKLOAD.check_dataset(settings, "full")
    task = WORKLOAD.create(settings, "full", context)
    task.load_data()
    return task


# ---------------------------------------------------------------- COCO's files


def test_boxes_and_labels_are_those_of_the_file(coco: Path) -> None:
    part = Part(coco, "train2017")
    assert part.category_ids == CATEGORY_IDS
    content = json.loads((coco / "annotations/instances_train2017.json").read_text())
    left, top, width, height = content["annotations"][1]["bbox"]
    picture = part.pictures[0]
    assert picture.labels.tolist() == [1, 3], "ids 1 and 90 are the first and the third category"
    assert picture.boxes[1].tolist() == [left, top, left + width, top + height]
    assert part.image(0).size == (picture.width, picture.height)


def test_crowds_and_empty_boxes_are_nothing_to_learn_from(coco: Path) -> None:
    part = Part(coco, "train2017", keep=True)
    assert len(part.pictures[-1].labels) == 0
    first, count = part.image(0), len(part)
    part.keep_annotated()
    assert len(part) == count - 1
    assert part.image(0) is first


def test_wrong_files_are_named(coco: Path) -> None:
    (coco / "train2017/000000001000.jpg").write_bytes(b"\xff\xd8 no image")
    with pytest.raises(DatasetMissingError, match=r"000000001000\.jpg: cannot be decoded"):
        Part(coco, "train2017").image(0)
    with pytest.raises(DatasetMissingError, match=r"has 3 categories, not 80; .*--set classes=3"):
        task_of(coco, classes=80)
    (coco / "annotations/instances_val2017.json").write_text('{"categories": []}')
    with pytest.raises(DatasetMissingError, match=r"instances_val2017\.json.*no entry 'images'"):
        Part(coco, "val2017")


def test_without_the_dataset_the_message_says_what_goes_where(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"instances_train2017\.json.*val2017/\*\.jpg.*cocodataset"):
        WORKLOAD.check_dataset(WORKLOAD.changed("full", {"data": str(tmp_path)}), "full")


def test_generated_shapes_fill_their_boxes_and_keep_apart(tmp_path: Path) -> None:
    write_shapes(tmp_path, 30, 2, 64, 1)
    part = Part(tmp_path, "train2017")
    truth = part.truth()
    for position, picture in enumerate(part.pictures):
        pixels = np.asarray(part.image(position), float)
        assert 1 <= len(picture.labels) <= 3
        for number in truth.getAnnIds(picture.id):
            mask = truth.annToMask(truth.anns[number]).astype(bool)
            rows, columns = np.nonzero(mask)
            left, top, width, height = truth.anns[number]["bbox"]
            extent = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            assert np.allclose(extent, (left, top, left + width, top + height), atol=1.6)
            # One colour, at least a third of the scale from the ground; noise and JPEG move means a little.
            inside = np.median(pixels[mask], axis=0)
            ground = np.median(pixels[~truth_of_all(truth, picture.id)], axis=0)
            assert (np.abs(inside - ground) > 60).all()


def truth_of_all(truth: Any, image_id: int) -> np.ndarray:
    masks = [truth.annToMask(truth.anns[number]) for number in truth.getAnnIds(image_id)]
    return np.any(masks, axis=0)


# ---------------------------------------------------------------- default boxes


def test_the_published_ssd300_has_8732_default_boxes() -> None:
    full = WORKLOAD.full
    sides = map_sides(full.image_size, len(full.ratios))
    assert sides == [38, 19, 10, 5, 3, 1]
    assert map_steps(full.image_size, len(full.ratios)) == [8, 16, 32, 64, 100, 300]
    priors = default_boxes(full.image_size, full.scales, full.ratios)
    assert priors.shape == (8732, 4)
    centres, sizes = centred(priors)
    # 38 × 38 places with four boxes each; row 3, column 5 has its centre at 5.5 and 3.5 steps of 8 pixels.
    number = 4 * (38 * 3 + 5)
    assert torch.allclose(centres[number], torch.tensor([5.5 * 8 / 300, 3.5 * 8 / 300]))
    assert torch.allclose(sizes[number], torch.tensor([0.07, 0.07]))
    # The last place of the third map, 9.5 steps of 32 pixels, is outside the image and so put at its border.
    assert torch.allclose(centres[4 * 38**2 + 6 * 19**2 + 6 * 10**2 - 1], torch.tensor([1.0, 1.0]))
    # The only place of the last map: .87, √(.87 · 1.05), and a ratio of 2, whose long side exceeds the image.
    expected = [[0.87, 0.87], [0.955772, 0.955772], [1.0, 0.615183], [0.615183, 1.0]]
    assert torch.allclose(sizes[-4:], torch.tensor(expected), atol=1e-5)
    assert (priors < 0).any()


def test_predictions_come_in_the_order_of_the_default_boxes() -> None:
    """A predictor that echoes its map says at each place what stands there."""
    ratios = ((2.0,), (2.0,))
    network = Ssd(64, (1, 1, 1), 8, ratios, 2).eval()
    offsets, logits = network(torch.zeros(2, 3, 64, 64))
    priors = default_boxes(64, (0.2, 0.4, 0.6), ratios)
    assert offsets.shape == (2, len(priors), 4)
    assert logits.shape == (2, len(priors), 3)
    head = network.places[0]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        # Of each of the four boxes at a place, the second output is the sum of the place's features.
        head.weight[1::4, :, 1, 1] = 1.0
        image = torch.randn(1, 3, 64, 64)
        features = network.backbone(image)[-1]
        echoed = network(image)[0][0, : 8 * 8 * 4]
    assert torch.allclose(echoed[:, 1].reshape(8, 8, 4)[2, 5], features[0, :, 2, 5].sum(), atol=1e-5)
    assert (echoed[:, [0, 2, 3]] == 0).all()


def test_the_resnet_34_backbone_has_its_published_parameters(tmp_path: Path) -> None:
    """ResNet-34 has 21 797 672 parameters: 13 114 368 in its fourth stage, 513 000 in its classifier."""
    torch.manual_seed(0)
    backbone = Backbone(BasicBlock, (3, 4, 6), 64, (1, 2, 1))
    count = sum(parameter.numel() for parameter in backbone.parameters())
    assert count == 21_797_672 - 13_114_368 - 513_000
    other = Backbone(BasicBlock, (3, 4, 6), 64, (1, 2, 1))
    torch.save({**backbone.state_dict(), "fc.bias": torch.zeros(1000)}, tmp_path / "weights.pt")
    other.load(tmp_path / "weights.pt")
    assert all(torch.equal(a, b) for a, b in zip(backbone.parameters(), other.parameters(), strict=True))
    torch.save({"conv1.weight": backbone.conv1.weight}, tmp_path / "weights.pt")
    with pytest.raises(DatasetMissingError, match=r"weights\.pt: has no bn1"):
        other.load(tmp_path / "weights.pt")
    torch.save({**backbone.state_dict(), "bn1.bias": torch.zeros(7)}, tmp_path / "weights.pt")
    with pytest.raises(DatasetMissingError, match=r"bn1\.bias is of shape \(7,\), not \(64,\)"):
        other.load(tmp_path / "weights.pt")


@pytest.mark.parametrize("content", [b"no weights", b"", pickle.dumps(Path("x"), 2), pickle.dumps([1], 2)])
def test_a_file_without_weights_is_named_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(DatasetMissingError) as raised:
        Backbone(BasicBlock, (1, 1, 1), 4, (1, 2, 1)).load(tmp_path / "weights.pt")
    assert str(raised.value).startswith(f"{tmp_path}/weights.pt: cannot be read as weights")
    assert "\n" not in str(raised.value)
    assert "weights_only" not in str(raised.value)


def test_every_object_has_a_default_box_and_near_ones_share_it() -> None:
    priors = torch.tensor(
        [[0.0, 0.0, 0.4, 0.4], [0.0, 0.0, 0.4, 0.3], [0.6, 0.6, 1.0, 1.0], [0.4, 0.4, 0.6, 0.6]]
    )
    boxes = torch.tensor([[0.0, 0.0, 0.4, 0.35], [0.7, 0.7, 0.8, 0.8]])
    offsets, labels = matched(boxes, torch.tensor([2, 1]), priors)
    # The first object overlaps the first two by .875 and .857; the second one only the third, by .0625.
    assert labels.tolist() == [2, 2, 1, 0]
    found = decode(offsets, priors, SPREAD)[labels > 0]
    assert torch.allclose(found, boxes[[0, 0, 1]], atol=1e-6)


# ---------------------------------------------------------------- the loss


def test_hard_negatives_are_the_background_boxes_of_the_largest_loss() -> None:
    losses = torch.tensor([[9.0, 1.0, 5.0, 4.0, 3.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    labels = torch.tensor([[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    assert hard_negatives(losses, labels).tolist() == [
        # One box with an object, three without: those of loss 8, 5 and 4.
        [False, False, True, True, False, True],
        [False] * 6,
    ]


def test_the_loss_is_the_sum_written_out() -> None:
    random = torch.Generator().manual_seed(1)
    offsets, wanted = (torch.randn(2, 6, 4, generator=random) for _ in range(2))
    logits = torch.randn(2, 6, 3, generator=random)
    labels = torch.tensor([[0, 2, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    shares = logits[0].softmax(1)
    place = 0.0
    for a, b in zip(offsets[0, 1].tolist(), wanted[0, 1].tolist(), strict=True):
        place += 0.5 * (a - b) ** 2 if abs(a - b) < 1 else abs(a - b) - 0.5
    background = sorted((-shares[row, 0].log().item() for row in (0, 2, 3, 4, 5)), reverse=True)
    # One image of two has an object.
    expected = (place - shares[1, 2].log().item() + sum(background[:3])) / 2
    assert multibox_loss(offsets, logits, wanted, labels).item() == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------- augmentation


def test_boxes_move_with_the_image() -> None:
    """A white rectangle on black: after a crop and mirroring the box still frames what is white."""
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[60:120, 90:180] = 255
    original = np.array([[90 / 300, 60 / 200, 180 / 300, 120 / 200]], np.float32)
    random = np.random.default_rng(3)
    sizes = set()
    for _ in range(60):
        image, boxes, labels = cropped(Image.fromarray(pixels), original, np.array([1]), 50, random)
        image, boxes = mirrored(image, boxes, random)
        sizes.add(image.size)
        rows, columns = np.nonzero(np.asarray(image)[:, :, 0])
        extent = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        framed = boxes[0] * np.tile(image.size, 2)
        assert np.allclose(framed, extent, atol=1.5)
        assert labels.tolist() == [1]
    assert len(sizes) > 20
    untouched, _, _ = cropped(Image.fromarray(pixels), original, np.array([1]), 0, random)
    assert untouched.size == (300, 200)


# ---------------------------------------------------------------- training


def test_ssd_learns_from_coco_files(coco: Path) -> None:
    task = task_of(coco)
    assert (task.train_samples, task.eval_samples, task.steps_per_epoch) == (7, 8, 1)
    pixels, offsets, labels = next(iter(task.batches(0)))
    assert pixels.shape == (4, 3, 64, 64)
    assert offsets.shape == (*labels.shape, 4) == (4, 8 * 8 * 4 + 4 * 4 * 4, 4)
    task.model.train()
    found = [task.train_step(batch).item() for epoch in range(24) for batch in task.batches(epoch)]
    assert np.mean(found[-4:]) < 0.8 * np.mean(found[:4])


def test_quality_is_the_average_precision_of_what_the_network_finds(coco: Path) -> None:
    """A network that says of each default box what it has to learn finds what there is to find."""
    task = task_of(coco)
    answers = []
    for picture in task._eval.pictures:
        shares = picture.boxes / np.array([picture.width, picture.height] * 2, np.float32)
        if len(shares):
            offsets, labels = matched(
                torch.from_numpy(shares), torch.from_numpy(picture.labels), task._priors
            )
        else:
            offsets, labels = (
                torch.zeros(len(task._priors), 4),
                torch.zeros(len(task._priors), dtype=torch.long),
            )
        answers.append((offsets, torch.nn.functional.one_hot(labels, 4) * 20.0))
    task._network = lambda pixels: tuple(torch.stack(part) for part in zip(*answers, strict=True))
    assert len(answers) == len(task._eval) == 8
    assert task.evaluate() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("processes", [0, 1])
def test_a_damaged_image_is_named_in_one_line(processes: int, coco: Path) -> None:
    task = task_of(coco, loader_processes=processes)
    task._eval.pictures[0].path.write_bytes(b"\xff\xd8 no image")
    with pytest.raises(DatasetMissingError) as raised:
        task.evaluate()
    assert str(raised.value).startswith(f"{coco}/val2017/000000001000.jpg: cannot be decoded")
    assert "\n" not in str(raised.value)
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize("part", ["train2017", "val2017"])
def test_a_missing_image_is_refused_before_training(part: str, coco: Path) -> None:
    (coco / part / "000000001007.jpg").unlink()
    with pytest.raises(DatasetMissingError, match=rf"{part}/000000001007\.jpg: is not there, .* lists it"):
        task_of(coco)


def test_augmentation_depends_on_seed_epoch_and_image_alone(coco: Path) -> None:
    first, other, seeded = task_of(coco), task_of(coco, loader_processes=2), task_of(coco, 4)
    batch = next(iter(first.batches(1)))
    assert torch.equal(batch[0], next(iter(other.batches(1)))[0])
    assert not torch.equal(batch[0], next(iter(first.batches(2)))[0])
    assert not torch.equal(batch[0], next(iter(seeded.batches(1)))[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scales": [0.1, 0.2]}, "scales needs one number more than ratios has entries, 7"),
        ({"blocks": [3, 4]}, "three positive"),
        ({"image_size": 20}, "image_size 20 is too small for 6 maps"),
        ({"classes": 0}, "classes must be positive"),
        ({"crop_tries": -1}, "crop_tries"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        WORKLOAD.changed("full", changes)


# ---------------------------------------------------------------- annotations that are not as they should be


def changed_annotations(root: Path, part: str, change: Any) -> None:
    path = root / f"annotations/instances_{part}.json"
    content = json.loads(path.read_text())
    change(content["annotations"])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bbox": []}, "no bbox of four numbers"),
        ({"bbox": [1, 2, 3]}, "no bbox of four numbers"),
        ({"bbox": "1 2 3 4"}, "no bbox of four numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "no bbox of four numbers"),
        ({"area": None}, "no area"),
        ({"category_id": 4}, "category 4, which is not listed"),
        ({"image_id": 4}, "image 4, which is not listed"),
    ],
)
def test_a_wrong_annotation_is_named(change: dict[str, Any], words: str, coco: Path) -> None:
    changed_annotations(coco, "val2017", lambda entries: entries[1].update(change))
    with pytest.raises(DatasetMissingError, match=rf"instances_val2017\.json: .*annotation 2 .*{words}"):
        task_of(coco)


def test_ssd_needs_no_outlines(coco: Path) -> None:
    for part in ("train2017", "val2017"):
        changed_annotations(coco, part, lambda entries: [entry.pop("segmentation") for entry in entries])
    task = task_of(coco)
    assert task.train_step(next(iter(task.batches(0)))).isfinite()
    task.model.eval()
    with torch.no_grad():
        assert 0 <= task.evaluate() <= 1


def test_nothing_to_be_found_is_refused(coco: Path) -> None:
    """COCO's average precision of no object at all is −1."""
    changed_annotations(coco, "val2017", lambda entries: entries.__delitem__(slice(0, -1)))
    with pytest.raises(DatasetMissingError, match=r"instances_val2017\.json: has no object to be found"):
        task_of(coco)
