"""Files that browsers send: their names and contents are anybody's."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Upload(Protocol):
    """A file that a browser sent."""

    name: str

    def getvalue(self) -> bytes:
        """Its content."""
        ...


def safe_name(name: str) -> str:
    """A file name of harmless letters that keeps what tells form and round."""
    return _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).lstrip(".")[-100:] or "upload.zip"


@contextmanager
def laid_down(name: str, content: bytes) -> Iterator[Path]:
    """A file of this content and safe name in a folder of its own, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="mlperf-stats-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, safe_name(name))
        path.write_bytes(content)
        yield path
