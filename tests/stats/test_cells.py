"""Group and cell likelihoods against brute-force integrals and against REML."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.integrate import quad

from mlperf_stats.stats.cells import Group, cell
from mlperf_stats.stats.controlled import peer_prior
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.effect_grids import (
    LINEAGE_SCALES,
    MEAN_OUTLIER_RATE,
    OUTLIER_PRIOR,
    OUTLIER_RATES,
    OUTLIER_SCALE_WEIGHTS,
    OUTLIER_SCALES,
    SET_KERNEL,
    SET_PRIOR,
    SET_SCALES,
    half_cauchy,
    interval_matched,
)
from mlperf_stats.stats.pool import pool

SPREAD = 0.01


def density(distance: float, sampling: float, scale: float, rate: float) -> float:
    """Of a set's mean around its group's, up to √(2π), as the model states it."""

    def kernel(variance: float) -> float:
        return float(np.exp(-(distance**2) / 2 / variance) / np.sqrt(variance))

    outlying = sum(
        w * kernel(sampling + s**2 * SPREAD)
        for w, s in zip(OUTLIER_SCALE_WEIGHTS, OUTLIER_SCALES, strict=True)
    )
    return (1 - rate) * kernel(sampling + scale**2 * SPREAD) + rate * outlying


@pytest.mark.parametrize("means", [[0.0, 0.01], [0.0, 0.3], [0.0, 0.02, -0.03, 0.5]])
def test_evidence_of_a_group_equals_the_integral(means: list[float]) -> None:
    sampling = np.linspace(0.0008, 0.0012, len(means))
    found = Group(np.array(means), sampling, SPREAD).law
    for i, j in ((0, 0), (4, 1), (8, 2)):

        def product(mean: float, r: int = i, e: int = j) -> float:
            return float(
                np.prod(
                    [
                        density(x - mean, v, SET_SCALES[r], OUTLIER_RATES[e])
                        for x, v in zip(means, sampling, strict=True)
                    ]
                )
            )

        exact = quad(product, -4, 4, points=[*means, 0.1, -0.1], limit=400)[0]
        # Nodes are few where wide laws have their flanks: a likelihood ratio of 1.08 is no evidence.
        assert found.evidence[i, j] == pytest.approx(np.log(exact), abs=0.08)


def test_one_set_says_nothing_of_scales_and_stays_a_mixture() -> None:
    found = Group(np.array([2.0]), np.array([0.001]), SPREAD).law
    assert np.all(found.evidence == 0)
    assert found.weights.sum(0) == pytest.approx(np.ones_like(found.evidence))
    assert found.variances[0, 3, 1] == pytest.approx(0.001 + SET_SCALES[3] ** 2 * SPREAD)
    assert cell(8.0, SPREAD, np.array([2.0]), np.array([0.001]), [""]).evidence is None


def test_cell_density_of_two_lineages_equals_the_double_integral() -> None:
    means, sampling = np.array([0.0, 0.02, 0.1]), np.full(3, 0.001)
    found = cell(8.0, SPREAD, means, sampling, ["a", "a", "b"])
    r, q, at = 3, 4, 0.05
    lineage = LINEAGE_SCALES[q]

    def lineage_density(distance: float) -> float:
        usual = np.exp(-(distance**2) / 2 / (lineage**2 * SPREAD)) / lineage / np.sqrt(SPREAD)
        outlying = sum(
            w * np.exp(-(distance**2) / 2 / (s**2 * SPREAD)) / s / np.sqrt(SPREAD)
            for w, s in zip(OUTLIER_SCALE_WEIGHTS, OUTLIER_SCALES, strict=True)
        )
        return float((1 - MEAN_OUTLIER_RATE) * usual + MEAN_OUTLIER_RATE * outlying)

    def of_first_group(scale: float) -> float:
        total = 0.0
        for rate, share in zip(OUTLIER_RATES, OUTLIER_PRIOR, strict=True):

            def joint(mean: float, rate: float = rate) -> float:
                sets = density(0.0 - mean, 0.001, scale, rate) * density(0.02 - mean, 0.001, scale, rate)
                return sets * lineage_density(mean - at) / np.sqrt(2 * np.pi)

            total += share * quad(joint, -3, 3, points=[0.0, 0.02, at], limit=300)[0]
        return total

    first = sum(SET_KERNEL[r, i] * of_first_group(SET_SCALES[i]) for i in range(SET_SCALES.size))
    # The other group is a single set: both of its effects at once.
    second = sum(
        SET_KERNEL[r, i] * density(0.1 - at, 0.001, np.hypot(SET_SCALES[i], lineage), 0.0)
        for i in range(SET_SCALES.size)
    )
    outlying = density(0.1 - at, 0.001, 1.0, 1.0)
    inlying = (1 - MEAN_OUTLIER_RATE) ** 2
    expected = np.log(first * np.sqrt(2 * np.pi)) + np.log(inlying * second + (1 - inlying) * outlying)
    got = found.log_density(np.array([at - 1e-6, at, at + 1e-6]))[r, q, 1]
    # Up to √(2π) from the lineage effect of the first group, which the code leaves out as well.
    assert got == pytest.approx(expected, abs=0.05)


def test_a_normal_law_is_summarised_as_itself() -> None:
    nodes = np.linspace(-6, 8, 2001)
    weights = np.exp(-((nodes - 1.0) ** 2) / 2 / 0.49)
    for tail in (0.025, 0.16):
        centre, variance = interval_matched(nodes, weights / weights.sum(), tail)
        assert centre == pytest.approx(1.0, abs=1e-6)
        assert variance == pytest.approx(0.49, rel=1e-3)


def test_a_far_and_unlikely_node_does_not_widen_the_summary() -> None:
    nodes = np.append(np.linspace(-5, 5, 1001), 1e4)
    weights = np.append(np.exp(-(np.linspace(-5, 5, 1001) ** 2) / 2), 0.0)
    weights = weights / weights.sum() * 0.999
    weights[-1] = 0.001
    assert interval_matched(nodes, weights)[1] == pytest.approx(1.0, rel=0.02)


def test_priors_and_kernels_are_probabilities() -> None:
    assert SET_PRIOR.sum() == pytest.approx(1.0)
    assert SET_KERNEL.sum(1) == pytest.approx(np.ones(SET_SCALES.size))
    assert half_cauchy(SET_SCALES, 0.5).argmax() > SET_PRIOR.argmax()


@pytest.mark.parametrize("between", [0.0, 0.08])
def test_agrees_with_reml_where_all_is_normal_and_there_are_many_sets(between: float) -> None:
    """What a pool says of a further set: REML's mean, and its variance between sets with the mean's error."""
    rng = np.random.default_rng(17)
    sets, rows = [], []
    for number in range(40):
        work = 3.0 + rng.normal(0, between) + rng.normal(0, 0.1, 10)
        sets.append(ConvergedRuns(work + 1.0, work, 8.0, "", str(number)))
        rows += [(number, value) for value in work]
    frame = pd.DataFrame(rows, columns=["set", "work"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = smf.mixedlm("work ~ 1", frame, groups="set").fit(reml=True)
    prior = peer_prior(pool(sets, 0.01), [], 8.0, "")
    assert prior is not None
    law = prior.convergence.mean
    assert law is not None
    low, high = law.quantile(np.array([0.16, 0.84]))
    deviation = np.sqrt(float(fit.cov_re.iloc[0, 0]) + float(fit.bse_fe.iloc[0]) ** 2)
    assert (low + high) / 2 == pytest.approx(float(fit.fe_params.iloc[0]), abs=0.2 * 0.1 / np.sqrt(40))
    # Where there is no variance between sets, REML reports what chance suggests; the prior draws it to 0.
    assert (high - low) / 2 == pytest.approx(deviation, rel=0.2, abs=0.008)
    assert prior.convergence.spread == pytest.approx(float(fit.scale), rel=0.05)
