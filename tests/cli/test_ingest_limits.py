"""``ingest``: what an input may cost can be told on the command line, and refusals say how."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]


@pytest.fixture
def archive(results_repository: Path, tmp_path: Path) -> Path:
    """The repository as a zip whose name tells the round."""
    target = tmp_path / "packed" / "training_results_v4.1"
    return Path(shutil.make_archive(str(target), "zip", results_repository))


@pytest.mark.parametrize(
    ("option", "tight", "loose"),
    [("--max-archive-files", "3", "1000"), ("--max-archive-gib", "0.000001", "1")],
)
def test_archives_beyond_a_limit_are_refused_with_the_option_that_raises_it(
    invoke: Invoke, archive: Path, tmp_path: Path, option: str, tight: str, loose: str
) -> None:
    arguments = ("ingest", archive, "--db", tmp_path / "own.db")
    refused = invoke(*arguments, option, tight)
    assert refused.exit_code == 2
    assert option in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "10 runs added" in invoke(*arguments, option, loose).stdout


def test_files_beyond_the_limit_are_runs_that_cannot_be_read(
    invoke: Invoke, results_repository: Path, tmp_path: Path
) -> None:
    arguments = ("ingest", results_repository, "--db", tmp_path / "own.db", "--jobs", 2)
    refused = invoke(*arguments, "--max-file-gib", "0.0000001").stdout
    assert "10 unreadable" in refused
    assert "--max-file-gib" in refused
    # One file is 25 bytes of prose: under any limit, unreadable both times.
    assert "9 replaced, 1 kept" in invoke(*arguments).stdout
