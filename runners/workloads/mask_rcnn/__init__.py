"""Object detection, heavy: Mask R-CNN on COCO 2017, to average precisions of boxes and of masks."""

from __future__ import annotations

from collections.abc import Mapping

from mlperf_runners.workloads.coco import DATASET, OBTAIN, DetectionSettings, impossible
from mlperf_runners.workloads.workload import Workload

LEVELS = 5
"""Maps of the pyramid, of strides 4, 8, 16, 32 and 64."""
BOX, MASK = "BBOX", "SEGM"
"""Names of the two qualities in logs."""


class MaskRcnnSettings(DetectionSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of Mask R-CNN; the learning rate is per 16 images of the batch, ``target`` that of boxes."""

    mask_target: float
    """Average precision of masks at which a run has converged, if the boxes have as well."""
    min_size: int = 800
    """Pixels of an image's shorter side after resizing, unless the longer one would exceed max_size."""
    max_size: int = 1333
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    pyramid_width: int = 256
    anchor_sizes: tuple[float, ...] = (32, 64, 128, 256, 512)
    """Pixels, one size per map of the pyramid."""
    anchor_ratios: tuple[float, ...] = (0.5, 1, 2)
    """Height over width."""
    canonical_size: float = 224
    """Side of a region that is read from the map of stride 16; smaller ones come from finer maps."""
    anchor_samples: int = 256
    """Anchors per image that the proposals learn from, at most half of them with an object."""
    candidates: int = 1000
    """Proposals per image."""
    candidates_per_level: int = 2000
    """Best anchors per map before suppression."""
    region_samples: int = 512
    """Proposals per image that the heads learn from, at most a quarter of them with an object."""
    head_width: int = 1024
    mask_width: int = 256
    mask_layers: int = 4
    learning_rate: float = 0.02
    weight_decay: float = 1e-4
    warmup_steps: int = 500
    warmup_factor: float = 1 / 3
    """Share of the learning rate at the first step."""
    drop_steps: tuple[int, ...] = (60_000, 80_000)
    """Steps at which the learning rate drops to a tenth."""


def _further_targets(settings: MaskRcnnSettings) -> Mapping[str, float]:
    return {MASK: settings.mask_target}


def _impossible(settings: MaskRcnnSettings) -> str | None:
    if not 0 < settings.mask_target < 1:
        return f"mask_target {settings.mask_target:g} cannot be reached: quality is between 0 and 1"
    if len(settings.blocks) != LEVELS - 1 or min(settings.blocks) < 1:
        return f"blocks must be {LEVELS - 1} positive numbers"
    if len(settings.anchor_sizes) != LEVELS or min(settings.anchor_sizes) <= 0:
        return f"anchor_sizes must be {LEVELS} positive numbers"
    if min(settings.anchor_ratios, default=0) <= 0 or settings.canonical_size <= 0:
        return "anchor_ratios and canonical_size must be positive"
    if not 32 <= settings.min_size <= settings.max_size:
        return "min_size must be from 32 to max_size"
    widths = ("pyramid_width", "head_width", "mask_width")
    for name in (*widths, "candidates", "candidates_per_level"):
        if getattr(settings, name) < 1:
            return f"{name} must be positive"
    if min(settings.anchor_samples, settings.region_samples) < 4 or settings.mask_layers < 0:
        return "anchor_samples and region_samples must be 4 or more, mask_layers 0 or more"
    if not 0 < settings.warmup_factor <= 1:
        return "warmup_factor must be above 0 and at most 1"
    return impossible(settings)


WORKLOAD = Workload(
    name="mask_rcnn",
    brief="Object detection, Mask R-CNN on COCO 2017: boxes, masks",
    benchmark="maskrcnn",
    metric="box AP",
    official_runs=5,
    round="3.1",
    log_rules="3.1.0",
    mini=MaskRcnnSettings(
        target=0.25,
        mask_target=0.3,
        batch_size=4,
        max_epochs=12,
        evaluate_every=0.2,
        first_evaluation=1.2,
        classes=3,
        min_size=64,
        max_size=64,
        width=8,
        blocks=(1, 1, 1, 1),
        pyramid_width=32,
        anchor_sizes=(14, 22, 32, 48, 64),
        anchor_ratios=(1,),
        canonical_size=80,
        anchor_samples=32,
        candidates=30,
        candidates_per_level=40,
        region_samples=16,
        head_width=64,
        mask_width=16,
        mask_layers=2,
        learning_rate=0.08,
        warmup_steps=100,
        drop_steps=(),
        loader_processes=0,
        eval_images=100,
    ),
    full=MaskRcnnSettings(target=0.377, mask_target=0.339, batch_size=16, max_epochs=13, evaluate_every=1),
    mini_seconds=(38, 64),
    task="mlperf_runners.workloads.mask_rcnn.task:MaskRcnnTask",
    dataset=DATASET,
    obtain=OBTAIN,
    check_settings=_impossible,
    further_targets=_further_targets,
)
