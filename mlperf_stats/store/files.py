"""Files that others read: written whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlperf_stats.errors import InputError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a text cell that begins like this, and names come from other people's logs."""


@contextmanager
def replaced_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A scratch file beside ``path`` that takes its place when the block ends without an error.

    Raises:
        InputError: the folder or the file cannot be written.
    """
    target = Path(path)
    scratch: Path | None = None
    try:
        scratch = _scratch_beside(target)
        yield scratch
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        scratch.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Say before long work what :func:`replaced_file` would say after it.

    Raises:
        InputError: the folder or the file cannot be written.
    """
    target = Path(path)
    try:
        _scratch_beside(target).unlink()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise _unwritable(target, error) from error


def _scratch_beside(target: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    return Path(name)


def _unwritable(target: Path, error: OSError) -> InputError:
    reason = error.strerror or str(error)
    return InputError(f"cannot write {target}: {reason}; name another file with -o")


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of CSV, each ended by a line feed: missing values empty, floats at full precision, lists
    joined by ``;``, text that a spreadsheet would run marked by an apostrophe.
    """
    line = _Line()
    # The writer quotes a lone carriage return only if told to end lines with one.
    writer = csv.writer(line, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        yield line.text.removesuffix("\r\n") + "\n"


class _Line:
    """Holds the last line that a csv writer wrote."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, tuple | list):
        value = ";".join(map(str, value))
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value)
