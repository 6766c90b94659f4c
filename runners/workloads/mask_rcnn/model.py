"""Mask R-CNN: ResNet-50, a feature pyramid, proposals, and heads for boxes and masks.

Source: He et al., Mask R-CNN, ICCV 2017; Lin et al., Feature Pyramid Networks, CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from mlperf_runners.workloads.coco.backbone import Backbone, Bottleneck, FixedNorm
from mlperf_runners.workloads.coco.boxes import clipped, decode, encode, overlaps, suppressed
from mlperf_runners.workloads.mask_rcnn import LEVELS, MaskRcnnSettings
from mlperf_runners.workloads.mask_rcnn.anchors import anchors_of, sampled
from mlperf_runners.workloads.mask_rcnn.heads import (
    BOX_SIDE,
    MASK_SIDE,
    SPREAD,
    BoxHead,
    MaskHead,
    box_loss,
    mask_loss,
)
from mlperf_runners.workloads.mask_rcnn.masks import seen_in
from mlperf_runners.workloads.mask_rcnn.proposals import ProposalHead, proposal_loss, proposals
from mlperf_runners.workloads.mask_rcnn.roi_align import pooled

STRIDES = tuple(4 << level for level in range(LEVELS))
OBJECT = 0.5
"""A region that overlaps an object at least so much shows it."""
POSITIVE_SHARE = 0.25
LEAST_SCORE, MOST_OVERLAP, MOST_DETECTIONS = 0.05, 0.5, 100


@dataclass(frozen=True, slots=True)
class Target:
    """The objects of one image."""

    boxes: Tensor
    """(n, 4), in pixels of the resized image."""
    labels: Tensor
    bitmaps: Tensor
    """(n, height, width), of the image as it is in the file."""
    scale: float
    """Size of the resized image in that of the file's."""


@dataclass(frozen=True, slots=True)
class Found:
    """Detections on one image, best first."""

    boxes: Tensor
    """(k, 4), in pixels of the resized image."""
    scores: Tensor
    labels: Tensor
    masks: Tensor
    """(k, side, side), shares of the object within the box."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """Regions of one image that the heads learn from; those with an object come first."""

    boxes: Tensor
    labels: Tensor
    offsets: Tensor
    masks: Tensor
    """Of the regions with an object alone."""


class Pyramid(nn.Module):
    """Maps of equal width of all strides, each with what the coarser ones know."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(own, width, 1) for own in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        for layer in (*self.lateral, *self.smooth):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        above: Tensor | None = None
        found: list[Tensor] = []
        for lateral, smooth, features in reversed(list(zip(self.lateral, self.smooth, maps, strict=True))):
            own = lateral(features)
            above = own if above is None else own + interpolate(above, size=own.shape[2:], mode="nearest")
            found.insert(0, smooth(above))
        return [*found, max_pool2d(found[-1], 1, 2)]


class MaskRcnn(nn.Module):
    """The losses of a batch, or with :meth:`detect` what is found on it."""

    def __init__(self, settings: MaskRcnnSettings) -> None:
        super().__init__()
        self._settings = settings
        # Weights that were trained elsewhere keep the statistics of their norms: batches are small here.
        norm = FixedNorm if settings.backbone else nn.BatchNorm2d
        self.backbone = Backbone(Bottleneck, settings.blocks, settings.width, (1, 2, 2, 2), norm)
        if settings.backbone:
            self.backbone.load(Path(settings.backbone))
            self.backbone.freeze_first_stage()
        wide = settings.pyramid_width
        self.pyramid = Pyramid(self.backbone.channels, wide)
        self.proposal_head = ProposalHead(wide, len(settings.anchor_ratios))
        self.box_head = BoxHead(wide, settings.head_width, settings.classes)
        self.mask_head = MaskHead(wide, settings.mask_width, settings.mask_layers, settings.classes)

    def forward(self, images: Tensor, sizes: Sequence[tuple[int, int]], targets: Sequence[Target]) -> Tensor:
        """The sum of all losses, mean over the images.

        ``images``: (n, 3, height, width), padded; ``sizes``: height and width of each without padding.
        """
        maps, said, anchors = self._looked_at(images)
        logits, offsets = (torch.cat(part, 1) for part in zip(*said, strict=True))
        every, count = torch.cat(anchors), self._settings.anchor_samples
        first = [
            proposal_loss(logits[image], offsets[image], every, target.boxes, count)
            for image, target in enumerate(targets)
        ]
        proposed = self._proposed(said, anchors, sizes)
        samples = [self._sample(*pair) for pair in zip(proposed, targets, strict=True)]
        return torch.stack(first).mean() + self._head_loss(maps, samples)

    def detect(self, images: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Found]:
        """What is found on each image."""
        maps, said, anchors = self._looked_at(images)
        proposed = self._proposed(said, anchors, sizes)
        logits, offsets = self.box_head(self._regions(maps, proposed, BOX_SIDE))
        counts = [len(boxes) for boxes in proposed]
        rows = zip(proposed, logits.softmax(1).split(counts), offsets.split(counts), sizes, strict=True)
        kept = [_kept(boxes, shares, moves, size) for boxes, shares, moves, size in rows]
        labels = torch.cat([own for _, _, own in kept])
        masks = self.mask_head(self._regions(maps, [boxes for boxes, _, _ in kept], MASK_SIDE))
        every = torch.arange(len(labels), device=labels.device)
        shares = masks[every, labels].sigmoid().split([len(own) for _, _, own in kept])
        return [Found(*parts, own) for parts, own in zip(kept, shares, strict=True)]

    def _looked_at(self, images: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]], list[Tensor]]:
        """Maps, what the proposals' head says of them, and their anchors."""
        settings = self._settings
        maps = self.pyramid(self.backbone(images))
        anchors = [
            anchors_of(
                features.shape[2], features.shape[3], stride, size, settings.anchor_ratios, images.device
            )
            for features, stride, size in zip(maps, STRIDES, settings.anchor_sizes, strict=True)
        ]
        return maps, self.proposal_head(maps), anchors

    def _proposed(
        self, said: list[tuple[Tensor, Tensor]], anchors: list[Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[Tensor]:
        settings = self._settings
        return [
            proposals(
                [(logits[image].detach(), offsets[image].detach()) for logits, offsets in said],
                anchors,
                size,
                settings.candidates_per_level,
                settings.candidates,
            )
            for image, size in enumerate(sizes)
        ]

    def _regions(self, maps: list[Tensor], boxes: Sequence[Tensor], side: int) -> Tensor:
        """Features of boxes; the coarsest map is for proposals alone."""
        return pooled(maps[:-1], STRIDES[:-1], boxes, side, self._settings.canonical_size)

    def _sample(self, proposed: Tensor, target: Target) -> _Sample:
        # The objects themselves are proposals too, so that there is something to learn from the start.
        boxes = torch.cat([proposed, target.boxes])
        best, objects = overlaps(boxes, target.boxes).max(1)
        positive, negative = sampled(
            best >= OBJECT, best < OBJECT, self._settings.region_samples, POSITIVE_SHARE
        )
        chosen = torch.cat([positive, negative])
        labels = target.labels[objects[chosen]]
        labels[len(positive) :] = 0
        shown = seen_in(target.bitmaps[objects[positive]], boxes[positive] / target.scale, 2 * MASK_SIDE)
        offsets = encode(target.boxes[objects[chosen]], boxes[chosen], SPREAD)
        return _Sample(boxes[chosen], labels, offsets, shown)

    def _head_loss(self, maps: list[Tensor], samples: list[_Sample]) -> Tensor:
        labels = torch.cat([sample.labels for sample in samples])
        logits, moves = self.box_head(self._regions(maps, [sample.boxes for sample in samples], BOX_SIDE))
        box = box_loss(logits, moves, labels, torch.cat([sample.offsets for sample in samples]))
        found = [sample.boxes[: len(sample.masks)] for sample in samples]
        masks = self.mask_head(self._regions(maps, found, MASK_SIDE))
        return box + mask_loss(masks, labels[labels > 0], torch.cat([sample.masks for sample in samples]))


def _kept(
    boxes: Tensor, shares: Tensor, offsets: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and labels of the detections among the proposals of one image."""
    row, kind = (shares[:, 1:] > LEAST_SCORE).nonzero(as_tuple=True)
    label = kind + 1
    moved = clipped(decode(offsets[row, label], boxes[row], SPREAD), size[1], size[0])
    scores = shares[row, label]
    kept = suppressed(moved, scores, label, MOST_OVERLAP)[:MOST_DETECTIONS]
    return moved[kept], scores[kept], label[kept]
