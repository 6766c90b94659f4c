"""Components of variance against hand-made sets, published moments and another implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.variance_components import (
    SetSpread,
    set_spread,
    variance_components,
)


def test_times_on_a_line_in_convergence_leave_nothing_to_throughput() -> None:
    points = np.array([4.0, 5.0, 5.0, 7.0])
    spread = set_spread(2.0 + 3.0 * points, points)
    assert (spread.runs, spread.points, spread.df, spread.throughput_df) == (4, 3, 3, 2)
    assert spread.throughput_ss == pytest.approx(0.0, abs=1e-24)
    found = variance_components([spread], [None])
    assert found.throughput_share == pytest.approx(0.0, abs=1e-20)
    assert found.convergence_share == pytest.approx(1.0)


def test_line_does_not_care_for_the_unit_of_convergence() -> None:
    times, points = [10.0, 12.0, 13.5, 18.0], np.array([1.0, 2.0, 3.0, 5.0])
    epochs, tokens = set_spread(times, points), set_spread(times, points * 3e12)
    assert tokens.throughput_ss == pytest.approx(epochs.throughput_ss, rel=1e-9)
    assert epochs.throughput_ss > 1e-4


def test_one_convergence_point_makes_all_variance_throughput() -> None:
    times = np.exp([1.0, 1.1, 1.3])
    spread = set_spread(times, [8.0, 8.0, 8.0])
    # Around the mean 3.4/3: (2/15)² + (1/30)² + (1/6)².
    assert spread.total_ss == pytest.approx(0.0466666667)
    assert (spread.throughput_ss, spread.throughput_df) == (spread.total_ss, 2)
    assert variance_components([spread], [None]).throughput_share == 1.0


def test_unknown_points_count_for_the_variance_alone() -> None:
    known = set_spread([1.0, 2.0, 3.1], [1.0, 2.0, 3.0])
    unknown = set_spread([1.0, 9.0], None)
    found = variance_components([known, unknown], ["cell", "cell"])
    assert found.df == 3
    assert found.variance == pytest.approx((known.total_ss + unknown.total_ss) / 3)
    assert found.throughput_share == variance_components([known], [None]).throughput_share
    assert found.between_variance is None


def test_throughput_variance_is_unbiased_for_few_runs() -> None:
    generator = np.random.default_rng(6)
    spreads = []
    for _ in range(5_000):
        points = generator.integers(8, 12, size=5).astype(float)
        noise = generator.normal(0.0, 0.01, size=5)
        spreads.append(set_spread((1.0 + points) * np.exp(noise), points))
    found = variance_components(spreads, [None] * len(spreads))
    # About 15 000 degrees of freedom: two standard errors are 2.3 %.
    assert found.throughput_variance == pytest.approx(1e-4, rel=0.023)


def nested(generator: np.random.Generator, counts: list[list[int]], sigma_u: float) -> list[SetSpread]:
    """Sets with 0.1 as standard deviation of log C within, and a mean of its own for every cell."""
    return [
        set_spread([1.0] * runs, np.exp(cell + mean + generator.normal(0.0, 0.1, runs)))
        for cell, sizes in enumerate(counts)
        for runs, mean in zip(sizes, generator.normal(0.0, sigma_u, len(sizes)), strict=True)
    ]


@pytest.mark.filterwarnings("ignore:The MLE may be on the boundary")
def test_between_variance_equals_reml_where_sets_are_balanced() -> None:
    import pandas as pd
    import statsmodels.formula.api as smf

    generator = np.random.default_rng(11)
    cells = [cell for cell in range(3) for _ in range(6)]
    logs = [
        cell + mean + generator.normal(0.0, 0.1, 8)
        for cell, mean in zip(cells, generator.normal(0.0, 0.08, 18), strict=True)
    ]
    found = variance_components([set_spread([1.0] * 8, np.exp(values)) for values in logs], cells)
    frame = pd.DataFrame(
        [
            {"log_point": value, "cell": cell, "set": number}
            for number, (cell, values) in enumerate(zip(cells, logs, strict=True))
            for value in values
        ]
    )
    fit = smf.mixedlm("log_point ~ C(cell)", frame, groups="set").fit(reml=True)
    assert found.between_variance == pytest.approx(float(fit.cov_re.iloc[0, 0]), rel=1e-4)
    assert found.between_share == pytest.approx(
        found.between_variance / (found.between_variance + fit.scale), rel=1e-4
    )
    assert found.between_df == 15


def test_between_variance_is_unbiased_where_counts_differ() -> None:
    generator = np.random.default_rng(7)
    counts = [[3, 5, 10, 10], [5, 40], [2, 3, 5, 5, 5]]
    cells = [cell for cell, sizes in enumerate(counts) for _ in sizes]
    estimates = [variance_components(nested(generator, counts, 0.2), cells) for _ in range(400)]
    found = np.array([estimate.between_variance for estimate in estimates])
    assert abs(found.mean() - 0.04) < 3 * found.std() / math.sqrt(found.size)


def test_sets_alone_in_their_cells_say_nothing_of_between() -> None:
    spreads = nested(np.random.default_rng(1), [[5], [5]], 0.0)
    found = variance_components(spreads, ["a", "b"])
    assert (found.between_variance, found.between_share, found.between_df) == (None, None, 0)


def test_nothing_and_single_runs_give_no_figure() -> None:
    empty = variance_components([], [])
    assert (empty.sets, empty.variance, empty.throughput_share) == (0, None, None)
    single = variance_components([set_spread([3.0], [2.0])], ["cell"])
    assert (single.sets, single.df, single.variance, single.convergence_share) == (0, 0, None, None)
    tied = variance_components([set_spread([3.0, 3.0], [2.0, 2.0])], ["cell"])
    assert (tied.variance, tied.throughput_variance, tied.throughput_share) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("times", "points", "error"),
    [
        ([], None, TooFewRunsError),
        ([1.0, math.nan], None, SampleError),
        ([1.0, 0.0], None, SampleError),
        ([1.0, 2.0], [1.0], SampleError),
        ([1.0, 2.0], [1.0, -1.0], SampleError),
        ([[1.0, 2.0]], None, SampleError),
    ],
)
def test_unusable_sets_are_refused(times: list[float], points: list[float] | None, error: type) -> None:
    with pytest.raises(error):
        set_spread(times, points)


def test_a_cell_is_needed_for_every_set() -> None:
    with pytest.raises(StatisticsError, match="1 sets but 0 cells"):
        variance_components([set_spread([1.0, 2.0], None)], [])
