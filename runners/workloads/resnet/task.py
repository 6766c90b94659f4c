"""Training and evaluation of ResNet-50."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mlperf_logging.mllog import constants as keys
from torch.nn.functional import cross_entropy

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.resnet import ResnetSettings
from mlperf_runners.workloads.resnet.data import DIGITS, DIGITS_SIDE, Digits, ImageData, ImageNet, Images
from mlperf_runners.workloads.resnet.imagenet import classes_of
from mlperf_runners.workloads.resnet.model import ResNet

BATCH_OF_RATE = 256
DECAY_POWER = 2


class ResnetTask:
    """ResNet-50 with momentum, a warm-up and steps down."""

    def __init__(self, settings: ResnetSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._is_mini = mode == "mini"
        if self._is_mini:
            classes, channels, side = DIGITS, 1, DIGITS_SIDE
        else:
            # Names of folders only: the images themselves are touched when the clock runs.
            classes, channels, side = len(classes_of(Path(settings.data) / "train")), 3, settings.image_size
        self._network = ResNet(settings.blocks, settings.width, classes, channels, side)
        if context.device.type == "cuda":
            self._network = self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model: torch.nn.Module = context.data_parallel(self._network)
        self._peak = settings.learning_rate * settings.batch_size / BATCH_OF_RATE
        self._optimizer = torch.optim.SGD(
            _parameter_groups(self.model, settings.weight_decay), lr=self._peak, momentum=settings.momentum
        )
        self._steps = 0

    def load_data(self) -> None:
        """List the images, or load the digits."""
        kind = Digits if self._is_mini else ImageNet
        self._data: ImageData = kind(self._settings, self._context)
        self.train_samples, self.eval_samples = self._data.train_samples, self._data.eval_samples
        # Fewer images than one batch make one small batch.
        self._batch = min(self._settings.batch_size, self.train_samples)
        self.steps_per_epoch = self.train_samples // self._batch
        decay_epochs = self._settings.max_epochs - self._settings.warmup_epochs
        self._decay_steps = round(decay_epochs * self.steps_per_epoch)

    def batches(self, epoch: int) -> Iterator[Images]:
        """Full batches in an order drawn anew; an incomplete last one is left out."""
        return self._data.train_batches(epoch, self._batch)

    def train_step(self, batch: Images) -> torch.Tensor:
        """One step of SGD with momentum on the cross-entropy."""
        images, labels = batch
        rate = self._learning_rate(self._steps / self.steps_per_epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        with self._context.autocast(self._settings.precision):
            logits = self.model(self._laid_out(images))
        loss = cross_entropy(logits.float(), labels, label_smoothing=self._settings.label_smoothing)
        loss.backward()
        self._optimizer.step()
        self._steps += 1
        return loss.detach()

    def evaluate(self) -> float:
        """Top-1 accuracy."""
        correct = torch.zeros((), device=self._context.device)
        for images, labels in self._data.eval_batches():
            # Not through DistributedDataParallel, which would wait for processes that have fewer batches.
            with self._context.autocast(self._settings.precision):
                logits = self._network(self._laid_out(images))
            correct += (logits.argmax(1) == labels).sum()
        return self._context.sums(correct.item())[0] / self.eval_samples

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of ResNet with SGD."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.SGD,
            "sgd_opt_base_learning_rate": self._peak,
            "sgd_opt_end_learning_rate": settings.end_learning_rate,
            "sgd_opt_learning_rate_decay_poly_power": 0 if settings.drop_epochs else DECAY_POWER,
            "sgd_opt_learning_rate_decay_steps": 0 if settings.drop_epochs else self._decay_steps,
            "sgd_opt_momentum": settings.momentum,
            "sgd_opt_weight_decay": settings.weight_decay,
            keys.OPT_LR_WARMUP_EPOCHS: settings.warmup_epochs,
            keys.MODEL_BN_SPAN: settings.batch_size // self._context.world,
            keys.GRADIENT_ACCUMULATION_STEPS: 1,
        }

    def _learning_rate(self, epochs: float) -> float:
        settings = self._settings
        if epochs < settings.warmup_epochs:
            return self._peak * (epochs + 1 / self.steps_per_epoch) / settings.warmup_epochs
        if settings.drop_epochs:
            return float(self._peak * 0.1 ** sum(epochs >= drop for drop in settings.drop_epochs))
        left = max(
            1 - (epochs - settings.warmup_epochs) / (settings.max_epochs - settings.warmup_epochs), 0.0
        )
        end = settings.end_learning_rate
        return float(end + (self._peak - end) * left**DECAY_POWER)

    def _laid_out(self, images: torch.Tensor) -> torch.Tensor:
        on_gpu = images.device.type == "cuda"
        return images.contiguous(memory_format=torch.channels_last) if on_gpu else images


def _parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Batch norms and biases are not decayed."""
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
