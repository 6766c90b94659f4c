"""What the worker's exit code tells the dispatcher."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlperf_runners import worker
from mlperf_runners.campaign.folder import Attempt, CampaignFolder
from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant, freeze
from mlperf_runners.campaign.results_view import system_description
from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.workloads.registry import workload


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), worker.EXIT_STORAGE_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), worker.EXIT_STORAGE_FULL),
        (DatasetMissingError("no ratings.csv"), worker.EXIT_USAGE),
    ],
)
def test_exit_codes(
    error: Exception,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(attempt: Attempt, started: float) -> None:
        raise error

    monkeypatch.setattr(worker, "_train", fails)
    monkeypatch.setattr(worker, "die_with_parent", lambda: None)
    attempt = CampaignFolder(tmp_path).new_attempt(0)
    assert worker.main([str(attempt.folder)]) == code
    assert capsys.readouterr().err == f"mlperf-stats: {error}\n"


def test_a_campaign_that_was_moved_away_is_wrong_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "die_with_parent", lambda: None)
    attempt = CampaignFolder(tmp_path).new_attempt(0)
    assert worker.main([str(attempt.folder)]) == worker.EXIT_USAGE
    assert "no campaign.json" in capsys.readouterr().err


def full(name: str, **changes: Any) -> Plan:
    settings = msgspec.to_builtins(workload(name).changed("full", {"data": "x", **changes}))
    environment = {"cpu": "x", "cores": 1, "gpus": [], "packages": {}, "python": "3"}
    variants = (Variant("", settings),)
    return Plan("c", name, "full", variants, Stopping("fixed", 1), Launch(), "box", environment)


@pytest.mark.parametrize(
    ("plan", "division"),
    [
        (full("resnet"), "closed"),
        (full("resnet", target=0.77), "closed"),
        (full("resnet", target=0.7), "open"),
        (full("mask_rcnn", mask_target=0.3), "open"),
        (full("deepspeech2", target=0.2), "closed"),
        (full("deepspeech2", target=0.3), "open"),
        (msgspec.structs.replace(full("resnet"), mode="mini"), "open"),
    ],
)
def test_an_easier_target_is_not_the_closed_division(plan: Plan, division: str) -> None:
    assert worker.submission_header(plan, 0, 1, 8)["submission_division"] == division
    assert system_description(plan, 0, "box")["division"] == division


def test_an_attempt_is_trained_by_one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm may have taken a job although it said that it had not, and the dispatcher submitted another."""
    monkeypatch.setattr(worker, "die_with_parent", lambda: None)
    easy = workload("ncf").changed("mini", {"users": 50, "items": 200, "target": 0.01, "first_evaluation": 0})
    variants = (Variant("", msgspec.to_builtins(easy)),)
    freeze(tmp_path, msgspec.structs.replace(full("ncf"), mode="mini", variants=variants))
    attempt = CampaignFolder(tmp_path).new_attempt(0)
    attempt.log.write_text("of the other worker\n")
    with pytest.raises(FileExistsError):
        worker.main([str(attempt.folder)])
    assert attempt.log.read_text() == "of the other worker\n"
    attempt.log.unlink()
    assert worker.main([str(attempt.folder)]) == 0


def test_no_cache_is_said_to_be_cleared(tmp_path: Path) -> None:
    """Nothing here clears the page cache between runs."""
    with Logbook(tmp_path / "log") as log:
        log.header(worker.submission_header(full("ncf"), 0, 1, 8))
    last = (tmp_path / "log").read_text().splitlines()[-1]
    assert '"key": "cache_clear", "value": false' in last
