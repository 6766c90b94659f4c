"""Writing tables to files: CSV, XLSX or Parquet by suffix, complete or not at all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mlperf_stats.errors import InputError
from mlperf_stats.store.files import csv_lines, replaced_file

Kind = str
"""``text``, ``integer`` or ``real``."""

_BATCH_ROWS = 50_000
_XLSX_ROWS = 1_048_575


def write_table(
    columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]], path: str | os.PathLike[str]
) -> int:
    """Write ``rows`` (in the order of ``columns``) to ``path``; returns how many there were.

    The file appears under its name only when it is complete.

    Raises:
        InputError: the suffix is unknown, the file cannot be written, the rows do not fit the format,
            or the library that the format needs is not installed.
    """
    target = Path(path)
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise InputError(f"{target}: what it ends in must say the form: {', '.join(_WRITERS)}")
    with replaced_file(target) as scratch:
        return writer(columns, rows, str(scratch))


def _write_csv(columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]], path: str) -> int:
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines([list(columns)]))
        for line in csv_lines(rows):
            file.write(line)
            count += 1
    return count


def _write_xlsx(columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]], path: str) -> int:
    try:
        import xlsxwriter
    except ImportError as error:
        raise _missing("xlsxwriter", ".xlsx") from error
    # Text from logs is data: no cell may turn into a formula or a link.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    count = 0
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(columns))
        for count, row in enumerate(rows, start=1):
            if count > _XLSX_ROWS:
                raise InputError(
                    f"a worksheet holds {_XLSX_ROWS} rows and there are more; write .csv or .parquet"
                )
            # Worksheets know finite numbers alone; an open end of an interval is an empty cell.
            sheet.write_row(count, 0, [None if _not_finite(value) else value for value in row])
    return count


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _write_parquet(columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]], path: str) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise _missing("pyarrow", ".parquet") from error
    types = {"text": pa.string(), "integer": pa.int64(), "real": pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count


def _batches(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH_ROWS)):
        yield batch


def _missing(library: str, suffix: str) -> InputError:
    return InputError(f"{suffix} needs {library}, which is not installed; pip install 'mlperf-stats[export]'")


_WRITERS: dict[str, Callable[[Mapping[str, Kind], Iterable[Sequence[Any]], str], int]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
