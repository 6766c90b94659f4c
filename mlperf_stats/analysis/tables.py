"""Answers that are tables: how they become DataFrames and pages of a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from mlperf_stats.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


Columns: TypeAlias = Mapping[str, tuple[str, ...]]
"""Columns by name of the table, the main one first."""


class Tables:
    """Named tables of one answer: attributes with a mapping per row, columns in ``TABLES``."""

    TABLES: ClassVar[Columns]
    disclosure: str
    """What must be said wherever the figures are shown."""

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """One of the tables as a DataFrame, by default the main one; missing figures are NaN.

        Raises:
            InputError: there is no such table.
        """
        import pandas as pd

        name = next(iter(self.TABLES)) if table is None else table
        if name not in self.TABLES:
            raise InputError(f"there is no table {name!r}; there are {', '.join(self.TABLES)}")
        return pd.DataFrame.from_records(list(getattr(self, name)), columns=list(self.TABLES[name]))

    def _repr_html_(self) -> str:
        return f"{self.to_frame().to_html(index=False)}<p>{self.disclosure}</p>"
