"""What is found out beside the pages: begun when asked for, kept, tried again after an error."""

from __future__ import annotations

import pytest

from mlperf_dashboards import trials
from mlperf_dashboards.trials import Trial
from mlperf_stats.errors import NotFoundError


def finish() -> None:
    """The worker does one thing after the other: when this is done, all before it is."""
    trials._WORKER.submit(int).result()


class Widths:
    """Stands for widths; remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def half_width(self, runs: int, level: float = 0.95, assurance: float = 0.8) -> float:
        self.asked.append(level)
        return 0.1


def test_each_level_is_tried_once() -> None:
    widths, reads = Widths(), []

    def read() -> Widths:
        reads.append(1)
        return widths

    trial = Trial(read)  # type: ignore[arg-type]
    for level in (0.95, 0.9):
        trial.is_done(level)
        finish()
        assert trial.is_done(level)
    assert widths.asked == [0.95, 0.9]
    assert reads == [1]


def test_where_nobody_lends_there_is_nothing_to_try() -> None:
    trial = Trial(lambda: None)
    trial.is_done(0.95)
    finish()
    assert trial.is_done(0.95)
    assert trial.found is None


def test_an_error_is_told_once_and_then_tried_again() -> None:
    answers = [NotFoundError("the database is gone"), None]

    def read() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    trial = Trial(read)
    trial.is_done(0.95)
    finish()
    with pytest.raises(NotFoundError, match="gone"):
        trial.is_done(0.95)
    trial.is_done(0.95)
    finish()
    assert trial.is_done(0.95)
    assert answers == []
