"""Training and evaluation of Mask R-CNN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from mlperf_logging.mllog import constants as keys
from torch import Tensor

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.coco.evaluation import Detections, average_precision, result_rows
from mlperf_runners.workloads.coco.parts import both_parts
from mlperf_runners.workloads.loading import loaded
from mlperf_runners.workloads.mask_rcnn import BOX, MASK, MaskRcnnSettings
from mlperf_runners.workloads.mask_rcnn.images import EvalImages, TrainImages, padded, unstacked
from mlperf_runners.workloads.mask_rcnn.masks import packed, pasted
from mlperf_runners.workloads.mask_rcnn.model import Found, MaskRcnn, Target

BATCH_OF_RATE = 16
EVAL_BATCH = 8
DROP = 0.1
Batch = tuple[Tensor, list[tuple[int, int]], list[Target]]
"""Padded images, their heights and widths, their objects."""


class MaskRcnnTask:
    """Mask R-CNN with momentum, a warm-up and steps down."""

    def __init__(self, settings: MaskRcnnSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        # Making the images of the small version is no part of training.
        self._made = both_parts(settings, mode, masks=True) if mode == "mini" else None
        self._network = MaskRcnn(settings)
        self.model: torch.nn.Module = context.data_parallel(self._network)
        self._peak = settings.learning_rate * settings.batch_size / BATCH_OF_RATE
        self._optimizer = torch.optim.SGD(
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            lr=self._peak,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self._steps = 0

    def load_data(self) -> None:
        """Read the annotations, unless the images were made."""
        settings = self._settings
        train, self._eval = self._made or both_parts(settings, "full", masks=True)
        self._train = TrainImages(train, settings.min_size, settings.max_size, self._context.seed)
        self._truth = self._eval.truth()
        self.train_samples, self.eval_samples = len(train), len(self._eval)
        # Fewer images than one batch make one small batch.
        self._batch = min(settings.batch_size, self.train_samples)
        self.steps_per_epoch = self.train_samples // self._batch

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Full batches in an order drawn anew; an incomplete last one is left out."""
        order = self._context.random("order", epoch).permutation(self.train_samples)
        chosen = [
            [(int(position), epoch) for position in self._context.share(order[first : first + self._batch])]
            for first in range(0, self.train_samples - self._batch + 1, self._batch)
        ]
        for examples, targets in self._loaded(self._train, chosen):
            images, sizes = padded(examples)
            yield images.to(self._context.device), sizes, [self._on_device(target) for target in targets]

    def train_step(self, batch: Batch) -> Tensor:
        """One step of SGD with momentum on the sum of the losses."""
        rate = self._learning_rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        with self._context.autocast(self._settings.precision):
            loss: Tensor = self.model(*batch)
        loss.backward()
        self._optimizer.step()
        self._steps += 1
        return loss.detach()

    def evaluate(self) -> Mapping[str, float]:
        """Average precision of boxes and of masks, counted by pycocotools."""
        mine = [int(position) for position in self._context.share(range(self.eval_samples))]
        batches = [mine[first : first + EVAL_BATCH] for first in range(0, len(mine), EVAL_BATCH)]
        images = EvalImages(self._eval, self._settings.min_size, self._settings.max_size)
        found: list[Detections] = []
        for positions, (examples, scales) in zip(batches, self._loaded(images, batches), strict=True):
            pixels, sizes = padded(examples)
            # Not through DistributedDataParallel, which would wait for processes that have fewer images.
            with self._context.autocast(self._settings.precision):
                detected = self._network.detect(pixels.to(self._context.device), sizes)
            found += [self._in_file(*own) for own in zip(positions, scales, detected, strict=True)]
        rows = result_rows(self._context.gathered(found), self._eval.category_ids)
        return {
            BOX: average_precision(self._truth, rows, "bbox"),
            MASK: average_precision(self._truth, rows, "segm"),
        }

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of Mask R-CNN."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.SGD,
            keys.OPT_BASE_LR: self._peak,
            keys.OPT_WEIGHT_DECAY: settings.weight_decay,
            keys.OPT_LR_WARMUP_STEPS: settings.warmup_steps,
            keys.OPT_LR_WARMUP_FACTOR: settings.warmup_factor,
            keys.OPT_LR_DECAY_FACTOR: DROP,
            keys.OPT_LR_DECAY_STEPS: list(settings.drop_steps),
            keys.NUM_IMAGE_CANDIDATES: settings.candidates,
            keys.MIN_IMAGE_SIZE: settings.min_size,
            keys.MAX_IMAGE_SIZE: settings.max_size,
            keys.GRADIENT_ACCUMULATION_STEPS: 1,
        }

    def _in_file(self, position: int, scale: float, found: Found) -> Detections:
        """Detections in pixels of the image as it is in the file."""
        picture = self._eval.pictures[position]
        boxes = found.boxes / scale
        masks = [
            packed(pasted(mask, box, picture.height, picture.width))
            for mask, box in zip(found.masks, boxes, strict=True)
        ]
        return Detections(
            image_id=picture.id,
            boxes=boxes.cpu().numpy(),
            scores=found.scores.cpu().numpy(),
            labels=found.labels.cpu().numpy(),
            masks=tuple(masks),
        )

    def _on_device(self, target: Target) -> Target:
        device = self._context.device
        return replace(
            target,
            boxes=target.boxes.to(device),
            labels=target.labels.to(device),
            bitmaps=target.bitmaps.to(device),
        )

    def _loaded(self, images: Any, batches: list[Any]) -> Iterator[Any]:
        return loaded(images, batches, self._settings.loader_processes, collate=unstacked)

    def _learning_rate(self) -> float:
        settings = self._settings
        if self._steps < settings.warmup_steps:
            first = settings.warmup_factor
            return self._peak * (first + (1 - first) * self._steps / settings.warmup_steps)
        return float(self._peak * DROP ** sum(self._steps >= drop for drop in settings.drop_steps))
