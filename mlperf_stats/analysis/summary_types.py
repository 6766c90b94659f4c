"""The parts of a custom summary result as plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_stats.analysis.like_with_like import Difference


@dataclass(frozen=True)
class Component:
    """One benchmark of a summary."""

    benchmark: str
    result_id: str
    weight: float
    score_minutes: float
    """The official benchmark result, scaling applied."""
    olympic_minutes: float
    """The same without scaling."""
    scaling_factor: float
    reference_minutes: float | None
    value: float
    """Normalised result, larger is better; minutes without a reference."""
    contribution: float
    """Factor that the benchmark puts into the summary: value to the power of its weight."""
    estimate: float
    """Of the same value, from the geometric mean of the runs' raw times …"""
    low: float
    high: float
    """… with its own interval."""
    variance_share: float
    """Share of the variance of the summary's estimate."""
    without: float | None
    """The summary from official results without this benchmark."""
    runs: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """The custom summary result of one submission."""

    submission: str
    round: str
    division: str
    score: float
    """From official benchmark results, scaling applied: a draw."""
    raw_score: float
    """From the same without scaling, to be read with the interval."""
    estimate: float
    """From the geometric means of raw times: what many submissions of these runs would give."""
    low: float
    high: float
    weights_low: float
    weights_high: float
    """Least and largest summary if every weight were halved or doubled."""
    components: tuple[Component, ...]
    overrides: tuple[Difference, ...]


@dataclass(frozen=True)
class SummaryRatio:
    """How many times as fast one submission is as another; the reference cancels."""

    submission: str
    against: str
    score: float
    """From official benchmark results."""
    raw_score: float
    estimate: float
    low: float
    high: float
    better: float
    """Confidence that the first is faster."""
    weights_low: float
    weights_high: float
    warnings: tuple[str, ...] = ()
