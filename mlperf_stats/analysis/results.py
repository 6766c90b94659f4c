"""Which results are there, with which scores and intervals? — the table behind ``results``."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.summaries import DEFAULT_LEVEL, listed
from mlperf_stats.errors import InputError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "result_id",
    "round",
    "division",
    "availability",
    "submitter",
    "system",
    "benchmark",
    "accelerator",
    "accelerators",
    "nodes",
    "framework",
    "gbs",
    "runs",
    "runs_converged",
    "score_minutes",
    "olympic_minutes",
    "scaling_factor",
    "median_minutes",
    "median_low",
    "median_high",
    "median_level",
    "gmean_minutes",
    "gmean_low",
    "gmean_high",
    "expected_minutes",
    "expected_low",
    "expected_high",
    "controlled_minutes",
    "controlled_low",
    "controlled_high",
    "controlled_own_share",
    "cv",
    "convergence_points",
    "energy_joules",
    "warnings",
)
"""Columns of the results table; names and order are a contract with whoever reads the CSV."""


@dataclass(frozen=True)
class ResultsTable:
    """Results, one row each, ordered by round, submitter, system and benchmark."""

    rows: tuple[dict[str, Any], ...]
    level: float
    """Confidence level of the intervals."""
    columns: tuple[str, ...] = COLUMNS

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def filter(self, **patterns: Any) -> ResultsTable:
        """The rows whose columns fit: ``table.filter(round="5.0", benchmark=["bert", "r*"])``.

        Patterns are case-insensitive globs on the whole value, or plain values (``round=5.0``); of several
        for a column one must fit.

        Raises:
            InputError: a name is no column.
        """
        unknown = [name for name in patterns if name not in self.columns]
        if unknown:
            raise InputError(f"results have no column {unknown[0]!r}; they have {', '.join(self.columns)}")
        wanted = {name: [str(item).lower() for item in _several(value)] for name, value in patterns.items()}
        rows = tuple(
            row
            for row in self.rows
            if all(
                any(fnmatch.fnmatchcase(str(row[name]).lower(), item) for item in items)
                for name, items in wanted.items()
            )
        )
        return ResultsTable(rows, self.level, self.columns)

    def sorted_by(self, column: str) -> ResultsTable:
        """The rows in order of a column, ``-column`` from the largest; ties stay, empty values come last.

        ``score`` stands for ``score_minutes``, and so on.

        Raises:
            InputError: it is no column.
        """
        name = self.sort_column(column)
        empty = (None, "")
        known = [row for row in self.rows if row[name] not in empty]
        known.sort(key=lambda row: _order(row[name]), reverse=column.startswith("-"))
        return ResultsTable(
            (*known, *(row for row in self.rows if row[name] in empty)), self.level, self.columns
        )

    def sort_column(self, column: str) -> str:
        """The full name of what :meth:`sorted_by` is asked for.

        Raises:
            InputError: it is no column.
        """
        asked = column.removeprefix("-").strip().lower()
        name = next((known for known in (asked, f"{asked}_minutes") if known in self.columns), None)
        if name is None:
            close = get_close_matches(asked, self.columns, n=3, cutoff=0.5) or self.columns
            raise InputError(f"results have no column {asked!r} to sort by; there are {', '.join(close)}")
        return name

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with :data:`COLUMNS`; missing figures are NaN."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the level and the rows."""
        return {"level": self.level, "results": [dict(row) for row in self.rows]}

    def __repr__(self) -> str:
        noun = "result" if len(self.rows) == 1 else "results"
        return f"<ResultsTable: {len(self.rows)} {noun}, level {self.level:g}, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=60, index=False))


def _order(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _several(value: Any) -> Iterable[Any]:
    """The items of a list of patterns; a text or a number is one pattern."""
    return value if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def results_table(
    store: Store,
    filters: Filters | None = None,
    *,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> ResultsTable:
    """All results that fit ``filters``, with scores, intervals and warnings.

    At the default level figures are computed once and kept in the database; at others they are computed
    now. ``on_progress`` is called with the results computed and to compute.
    """
    rows = tuple(
        result_row(result, summary) for result, summary in listed(store, filters, level, on_progress)
    )
    return ResultsTable(rows, level)


def result_row(result: StoredResult, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The line of the results table that a result and its summary make."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row.update(
        result_id=result.result_id,
        round=result.round,
        division=result.division,
        availability=result.availability,
        submitter=result.submitter,
        system=result.system,
        benchmark=result.benchmark,
        accelerator=result.accelerator,
        accelerators=result.accelerators,
        nodes=result.nodes,
        framework=result.framework,
        scaling_factor=result.scaling_factor,
    )
    row.update(summary)
    return row
