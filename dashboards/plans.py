"""Plans of runs, kept for the next reader who asks the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_dashboards.data import Source
from mlperf_stats.analysis.audit import plan_audit
from mlperf_stats.analysis.plan import Plan, plan_detect, plan_width
from mlperf_stats.analysis.plan_controlled import borrowers
from mlperf_stats.analysis.plan_cost import plan_cost, plan_valid, price_of
from mlperf_stats.analysis.spread import Spread, benchmark_spread, pilot_set, pilot_step

if TYPE_CHECKING:
    from mlperf_stats.store.database import Store

_KEPT = 32
USUAL_WIDTH = 0.025
"""Half-width that the page opens with."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The runs to plan from: published ones of a benchmark, or of the pilot's."""

    source: Source
    benchmark: str
    pilot: str | None
    """Id of a result; a path is never taken from a reader."""

    def spread(self, store: Store) -> Spread:
        """How single runs scatter.

        Raises:
            InputError: the pilot cannot be used, or there are too few runs.
        """
        own = pilot_set(store, self.pilot) if self.pilot else None
        name = own.result.benchmark if own else self.benchmark
        step = pilot_step(store, own) if own else None
        return benchmark_spread(store, name, pilot=own, pilot_step=step)


@st.cache_resource(show_spinner="Reading how much runs scatter …", max_entries=_KEPT)
def _known(basis: Basis) -> tuple[Spread, tuple[Any, ...]]:
    """The spread of single runs, and what results lend each other."""
    with basis.source.open() as store:
        spread = basis.spread(store)
        return spread, tuple(borrowers(store, spread))


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def _usual(basis: Basis, level: float, assurance: float) -> Plan:
    """For the usual width, with the curve over numbers of runs, which is the same for every width."""
    spread, lent = _known(basis)
    return plan_width(spread, USUAL_WIDTH, level=level, assurance=assurance, borrowers=lent)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def width(basis: Basis, half_width: float, level: float, assurance: float) -> Plan:
    """Runs for an interval so narrow."""
    usual = _usual(basis, level, assurance)
    if half_width == USUAL_WIDTH:
        return usual
    spread, lent = _known(basis)
    plan = plan_width(spread, half_width, level=level, assurance=assurance, borrowers=lent, with_curve=False)
    return replace(plan, curve=usual.curve)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def detect(basis: Basis, difference: float, power: float, level: float, margin: float | None) -> Plan:
    """Runs per system to show a difference, or with a margin that there is none."""
    spread, _ = _known(basis)
    return plan_detect(spread, difference, power=power, equivalence=margin, level=level)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def valid(basis: Basis, rate: float | None) -> Plan:
    """Launches for a valid result."""
    spread, _ = _known(basis)
    return plan_valid(spread, rate=rate)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def cost(
    basis: Basis,
    half_width: float,
    minutes: float | None,
    accelerators: int | None,
    price: float | None,
) -> Plan:
    """Runs, launches and their bill."""
    spread, _ = _known(basis)
    return plan_cost(spread, half_width, price_of(spread, minutes, accelerators, price))


@st.cache_data(show_spinner="Auditing every benchmark …", max_entries=4)
def audit(source: Source) -> Plan:
    """What the official numbers of runs buy."""
    with source.open() as store:
        return plan_audit(store)
