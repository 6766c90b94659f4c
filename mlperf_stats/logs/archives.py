"""Zip and tar archives as sources, read in place and never trusted.

Archives come from strangers. Names that lead out of the archive, links and devices are skipped and
counted; number, sizes and ratio of the members are limited, and what is counted are the bytes that
come out of the decompressor, not the bytes that a header promises. Archives inside are not opened.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from mlperf_stats.errors import InputError, UnsafeArchiveError
from mlperf_stats.logs.sources import TAR_SUFFIXES, Limits, Member, Source, too_large

_MAX_NAME = 4096
_MAX_TAR_EXTENSION = 1 << 20
"""Bytes of one extended tar header; they are held in memory, and real ones have some hundred."""
_TAR_EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_SMALLEST_ZIP_ENTRY = 46
_HARMLESS_BYTES = 64 << 20
"""So much may come out of any archive, whatever its ratio."""

_DAMAGED = (
    OSError,
    RuntimeError,
    EOFError,
    NotImplementedError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)
"""What the standard library raises for damaged, encrypted or unsupported archives and members."""


def safe_name(name: str) -> str | None:
    """The member name with ``/`` and without ``.`` parts; None if it leads out of the archive."""
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or not parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        return None
    return "/".join(parts)


class _Guard:
    """Counts members and uncompressed bytes and refuses what no submission would need."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._files = 0
        self._bytes = 0
        self._compressed = max(1, root.stat().st_size)

    def add_file(self) -> None:
        self._files += 1
        if self._files > self._limits.archive_files:
            raise UnsafeArchiveError(
                f"{self._root}: more than {self._limits.archive_files} members; unpack it yourself, or "
                "raise --max-archive-files"
            )

    def add_bytes(self, number: int) -> None:
        self._bytes += number
        limits = self._limits
        if self._bytes > limits.archive_bytes:
            raise UnsafeArchiveError(
                f"{self._root}: unpacks to more than {limits.archive_bytes / (1 << 30):g} GiB; unpack it "
                "yourself, or raise --max-archive-gib"
            )
        if self._bytes > max(_HARMLESS_BYTES, limits.archive_ratio * self._compressed):
            raise UnsafeArchiveError(
                f"{self._root}: unpacks to more than {limits.archive_ratio:g} times its size, like an "
                "archive bomb; unpack it yourself, or raise --max-archive-ratio if you trust it"
            )


class ZipSource(Source):
    """A zip archive."""

    _archive: zipfile.ZipFile | None = None
    _infos: dict[str, zipfile.ZipInfo]

    @property
    def context(self) -> tuple[str, ...]:
        return (*Path(os.path.abspath(self.root)).parts[1:-1], self.root.stem)

    def members(self) -> list[Member]:
        self._opened()
        return sorted((Member(n, i.file_size) for n, i in self._infos.items()), key=lambda m: m.path)

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        archive = self._opened()
        for path in paths:
            info = self._infos[path]
            member = Member(path, info.file_size)
            if info.file_size > self.limits.file_bytes:
                yield member, too_large(member, self.limits)
                continue
            content: bytes | OSError
            try:
                with archive.open(info) as file:
                    # The directory may lie about the size: never read more than it promised.
                    content = file.read(info.file_size)
            except _DAMAGED as error:
                content = OSError(f"damaged archive member: {error}")
            yield member, content

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _opened(self) -> zipfile.ZipFile:
        if self._archive is None:
            try:
                self._refuse_long_directory()
                self._archive = zipfile.ZipFile(self.root)
            except _DAMAGED as error:
                raise InputError(f"{self.root}: cannot be read as a zip archive ({error})") from error
            self._infos = dict(self._listed(self._archive))
        return self._archive

    def _refuse_long_directory(self) -> None:
        """``ZipFile`` holds the whole directory in memory, so its length is looked at before."""
        size = _zip_directory_bytes(self.root)
        if size > self.limits.archive_files * _SMALLEST_ZIP_ENTRY * 4:
            raise UnsafeArchiveError(
                f"{self.root}: its directory alone has {size >> 20} MiB; unpack it yourself, or raise "
                "--max-archive-files"
            )

    def _listed(self, archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        self.skipped.clear()
        guard = _Guard(self.root, self.limits)
        for info in archive.infolist():
            guard.add_file()
            guard.add_bytes(info.file_size)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                continue
            name = _accepted_name(self, info.filename, kind in (0, stat.S_IFREG))
            if name is not None:
                yield name, info


def _zip_directory_bytes(path: Path) -> int:
    """The greatest length of a zip's central directory that any of its end records states, 0 without one.

    Which of several ``zipfile`` goes by depends on its version, and on what an archive means to hide.
    """
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - (1 << 16) - 22 - 20)
        file.seek(start)
        tail = file.read()
        sizes = [0]
        for found in re.finditer(rb"PK\x05\x06", tail):
            at = found.start()
            long_sizes = _zip64_directory_bytes(file, tail[max(0, at - 20) : at], start + at - 76)
            sizes += long_sizes or [int.from_bytes(tail[at + 12 : at + 16], "little")]
        return max(sizes)


def _zip64_directory_bytes(file: IO[bytes], locator: bytes, before: int) -> list[int]:
    """Lengths in the 64-bit end records: where the locator points to, and where it usually stands."""
    if not locator.startswith(b"PK\x06\x07"):
        return []
    sizes = []
    for place in (before, int.from_bytes(locator[8:16], "little")):
        if 0 <= place < 1 << 63:
            file.seek(place)
            record = file.read(48)
            if record.startswith(b"PK\x06\x06"):
                sizes.append(int.from_bytes(record[40:], "little"))
    return sizes


def _accepted_name(source: Source, name: str, is_regular: bool) -> str | None:
    """The safe name of a member that may be read; others are counted as skipped."""
    safe = safe_name(name)
    if not is_regular:
        source.skipped["link, device or sparse file"] += 1
    elif safe is None:
        source.skipped["name leads out of the archive"] += 1
    elif len(safe) > _MAX_NAME:
        source.skipped["name is too long"] += 1
    else:
        return safe
    return None


class TarSource(Source):
    """A tar archive, plain or compressed."""

    sequential = True
    _numbers: dict[str, int] | None = None

    @property
    def context(self) -> tuple[str, ...]:
        name = self.root.name
        for suffix in sorted(TAR_SUFFIXES, key=len, reverse=True):
            name = name.removesuffix(suffix)
        return (*Path(os.path.abspath(self.root)).parts[1:-1], name)

    def members(self) -> list[Member]:
        # Of a name that comes twice the last one counts, as it would on disk.
        found = {member.path: (number, member) for number, member, _ in self._walk({})}
        self._numbers = {path: number for path, (number, _) in found.items()}
        return [found[path][1] for path in sorted(found)]

    def read(self, paths: Collection[str]) -> Iterator[tuple[Member, bytes | OSError]]:
        if self._numbers is None:
            self.members()
        numbers = self._numbers or {}
        for _, member, content in self._walk({path: numbers[path] for path in paths}):
            if content is not None:
                yield member, content

    def _walk(self, wanted: Mapping[str, int]) -> Iterator[tuple[int, Member, bytes | OSError | None]]:
        """Number and member of every regular file, with its content where path and number are wanted."""
        self.skipped.clear()
        guard = _Guard(self.root, self.limits)
        try:
            with _decompressed(self.root, guard) as stream:
                with tarfile.open(
                    fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_CheckedInfo
                ) as archive:
                    for number, info in enumerate(archive):
                        archive.members.clear()  # type: ignore[attr-defined]
                        guard.add_file()
                        name = self._name(info)
                        if name is not None:
                            member = Member(name, info.size)
                            is_wanted = wanted.get(name) == number
                            yield number, member, self._content(archive, info, member) if is_wanted else None
                stream.drain()
        except _DAMAGED as error:
            raise InputError(f"{self.root}: cannot be read to its end as a tar archive ({error})") from error

    def _name(self, info: tarfile.TarInfo) -> str | None:
        return None if info.isdir() else _accepted_name(self, info.name, info.isreg() and not info.issparse())

    def _content(self, archive: tarfile.TarFile, info: tarfile.TarInfo, member: Member) -> bytes | OSError:
        if info.size > self.limits.file_bytes:
            return too_large(member, self.limits)
        file = archive.extractfile(info)
        return file.read() if file else OSError("no content")


class _CheckedInfo(tarfile.TarInfo):
    """Headers of a tar archive, strictly: ``tarfile`` takes a damaged one for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _CheckedInfo:
        if len(buf) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it is cut off")
        if not any(buf):
            return super().frombuf(buf, encoding, errors)  # raises what tells tarfile the end
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
        if info.type in _TAR_EXTENSIONS and info.size > _MAX_TAR_EXTENSION:
            raise tarfile.ReadError(f"an extended header of {info.size} bytes")
        return info


class _GuardedStream:
    """A decompressor whose output is counted."""

    def __init__(self, file: IO[bytes], guard: _Guard) -> None:
        self._file = file
        self._guard = guard

    def read(self, size: int = -1) -> bytes:
        """The next bytes. At the end an error: an archive tells by a mark that there is no more."""
        content = self._file.read(size)
        if not content:
            raise EOFError("it is cut off")
        self._guard.add_bytes(len(content))
        return content

    def drain(self) -> None:
        """Read to the end: a damaged or cut end of a compressed stream shows only there."""
        while content := self._file.read(1 << 20):
            self._guard.add_bytes(len(content))


@contextmanager
def _decompressed(root: Path, guard: _Guard) -> Iterator[_GuardedStream]:
    with root.open("rb") as raw:
        magic = raw.peek(6)[:6]
        if magic.startswith(b"\x1f\x8b"):
            file: Any = gzip.GzipFile(fileobj=raw)
        elif magic.startswith(b"\xfd7zXZ\x00"):
            file = lzma.LZMAFile(raw)  # noqa: SIM115
        elif magic.startswith(b"BZh"):
            file = bz2.BZ2File(raw)
        else:
            file = raw
        yield _GuardedStream(file, guard)
