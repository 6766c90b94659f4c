"""What the worker's exit code tells the dispatcher."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mlperf_runners import worker
from mlperf_runners.campaign.folder import Attempt, CampaignFolder
from mlperf_runners.errors import DatasetMissingError


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
