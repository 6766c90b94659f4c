"""Where and with which seed a process trains: device, rank, random streams, collective sums."""

from __future__ import annotations

import datetime
import os
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from mlperf_runners.errors import SettingsError

COLLECTIVE_TIMEOUT = datetime.timedelta(minutes=30)
"""How long a process waits for the others: longer than any of them takes for anything, yet not for ever."""


@dataclass(frozen=True)
class Context:
    """One process of a training, alone or one of several."""

    seed: int
    device: torch.device
    rank: int = 0
    world: int = 1

    @classmethod
    def start(cls, seed: int, device: str, threads: int) -> Context:
        """Pin threads, seed PyTorch and join the other processes that torchrun started, if any.

        Raises:
            SettingsError: there is no GPU for this process.
        """
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        # It would cost time in every step and only helps to find reads of memory never written.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        use_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        place = _gpu(int(os.environ.get("LOCAL_RANK", "0"))) if use_cuda else torch.device("cpu")
        if use_cuda:
            torch.cuda.set_device(place)
            # Trying out convolutions would choose by time, so that one seed could end at several points.
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True
        if "WORLD_SIZE" in os.environ:
            dist.init_process_group("nccl" if use_cuda else "gloo", timeout=COLLECTIVE_TIMEOUT)
        torch.manual_seed(seed)
        return cls(seed, place, rank, world)

    def stop(self) -> None:
        """Leave the process group, all processes together."""
        if dist.is_initialized():
            dist.barrier()
            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """True for the one process that writes log and result."""
        return self.rank == 0

    def random(self, purpose: str, *numbers: int) -> np.random.Generator:
        """A random stream that depends on the run's seed, the purpose and numbers such as the epoch.

        It is the same in every process and does not depend on what was drawn for other purposes.
        """
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), *numbers])

    def share(self, items: Sequence[Any] | np.ndarray[Any, Any]) -> Any:
        """This process's part of ``items``: every world-th one."""
        return items[self.rank :: self.world]

    def data_parallel(self, model: torch.nn.Module) -> torch.nn.Module:
        """``model`` on the device, averaging gradients over the processes if there are several."""
        model.to(self.device)
        if self.world == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        ids = [self.device.index] if self.device.type == "cuda" else None
        # Every process has drawn the same initial weights; from here on each drops out its own units.
        parallel = DistributedDataParallel(model, device_ids=ids)
        torch.manual_seed(self.seed + self.rank)
        return parallel

    def same_buffers(self, model: torch.nn.Module) -> None:
        """Give all processes the buffers of the first one, such as running statistics of batch norms.

        Each process collects those of its own images. They are broadcast from rank 0, not averaged, as
        DistributedDataParallel does before every step: training goes on as it would without this.
        """
        if self.world > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)

    def sums(self, *values: float) -> tuple[float, ...]:
        """Each value summed over all processes."""
        if self.world == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return tuple(total.tolist())

    def gathered(self, items: list[Any]) -> list[Any]:
        """The items of all processes, undoing :meth:`share`."""
        if self.world == 1:
            return items
        parts: list[Any] = [None] * self.world
        dist.all_gather_object(parts, items)
        total = sum(map(len, parts))
        return [parts[number % self.world][number // self.world] for number in range(total)]

    def barrier(self) -> None:
        """Wait until all processes are here and their devices idle."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        if self.world > 1:
            dist.barrier()

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """Mixed precision where ``precision`` is ``bf16``, or ``auto`` on a GPU."""
        enabled = precision == "bf16" or (precision == "auto" and self.device.type == "cuda")
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)


def _gpu(number: int) -> torch.device:
    """The GPU of the machine's process of this number."""
    there = torch.cuda.device_count()
    if not there:
        raise SettingsError("device is cuda, but PyTorch finds no GPU here; --set device=cpu trains without")
    if number >= there:
        raise SettingsError(
            f"process {number + 1} of this machine has no GPU of its own: it has {there}; lower --processes"
        )
    return torch.device("cuda", number)
