"""A small results repository with trouble in it, and the command line run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

HOSTILE_SYSTEM = "sys[bold]\x1b[31m=1+1"
"""A system folder whose name is markup, a terminal escape and a formula at once."""

START_MS = 1_700_000_000_000


def mllog(time_ms: float, key: str, value: object = None, **metadata: object) -> str:
    record = {
        "namespace": "",
        "time_ms": time_ms,
        "event_type": "POINT_IN_TIME",
        "key": key,
        "value": value,
        "metadata": metadata,
    }
    return f":::MLLOG {json.dumps(record)}\n"


def write_run(folder: Path, number: int, minutes: float, status: str = "success", gbs: int = 256) -> None:
    """A retinanet run that reaches its target at epoch 4 and takes ``minutes``."""
    start = START_MS + number * 10**8
    lines = [
        mllog(start - 1000, "submission_benchmark", "retinanet"),
        mllog(start - 900, "global_batch_size", gbs),
        mllog(start - 800, "seed", 40 + number),
        mllog(start, "run_start"),
        *(
            mllog(start + minutes * 15_000 * epoch, "eval_accuracy", 0.255 + 0.025 * epoch, epoch_num=epoch)
            for epoch in range(1, 5)
        ),
        mllog(start + minutes * 60_000, "run_stop", status=status),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"result_{number}.txt").write_text("".join(lines))


def write_system(repository: Path, submitter: str, system: str, accelerators: int) -> None:
    folder = repository / submitter / "systems"
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "submitter": submitter,
        "division": "closed",
        "status": "Available on-premise",
        "system_name": system,
        "number_of_nodes": "1",
        "accelerators_per_node": str(accelerators),
        "accelerator_model_name": "Fast [red]X1[/red]",
        "framework": "=HYPERLINK(1)",
    }
    (folder / f"{system}.json").write_text(json.dumps(description))


@pytest.fixture(scope="session")
def results_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Round 5.0: five good runs by ``acme``; ``evil`` has one failure and one file without a mark."""
    root = tmp_path_factory.mktemp("input") / "training_results_v5.0"
    good = root / "acme" / "results" / "box8" / "retinanet"
    for number, minutes in enumerate((30.0, 31.0, 32.0, 33.0, 40.0)):
        write_run(good, number, minutes)
    write_system(root, "acme", "box8", 8)
    evil = root / "evil" / "results" / HOSTILE_SYSTEM / "retinanet"
    for number, minutes in enumerate((60.0, 61.0, 62.0)):
        write_run(evil, number, minutes, gbs=256 * (1 + number % 2))
    write_run(evil, 3, 90.0, status="aborted")
    (evil / "result_4.txt").write_text("no \x1b[31m marks here\n")
    write_system(root, "evil", HOSTILE_SYSTEM, 2)
    return root


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Result]:
    """Run ``mlperf-stats`` on arguments; the user's data directory is empty and the terminal wide."""
    from typer.main import get_command

    from mlperf_stats.cli.app import app

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> Result:
        # A fresh group: commands that one call loads must not be there for the next.
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="mlperf-stats")

    assert get_command(app).name == "mlperf-stats"
    return run


@pytest.fixture(scope="session")
def database(results_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``results_repository`` ingested by the command line."""
    from mlperf_stats.cli.app import app

    path = tmp_path_factory.mktemp("database") / "own.db"
    result = CliRunner().invoke(app, ["ingest", str(results_repository), "--db", str(path)])
    assert result.exit_code == 0, result.output
    return path
