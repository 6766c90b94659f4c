"""The residual network below a detector, with the names of the published ImageNet weights.

Source: He et al., Deep Residual Learning, CVPR 2016; the 3×3 convolution of a bottleneck carries the
stride.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mlperf_runners.errors import DatasetMissingError

Norm = Callable[[int], nn.Module]
_NO_WEIGHTS = "cannot be read as weights of the backbone; give a state dict that torch.save wrote"


class FixedNorm(nn.Module):
    """A batch norm whose statistics, scale and shift stay as they were trained elsewhere."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self._epsilon = epsilon
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, features: Tensor) -> Tensor:
        scale = self.weight / (self.running_var + self._epsilon).sqrt()
        shift = self.bias - self.running_mean * scale
        return features * scale[:, None, None] + shift[:, None, None]


class BasicBlock(nn.Module):
    """Two 3×3 convolutions, the first with the stride; added to their input."""

    expansion = 1

    def __init__(self, channels_in: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, width, 3, stride, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = norm(width)
        self.downsample = _shortcut(channels_in, width, stride, norm)

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(features)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.downsample(features))


class Bottleneck(nn.Module):
    """1×1, 3×3 with the stride, 1×1 to four times the width; added to their input."""

    expansion = 4

    def __init__(self, channels_in: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        channels_out = width * self.expansion
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = norm(channels_out)
        self.downsample = _shortcut(channels_in, channels_out, stride, norm)

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(features)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        return torch.relu(self.bn3(self.conv3(inner)) + self.downsample(features))


class Backbone(nn.Module):
    """Feature maps of the stages, finest first."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        width: int,
        strides: Sequence[int],
        norm: Norm = nn.BatchNorm2d,
    ) -> None:
        """``strides``: of the stages, after the stem's 4."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = norm(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.channels: list[int] = []
        self._names: list[str] = []
        channels = width
        for number, (count, stride) in enumerate(zip(blocks, strides, strict=True)):
            inner = width << number
            layers: list[nn.Module] = []
            for position in range(count):
                layers.append(block(channels, inner, 1 if position else stride, norm))
                channels = inner * block.expansion
            self._names.append(f"layer{number + 1}")
            self.add_module(self._names[-1], nn.Sequential(*layers))
            self.channels.append(channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        features = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        maps = []
        for name in self._names:
            features = self.get_submodule(name)(features)
            maps.append(features)
        return maps

    def freeze_first_stage(self) -> None:
        """Leave stem and first stage as they are, whose features suit every kind of image."""
        for module in (self.conv1, self.bn1, self.get_submodule(self._names[0])):
            module.requires_grad_(False)

    def load(self, path: Path) -> None:
        """Start from weights that were trained on ImageNet; those of later layers are left aside.

        Raises:
            DatasetMissingError: the file is no such weights.
        """
        weights = _weights_in(path)
        for name, own in self.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if name not in weights:
                raise DatasetMissingError(f"{path}: has no {name}; give the weights of the same ResNet")
            if weights[name].shape != own.shape:
                raise DatasetMissingError(
                    f"{path}: {name} is of shape {tuple(weights[name].shape)}, not {tuple(own.shape)}; "
                    "give the weights of the same ResNet"
                )
        self.load_state_dict(weights, strict=False)


def _weights_in(path: Path) -> dict[str, Tensor]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        # PyTorch's own words, of several lines, advise to run whatever program the file holds.
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise DatasetMissingError(f"{path}: {_NO_WEIGHTS}{reason}") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise DatasetMissingError(f"{path}: {_NO_WEIGHTS}")
    return weights


def _shortcut(channels_in: int, channels_out: int, stride: int, norm: Norm) -> nn.Module:
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), norm(channels_out))
