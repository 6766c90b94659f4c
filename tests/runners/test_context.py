"""What a process sets before it trains."""

from __future__ import annotations

import pytest
import torch

from mlperf_runners.errors import SettingsError
from mlperf_runners.training.context import Context


def test_convolutions_on_gpus_are_not_chosen_by_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is the fastest may change from run to run, and with it the convergence point of a seed."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda place: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    context = Context.start(3, "cuda", 1)
    assert context.device == torch.device("cuda", 0)
    assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic) == (False, True)


@pytest.mark.parametrize(
    ("count", "number", "words"),
    [
        (0, 0, "device is cuda, but PyTorch finds no GPU here; --set device=cpu"),
        (2, 2, "process 3 of this machine has no GPU of its own: it has 2; lower --processes"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused(
    count: int, number: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setenv("LOCAL_RANK", str(number))
    with pytest.raises(SettingsError, match=words):
        Context.start(3, "cuda", 1)
