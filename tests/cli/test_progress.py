"""The bar of counted steps shows on a terminal alone."""

from __future__ import annotations

import io
import sys

import pytest

from mlperf_stats.cli.progress import steps_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_bar_where_standard_error_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with steps_bar("splits") as on_progress:
        assert on_progress is None
    assert sys.stderr.getvalue() == ""


def test_bar_counts_steps_and_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with steps_bar("splits") as on_progress:
        assert on_progress is not None
        on_progress(3, 12)
    shown = sys.stderr.getvalue()
    assert "splits" in shown
    assert " 3/12" in shown
    # The line is erased at the end.
    assert shown.rstrip("\n").endswith("\x1b[2K")
