"""What the detectors share: COCO's files, generated ones, boxes, the backbone, average precision."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings

TRAIN, VALIDATION = "train2017", "val2017"
"""The two parts of the dataset, which are also the names of their folders of images."""
ANNOTATIONS = "annotations/instances_{}.json"
DATASET = (
    *(ANNOTATIONS.format(part) for part in (TRAIN, VALIDATION)),
    *(f"{part}/*.jpg" for part in (TRAIN, VALIDATION)),
)
OBTAIN = "unpack train2017.zip, val2017.zip and annotations_trainval2017.zip from cocodataset.org"


class DetectionSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of every detector."""

    classes: int = 80
    """Categories of objects; as many as the annotations have."""
    width: int = 64
    """Channels of the backbone's first stage; 64 is the published model."""
    backbone: str = ""
    """File of ImageNet weights to start from, as PyTorch saves them; empty: random ones."""
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float
    warmup_steps: int
    loader_processes: int = 8
    """Processes per training process that decode images."""
    images: int = 1000
    """Of the generated data; the real ones bring their own."""
    eval_images: int = 200
    image_side: int = 64
    """Of the generated images."""


def impossible(settings: DetectionSettings) -> str | None:
    """What is impossible about the settings that every detector has, or None."""
    for name in ("classes", "width", "images", "eval_images"):
        if getattr(settings, name) < 1:
            return f"{name} must be positive"
    if settings.loader_processes < 0 or settings.warmup_steps < 0:
        return "loader_processes and warmup_steps must be 0 or more"
    if settings.image_side < 16:
        return "image_side must be 16 or more"
    return None
