"""Average precision as COCO defines it, counted by pycocotools."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found on one image."""

    image_id: int
    boxes: NDArray[np.float32]
    """Shape (n, 4): left, top, right, bottom in pixels of the image as it is in the file."""
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    """1, 2, … as in ``Picture``."""
    masks: tuple[dict[str, Any], ...] = ()
    """Run lengths as pycocotools packs them; empty where there are boxes only."""


def result_rows(found: Sequence[Detections], category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Detections in COCO's result format: boxes are left, top, width, height."""
    rows = []
    for one in found:
        for number, (left, top, right, bottom) in enumerate(one.boxes.tolist()):
            row = {
                "image_id": one.image_id,
                "category_id": category_ids[int(one.labels[number]) - 1],
                "bbox": [left, top, right - left, bottom - top],
                "score": float(one.scores[number]),
            }
            rows.append({**row, "segmentation": one.masks[number]} if one.masks else row)
    return rows


def average_precision(truth: COCO, rows: list[dict[str, Any]], kind: Literal["bbox", "segm"]) -> float:
    """Mean over categories and overlaps of .50, .55, … .95, at most 100 detections an image."""
    if not rows:
        return 0.0
    with redirect_stdout(io.StringIO()):
        # Boxes that come with masks are rated by the masks' extent if the masks are there.
        chosen = [{key: row[key] for key in row if key != _other(kind)} for row in rows]
        evaluation = COCOeval(truth, truth.loadRes(chosen), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def _other(kind: str) -> str:
    return "segmentation" if kind == "bbox" else "bbox"
