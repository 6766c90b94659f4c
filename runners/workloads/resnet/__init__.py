"""Image classification: ResNet-50 v1.5 on ImageNet, to a top-1 accuracy."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings, Workload


class ResnetSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of ResNet-50."""

    width: int = 64
    """Channels of the first stage's inner convolutions; 64 is the published model."""
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    learning_rate: float
    """Per 256 images of the batch."""
    momentum: float = 0.9
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    warmup_epochs: float = 5
    drop_epochs: tuple[float, ...] = ()
    """Epochs at which the learning rate drops to a tenth, as in round 0.5; none: it falls as a square."""
    end_learning_rate: float = 1e-4
    """Of the whole batch, at max_epochs; only without drops."""
    image_size: int = 224
    loader_processes: int = 8
    """Processes per training process that decode images."""


def _impossible(settings: ResnetSettings) -> str | None:
    if settings.width < 1 or len(settings.blocks) != 4 or min(settings.blocks) < 1:
        return "width must be positive, and blocks four positive numbers"
    if settings.loader_processes < 0 or settings.image_size < 8:
        return "loader_processes must be 0 or more, image_size 8 or more"
    if not 0 <= settings.warmup_epochs < settings.max_epochs:
        return (
            f"warmup_epochs {settings.warmup_epochs:g} must be less than max_epochs {settings.max_epochs:g}"
        )
    return None


WORKLOAD = Workload(
    name="resnet",
    brief="Image classification, ResNet-50 v1.5 on ImageNet",
    benchmark="resnet",
    metric="top-1 accuracy",
    official_runs=5,
    round="4.0",
    log_rules="4.0.0",
    mini=ResnetSettings(
        target=0.97,
        batch_size=64,
        max_epochs=40,
        evaluate_every=0.25,
        width=8,
        learning_rate=0.2,
        weight_decay=5e-4,
        warmup_epochs=1,
        image_size=8,
        loader_processes=0,
    ),
    full=ResnetSettings(
        target=0.759,
        batch_size=256,
        max_epochs=92,
        evaluate_every=4,
        learning_rate=0.1,
        label_smoothing=0.1,
    ),
    mini_seconds=(29, 39),
    task="mlperf_runners.workloads.resnet.task:ResnetTask",
    dataset=("train/*/*.JPEG", "val/*/*.JPEG"),
    obtain="unpack ILSVRC2012 from image-net.org, a folder per class below train and val",
    check_settings=_impossible,
)
