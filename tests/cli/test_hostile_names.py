"""Names from strangers: whatever they hold, output stays on its line and terminals are not steered."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from madeup_logs import run_log, system_json
from typer.testing import Result

Invoke = Callable[..., Result]

NAMES = {
    "escape": b"x\x1b[31mred\x1b]0;title\x07",
    "newline": b"x\nmlperf-stats: all is well",
    "carriage return": b"x\rmlperf-stats",
    "backspace": b"x\x08\x08y",
    "right to left": "x\u202egnp.exe".encode(),
    "no width": "x\u200b\u2060y".encode(),
    "markup": b"[bold red]x[!bold red]",
    "formula": b'=HYPERLINK("x")',
    "quote": b"x'; DROP TABLE runs; --",
    "no UTF-8": b"caf\xe9",
    "emoji": "🚀 (TM) + x".encode(),
}


def assert_harmless(text: str, lines: int | None = None) -> None:
    for character in text.replace("\n", ""):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(text)
    if lines is not None:
        assert text.count("\n") == lines


@pytest.fixture(params=NAMES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A round whose submitter and system have a name that is no name, with a broken run in it."""
    name = os.fsdecode(NAMES[request.param])
    root = tmp_path / "training_results_v5.0"
    for folder in (f"{name}/results/{name}/retinanet", f"{name}/systems"):
        (root / folder).mkdir(parents=True)
    (root / name / "systems" / f"{name}.json").write_bytes(
        system_json(system_name=name.encode(errors="replace").decode())
    )
    for number in range(5):
        path = root / name / "results" / name / "retinanet" / f"result_{number}.txt"
        path.write_bytes(
            run_log(10.0 + number, benchmark="retinanet", evaluations=[(4, 0.35)]) if number else b""
        )
    return root


def test_every_command_tells_them_harmlessly(tree: Path, tmp_path: Path, invoke: Invoke) -> None:
    database = ("--db", tmp_path / "own.db")
    told = invoke("ingest", tree, *database)
    assert told.exit_code == 0, told.output
    assert_harmless(told.output)
    assert "no-marks" in told.output
    for arguments in (
        ("results", "--no-published"),
        ("results", "--no-published", "--format", "md"),
        ("show", "5.0/*/*/retinanet", "--no-published"),
    ):
        told = invoke(*arguments, *database)
        assert told.exit_code == 0, told.output
        assert_harmless(told.output)
    assert invoke("results", "--no-published", *database).stdout.count("retinanet") == 1


def test_errors_tell_them_on_one_line(tree: Path, tmp_path: Path, invoke: Invoke) -> None:
    name = next(path.name for path in tree.iterdir())
    missing = tmp_path / name
    for arguments in (("ingest", missing), ("ingest", tree, "--round", name), ("results", "--db", missing)):
        told = invoke(*arguments, *(() if "--db" in arguments else ("--db", tmp_path / "own.db")))
        assert told.exit_code == 2
        assert_harmless(told.stderr, lines=1)
