"""Results of the shipped snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlperf_stats.analysis.accounts import Accounts, accounts
from mlperf_stats.store.database import Store, open_snapshot
from mlperf_stats.store.queries import Filters


@pytest.fixture(scope="session")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


@pytest.fixture(scope="session")
def rgat(snapshot: Store) -> Accounts:
    """The 16 results of rgat in round 5.0."""
    return accounts(snapshot, Filters(rounds=("5.0",), benchmarks=("rgat",)))


@pytest.fixture(scope="session")
def snapshot_row(rgat: Accounts) -> dict[str, Any]:
    return rgat.results[0].detail.row
