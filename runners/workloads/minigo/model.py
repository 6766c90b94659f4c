"""A residual tower with two heads: which move, and who wins.

Source: Silver et al., Mastering the game of Go without human knowledge, Nature 2017, Methods.
"""

from __future__ import annotations

import torch
from torch import nn


def _convolution(channels_in: int, channels_out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, 3)
        self.second = _convolution(width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class PolicyValueNet(nn.Module):
    """Logits of the moves, and the value for the player to move, from −1 (lost) to 1 (won)."""

    def __init__(self, size: int, planes: int, width: int, blocks: int, value_width: int) -> None:
        super().__init__()
        points = size * size
        self._size = size
        self.tower = nn.Sequential(
            _convolution(planes, width, 3), nn.ReLU(), *(_Block(width) for _ in range(blocks))
        )
        self.policy = nn.Sequential(
            _convolution(width, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * points, points + 1)
        )
        self.value = nn.Sequential(
            _convolution(width, 1, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(points, value_width),
            nn.ReLU(),
            nn.Linear(value_width, 1),
            nn.Tanh(),
        )

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``features``: shape (positions, planes, points)."""
        body = self.tower(features.unflatten(2, (self._size, self._size)))
        return self.policy(body), self.value(body).squeeze(1)
