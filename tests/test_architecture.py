"""The import contract of pyproject.toml holds, and the packaging files agree with each other."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path


def test_import_contracts_hold(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_stands_on_a_floor(repository: Path) -> None:
    """A new room must be given its floor, otherwise the layers contract says nothing about it."""
    pyproject = tomllib.loads((repository / "pyproject.toml").read_text())
    (floors,) = (c for c in pyproject["tool"]["importlinter"]["contracts"] if c["name"] == "Floors")
    placed = {room.strip("() ") for floor in floors["layers"] for room in floor.split("|")}
    package = repository / "mlperf_stats"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.stem for path in package.glob("[!_]*.py")}
    assert {f"mlperf_stats.{name}" for name in rooms | modules} - placed == set()


def test_constraints_pin_every_core_dependency(repository: Path) -> None:
    pyproject = tomllib.loads((repository / "pyproject.toml").read_text())
    lines = (repository / "constraints.txt").read_text().lower().splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    needed = {requirement.partition(">=")[0] for requirement in pyproject["project"]["dependencies"]}
    assert needed - pinned == set()


def test_version_is_the_same_everywhere(repository: Path) -> None:
    import mlperf_stats

    pyproject = tomllib.loads((repository / "pyproject.toml").read_text())
    version = pyproject["project"]["version"]
    assert mlperf_stats.__version__ == version
    assert f"\nversion: {version}\n" in (repository / "CITATION.cff").read_text()
