"""Whether an annotation is what COCO says it is, so that nothing stumbles over it while training."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any, TypeGuard

FEWEST_NUMBERS = 6
"""Of a polygon: three points."""


def check(
    entry: dict[str, Any], sides: Mapping[int, tuple[int, int]], categories: Container[int], masks: bool
) -> None:
    """Check one annotation; make explicit that it is no crowd; with ``masks`` drop polygons that are lines.

    ``sides``: height and width of each image by its id.

    Raises:
        ValueError: it is not as it should be; the message names it.
    """
    name = f"annotation {entry['id']}"
    image, category = entry["image_id"], entry["category_id"]
    if image not in sides:
        raise ValueError(f"{name} belongs to image {image}, which is not listed")
    if category not in categories:
        raise ValueError(f"{name} has category {category}, which is not listed")
    if not _are_numbers(entry.get("bbox")) or len(entry["bbox"]) != 4:
        raise ValueError(f"{name} has no bbox of four numbers: left, top, width, height")
    if not _are_numbers([entry.get("area")]):
        raise ValueError(f"{name} has no area")
    entry.setdefault("iscrowd", 0)
    if masks:
        entry["segmentation"] = _outline(entry.get("segmentation"), sides[image], name)


def _outline(segmentation: Any, sides: tuple[int, int], name: str) -> Any:
    """Polygons with an area, or run lengths."""
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        if list(segmentation.get("size", ())) != list(sides):
            raise ValueError(f"{name} has run lengths of another size than its image")
        if not _are_numbers(counts) or min(counts, default=0) < 0 or sum(counts) != math.prod(sides):
            raise ValueError(f"{name} has run lengths that do not add up to its image")
        return segmentation
    if not isinstance(segmentation, list) or not all(
        _are_numbers(polygon) and len(polygon) % 2 == 0 for polygon in segmentation
    ):
        raise ValueError(
            f"{name} has a segmentation that is neither polygons (x, y, x, y, …) nor run lengths"
        )
    polygons = [polygon for polygon in segmentation if len(polygon) >= FEWEST_NUMBERS]
    if not polygons:
        raise ValueError(f"{name} has no polygon of three points or more")
    return polygons


def _are_numbers(values: Any) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(
        isinstance(value, int | float) and math.isfinite(value) for value in values
    )
