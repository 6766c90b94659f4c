"""Training and evaluation of SSD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys
from torch import Tensor

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.coco.boxes import clipped, decode, suppressed
from mlperf_runners.workloads.coco.evaluation import Detections, average_precision, result_rows
from mlperf_runners.workloads.coco.parts import both_parts
from mlperf_runners.workloads.loading import loaded
from mlperf_runners.workloads.ssd import SsdSettings
from mlperf_runners.workloads.ssd.images import EvalImages, Example, TrainImages
from mlperf_runners.workloads.ssd.loss import multibox_loss
from mlperf_runners.workloads.ssd.model import Ssd
from mlperf_runners.workloads.ssd.priors import SPREAD, default_boxes

BATCH_OF_RATE = 32
EVAL_BATCH = 32
LEAST_SCORE, MOST_OVERLAP, MOST_DETECTIONS = 0.05, 0.5, 200
"""What counts as a detection; the most are per class before suppression, and per image after it."""


class SsdTask:
    """SSD with momentum, a warm-up and steps down."""

    def __init__(self, settings: SsdSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        # Making the images of the small version is no part of training.
        self._made = both_parts(settings, mode, masks=False) if mode == "mini" else None
        self._priors = default_boxes(settings.image_size, settings.scales, settings.ratios)
        self._network = Ssd(
            settings.image_size,
            settings.blocks,
            settings.width,
            settings.ratios,
            settings.classes,
        )
        if settings.backbone:
            self._network.backbone.load(Path(settings.backbone))
        self.model: torch.nn.Module = context.data_parallel(self._network)
        self._peak = settings.learning_rate * settings.batch_size / BATCH_OF_RATE
        self._optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=self._peak,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self._steps = 0

    def load_data(self) -> None:
        """Read the annotations, unless the images were made."""
        settings = self._settings
        train, self._eval = self._made or both_parts(settings, "full", masks=False)
        self._train = TrainImages(
            train, settings.image_size, self._priors, settings.crop_tries, self._context.seed
        )
        self._truth = self._eval.truth()
        self.train_samples, self.eval_samples = len(train), len(self._eval)
        # Fewer images than one batch make one small batch.
        self._batch = min(settings.batch_size, self.train_samples)
        self.steps_per_epoch = self.train_samples // self._batch

    def batches(self, epoch: int) -> Iterator[Example]:
        """Full batches in an order drawn anew; an incomplete last one is left out."""
        order = self._context.random("order", epoch).permutation(self.train_samples)
        chosen = [
            [(int(position), epoch) for position in self._context.share(order[first : first + self._batch])]
            for first in range(0, self.train_samples - self._batch + 1, self._batch)
        ]
        device = self._context.device
        for pixels, offsets, labels in self._loaded(self._train, chosen):
            yield pixels.to(device), offsets.to(device), labels.to(device)

    def train_step(self, batch: Example) -> Tensor:
        """One step of SGD with momentum on the loss of places and kinds."""
        pixels, wanted, labels = batch
        rate = self._learning_rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        with self._context.autocast(self._settings.precision):
            offsets, logits = self.model(pixels)
        loss = multibox_loss(offsets.float(), logits.float(), wanted, labels)
        loss.backward()
        self._optimizer.step()
        self._steps += 1
        return loss.detach()

    def evaluate(self) -> float:
        """Mean average precision of the boxes, counted by pycocotools."""
        mine = [int(position) for position in self._context.share(range(self.eval_samples))]
        batches = [mine[first : first + EVAL_BATCH] for first in range(0, len(mine), EVAL_BATCH)]
        images = EvalImages(self._eval, self._settings.image_size)
        found: list[Detections] = []
        for positions, pixels in zip(batches, self._loaded(images, batches), strict=True):
            found += self._found(positions, pixels.to(self._context.device))
        rows = result_rows(self._context.gathered(found), self._eval.category_ids)
        return average_precision(self._truth, rows, "bbox")

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of SSD."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.SGD,
            keys.OPT_BASE_LR: self._peak,
            keys.OPT_WEIGHT_DECAY: settings.weight_decay,
            keys.OPT_LR_WARMUP_STEPS: settings.warmup_steps,
            keys.OPT_LR_WARMUP_FACTOR: 0,
            keys.OPT_LR_DECAY_BOUNDARY_EPOCHS: list(settings.drop_epochs),
            keys.MODEL_BN_SPAN: settings.batch_size // self._context.world,
            keys.MAX_SAMPLES: settings.crop_tries,
            keys.GRADIENT_ACCUMULATION_STEPS: 1,
        }

    def _found(self, positions: list[int], pixels: Tensor) -> list[Detections]:
        # Not through DistributedDataParallel, which would wait for processes that have fewer images.
        with self._context.autocast(self._settings.precision):
            offsets, logits = self._network(pixels)
        boxes = clipped(decode(offsets.float(), self._priors.to(pixels.device), SPREAD), 1, 1)
        shares = logits.float().softmax(2)[..., 1:]
        return [self._kept(position, *rows) for position, *rows in zip(positions, boxes, shares, strict=True)]

    def _kept(self, position: int, boxes: Tensor, shares: Tensor) -> Detections:
        """The detections on one image, out of all its boxes and their probabilities per class."""
        scores, ranked = shares.topk(min(MOST_DETECTIONS, len(shares)), dim=0)
        row, label = (scores > LEAST_SCORE).nonzero(as_tuple=True)
        scores, boxes = scores[row, label], boxes[ranked[row, label]]
        kept = suppressed(boxes, scores, label, MOST_OVERLAP)[:MOST_DETECTIONS]
        picture = self._eval.pictures[position]
        sides = np.array([picture.width, picture.height] * 2, np.float32)
        return Detections(
            image_id=picture.id,
            boxes=boxes[kept].cpu().numpy() * sides,
            scores=scores[kept].cpu().numpy(),
            labels=label[kept].cpu().numpy() + 1,
        )

    def _loaded(self, images: Any, batches: list[Any]) -> Iterator[Any]:
        pinned = self._context.device.type == "cuda"
        return loaded(images, batches, self._settings.loader_processes, pinned=pinned)

    def _learning_rate(self) -> float:
        settings = self._settings
        if self._steps < settings.warmup_steps:
            return self._peak * (self._steps + 1) / settings.warmup_steps
        epochs = self._steps / self.steps_per_epoch
        return float(self._peak * 0.1 ** sum(epochs >= drop for drop in settings.drop_epochs))
