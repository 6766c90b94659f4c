"""What a process sets before it trains."""

from __future__ import annotations

import pytest
import torch

from mlperf_runners.training.context import Context


def test_convolutions_on_gpus_are_not_chosen_by_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is the fastest may change from run to run, and with it the convergence point of a seed."""
    monkeypatch.setattr(torch.cuda, "set_device", lambda place: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    context = Context.start(3, "cuda", 1)
    assert context.device == torch.device("cuda", 0)
    assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic) == (False, True)
