"""Small datasets in COCO's real layout, with what makes the real one awkward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CATEGORY_IDS = (1, 3, 90)
"""With gaps; the second is on no image, as some of the real ones are in small samples."""


def write_coco(root: Path, images: int = 8) -> None:
    """``images`` images in each part, of two sizes: a red and a blue rectangle on each but the last.

    The last one has a crowd and nothing else; of the training images, a box without width as well.
    """
    (root / "annotations").mkdir(parents=True)
    for seed, part in enumerate(("train2017", "val2017")):
        (root / part).mkdir()
        random = np.random.default_rng(seed)
        content: dict[str, Any] = {"info": {}, "licenses": [], "images": [], "annotations": []}
        content["categories"] = [{"id": key, "name": str(key)} for key in CATEGORY_IDS]
        for number in range(images):
            _add_image(root / part, content, 1000 + 7 * number, number == images - 1, random)
        (root / f"annotations/instances_{part}.json").write_text(json.dumps(content))


def _add_image(
    folder: Path, content: dict[str, Any], image_id: int, is_last: bool, random: np.random.Generator
) -> None:
    width, height = ((120, 90), (80, 100))[image_id % 2]
    pixels = random.integers(90, 130, (height, width, 3)).astype(np.uint8)
    entries: list[dict[str, Any]] = []
    if is_last:
        entries.append({**_entry(1, 5, 5, 40, 30), "iscrowd": 1})
        entries[0]["segmentation"] = {"counts": [200, 40, width * height - 240], "size": [height, width]}
        if folder.name == "train2017":
            entries.append(_entry(90, 10, 10, 0, 12))
    else:
        for category, left, colour in ((1, 2, (230, 20, 20)), (90, width // 2, (20, 20, 230))):
            top, high, wide = int(random.integers(3, 30)), int(random.integers(20, 40)), width // 2 - 6
            pixels[top : top + high, left : left + wide] = colour
            entries.append(_entry(category, left, top, wide, high))
    name = f"{image_id:012}.jpg"
    Image.fromarray(pixels).save(folder / name, "JPEG", quality=95)
    content["images"].append({"id": image_id, "file_name": name, "width": width, "height": height})
    for entry in entries:
        content["annotations"].append({**entry, "id": len(content["annotations"]) + 1, "image_id": image_id})


def _entry(category: int, left: float, top: float, wide: float, high: float) -> dict[str, Any]:
    right, bottom = left + wide, top + high
    return {
        "category_id": category,
        "bbox": [left, top, wide, high],
        "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
        "area": wide * high,
        "iscrowd": 0,
    }
