"""``docs/database.md`` describes the schema that there is, and its queries run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlperf_stats.store import open_memory, open_snapshot
from mlperf_stats.store.schema import APPLICATION_ID, SCHEMA_VERSION, SUMMARY_COLUMNS


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).resolve().parents[2] / "docs" / "database.md").read_text(encoding="utf-8")


def test_every_table_column_and_index_is_described(page: str) -> None:
    with open_memory() as store:
        rows = store.connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        for kind, name in rows.fetchall():
            assert f"**{name}**" in page if kind in ("table", "view") else f"| {name} (" in page
            if kind == "table":
                section = page.partition(f"**{name}**")[2].partition("\n**")[0]
                for row in store.connection.execute(f"PRAGMA table_info({name})"):
                    described = name == "summaries" and row[1] in SUMMARY_COLUMNS
                    assert described or re.search(rf"\b{row[1]}\b", section), f"{name}.{row[1]}"


def test_identity_and_version_are_the_right_ones(page: str) -> None:
    assert f"`PRAGMA application_id` is {APPLICATION_ID} " in page
    assert f"the schema, now {SCHEMA_VERSION};" in page


def test_every_query_runs_and_finds_something(page: str) -> None:
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(queries) == 3
    with open_snapshot() as store:
        for query in queries:
            assert store.connection.execute(query).fetchall()
