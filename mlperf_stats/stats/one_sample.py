"""All methods for one sample of converged runs behind one interface: estimand, assumption, interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlperf_stats.stats.exact_bootstrap import Statistic, bootstrap_interval
from mlperf_stats.stats.expected_score import L_STATISTIC_FROM, check_scoring, expected_score_interval
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.order_statistics import hettmansperger_sheather, median_interval
from mlperf_stats.stats.sample import SampleLike
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.tukey_mclaughlin import tukey_mclaughlin_interval


@dataclass(frozen=True, slots=True)
class Method:
    """A way from a sample of converged runs to an interval."""

    name: str
    estimand: str
    assumption: str
    interval: Callable[[SampleLike, float], Interval]
    """Times of shape (n,) and level → interval."""


def methods(runs: int, dropped: int = 1) -> tuple[Method, ...]:
    """Every one-sample method, for an official score of ``runs`` runs with ``dropped`` off each side."""
    runs, dropped = check_scoring(runs, dropped)

    def score(times: SampleLike, level: float) -> Interval:
        return expected_score_interval(times, runs, dropped, level)

    def trimmed(times: SampleLike, level: float) -> Interval:
        return tukey_mclaughlin_interval(times, dropped, level)

    def bootstrap(statistic: Statistic) -> Method:
        def resample(times: SampleLike, level: float) -> Interval:
            return bootstrap_interval(times, statistic, dropped=dropped, level=level)

        estimand = "expected-score" if statistic == "olympic-mean" else statistic
        return Method(f"bootstrap-{statistic}", estimand, "the runs at hand show the whole law", resample)

    return (
        Method("order-statistics", "median", "none", median_interval),
        Method("hettmansperger-sheather", "median", "a smooth law near its median", hettmansperger_sheather),
        bootstrap("median"),
        Method("t-log", "geometric-mean", "log times nearly normal", geometric_mean_interval),
        bootstrap("geometric-mean"),
        bootstrap("mean"),
        Method(
            "expected-score", "expected-score", f"lognormal below {L_STATISTIC_FROM} runs, then none", score
        ),
        Method("tukey-mclaughlin", "expected-score", "a symmetric law, ten runs or more", trimmed),
        bootstrap("olympic-mean"),
    )
