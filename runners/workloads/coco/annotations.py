"""COCO as it is unpacked: a JSON file of annotations and a folder of JPEG files per part."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.workloads.coco import ANNOTATIONS
from mlperf_runners.workloads.coco.entries import check

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Picture:
    """One image and the objects on it, without crowds."""

    id: int
    path: Path
    width: int
    height: int
    boxes: Floats
    """Shape (n, 4): left, top, right, bottom in pixels."""
    labels: NDArray[np.int64]
    """Shape (n,): 1, 2, … in the order of the categories' ids; 0 is the background."""
    segmentations: tuple[Any, ...]
    """Polygons or run lengths; empty where masks are not needed."""


class Part:
    """The images of one part of the dataset."""

    def __init__(self, root: Path, name: str, *, masks: bool = False, keep: bool = False) -> None:
        """``masks``: read the outlines of objects as well; ``keep``: decode all images now and keep them,
        so that the files may go.

        Raises:
            DatasetMissingError: the annotations cannot be read, or one of them is not as COCO has them.
        """
        self.path = root / ANNOTATIONS.format(name)
        self._folder = root / name
        try:
            self._content: dict[str, Any] = json.loads(self.path.read_bytes())
            self.category_ids = tuple(sorted(entry["id"] for entry in self._content["categories"]))
            self.pictures = _pictures(self._content, self._folder, self.category_ids, masks)
        except (OSError, ValueError, KeyError, TypeError) as error:
            words = f"no entry {error}" if isinstance(error, KeyError) else str(error)
            raise DatasetMissingError(
                f"{self.path}: cannot be read as COCO annotations ({words}); unpack the file again"
            ) from error
        self._kept = [_decoded(picture.path) for picture in self.pictures] if keep else None

    def __len__(self) -> int:
        return len(self.pictures)

    def image(self, position: int) -> Image.Image:
        """The decoded image.

        Raises:
            DatasetMissingError: it is not there or damaged.
        """
        return self._kept[position] if self._kept else _decoded(self.pictures[position].path)

    def check_images(self) -> None:
        """See whether all images are there, by one look into their folder.

        Raises:
            DatasetMissingError: one is not.
        """
        there = set(os.listdir(self._folder))
        for picture in self.pictures:
            if picture.path.name not in there and not picture.path.exists():
                raise DatasetMissingError(
                    f"{picture.path}: is not there, but {self.path.name} lists it; unpack the images again"
                )

    def truth(self) -> COCO:
        """The annotations as pycocotools keeps them, to evaluate against; crowds included."""
        truth = COCO()
        truth.dataset = self._content
        with redirect_stdout(io.StringIO()):
            truth.createIndex()
        return truth

    def keep_annotated(self) -> None:
        """Forget images without objects, from which detectors do not learn, and the file's content."""
        kept = [position for position, picture in enumerate(self.pictures) if len(picture.labels)]
        self.pictures = [self.pictures[position] for position in kept]
        if self._kept:
            self._kept = [self._kept[position] for position in kept]
        self._content = {}


def _pictures(
    content: dict[str, Any], folder: Path, category_ids: tuple[int, ...], masks: bool
) -> list[Picture]:
    label_of = {category: number for number, category in enumerate(category_ids, 1)}
    objects: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in content["images"]}
    sides = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    for entry in content["annotations"]:
        check(entry, sides, label_of, masks)
        # A crowd is no object of its own, and a box without area none that can be found.
        if not entry["iscrowd"] and min(entry["bbox"][2:]) > 0:
            objects[entry["image_id"]].append(entry)
    pictures = []
    for image in content["images"]:
        found = objects[image["id"]]
        boxes = np.array([entry["bbox"] for entry in found], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        pictures.append(
            Picture(
                id=image["id"],
                path=folder / image["file_name"],
                width=image["width"],
                height=image["height"],
                boxes=boxes,
                labels=np.array([label_of[entry["category_id"]] for entry in found], np.int64),
                segmentations=tuple(entry["segmentation"] for entry in found) if masks else (),
            )
        )
    return pictures


def _decoded(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            return file.convert("RGB")
    except OSError as error:
        raise DatasetMissingError(f"{path}: cannot be decoded ({error}); replace the file") from error
