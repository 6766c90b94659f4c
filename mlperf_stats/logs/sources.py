"""Where files come from: a folder, a zip or a tar archive, behind one interface, read in place.

Nothing is ever unpacked to disk. Archives come from strangers: names that lead out of the archive,
links and devices are skipped and counted, and sizes are limited.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mlperf_stats.errors import InputError, UnsafeArchiveError

_DAMAGED_ZIP = (
    OSError,
    RuntimeError,
    EOFError,
    NotImplementedError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input may cost before it is refused."""

    file_bytes: int = 1 << 30
    """Larger single files are not read."""
    archive_files: int = 1_000_000
    archive_bytes: int = 64 << 30
    """Uncompressed size of an archive."""
    archive_ratio: float = 400.0
    """Uncompressed ÷ compressed size; published rounds stay under 40."""


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of a source."""

    path: str
    """Relative to the root of the source, with ``/``."""
    size_bytes: int


@dataclass
class Skipped:
    """Members that were not looked at, by reason."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str) -> None:
        """Count one more member skipped for ``reason``."""
        self.counts[reason] = self.counts.get(reason, 0) + 1


@dataclass(frozen=True)
class Source:
    """A tree of files. Subclasses say how to list and read it."""

    sequential: ClassVar[bool] = False
    """True if reading means one pass from front to back."""
    root: Path
    limits: Limits = Limits()
    skipped: Skipped = field(default_factory=Skipped)

    @property
    def context(self) -> tuple[str, ...]:
        """Names of the folders that enclose the tree, outermost first."""
        return Path(os.path.abspath(self.root)).parts[1:]

    def members(self) -> list[Member]:
        """All regular files, sorted by path."""
        raise NotImplementedError(type(self).__name__)

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        """Content of the members with these paths; an unreadable one comes with its error instead.

        In the order asked for, except that a sequential source keeps its own.
        """
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True)
class FolderSource(Source):
    """A folder on disk. Links to files are followed, links to folders are not."""

    def members(self) -> list[Member]:
        found = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = sorted(name for name in subfolders if name != ".git")
            prefix = os.path.relpath(folder, self.root).replace(os.sep, "/")
            prefix = "" if prefix == "." else prefix + "/"
            for name in names:
                size = self._size(os.path.join(folder, name))
                if size is not None:
                    found.append(Member(prefix + name, size))
        return sorted(found, key=lambda member: member.path)

    def _size(self, path: str) -> int | None:
        try:
            status = os.stat(path)
        except OSError:
            return 0  # a dangling link or forbidden file: reading it will say what is wrong
        if not stat.S_ISREG(status.st_mode):
            self.skipped.add("not a regular file")
            return None
        return status.st_size

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        for path in paths:
            try:
                with open(os.path.join(self.root, path), "rb", buffering=0) as file:
                    size = os.fstat(file.fileno()).st_size
                    member = Member(path, size)
                    yield (
                        member,
                        _too_large(member, self.limits) if size > self.limits.file_bytes else file.read(),
                    )
            except OSError as error:
                yield Member(path, 0), error


@dataclass(frozen=True)
class ZipSource(Source):
    """A zip archive."""

    @property
    def context(self) -> tuple[str, ...]:
        return (*Path(os.path.abspath(self.root)).parts[1:-1], self.root.stem)

    def members(self) -> list[Member]:
        with self._open() as archive:
            return sorted((Member(n, i.file_size) for n, i in self._infos(archive)), key=lambda m: m.path)

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.root)
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.root}: cannot be read as a zip archive ({error})") from error

    def _infos(self, archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        guard = _BombGuard(self.root, self.limits)
        for info in archive.infolist():
            guard.count(info.file_size)
            mode = info.external_attr >> 16
            if info.is_dir():
                continue
            if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
                self.skipped.add("link or device")
                continue
            name = safe_name(info.filename)
            if name is None:
                self.skipped.add("name leads out of the archive")
                continue
            yield name, info

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        with self._open() as archive:
            infos = dict(self._infos(archive))
            for path in paths:
                info = infos[path]
                member = Member(path, info.file_size)
                if info.file_size > self.limits.file_bytes:
                    yield member, _too_large(member, self.limits)
                    continue
                try:
                    with archive.open(info) as file:
                        # The directory may lie about the size: never read more than it promised.
                        yield member, file.read(info.file_size)
                except _DAMAGED_ZIP as error:
                    yield member, OSError(f"damaged archive member: {error}")


@dataclass(frozen=True)
class TarSource(Source):
    """A tar archive, plain or compressed."""

    sequential: ClassVar[bool] = True

    @property
    def context(self) -> tuple[str, ...]:
        name = self.root.name
        for suffix in sorted(TAR_SUFFIXES, key=len, reverse=True):
            name = name.removesuffix(suffix)
        return (*Path(os.path.abspath(self.root)).parts[1:-1], name)

    def members(self) -> list[Member]:
        return sorted((member for member, _ in self._walk(())), key=lambda member: member.path)

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        wanted = frozenset(paths)
        for member, content in self._walk(wanted):
            if content is not None:
                yield member, content

    def _walk(self, wanted: Collection[str]) -> Iterator[tuple[Member, bytes | OSError | None]]:
        guard = _BombGuard(self.root, self.limits)
        try:
            with tarfile.open(self.root, "r|*") as archive:
                for info in archive:
                    guard.count(info.size)
                    if info.isdir():
                        continue
                    name = safe_name(info.name)
                    if not info.isreg() or name is None:
                        self.skipped.add(
                            "link or device" if not info.isreg() else "name leads out of the archive"
                        )
                        continue
                    member = Member(name, info.size)
                    if name not in wanted:
                        yield member, None
                    elif info.size > self.limits.file_bytes:
                        yield member, _too_large(member, self.limits)
                    else:
                        file = archive.extractfile(info)
                        yield member, file.read() if file else OSError("no content")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InputError(f"{self.root}: cannot be read to its end as a tar archive ({error})") from error


class _BombGuard:
    """Counts members and uncompressed bytes and refuses what no submission would need."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._files = 0
        self._bytes = 0
        self._compressed = max(1, root.stat().st_size)

    def count(self, size_bytes: int) -> None:
        self._files += 1
        self._bytes += size_bytes
        limits = self._limits
        if self._files > limits.archive_files:
            raise UnsafeArchiveError(
                f"{self._root}: more than {limits.archive_files} members; unpack it yourself"
            )
        if self._bytes > limits.archive_bytes:
            raise UnsafeArchiveError(
                f"{self._root}: unpacks to more than {limits.archive_bytes >> 30} GiB; unpack it yourself"
            )
        if self._bytes > (64 << 20) and self._bytes > limits.archive_ratio * self._compressed:
            raise UnsafeArchiveError(
                f"{self._root}: unpacks to more than {limits.archive_ratio:g} times its size, like an "
                "archive bomb; unpack it yourself if you trust it"
            )


def safe_name(name: str) -> str | None:
    """The member name with ``/`` and without ``.`` parts; None if it leads out of the archive."""
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or not parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        return None
    return "/".join(parts)


def _too_large(member: Member, limits: Limits) -> OSError:
    return OSError(f"{member.size_bytes} bytes is more than the limit of {limits.file_bytes}")


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
    if root.name.lower().endswith(".zip"):
        return ZipSource(root, limits)
    if root.name.lower().endswith(TAR_SUFFIXES):
        return TarSource(root, limits)
    raise InputError(
        f"{root}: neither a folder nor a .zip or .tar archive; give the folder that holds <submitter>/results"
    )
