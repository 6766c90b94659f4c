"""What each of several runs at once has to itself: cores, and GPUs where runs use them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_runners.campaign.plan import Launch
from mlperf_runners.errors import CampaignError
from mlperf_runners.launchers import local
from mlperf_runners.launchers.local import LocalLauncher

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="two runs at once need two cores, this machine has one"
)
TWO = Launch(at_once=2)


def seen(folder: Path, launcher: LocalLauncher, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """``CUDA_VISIBLE_DEVICES`` of two runs that run at once, in order."""
    tell = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES', 'all'), end='')"
    monkeypatch.setattr(local, "worker_command", lambda launch, folder: [sys.executable, "-c", tell])
    attempts = [CampaignFolder(folder).new_attempt(index) for index in range(2)]
    launcher.start(attempts)
    left = 2
    while left:
        left -= len(launcher.wait(10))
    return sorted((attempt.folder / "stdout").read_text() for attempt in attempts)


@pytest.mark.parametrize(
    ("gpus", "visible", "expected"),
    [
        (2, None, ["0", "1"]),
        (4, "5,6,7", ["5", "6"]),
        (0, None, ["all", "all"]),
        (0, "1", ["1", "1"]),
        (1, "", ["", ""]),
    ],
)
def test_runs_at_once_have_gpus_of_their_own(
    gpus: int, visible: str | None, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert seen(tmp_path, LocalLauncher(TWO, gpus), monkeypatch) == expected


def test_more_runs_at_once_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(
        CampaignError, match="2 runs at once need 2 GPUs, this machine shows 1; lower --at-once"
    ):
        LocalLauncher(TWO, 1)


def test_a_run_alone_may_use_all_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launcher = LocalLauncher(Launch(), 2)
    launcher.capacity = 2
    assert seen(tmp_path, launcher, monkeypatch) == ["all", "all"]
