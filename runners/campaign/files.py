"""Files that are there complete or not at all, whatever moment the machine stops."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

_NO_HARD_LINKS = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def write_durably(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``: temporary file, fsync, rename, fsync of the folder.

    Raises:
        OSError: it cannot be written; ``path`` is then as it was before.
    """
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(scratch)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were created or renamed in ``folder`` survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_or_copy(source: Path, target: Path) -> None:
    """Let ``target`` show the content of the finished file ``source``, replacing what was there.

    A hard link where the file system has them, else a copy; in both cases by rename.
    """
    with suppress(OSError):
        if os.path.samefile(source, target):
            return
    scratch = target.with_name(f".{target.name}-link-{os.getpid()}")
    scratch.unlink(missing_ok=True)
    try:
        os.link(source, scratch)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        write_durably(target, source.read_bytes())
        return
    os.replace(scratch, target)
