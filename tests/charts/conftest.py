"""Results of the shipped snapshot, read once: what the pictures are drawn from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.show import ResultDetail, show_result
from mlperf_stats.store.database import Store, open_snapshot
from mlperf_stats.store.queries import Filters


@pytest.fixture(scope="session")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


@pytest.fixture(scope="session")
def rgat(snapshot: Store) -> ResultsTable:
    """The 16 results of rgat in round 5.0, one of them with a run that did not converge."""
    return results_table(snapshot, Filters(rounds=("5.0",), benchmarks=("rgat",)))


@pytest.fixture(scope="session")
def tinybox(snapshot: Store) -> ResultDetail:
    return show_result(snapshot, "5.0/tinycorp/tinybox_red/bert")
