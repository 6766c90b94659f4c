"""What convergence control saves: the controlled interval's width by number of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mlperf_stats.analysis.lenders import Lenders, as_converged_runs
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.analysis.spread import FEWEST_RUNS, Spread
from mlperf_stats.store.database import Store

if TYPE_CHECKING:
    from mlperf_stats.stats.controlled_planning import Borrower, ControlledWidths

Controlled: TypeAlias = "ControlledWidths"
"""How wide controlled intervals are, by number of runs."""

MOST_SETS = 30
"""Sets that are tried: a plan must not take longer than a run."""


def controlled_widths(store: Store, spread: Spread) -> Controlled | None:
    """Widths of the controlled interval, tried on :func:`borrowers`; None where there are none."""
    from mlperf_stats.stats.controlled_planning import ControlledWidths

    found = borrowers(store, spread)
    return ControlledWidths(found) if found else None


def borrowers(store: Store, spread: Spread, most: int = MOST_SETS) -> tuple[Borrower, ...]:
    """Sets with what others say of them: the pilot alone if there is one, else up to ``most`` published
    ones, spread evenly over rounds and submitters.

    Empty where convergence is not logged or nobody is there to borrow from.
    """
    if spread.pilot is not None:
        tried = [spread.pilot]
    else:
        usable = [entry for entry in spread.sets if len(entry.converged) >= FEWEST_RUNS]
        tried = (
            [usable[len(usable) * place // most] for place in range(most)] if len(usable) > most else usable
        )
    lenders = Lenders(store, same_workload([entry.result for entry in (*spread.sets, *tried)]))
    found = []
    for entry in tried:
        own, prior = as_converged_runs(entry), lenders.prior_of(entry)
        if own is not None and prior is not None and prior.convergence.mean is not None:
            found.append((prior, own))
    return tuple(found)
