"""The region proposal network: where there may be an object, of whatever kind.

Source: Ren et al., Faster R-CNN, NeurIPS 2015, section 3.1, on every map of a pyramid.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from mlperf_runners.workloads.coco.boxes import clipped, decode, encode, suppressed
from mlperf_runners.workloads.mask_rcnn.anchors import matched, sampled

SPREAD = (1.0, 1.0)
MOST_OVERLAP = 0.7
SMOOTHNESS = 1 / 9
POSITIVE_SHARE = 0.5


class ProposalHead(nn.Module):
    """Logits (n, anchors) and offsets (n, anchors, 4) of each map, in the order of its anchors."""

    def __init__(self, channels: int, ratios: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(channels, channels, 3, padding=1)
        self.objects = nn.Conv2d(channels, ratios, 1)
        self.places = nn.Conv2d(channels, 4 * ratios, 1)
        for layer in (self.shared, self.objects, self.places):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        said = []
        for features in maps:
            inner = torch.relu(self.shared(features))
            logits = self.objects(inner).permute(0, 2, 3, 1).flatten(1)
            offsets = self.places(inner).permute(0, 2, 3, 1).reshape(*logits.shape, 4)
            said.append((logits.float(), offsets.float()))
        return said


def proposals(
    said: Sequence[tuple[Tensor, Tensor]],
    anchors: Sequence[Tensor],
    size: tuple[int, int],
    per_level: int,
    most: int,
) -> Tensor:
    """The best boxes of one image, shape (k, 4), best first.

    ``said``: logits (anchors,) and offsets (anchors, 4) of each map; ``size``: height and width of the
    image in pixels.
    """
    boxes, scores, levels = [], [], []
    for level, ((logits, offsets), own) in enumerate(zip(said, anchors, strict=True)):
        best, rows = logits.topk(min(per_level, len(logits)))
        boxes.append(clipped(decode(offsets[rows], own[rows], SPREAD), size[1], size[0]))
        scores.append(best)
        levels.append(torch.full_like(rows, level))
    every = torch.cat(boxes)
    # A box of less than a pixel, such as one beside the image, shows nothing.
    visible = ((every[:, 2:] - every[:, :2]) >= 1).all(1)
    every = every[visible]
    kept = suppressed(every, torch.cat(scores)[visible], torch.cat(levels)[visible], MOST_OVERLAP)
    return every[kept[:most]]


def proposal_loss(logits: Tensor, offsets: Tensor, anchors: Tensor, boxes: Tensor, samples: int) -> Tensor:
    """Of one image: whether a sample of anchors shows an object, and where it is."""
    labels, objects = matched(anchors, boxes)
    positive, negative = sampled(labels == 1, labels == 0, samples, POSITIVE_SHARE)
    chosen = torch.cat([positive, negative])
    wanted = encode(boxes[objects[positive]], anchors[positive], SPREAD)
    place = smooth_l1_loss(offsets[positive], wanted, beta=SMOOTHNESS, reduction="sum") / len(chosen)
    return place + binary_cross_entropy_with_logits(logits[chosen], labels[chosen].float())
