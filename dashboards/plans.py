"""Plans of runs, kept for the next reader who asks the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mlperf_dashboards.data import Source
from mlperf_dashboards.trials import Trial
from mlperf_stats.analysis.audit import plan_audit
from mlperf_stats.analysis.plan import Plan, plan_detect, plan_width
from mlperf_stats.analysis.plan_controlled import controlled_widths
from mlperf_stats.analysis.plan_cost import plan_cost, plan_valid, price_of
from mlperf_stats.analysis.spread import Spread, benchmark_spread, pilot_set, pilot_step

if TYPE_CHECKING:
    from mlperf_stats.analysis.plan_controlled import Controlled
    from mlperf_stats.store.database import Store

_KEPT = 32


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
def _known(basis: Basis) -> Spread:
    """The spread of single runs."""
    with basis.source.open() as store:
        return basis.spread(store)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _trial(basis: Basis) -> Trial:
    """How wide controlled intervals are."""
    spread = _known(basis)

    def read() -> Controlled | None:
        with basis.source.open() as store:
            return controlled_widths(store, spread)

    return Trial(read)


def width(basis: Basis, half_width: float, level: float, assurance: float) -> tuple[Plan, bool]:
    """Runs for an interval so narrow, and whether the controlled estimate is in it; else it will be soon."""
    own = _own_width(basis, half_width, level, assurance)
    # Only now, so that the page need not share the processor with the trial.
    if not is_tried(basis, level):
        return own, False
    return _width(basis, half_width, level, assurance), True


def is_tried(basis: Basis, level: float) -> bool:
    """Whether it is known how wide controlled intervals of that level are."""
    return _trial(basis).is_done(level)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def _own_width(basis: Basis, half_width: float, level: float, assurance: float) -> Plan:
    return plan_width(_known(basis), half_width, level=level, assurance=assurance)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def _width(basis: Basis, half_width: float, level: float, assurance: float) -> Plan:
    controlled = _trial(basis).found
    return plan_width(_known(basis), half_width, level=level, assurance=assurance, controlled=controlled)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def detect(basis: Basis, difference: float, power: float, level: float, margin: float | None) -> Plan:
    """Runs per system to show a difference, or with a margin that there is none."""
    spread = _known(basis)
    return plan_detect(spread, difference, power=power, equivalence=margin, level=level)


@st.cache_data(show_spinner="Planning …", max_entries=_KEPT)
def valid(basis: Basis, rate: float | None) -> Plan:
    """Launches for a valid result."""
    spread = _known(basis)
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
    spread = _known(basis)
    return plan_cost(spread, half_width, price_of(spread, minutes, accelerators, price))


@st.cache_data(show_spinner="Auditing every benchmark …", max_entries=4)
def audit(source: Source) -> Plan:
    """What the official numbers of runs buy."""
    with source.open() as store:
        return plan_audit(store)
