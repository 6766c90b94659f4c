"""ResNet-50 v1.5: bottleneck blocks whose 3×3 convolution carries the stride.

Source: He et al., Deep Residual Learning, CVPR 2016, with the stride moved from the first 1×1 to the
3×3 convolution ("v1.5") and the last batch norm of each block starting at zero (Goyal et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

EXPANSION = 4


class Bottleneck(nn.Module):
    """1×1, 3×3 with the stride, 1×1; added to its input."""

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        channels_out = width * EXPANSION
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, channels_out, 1, bias=False),
            last := nn.BatchNorm2d(channels_out),
        )
        nn.init.zeros_(last.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.layers(images) + self.shortcut(images))


class ResNet(nn.Module):
    """Class logits of images, shape (n, channels, side, side) → (n, classes)."""

    def __init__(self, blocks: Sequence[int], width: int, classes: int, channels: int, side: int) -> None:
        """``side``: images below 64 pixels are too small for the stem's two halvings."""
        super().__init__()
        self.stem = _small_stem(channels, width) if side < 64 else _stem(channels, width)
        stages: list[nn.Module] = []
        channels_in = width
        for number, count in enumerate(blocks):
            stage_width = width << number
            for block in range(count):
                stride = 2 if number and not block else 1
                stages.append(Bottleneck(channels_in, stage_width, stride))
                channels_in = stage_width * EXPANSION
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels_in, classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.stages(self.stem(images)).mean((2, 3))
        logits: torch.Tensor = self.head(features)
        return logits


def _stem(channels: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 7, 2, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    )


def _small_stem(channels: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )
