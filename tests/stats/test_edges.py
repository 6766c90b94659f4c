"""Every function of one sample on every awkward sample: a typed error or a warned answer, never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.censored_lognormal import censored_lognormal_interval, interval_censored_interval
from mlperf_stats.stats.censored_order_statistics import censored_median_interval
from mlperf_stats.stats.choice import best
from mlperf_stats.stats.exact_bootstrap import bootstrap_interval
from mlperf_stats.stats.expected_score import expected_score_interval
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.kaplan_meier import kaplan_meier_median
from mlperf_stats.stats.order_statistics import hettmansperger_sheather, median_interval
from mlperf_stats.stats.restricted_mean import restricted_mean_interval
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.tied_convergence import tied_convergence_interval
from mlperf_stats.stats.tukey_mclaughlin import tukey_mclaughlin_interval

LEVELED: dict[str, Callable[..., Interval]] = {
    "order statistics": median_interval,
    "hettmansperger-sheather": hettmansperger_sheather,
    "t-log": geometric_mean_interval,
    "tied convergence": lambda times, **level: tied_convergence_interval(times, 0.1, **level),
    "expected score": lambda times, **level: expected_score_interval(times, 5, **level),
    "tukey-mclaughlin": tukey_mclaughlin_interval,
    "bootstrap median": bootstrap_interval,
    "bootstrap mean": lambda times, **level: bootstrap_interval(times, "mean", **level),
    "bootstrap bca": lambda times, **level: bootstrap_interval(times, "olympic-mean", kind="bca", **level),
    "bootstrap geometric mean": lambda times, **level: bootstrap_interval(times, "geometric-mean", **level),
    "interval-censored": lambda times, **level: interval_censored_interval(times, times, **level),
    "kaplan-meier": lambda times, **level: kaplan_meier_median(times, [True] * len(times), **level),
    "censored ranks": lambda times, **level: censored_median_interval(times, [True] * len(times), **level),
    "censored lognormal": lambda times, **level: censored_lognormal_interval(
        times, [True] * len(times), **level
    ),
    "restricted mean": lambda times, **level: restricted_mean_interval(
        times, [True] * len(times), 3.0, **level
    ),
    "best median": lambda times, **level: best(times, "median", **level).interval,
    "best geometric mean": lambda times, **level: best(times, "geometric-mean", **level).interval,
    "best score": lambda times, **level: best(times, "expected-score", **level).interval,
}  # fmt: skip
ANY_SIGN = {"order statistics", "hettmansperger-sheather", "tukey-mclaughlin"} | {
    name for name in LEVELED if name.startswith("bootstrap") and "geometric" not in name
}

UNUSABLE: dict[str, Any] = {
    "nan": [1.0, math.nan, 2.0, 3.0],
    "infinite": [1.0, math.inf, 2.0, 3.0],
    "two dimensions": [[1.0, 2.0], [3.0, 4.0]],
    "no sequence": [None, 1.0, 2.0, 3.0],
    "text": ["1", "2", "3", "4"],
    "complex": [1j, 2.0, 3.0, 4.0],
    "beyond floats": [10**400, 2, 3, 4],
}


@pytest.mark.parametrize("name", LEVELED)
@pytest.mark.parametrize("sample", UNUSABLE)
def test_unusable_samples_are_refused(name: str, sample: str) -> None:
    with pytest.raises(SampleError):
        LEVELED[name](UNUSABLE[sample])


@pytest.mark.parametrize("name", LEVELED)
def test_no_run_is_too_few(name: str) -> None:
    with pytest.raises(TooFewRunsError, match=r"needed, got 0|needs \d+ runs"):
        LEVELED[name]([])


@pytest.mark.parametrize("name", LEVELED)
def test_negative_times_are_refused_where_they_matter(name: str) -> None:
    sample = [-10.0, -4.0, -3.0, -2.0, -1.5, -1.0]
    if name in ANY_SIGN:
        assert LEVELED[name](sample).high < 0
    else:
        with pytest.raises(SampleError):
            LEVELED[name](sample)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan, "95%", None])
@pytest.mark.parametrize("name", LEVELED)
def test_levels_that_are_none_are_refused(name: str, level: Any) -> None:
    with pytest.raises(StatisticsError, match="level"):
        LEVELED[name]([1.0, 2.0, 3.0, 4.0], level=level)


@pytest.mark.parametrize("name", LEVELED)
def test_order_and_type_of_the_sample_do_not_matter(name: str) -> None:
    shuffled = LEVELED[name]([3.0, 1.0, 4.0, 1.5, 2.0, 6.0, 5.0])
    assert LEVELED[name](np.array([1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0])) == shuffled
    assert LEVELED[name]((6.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0)) == shuffled


@pytest.mark.parametrize("name", LEVELED)
def test_the_sample_is_left_alone(name: str) -> None:
    sample = np.array([3.0, 1.0, 4.0, 1.5, 2.0, 6.0])
    LEVELED[name](sample)
    assert sample.tolist() == [3.0, 1.0, 4.0, 1.5, 2.0, 6.0]


@pytest.mark.parametrize("name", LEVELED)
@pytest.mark.parametrize(
    "sample", [[2.0], [2.0, 2.0], [2.0, 3.0], [2.0] * 6, [2.0] * 5 + [3.0], [1e-300, 1e300]]
)
def test_poor_samples_give_a_warned_answer_or_a_reason(name: str, sample: list[float]) -> None:  # fmt: skip
    try:
        found = LEVELED[name](sample)
    except StatisticsError:
        # A reason is fine where there are too few runs, or times that no arithmetic holds.
        assert len(sample) < 3
        return
    assert found.low <= found.estimate <= found.high
    assert found.warnings or (name not in {"order statistics", "t-log"}) or sample[0] != sample[-1]
    if found.low == found.high and name != "restricted mean":
        assert set(found.warnings) & {"zero-variance", "level-not-attained", "tied-runs"}


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.floats(0.01, 1e5), min_size=2, max_size=12),
    level=st.floats(0.01, 0.999),
)
@pytest.mark.parametrize(
    "name", [name for name in LEVELED if "lognormal" not in name and "interval" not in name]
)
def test_ends_enclose_the_estimate_and_change_with_the_unit(
    name: str, times: list[float], level: float
) -> None:  # fmt: skip
    try:
        found = LEVELED[name](times, level=level)
    except StatisticsError:
        assert len(times) < 4
        return
    slack = 1e-9 * abs(found.estimate)
    if "bootstrap" not in name or level > 0.5:
        assert found.low - slack <= found.estimate <= found.high + slack
    assert found.low <= found.high
    if name != "restricted mean":
        hours = LEVELED[name]([time / 64 for time in times], level=level)
        assert hours.low == pytest.approx(found.low / 64, rel=1e-6)
        assert hours.high == pytest.approx(found.high / 64, rel=1e-6)
        assert hours.method == found.method
