"""The custom summary result: a weighted geometric mean of one submission's results, with its interval.

Source: MLPerf Training rules, "custom summary result", the only endorsed way to combine results; the results
messaging guidelines ask for the disclosure that every output carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.like_with_like import Difference, allowed, require_comparable
from mlperf_stats.analysis.machines import Catalogue
from mlperf_stats.analysis.summary_parts import Entry, entry_of, require_parts
from mlperf_stats.analysis.summary_reference import ReferenceKind, reference_for
from mlperf_stats.analysis.summary_types import Summary, SummaryRatio
from mlperf_stats.analysis.summary_working import Times, Working
from mlperf_stats.errors import InputError
from mlperf_stats.store.database import Store

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_stats.analysis.wrong_means import WrongMeans

INTERVALS = ("own", "controlled")


@dataclass(frozen=True)
class SummaryReport:
    """Custom summary results of some submissions on the same benchmarks, weights and reference."""

    summaries: tuple[Summary, ...]
    ratios: tuple[SummaryRatio, ...]
    benchmarks: tuple[str, ...]
    weights: tuple[float, ...]
    reference: str
    reference_kind: ReferenceKind
    interval: str
    level: float
    overrides: tuple[Difference, ...]
    wrong: WrongMeans | None = field(default=None)

    @cached_property
    def disclosure(self) -> str:
        """Method, weights and label, as the messaging guidelines ask."""
        from mlperf_stats.analysis.summary_words import disclosure

        return disclosure(self)

    @cached_property
    def citation(self) -> str:
        """Where the components come from and what computed them."""
        from mlperf_stats.analysis.summary_words import citation

        return citation(self)

    @cached_property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """Components, summaries, ratios (and wrong means) as one table."""
        from mlperf_stats.analysis.summary_rows import report_rows

        return tuple(report_rows(self))

    def to_frame(self) -> pd.DataFrame:
        """:attr:`rows` as a DataFrame."""
        import pandas as pd

        from mlperf_stats.analysis.summary_rows import COLUMNS

        return pd.DataFrame.from_records(list(self.rows), columns=list(COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, nested."""
        return {
            "disclosure": self.disclosure,
            "citation": self.citation,
            "benchmarks": list(self.benchmarks),
            "weights": dict(zip(self.benchmarks, self.weights, strict=True)),
            "reference": self.reference,
            "interval": self.interval,
            "level": self.level,
            "overrides": [one.to_dict() for one in self.overrides],
            "summaries": [
                {**asdict(one), "overrides": [other.to_dict() for other in one.overrides]}
                for one in self.summaries
            ],
            "ratios": [asdict(one) for one in self.ratios],
            "wrong": self.wrong.to_dict() if self.wrong else None,
        }

    def to_markdown(self) -> str:
        """An honest paragraph, disclosure and citation included."""
        from mlperf_stats.analysis.summary_words import paragraph

        return paragraph(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def combine(
    store: Store,
    names: Sequence[str],
    *,
    benchmarks: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    reference: str = "",
    reference_exact: bool = False,
    interval: str = "own",
    level: float = 0.95,
    allow: Iterable[str] = (),
    show_wrong: bool = False,
) -> SummaryReport:
    """Combine the results of each submission into one number.

    Args:
        store: Where the submissions are; its other results lend, if the interval is controlled.
        names: Submissions: ids without the benchmark; folders of one machine joined by ``+`` or a glob.
        benchmarks: What to combine; none: all of the first submission.
        weights: By benchmark, in any scale; 1 for those not named.
        reference: ``published``, ``none``, a submission or a file of minutes; empty: published if there is.
        reference_exact: Leave out the uncertainty of a reference submission.
        interval: ``own`` runs alone (Welch-Satterthwaite), or convergence-``controlled``.
        level: Confidence of every interval by itself.
        allow: Differences to take on.
        show_wrong: Add what other means would say.

    Raises:
        CannotCombineError: a benchmark is missing or invalid; ``usable`` lists what would work.
        NotComparableError: folders are not one machine, or submissions differ in what must agree.
        NotFoundError, InputError: a name, weight or option cannot be used.
    """
    from mlperf_stats.analysis.wrong_means import wrong_means

    kinds = allowed(allow)
    _check(names, interval, level, show_wrong)
    catalogue = Catalogue(store)
    entries = [entry_of(store, catalogue.machine(name, kinds)) for name in names]
    _require_distinct(entries)
    chosen = require_parts(entries, benchmarks)
    overrides = _require_alike(entries, chosen, kinds)
    shares = _weights(chosen, weights or {})
    against = reference_for(store, reference, entries, chosen, kinds, exact=reference_exact)
    shared = dict(zip(chosen, shares, strict=True))
    needed = [one.parts[name] for one in entries for name in chosen]
    needed += [part for name in chosen if (part := against.part(name)) is not None]
    times = Times(store, needed, interval)
    workings = [Working(entry, shared, against, times, level) for entry in entries]
    return SummaryReport(
        summaries=tuple(working.summary() for working in workings),
        ratios=tuple(first.ratio_to(second) for first, second in combinations(workings, 2)),
        benchmarks=tuple(chosen),
        weights=tuple(shares),
        reference=against.label,
        reference_kind=against.kind,
        interval=interval,
        level=level,
        overrides=overrides,
        wrong=wrong_means(entries, chosen, shares, against) if show_wrong else None,
    )


def _check(names: Sequence[str], interval: str, level: float, show_wrong: bool) -> None:
    from mlperf_stats.stats.sample import check_level

    check_level(level)
    if not names:
        raise InputError("name a submission: a result's id without the benchmark")
    if interval not in INTERVALS:
        raise InputError(f"--interval {interval!r} is unknown; it is one of {', '.join(INTERVALS)}")
    if show_wrong and len(names) < 2:
        raise InputError("--show-wrong compares orders: name two submissions or more")


def _require_distinct(entries: Sequence[Entry]) -> None:
    labels = [entry.label for entry in entries]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice:
        raise InputError(f"{twice} is named twice; name each submission once")


def _require_alike(
    entries: Sequence[Entry], chosen: Sequence[str], kinds: frozenset[str]
) -> tuple[Difference, ...]:
    found = [one for entry in entries for one in entry.overrides]
    if len(entries) > 1:
        for name in chosen:
            found += require_comparable([entry.parts[name].item for entry in entries], kinds)
    return tuple(dict.fromkeys(found))


def _weights(chosen: Sequence[str], named: Mapping[str, float]) -> list[float]:
    from mlperf_stats.stats.log_sums import normalised_weights

    unknown = [name for name in named if name not in chosen]
    if unknown:
        raise InputError(f"weight for {unknown[0]}, which is not combined; combined are {', '.join(chosen)}")
    return normalised_weights([float(named.get(name, 1.0)) for name in chosen])
