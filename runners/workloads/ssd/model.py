"""SSD: ResNet-34 up to its third stage, coarser maps above it, a predictor on every map.

Source: Liu et al., SSD, ECCV 2016, with the backbone of the MLPerf reference: the third stage keeps the
second one's resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlperf_runners.workloads.coco.backbone import Backbone, BasicBlock
from mlperf_runners.workloads.ssd import is_halved, map_sides
from mlperf_runners.workloads.ssd.priors import boxes_per_cell

_EXTRA_WIDTHS = (8, 8, 4, 4, 4)
"""Channels of the maps above the backbone, in its widths; further ones are as wide as the last."""


class Ssd(nn.Module):
    """Offsets (n, boxes, 4) and logits (n, boxes, classes + 1) of images (n, 3, side, side)."""

    def __init__(
        self,
        image_size: int,
        blocks: Sequence[int],
        width: int,
        ratios: Sequence[Sequence[float]],
        classes: int,
    ) -> None:
        super().__init__()
        self._outputs = classes + 1
        self.backbone = Backbone(BasicBlock, blocks, width, (1, 2, 1))
        channels = [self.backbone.channels[-1]]
        above: list[nn.Module] = []
        for number, side in enumerate(map_sides(image_size, len(ratios))[:-1]):
            wide = width * _EXTRA_WIDTHS[min(number, len(_EXTRA_WIDTHS) - 1)]
            above.append(_coarser(channels[-1], wide, halved=is_halved(side)))
            channels.append(wide)
        self.above = nn.ModuleList(above)
        counts = [boxes_per_cell(row) for row in ratios]
        self.places = _predictors(channels, [4 * count for count in counts])
        self.kinds = _predictors(channels, [self._outputs * count for count in counts])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = [self.backbone(images)[-1]]
        for layer in self.above:
            maps.append(layer(maps[-1]))
        return _rows(self.places, maps, 4), _rows(self.kinds, maps, self._outputs)


def _coarser(channels_in: int, channels_out: int, *, halved: bool) -> nn.Module:
    stride, padding = (2, 1) if halved else (1, 0)
    layers = nn.Sequential(
        nn.Conv2d(channels_in, channels_out // 2, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out // 2, channels_out, 3, stride, padding),
        nn.ReLU(inplace=True),
    )
    _initialise(layers)
    return layers


def _predictors(channels: Sequence[int], outputs: Sequence[int]) -> nn.ModuleList:
    predictors = nn.ModuleList(
        nn.Conv2d(wide, count, 3, padding=1) for wide, count in zip(channels, outputs, strict=True)
    )
    _initialise(predictors)
    return predictors


def _initialise(layers: nn.Module) -> None:
    for module in layers.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def _rows(predictors: nn.ModuleList, maps: Sequence[Tensor], columns: int) -> Tensor:
    """What all places say, in the order of the default boxes."""
    parts = [
        predictor(features).permute(0, 2, 3, 1).reshape(len(features), -1, columns)
        for predictor, features in zip(predictors, maps, strict=True)
    ]
    return torch.cat(parts, 1)
