"""Where files come from, behind one interface; here a folder, in ``archives`` zip and tar.

Inputs are read in place: nothing is unpacked to disk, nothing is written.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mlperf_stats.errors import InputError

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input may cost before it is refused."""

    file_bytes: int = 1 << 30
    """Larger single files are not read."""
    archive_files: int = 500_000
    archive_bytes: int = 64 << 30
    """Uncompressed size of an archive."""
    archive_ratio: float = 400.0
    """Uncompressed ÷ compressed size; published rounds stay under 40."""


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of a source."""

    path: str
    """Relative to the root of the source, with ``/``; names that are not UTF-8 have surrogates."""
    size_bytes: int


class Source(ABC):
    """A tree of files. Subclasses say how to list and read it."""

    sequential: ClassVar[bool] = False
    """True if reading means one pass from front to back."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.skipped: Counter[str] = Counter()
        """Number of members that were not looked at, by reason; known once they are listed."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash(self.__reduce__())

    def __reduce__(self) -> tuple[type[Source], tuple[Path, Limits]]:
        return type(self), (self.root, self.limits)

    @property
    def context(self) -> tuple[str, ...]:
        """Names of the folders that enclose the tree, outermost first."""
        return Path(os.path.abspath(self.root)).parts[1:]

    @abstractmethod
    def members(self) -> list[Member]:
        """All regular files, sorted by path."""

    @abstractmethod
    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        """Content of the members with these paths; an unreadable one comes with its error instead.

        In the order asked for, except that a sequential source keeps its own.
        """

    def close(self) -> None:  # noqa: B027 - most sources hold nothing open
        """Let go of open files; the source may be used again."""


class FolderSource(Source):
    """A folder on disk. Links to files are followed, links to folders are not."""

    def members(self) -> list[Member]:
        self.skipped.clear()
        found: list[Member] = []
        waiting = [("", os.fspath(self.root))]
        while waiting:
            prefix, folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            if entry.name != ".git":
                                waiting.append((f"{prefix}{entry.name}/", entry.path))
                        elif (size := self._size(entry)) is not None:
                            found.append(Member(prefix + entry.name, size))
            except OSError:
                self.skipped["folder that cannot be read"] += 1
        found.sort(key=lambda member: member.path)
        return found

    def _size(self, entry: os.DirEntry[str]) -> int | None:
        """Size of a regular file; 0 where it cannot be told: reading it will say what is wrong."""
        try:
            if entry.is_file():
                return entry.stat().st_size
            entry.stat()
        except OSError:
            return 0
        self.skipped["link to a folder" if entry.is_dir() else "not a regular file"] += 1
        return None

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        for path in paths:
            try:
                with open(f"{self.root}/{path}", "rb", buffering=0) as file:
                    member = Member(path, os.fstat(file.fileno()).st_size)
                    over = member.size_bytes > self.limits.file_bytes
                    content = too_large(member, self.limits) if over else file.read()
            except OSError as error:
                member, content = Member(path, 0), error
            yield member, content


def too_large(member: Member, limits: Limits) -> OSError:
    """The error that takes the place of a content beyond the limit."""
    return OSError(
        f"{member.size_bytes} bytes, more than the limit of {limits.file_bytes}; raise it with --max-file-gib"
    )


def open_source(path: str | os.PathLike[str], limits: Limits | None = None) -> Source:
    """The source behind a path.

    Raises:
        InputError: the path does not exist, or is neither a folder nor a zip or tar archive.
    """
    root = Path(path)
    limits = limits or Limits()
    if root.is_dir():
        return FolderSource(root, limits)
    if not root.exists():
        raise InputError(f"{root}: no such file or folder; give a results folder, .zip, .tar.gz or .tar.xz")
    # Here, because a folder needs none of the decompressors.
    from mlperf_stats.logs.archives import TarSource, ZipSource

    if root.is_file() and root.name.lower().endswith(".zip"):
        return ZipSource(root, limits)
    if root.is_file() and root.name.lower().endswith(TAR_SUFFIXES):
        return TarSource(root, limits)
    raise InputError(
        f"{root}: neither a folder nor a .zip or .tar archive; give the folder that holds <submitter>/results"
    )
