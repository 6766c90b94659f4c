"""Comparisons, summaries, scaling and history, kept for the next reader who asks the same."""

from __future__ import annotations

import glob
from contextlib import ExitStack

import streamlit as st

from mlperf_dashboards.data import Source
from mlperf_dashboards.uploads import laid_down
from mlperf_stats.analysis.compare import Comparison
from mlperf_stats.analysis.compare import compare as _compare
from mlperf_stats.analysis.history import History
from mlperf_stats.analysis.history import history as _history
from mlperf_stats.analysis.profile import Profile
from mlperf_stats.analysis.profile import profile as _profile
from mlperf_stats.analysis.scale import ScaleReport, scale_report
from mlperf_stats.analysis.summary_score import SummaryReport
from mlperf_stats.analysis.summary_score import combine as _combine
from mlperf_stats.store.queries import Filters

_KEPT = 32
REFERENCES = ("published", "none")
"""References that are no submission. A path is never taken from a reader."""

ReferenceFile = tuple[str, bytes]
"""Name and content of a file of reference results that a reader uploaded."""


@st.cache_data(show_spinner="Comparing …", max_entries=_KEPT)
def compare(
    source: Source,
    ids: tuple[str, ...],
    footing: str,
    baseline: str,
    allow: tuple[str, ...],
    margin: float,
    level: float,
) -> Comparison:
    """Ratios of times with intervals that hold together.

    Raises:
        NotComparableError: the results are not alike.
    """
    with source.open() as store:
        return _compare(
            store, ids, footing=footing, baseline=baseline, allow=allow, margin=margin, level=level
        )


@st.cache_data(show_spinner="Combining …", max_entries=_KEPT)
def combine(
    source: Source,
    submissions: tuple[str, ...],
    benchmarks: tuple[str, ...],
    weights: tuple[tuple[str, float], ...],
    reference: str | ReferenceFile,
    interval: str,
    level: float,
    allow: tuple[str, ...],
) -> SummaryReport:
    """One number for each submission.

    Raises:
        CannotCombineError: a benchmark is missing or invalid.
        NotComparableError: the submissions are not alike.
        InputError: the reference file cannot be used.
    """
    with ExitStack() as held:
        store = held.enter_context(source.open())
        if not isinstance(reference, str):
            reference = str(held.enter_context(laid_down(*reference)))
        return _combine(
            store,
            submissions,
            benchmarks=benchmarks,
            weights=dict(weights),
            reference=reference,
            interval=interval,
            level=level,
            allow=allow,
        )


@st.cache_data(show_spinner="Reading the results of this benchmark …", max_entries=_KEPT)
def scale(source: Source, benchmark: str, rounds: tuple[str, ...], price: float | None) -> ScaleReport:
    """Time, accelerator-minutes and cost by accelerator count."""
    with source.open() as store:
        return scale_report(store, filters(benchmark, rounds), price_per_hour=price)


@st.cache_data(show_spinner="Reading the rounds of this benchmark …", max_entries=_KEPT)
def history(source: Source, benchmark: str) -> History:
    """The best of every round."""
    with source.open() as store:
        return _history(store, filters(benchmark))


@st.cache_data(show_spinner="Comparing every system of the round with the best …", max_entries=_KEPT)
def profile(source: Source, round_name: str, per_accelerator: bool, complete_only: bool) -> Profile:
    """On which share of the benchmarks each system is close to the best."""
    with source.open() as store:
        return _profile(
            store,
            filters(rounds=(round_name,)),
            per_accelerator=per_accelerator,
            complete_only=complete_only,
        )


def filters(benchmark: str = "", rounds: tuple[str, ...] = ()) -> Filters:
    """Filters for exactly these names, whatever signs they hold."""
    return Filters(
        benchmarks=(glob.escape(benchmark),) if benchmark else (),
        rounds=tuple(map(glob.escape, rounds)),
    )
