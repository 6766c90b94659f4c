"""One dispatcher at a time: ``dispatcher.lock`` with host, process, boot and heartbeat."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from mlperf_runners.errors import CampaignError, CampaignLockedError

FILE_NAME = "dispatcher.lock"
STALE_SECONDS = 120.0
"""A holder on another host that gave no sign for so long is taken to be gone."""
HEARTBEAT_SECONDS = 15.0


class Holder(msgspec.Struct):
    """Who holds a campaign."""

    host: str
    pid: int
    boot_id: str
    heartbeat: float
    """Seconds since the epoch."""


class DispatcherLock:
    """Exclusive right to dispatch a campaign, given up when the process ends in whatever way.

    On one host the kernel's file lock decides. Network file systems may not carry that lock to other
    hosts; there the heartbeat decides.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._handle = -1
        self._last_beat = 0.0

    def __enter__(self) -> DispatcherLock:
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise CampaignError(
                f"{self._path.parent}: cannot be written ({error.strerror}); choose another --campaign"
            ) from error
        try:
            self._acquire()
        except BaseException:
            os.close(self._handle)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)

    def beat(self) -> None:
        """Show that this dispatcher is alive; cheap enough to be called often."""
        now = time.time()
        if now - self._last_beat < HEARTBEAT_SECONDS:
            return
        content = msgspec.json.encode(Holder(socket.gethostname(), os.getpid(), _boot_id(), now))
        with contextlib.suppress(OSError):  # a full disk must not end runs that are under way
            os.pwrite(self._handle, content.ljust(1024) + b"\n", 0)
            self._last_beat = now

    def _acquire(self) -> None:
        holder = self._holder()
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = f"process {holder.pid} on {holder.host}" if holder else "another process"
            raise CampaignLockedError(
                f"{self._path.parent}: {who} is running this campaign; wait for it or stop it"
            ) from error
        if holder and holder.host != socket.gethostname():
            silent = time.time() - holder.heartbeat
            if silent < STALE_SECONDS:
                raise CampaignLockedError(
                    f"{self._path.parent}: process {holder.pid} on {holder.host} is running this campaign "
                    f"(last sign {max(silent, 0):.0f} s ago); stop it there, or wait {STALE_SECONDS:.0f} s "
                    "after it died"
                )
        self.beat()

    def _holder(self) -> Holder | None:
        content = os.pread(self._handle, 4096, 0)
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=Holder)
        return None


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


@contextlib.contextmanager
def dispatching(folder: Path) -> Iterator[DispatcherLock]:
    """Hold the campaign in ``folder``.

    Raises:
        CampaignLockedError: another dispatcher holds it.
    """
    with DispatcherLock(folder) as lock:
        yield lock
