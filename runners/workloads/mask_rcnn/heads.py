"""The heads that look at each region: kind and place of the object, and its mask.

Source: He et al., Mask R-CNN, ICCV 2017, section 3, with the heads for feature pyramids.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss

SPREAD = (0.1, 0.2)
BOX_SIDE, MASK_SIDE = 7, 14
"""Cells along a side of a region's features, for each head; masks have twice as many."""


class BoxHead(nn.Module):
    """Logits (k, classes + 1) and offsets per class (k, classes + 1, 4) of regions."""

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * BOX_SIDE**2, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
        )
        self.kinds = nn.Linear(width, classes + 1)
        self.places = nn.Linear(width, 4 * (classes + 1))
        for layer, deviation in ((self.kinds, 0.01), (self.places, 0.001)):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        inner = self.layers(regions)
        logits = self.kinds(inner).float()
        return logits, self.places(inner).float().reshape(*logits.shape, 4)


class MaskHead(nn.Module):
    """Logits of masks per class, (k, classes + 1, side, side) of regions."""

    def __init__(self, channels: int, width: int, layers: int, classes: int) -> None:
        super().__init__()
        stack: list[nn.Module] = []
        for _ in range(layers):
            stack += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        stack += [nn.ConvTranspose2d(channels, width, 2, 2), nn.ReLU(inplace=True)]
        stack.append(nn.Conv2d(width, classes + 1, 1))
        self.layers = nn.Sequential(*stack)
        for module in self.layers:
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, regions: Tensor) -> Tensor:
        logits: Tensor = self.layers(regions)
        return logits.float()


def box_loss(logits: Tensor, offsets: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Kinds of all regions, and the places of those with an object, per region.

    ``labels``: (k,), 0 for background; ``wanted``: offsets (k, 4), which count where there is an object.
    """
    (found,) = (labels > 0).nonzero(as_tuple=True)
    place = smooth_l1_loss(offsets[found, labels[found]], wanted[found], reduction="sum") / max(
        len(labels), 1
    )
    return cross_entropy(logits, labels) + place


def mask_loss(logits: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Of the masks of the right classes; 0 if there is no region with an object.

    ``wanted``: masks of the regions' objects, (k, side, side), 0 or 1.
    """
    if not len(labels):
        return logits.sum()
    rows = torch.arange(len(labels), device=labels.device)
    return binary_cross_entropy_with_logits(logits[rows, labels], wanted)
