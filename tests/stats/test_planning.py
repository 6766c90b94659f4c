"""Planned widths and powers: published numbers, closed forms against simulation, promises kept."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.expected_score import expected_score_bounds
from mlperf_stats.stats.laws import LogTimeLaw, lognormal_law, resampled_law
from mlperf_stats.stats.order_statistics import order_statistics_bounds
from mlperf_stats.stats.planning import (
    WidthQuestion,
    assurance,
    half_width,
    median_runs,
    runs_for_width,
    simulated_half_widths,
    width_curve,
)
from mlperf_stats.stats.power import (
    Contrast,
    detection_power,
    mann_whitney_total_runs,
    rank_power,
    runs_for_power,
    runs_for_rank_power,
    sign_test_runs,
    superiority_runs,
)
from mlperf_stats.stats.t_log import t_log_bounds

EPOCHS = np.repeat(np.log(np.arange(17, 27)), [2, 8, 15, 20, 18, 14, 10, 7, 4, 2])


def test_noether() -> None:
    """Values of R's ANSM5 for the sign test; totals of both samples for Mann-Whitney."""
    assert sign_test_runs(0.7534, 0.05, 0.9) == pytest.approx(33.342312, abs=1e-6)
    assert sign_test_runs(0.8, 0.025, 0.9) == pytest.approx(29.187286, abs=1e-6)
    assert mann_whitney_total_runs(0.7534, 0.05, 0.9) == pytest.approx(44.46, abs=0.005)
    assert mann_whitney_total_runs(0.8, 0.025, 0.9) == pytest.approx(38.92, abs=0.005)


def test_bouthillier() -> None:
    assert superiority_runs(0.75) == pytest.approx(28.86, abs=0.005)


def test_size_ci_median() -> None:
    """statpsych: size.ci.median(.05, 264.4, 10, 1) = 64, distribution 3 (Laplace): 21."""
    assert median_runs(264.4, 10) == 64
    assert median_runs(264.4, 10, law="laplace") == 21


def test_power_of_lognormal_times_is_the_noncentral_t() -> None:
    law, ratio, runs = lognormal_law(0.05), 1.05, 12
    shift = math.log(ratio) / (0.05 * math.sqrt(2 / runs))
    critical = student.ppf(0.975, 2 * runs - 2)
    exact = nct.sf(critical, 2 * runs - 2, shift) + nct.cdf(-critical, 2 * runs - 2, shift)
    assert detection_power(law, Contrast(ratio), runs) == pytest.approx(exact, abs=0.012)
    assert detection_power(law, Contrast(ratio, sides=1), runs) > exact
    # 65 runs are the first that use the normal law: no step.
    near = [detection_power(law, Contrast(1.02), runs, repetitions=40_000) for runs in (64, 65)]
    assert near[0] == pytest.approx(near[1], abs=0.012)


def test_runs_for_power() -> None:
    law = lognormal_law(0.05)
    found = runs_for_power(law, Contrast(1.03), 0.9)
    approximate = 2 * ((1.96 + 1.2816) * 0.05 / math.log(1.03)) ** 2
    assert found == pytest.approx(approximate, abs=3)
    assert runs_for_power(law, Contrast(1.03, sides=1), 0.9) < found
    assert runs_for_power(law, Contrast(1.0, margin=0.05), 0.9) < runs_for_power(
        law, Contrast(1.0, margin=0.03), 0.9
    )
    assert runs_for_power(lognormal_law(0.05, df=6), Contrast(1.03), 0.9) > found


def test_ties_are_no_evidence() -> None:
    still = LogTimeLaw(0.01, sets=((0.0, 0.0, 0.0), (0.0, 0.0)))
    assert detection_power(still, Contrast(1.5), 5) == 0
    # Nor where power is not simulated, nor where logarithms of equal times round: three sets of four tie,
    # so that in (3/4)² of all pairs of systems neither has a spread.
    tied = [math.log(912.842821700444)] * 10
    law = resampled_law([tied, tied[:7], tied[:5], [1.0, 1.05, 0.98, 1.02]])
    for contrast in (Contrast(1.05), Contrast(1.0, 0.05)):
        simulated, normal = (detection_power(law, contrast, runs) for runs in (64, 65))
        assert simulated == pytest.approx(1 - 9 / 16, abs=0.02)
        assert normal == pytest.approx(1 - 9 / 16, abs=0.02)


def test_closed_form_of_the_geometric_mean_is_what_simulation_says() -> None:
    question = WidthQuestion("geometric-mean")
    for df in (math.inf, 7.0):
        law = lognormal_law(0.06, df)
        draws = np.sort(np.exp(law.draw(np.random.default_rng(1), 40_000, 8)), axis=1)
        estimate, low, high = t_log_bounds(draws, 0.95)
        promised = half_width(law, 8, question)
        assert np.mean((high - low) / 2 / estimate <= promised) == pytest.approx(0.8, abs=0.01)
        assert assurance(law, 8, promised, question) == pytest.approx(0.8)


@pytest.mark.parametrize("runs", [3, 5, 10, 24, 40])
@pytest.mark.parametrize("estimand", ["expected-score", "median"])
@pytest.mark.parametrize("name", ["lognormal", "epochs"])
def test_assurance_is_kept(name: str, estimand: str, runs: int) -> None:
    """Promised against reached by the intervals themselves: within 2 points."""
    law = lognormal_law(0.06) if name == "lognormal" else resampled_law([EPOCHS])
    question = WidthQuestion(estimand)
    if estimand == "median" and runs < 6:
        assert half_width(law, runs, question) == math.inf
        return
    ordered = np.sort(np.exp(law.draw(np.random.default_rng(runs), 20_000, runs)), axis=1)
    scored = estimand == "expected-score"
    bounds = expected_score_bounds(ordered, 10, 1, 0.95) if scored else order_statistics_bounds(ordered, 0.95)
    estimate, low, high = bounds
    widths = (high - low) / 2 / estimate
    wanted = float(np.mean(np.quantile(widths, [0.8, 0.83]))) + 1e-9
    assert assurance(law, runs, wanted, question) == pytest.approx(np.mean(widths <= wanted), abs=0.02)


def test_smallest_runs_and_curve() -> None:
    law, question = lognormal_law(0.06, 8), WidthQuestion()
    found = runs_for_width(law, 0.025, question)
    assert half_width(law, found, question) <= 0.025 < half_width(law, found - 1, question)
    curve = width_curve(law, (3, 5, 10, 40), question)
    assert [width for _, width in curve] == sorted((width for _, width in curve), reverse=True)
    many = runs_for_width(lognormal_law(0.3), 0.025, question)
    assert many == pytest.approx((1.96 * 0.3 / 0.025) ** 2 * 1.05, rel=0.12)


def test_rank_power_is_noether_s_and_counts_what_ties_hide() -> None:
    contrast, law = Contrast(1.03), lognormal_law(0.05)
    faster = NormalDist().cdf(math.log(1.03) / (0.05 * math.sqrt(2)))
    assert runs_for_rank_power(law, contrast, 0.9) == math.ceil(
        mann_whitney_total_runs(faster, 0.025, 0.9) / 2
    )
    # Three runs against three have an exact two-sided p of 2 / 20 at least, four of 2 / 70.
    assert rank_power(lognormal_law(0.0001), contrast, 3) == 0.0
    assert rank_power(lognormal_law(0.0001), contrast, 4) > 0.5
    times = 0.001 * np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 1.0, 0.0]])
    tied = resampled_law(times, steps=[[0.1] * 3] * 3)
    by_test = [runs_for_power(tied, Contrast(1.01), 0.9), runs_for_rank_power(tied, Contrast(1.01), 0.9)]
    # A step of a tenth in both: (1.96 + 1.2816)² · 2 · 2 · 0.1² / (n + 1) = n · log(1.01)² at n = 65.
    assert by_test[0] == pytest.approx(65, rel=0.1)
    near = [detection_power(tied, Contrast(1.01), runs) for runs in (64, 65)]
    assert near[0] == pytest.approx(near[1], abs=0.02)
    # Rank tests have 3 / π of the efficiency for normal times.
    assert by_test[1] == pytest.approx(by_test[0], rel=0.1)
    with pytest.raises(StatisticsError, match="shows differences"):
        runs_for_rank_power(law, Contrast(1.0, 0.02), 0.9)


@pytest.mark.parametrize("name", ["lognormal", "epochs"])
def test_more_runs_keep_what_is_promised_of_the_median(name: str) -> None:
    """The exact interval of 10 runs has ranks 2 and 9, of 11 ranks 2 and 10: wider."""
    law = lognormal_law(0.06) if name == "lognormal" else resampled_law([EPOCHS])
    question = WidthQuestion("median")
    alone = {n: simulated_half_widths(law, n, question).quantile(0.8) for n in range(6, 65)}
    assert alone[10] < alone[11] <= half_width(law, 10, question)
    promised = [half_width(law, n, question) for n in (6, 7, 8, 9, 10, 11, 12, 20, 40, 63, 64, 65, 100)]
    assert promised == sorted(promised, reverse=True)
    wanted = 1.001 * alone[9]
    found = runs_for_width(law, wanted, question)
    assert found > 9
    assert all(alone[n] <= wanted for n in range(found, 65))


def test_pilot_chooses_the_sets_that_are_like_it() -> None:
    rng = np.random.default_rng(4)
    sets = [0.01 * rng.standard_normal(10) for _ in range(10)] + [
        0.1 * rng.standard_normal(10) for _ in range(10)
    ]
    pilot = 0.01 * rng.standard_normal(8)
    law = resampled_law(sets, pilot)
    assert sum(law.weights[10:20]) < 0.001
    assert law.typical_spread == pytest.approx(0.01, rel=0.4)
    assert resampled_law(sets).typical_spread > 0.03
    unlike_all = resampled_law(sets, 5.0 * rng.standard_normal(30))
    assert unlike_all.weights[-1] > 0.99


@pytest.mark.parametrize(
    "ask",
    [
        lambda law: runs_for_width(law, 0.0, WidthQuestion()),
        lambda law: runs_for_width(law, 0.02, WidthQuestion(assurance=1.0)),
        lambda law: runs_for_width(law, 0.02, WidthQuestion(level=1.0)),
        lambda law: runs_for_width(law, 0.02, WidthQuestion("mode")),
        lambda law: runs_for_width(law, 0.00001, WidthQuestion()),
        lambda law: half_width(law, 1, WidthQuestion()),
        lambda law: half_width(law, 3, WidthQuestion(scored_runs=2, dropped=1)),
        lambda law: runs_for_power(law, Contrast(1.03), 1.0),
        lambda law: runs_for_power(law, Contrast(1.03), 0.01),
        lambda law: runs_for_power(law, Contrast(1.0), 0.9),
        lambda law: runs_for_power(law, Contrast(1.1, margin=0.05), 0.9),
        lambda law: detection_power(law, Contrast(1.03), 1),
        lambda law: sign_test_runs(0.5, 0.05, 0.9),
        lambda law: mann_whitney_total_runs(0.7, 0.05, 0.9, share=0),
        lambda law: median_runs(0, 10),
        lambda law: median_runs(1, 1, law="cauchy"),
        lambda law: lognormal_law(0.0),
        lambda law: resampled_law([np.array([1.0])]),
    ],
)  # fmt: skip
def test_impossible_requests_say_what_is_possible(ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StatisticsError, match=r".{20,}"):
        ask(lognormal_law(0.05))
