"""Full mode on small files in the datasets' real formats, and quality against the plain definition."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from workload_tasks import losses, quality, task_of

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.minigo.players import SearchPlayer, match
from mlperf_runners.workloads.ncf.data import generate, read_movielens
from mlperf_runners.workloads.registry import NAMES, workload
from mlperf_runners.workloads.resnet.imagenet import ImageFolder, augmented
from mlperf_runners.workloads.resnet.model import ResNet

# ---------------------------------------------------------------- recommendation


@pytest.fixture
def movielens(tmp_path: Path) -> Path:
    """40 users with 12 of 60 items each; identifiers have gaps, lines are in no order of time."""
    random = np.random.default_rng(0)
    lines = [
        f"{3 * user + 1},{7 * item + 2},3.5,{random.integers(10**9)}"
        for user in range(40)
        for item in random.choice(60, 12, replace=False)
    ]
    random.shuffle(lines)
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n")
    return tmp_path


def test_ncf_learns_from_movielens_files(movielens: Path) -> None:
    task = task_of("ncf", movielens, eval_negatives=30, batch_size=200, learning_rate=0.01)
    assert (task.train_samples, task.eval_samples) == (40 * 11 * 5, 40)
    users, items, labels = next(iter(task.batches(0)))
    assert users.shape == items.shape == labels.shape == (200,)
    found = losses(task)
    assert np.mean(found[-3:]) < np.mean(found[:3])


def test_the_hit_rate_is_the_one_counted_by_hand(movielens: Path) -> None:
    task = task_of("ncf", movielens, eval_negatives=30, batch_size=200, learning_rate=0.01)
    losses(task)
    measured = quality(task)
    hits = 0
    with torch.no_grad():
        for user, candidates in enumerate(task._candidates):
            scores = [task.model(torch.tensor([user]), torch.tensor([item])).item() for item in candidates]
            # Hit: fewer than 10 of the negatives are as good as the held-out item.
            hits += sum(score >= scores[0] for score in scores[1:]) < 10
    assert measured == hits / 40


def test_generated_users_need_enough_items() -> None:
    with pytest.raises(SettingsError, match="items must be at least 30"):
        workload("ncf").changed("mini", {"items": 29})


def test_a_recommender_that_has_diverged_hits_nothing(movielens: Path) -> None:
    task = task_of("ncf", movielens, eval_negatives=30, batch_size=200)
    with torch.no_grad():
        for parameter in task.model.parameters():
            parameter.fill_(math.nan)
    assert quality(task) == 0


def test_the_last_item_by_time_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,5,300\n1,20,5,100\n1,30,1,200\n2,20,5,1\n2,10,5,2\n"
    )
    data = read_movielens(tmp_path)
    assert data.held_out.tolist() == [0, 0]
    assert list(zip(data.train_users.tolist(), data.train_items.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (1, 1),
    ]


@pytest.mark.parametrize("source", ["generated", "movielens"])
def test_negatives_are_never_items_that_are_trained_on(source: str, movielens: Path) -> None:
    data = generate(50, 60, 1) if source == "generated" else read_movielens(movielens)
    random = np.random.default_rng(5)
    taken = set(zip(data.train_users.tolist(), data.train_items.tolist(), strict=True))
    held_out = set(enumerate(data.held_out.tolist()))
    users = np.repeat(np.arange(data.users), 200)
    drawn = set(zip(users.tolist(), data.negatives(users, random).tolist(), strict=True))
    assert not drawn & taken
    # Every other item does come up, in 200 draws from below 60 for each of 50 or 40 users. The one that is
    # held out too: that it alone never did would tell which one it is.
    assert len(drawn) > 0.9 * (data.users * data.items - len(taken))
    assert len(drawn & held_out) > 0.9 * data.users
    taken |= held_out
    table = data.candidates(25, random)
    assert table[:, 0].tolist() == data.held_out.tolist()
    for user, row in enumerate(table.tolist()):
        assert len(set(row)) == 26
        assert not {(user, item) for item in row[1:]} & taken


def test_a_file_without_the_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetMissingError, match=r"ratings\.csv.*userId"):
        read_movielens(tmp_path)


# ---------------------------------------------------------------- image classification


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """Two classes of noisy colours, one greyscale file, in folders by class."""
    random = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 3)):
        for number, colour in enumerate(((200, 40, 40), (40, 40, 200))):
            folder = tmp_path / part / f"n0000000{number}"
            folder.mkdir(parents=True)
            for image in range(count):
                noise = random.integers(-40, 40, (50, 70, 3))
                pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{part}_{image}.JPEG", "JPEG")
    Image.new("L", (40, 90), 128).save(tmp_path / "train" / "n00000000" / "grey.JPEG", "JPEG")
    return tmp_path


def test_resnet_learns_from_imagenet_folders(imagenet: Path) -> None:
    task = task_of("resnet", imagenet, image_size=64, batch_size=6, loader_processes=0, warmup_epochs=0)
    assert (task.train_samples, task.eval_samples, task.steps_per_epoch) == (13, 6, 2)
    images, labels = next(iter(task.batches(0)))
    assert images.shape == (6, 3, 64, 64)
    assert set(labels.tolist()) <= {0, 1}
    found = losses(task, 8)
    assert np.mean(found[-2:]) < np.mean(found[:2])


def test_the_names_of_a_million_images_fit_into_every_process(tmp_path: Path) -> None:
    """Each process that decodes has a copy of the list once it counts references to what is in it."""
    classes = tuple(f"n{number:08}" for number in range(20))
    for name in classes:
        (tmp_path / name).mkdir()
        for number in range(50):
            (tmp_path / name / f"{name}_{number:05}.JPEG").touch()
    (tmp_path / classes[3] / "n\udcff ü.JPEG").touch()
    tracemalloc.start()
    images = ImageFolder(tmp_path, classes, 32, None)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(images) == 1001
    assert kept < 100 * len(images)
    with pytest.raises(DatasetMissingError, match=r"n00000003/n\udcff ü\.JPEG: cannot be decoded"):
        images[200, 0]


def test_top_1_is_the_share_of_right_answers(imagenet: Path) -> None:
    task = task_of("resnet", imagenet, image_size=64, batch_size=6, loader_processes=0)
    measured = quality(task)
    right = 0
    with torch.no_grad():
        for images, labels in task._data.eval_batches():
            right += sum(
                int(task.model(image[None])[0].argmax()) == label
                for image, label in zip(images, labels.tolist(), strict=True)
            )
    assert measured == right / 6


def test_the_published_resnet_50_has_its_25_557_032_parameters() -> None:
    model = ResNet((3, 4, 6, 3), 64, 1000, 3, 224)
    assert sum(parameter.numel() for parameter in model.parameters()) == 25_557_032
    strides = {
        module.kernel_size: module.stride
        for module in model.stages[3].layers
        if isinstance(module, torch.nn.Conv2d) and module.stride != (1, 1)
    }
    assert strides == {(3, 3): (2, 2)}, "v1.5: the 3×3 convolution carries the stride"


def test_augmentation_depends_on_seed_epoch_and_image_alone(imagenet: Path) -> None:
    first = task_of("resnet", imagenet, image_size=32, batch_size=6, loader_processes=0)
    other = task_of("resnet", imagenet, image_size=32, batch_size=6, loader_processes=2)
    seeded = task_of("resnet", imagenet, 4, image_size=32, batch_size=6, loader_processes=0)
    for mine, theirs in zip(first.batches(1), other.batches(1), strict=True):
        assert torch.equal(mine[0], theirs[0])
    assert not torch.equal(next(iter(first.batches(1)))[0], next(iter(first.batches(2)))[0])
    assert not torch.equal(next(iter(first.batches(1)))[0], next(iter(seeded.batches(1)))[0])


def test_crops_keep_to_the_image() -> None:
    image = Image.fromarray(np.full((9, 400, 3), 255, np.uint8))
    random = np.random.default_rng(1)
    white = (1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    for _ in range(50):
        pixels = augmented(image, 16, random)
        assert np.allclose(pixels, white[:, None, None], atol=1e-5)


# ---------------------------------------------------------------- all


FEWER: dict[str, dict[str, Any]] = {"minigo": {"games": 6, "readouts": 4, "eval_games": 6}}
"""Changes of settings for what takes long before its first step."""


def _reference_scores(task: Any) -> list[float]:
    passing = SearchPlayer(task._rules, _indifferent, 1, 1.5, 0, np.random.default_rng)
    return match(task._rules, passing, task._reference(), range(6))


def _indifferent(positions: Any) -> tuple[Any, Any]:
    return np.zeros((len(positions), 26), np.float32), np.zeros(len(positions), np.float32)


def _eval_images(task: Any) -> list[Any]:
    return [np.asarray(task._eval.image(number)) for number in range(len(task._eval))]


EVALUATED: dict[str, Callable[[Any], Any]] = {
    "ncf": lambda task: task._candidates,
    "resnet": lambda task: task._data._eval[0],
    "ssd": _eval_images,
    "mask_rcnn": _eval_images,
    "transformer": lambda task: task._eval.sources,
    "gnmt": lambda task: task._eval.sources,
    "deepspeech2": lambda task: np.concatenate([task._eval[number][0].ravel() for number in range(80)]),
    "minigo": _reference_scores,
}
"""What a task is evaluated on."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["mini", "full"])
def test_the_settings_of_every_mode_are_possible(name: str, mode: str) -> None:
    chosen = workload(name)
    assert chosen.changed(mode, {}) == chosen.settings(mode)


@pytest.mark.parametrize("name", NAMES)
def test_a_training_depends_on_its_seed_alone_and_its_data_do_not(name: str) -> None:
    chosen = workload(name)

    def first_losses(seed: int) -> tuple[list[float], Any]:
        context = Context.start(seed, "cpu", 1)
        task = chosen.create(chosen.changed("mini", FEWER.get(name, {})), "mini", context)
        task.load_data()
        return losses(task, 4), task

    (once, first), (again, _), (other, second) = first_losses(1), first_losses(1), first_losses(2)
    assert once == again
    assert once != other
    assert np.array_equal(EVALUATED[name](first), EVALUATED[name](second))
