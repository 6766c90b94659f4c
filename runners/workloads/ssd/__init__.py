"""Object detection, light: SSD on COCO 2017, to a mean average precision of boxes."""

from __future__ import annotations

from itertools import pairwise

from mlperf_runners.workloads.coco import DATASET, OBTAIN, DetectionSettings, impossible
from mlperf_runners.workloads.workload import Workload

STRIDE = 8
"""Pixels of the image per cell of the first map."""
_SMALLEST_HALVED = 6


class SsdSettings(DetectionSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of SSD; the learning rate is per 32 images of the batch."""

    image_size: int = 300
    blocks: tuple[int, ...] = (3, 4, 6)
    """Of the backbone's first three stages, which are all that ResNet-34 lends."""
    scales: tuple[float, ...] = (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05)
    """Sizes of the default boxes of each map, and one more, as shares of the image."""
    ratios: tuple[tuple[float, ...], ...] = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
    """Sides of the oblong default boxes of each map; each is there upright and lying."""
    learning_rate: float = 2.5e-3
    weight_decay: float = 5e-4
    warmup_steps: int = 300
    drop_epochs: tuple[float, ...] = (40, 50)
    """Epochs at which the learning rate drops to a tenth."""
    crop_tries: int = 50
    """Random crops that are tried for one with enough of an object; 0: images are never cropped."""


def is_halved(side: int) -> bool:
    """Whether the map above one of so many cells has half as many; else it has two fewer."""
    return side >= _SMALLEST_HALVED


def map_sides(image_size: int, maps: int) -> list[int]:
    """Cells along a side of each map."""
    sides = [-(-image_size // STRIDE)]
    for _ in range(maps - 1):
        side = sides[-1]
        sides.append(-(-side // 2) if is_halved(side) else side - 2)
    return sides


def map_steps(image_size: int, maps: int) -> list[float]:
    """Pixels between the places of each map: doubled where a map is halved, else what fills the image."""
    sides = map_sides(image_size, maps)
    steps: list[float] = [STRIDE]
    for below, side in pairwise(sides):
        steps.append(2 * steps[-1] if is_halved(below) else image_size / side)
    return steps


def _impossible(settings: SsdSettings) -> str | None:
    if len(settings.blocks) != 3 or min(settings.blocks) < 1:
        return "blocks must be three positive numbers"
    maps = len(settings.ratios)
    if not maps or len(settings.scales) != maps + 1:
        return f"scales needs one number more than ratios has entries, {maps + 1}"
    if min(settings.scales) <= 0 or min((min(row, default=1) for row in settings.ratios), default=1) <= 0:
        return "scales and ratios must be positive"
    if min(map_sides(settings.image_size, maps)) < 1:
        return f"image_size {settings.image_size} is too small for {maps} maps"
    if settings.crop_tries < 0:
        return "crop_tries must be 0 or more"
    return impossible(settings)


WORKLOAD = Workload(
    name="ssd",
    brief="Object detection, SSD with ResNet-34 on COCO 2017",
    benchmark="ssd",
    metric="mAP",
    official_runs=5,
    round="1.0",
    log_rules="1.0.0",
    mini=SsdSettings(
        target=0.4,
        batch_size=8,
        max_epochs=25,
        evaluate_every=0.25,
        first_evaluation=4,
        classes=3,
        image_size=64,
        width=8,
        blocks=(1, 1, 1),
        scales=(0.2, 0.35, 0.5, 0.7),
        ratios=((), (), ()),
        learning_rate=0.03,
        warmup_steps=50,
        drop_epochs=(),
        crop_tries=0,
        loader_processes=0,
    ),
    full=SsdSettings(target=0.23, batch_size=32, max_epochs=80, evaluate_every=5, first_evaluation=40),
    mini_seconds=(21, 42),
    task="mlperf_runners.workloads.ssd.task:SsdTask",
    dataset=DATASET,
    obtain=OBTAIN,
    check_settings=_impossible,
)
