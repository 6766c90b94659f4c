"""Generated images of coloured shapes with their outlines, written as COCO is: JSON and JPEG."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mlperf_runners.workloads.coco import ANNOTATIONS, TRAIN, VALIDATION

CATEGORIES = {3: "disc", 7: "square", 8: "triangle"}
"""Ids with gaps, as the real ones have."""
_CORNERS = {3: 24, 7: 4, 8: 3}
MOST_OBJECTS = 3
SMALLEST, LARGEST = 0.25, 0.55
"""Diameter of the circle around a shape, as a share of the image's side."""
_QUALITY = 90

Points = list[tuple[float, float]]


def write_shapes(root: Path, images: int, eval_images: int, side: int, seed: int) -> None:
    """Write both parts of a dataset of square images below ``root``, in COCO's layout."""
    random = np.random.default_rng(seed)
    (root / ANNOTATIONS).parent.mkdir(parents=True)
    for part, count in ((TRAIN, images), (VALIDATION, eval_images)):
        (root / part).mkdir()
        _write_part(root, part, count, side, random)


def _write_part(root: Path, part: str, count: int, side: int, random: np.random.Generator) -> None:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        name = f"{number:012}.jpg"
        shapes = _shapes(side, random)
        _painted(shapes, side, random).save(root / part / name, "JPEG", quality=_QUALITY)
        images.append({"id": number, "file_name": name, "width": side, "height": side})
        for category, points in shapes:
            annotations.append(_annotation(len(annotations) + 1, number, category, points))
    categories = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / ANNOTATIONS.format(part)).write_text(json.dumps(content), encoding="utf-8")


def _shapes(side: int, random: np.random.Generator) -> list[tuple[int, Points]]:
    """One to three shapes that lie apart."""
    shapes: list[tuple[int, Points]] = []
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(random.integers(1, MOST_OBJECTS + 1))):
        radius = side * random.uniform(SMALLEST, LARGEST) / 2
        x, y = random.uniform(radius, side - radius, 2)
        if any(math.hypot(x - a, y - b) < radius + other for a, b, other in taken):
            continue
        taken.append((x, y, radius))
        category = int(random.choice(list(CATEGORIES)))
        corners = _CORNERS[category]
        turn = random.uniform(0, 2 * math.pi)
        angles = turn + 2 * math.pi / corners * np.arange(corners)
        points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
        shapes.append((category, [(float(a), float(b)) for a, b in points.round(2)]))
    return shapes


def _painted(shapes: list[tuple[int, Points]], side: int, random: np.random.Generator) -> Image.Image:
    """Shapes of one colour each on a noisy ground of another."""
    ground = random.uniform(0, 255, 3)
    image = Image.fromarray(np.full((side, side, 3), ground, np.uint8))
    draw = ImageDraw.Draw(image)
    for _, points in shapes:
        # At least a third of the scale away from the ground, in every channel.
        colour = (ground + random.uniform(85, 170, 3)) % 255
        draw.polygon(points, fill=tuple(int(value) for value in colour))
    noise = random.normal(0, 12, (side, side, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _annotation(number: int, image: int, category: int, points: Points) -> dict[str, Any]:
    across, down = zip(*points, strict=True)
    left, top = min(across), min(down)
    width, height = max(across) - left, max(down) - top
    turned = zip(points, [*points[1:], points[0]], strict=True)
    area = abs(sum(a * d - c * b for (a, b), (c, d) in turned)) / 2
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": [[value for point in points for value in point]],
        "bbox": [left, top, width, height],
        "area": area,
        "iscrowd": 0,
    }
