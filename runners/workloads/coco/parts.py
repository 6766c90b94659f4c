"""Both parts of the dataset that a detector needs, read from COCO's files or generated."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.workloads.coco import TRAIN, VALIDATION, DetectionSettings
from mlperf_runners.workloads.coco.annotations import Part
from mlperf_runners.workloads.coco.shapes import write_shapes


def both_parts(settings: DetectionSettings, mode: str, *, masks: bool) -> tuple[Part, Part]:
    """Images to train on, each with an object, and images to evaluate on.

    ``masks``: whether the outlines of objects are needed. Generated images go through files in COCO's
    format as well, which are gone afterwards.

    Raises:
        DatasetMissingError: the annotations cannot be used or list images that are not there.
    """
    if mode == "mini":
        with TemporaryDirectory(prefix="shapes-") as name:
            root = Path(name)
            write_shapes(root, settings.images, settings.eval_images, settings.image_side, settings.data_seed)
            train, evaluation = (Part(root, part, masks=masks, keep=True) for part in (TRAIN, VALIDATION))
    else:
        train, evaluation = (Part(Path(settings.data), part, masks=masks) for part in (TRAIN, VALIDATION))
    for part in (train, evaluation):
        if len(part.category_ids) != settings.classes:
            raise DatasetMissingError(
                f"{part.path}: has {len(part.category_ids)} categories, not {settings.classes}; "
                f"use COCO's own files or --set classes={len(part.category_ids)}"
            )
    train.keep_annotated()
    if not train.pictures:
        raise DatasetMissingError(f"{train.path}: has no image with an object; unpack the file again")
    if not any(len(picture.labels) for picture in evaluation.pictures):
        raise DatasetMissingError(
            f"{evaluation.path}: has no object to be found, so that there is no average precision; "
            "unpack the file again"
        )
    if mode != "mini":
        for part in (train, evaluation):
            part.check_images()
    return train, evaluation
