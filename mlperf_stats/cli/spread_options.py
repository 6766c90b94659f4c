"""The options that say from which runs to plan: the benchmark's published ones, a pilot, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from mlperf_stats.cli.completion import complete_result
from mlperf_stats.cli.options import (
    Database,
    Texts,
    benchmark_option,
    number_option,
    round_option,
    text_option,
)
from mlperf_stats.cli.parameters import OptionGroup

if TYPE_CHECKING:
    from mlperf_stats.analysis.spread import Spread
    from mlperf_stats.stats.controlled_planning import ControlledWidths
    from mlperf_stats.store import Store


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """Which runs to plan from."""

    benchmark: str
    rounds: tuple[str, ...]
    gbs: int | None
    pilot: str | None
    """A result's id, or a folder or archive of logs."""

    def read(self, database: Database) -> Spread:
        """The spread of single runs.

        Raises:
            InputError: nothing to plan from is named, or the pilot cannot be used.
            NotFoundError: there are no such runs; the message says what there is.
        """
        with database.open() as store:
            return self._spread(store)

    def read_controlled(self, database: Database) -> tuple[Spread, ControlledWidths | None]:
        """The same, with how wide controlled intervals are."""
        from mlperf_stats.analysis.plan_controlled import controlled_widths

        with database.open() as store:
            spread = self._spread(store)
            return spread, controlled_widths(store, spread)

    def _spread(self, store: Store) -> Spread:
        from mlperf_stats.analysis.spread import spread_for

        pilot = self.pilot and self.pilot.replace("…", "*")
        return spread_for(store, self.benchmark, rounds=self.rounds, gbs=self.gbs, pilot=pilot)


def _basis(
    benchmark: Annotated[str, benchmark_option()] = "",
    rounds: Annotated[Texts, round_option("Only published runs of it.")] = None,
    gbs: Annotated[int | None, number_option("--gbs", "Only published runs at this batch size.")] = None,
    pilot: Annotated[
        str | None,
        text_option(
            "--pilot", "Your own runs, weighed with published ones.", complete_result, "RESULT_ID|FOLDER"
        ),
    ] = None,
) -> PlanBasis:
    return PlanBasis(benchmark, tuple(rounds or ()), gbs, pilot)


SpreadOptions = Annotated[PlanBasis, OptionGroup(_basis)]
