"""The answer type of the statistics room: an estimate with its interval and what to know of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from mlperf_stats.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with a two-sided confidence interval, in the units of the sample.

    ``low`` and ``high`` may be infinite, never NaN. ``warnings`` are short codes that are part
    of the answer: whoever prints the interval prints them too.
    """

    estimate: float
    low: float
    high: float
    level: float
    """Confidence level asked for, as a fraction."""
    level_attained: float
    """Level the method attains: exact for order statistics, nominal for model-based methods."""
    method: str
    """Short stable name of the method, e.g. ``order-statistics``, ``t-log``."""
    estimand: str
    """What is estimated: ``median``, ``geometric-mean``, ``mean``, ``expected-score``, …"""
    n: int
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or math.isnan(self.estimate):
            raise StatisticsError(f"{self.method}: interval with NaN; this is a defect, report it")

    @property
    def half_width_relative(self) -> float:
        """Half the width as a fraction of the estimate (∞ for an unbounded interval)."""
        if math.isinf(self.low) or math.isinf(self.high):
            return math.inf
        return (self.high - self.low) / 2 / abs(self.estimate) if self.estimate else math.inf

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain Python values."""
        return asdict(self)
