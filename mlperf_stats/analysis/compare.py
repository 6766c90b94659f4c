"""Is A faster than B? — ratios of times that hold together, on a named footing, with ranks that know ties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.compare_rows import PAIR_COLUMNS, RANK_COLUMNS, Group, pair_rows, rank_rows
from mlperf_stats.analysis.contests import Contest, contests
from mlperf_stats.analysis.footings import SENTENCES, Footed, Footing, footed
from mlperf_stats.analysis.lenders import Lenders
from mlperf_stats.analysis.like_with_like import Difference, gathered, other_facts
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_stats.stats.log_means import LogMean

DEFAULT_MARGIN = 0.02
"""The rules' own allowance for noise between preview and available."""

FAMILIES = ("benchmark", "all")


@dataclass(frozen=True)
class Comparison:
    """What was compared and what came out: a row per pair, and ranks where all pairs were compared."""

    pairs: tuple[dict[str, Any], ...]
    ranks: tuple[dict[str, Any], ...]
    footing: Footing
    level: float
    multiplicity: str
    family: str
    margin: float
    baseline: str
    overrides: tuple[Difference, ...]
    """Differences that the user took on; they stand in every output."""
    differences: tuple[Difference, ...]
    """Differences that have to be named, with the benchmarks that show them."""
    at: dict[str, str]
    """Training progress that times are taken at, by benchmark; empty as run."""
    left_out: tuple[str, ...] = ()
    """Ids of results that the filters fit and that have no run that converged."""
    columns: tuple[str, ...] = PAIR_COLUMNS

    def to_frame(self) -> pd.DataFrame:
        """A row per pair, with :data:`PAIR_COLUMNS`."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.pairs), columns=list(self.columns))

    def ranks_frame(self) -> pd.DataFrame:
        """A row per result, with :data:`RANK_COLUMNS`; empty against a baseline."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.ranks), columns=list(RANK_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "footing": str(self.footing),
            "estimand": SENTENCES[self.footing],
            "level": self.level,
            "multiplicity": self.multiplicity,
            "family": self.family,
            "margin": self.margin,
            "baseline": self.baseline,
            "overrides": [one.to_dict() for one in self.overrides],
            "differences": [one.to_dict() for one in self.differences],
            "at": self.at,
            "left_out": list(self.left_out),
            "pairs": [dict(row) for row in self.pairs],
            "ranks": [dict(row) for row in self.ranks],
        }

    def to_markdown(self) -> str:
        """An honest paragraph, without the table."""
        from mlperf_stats.analysis.compare_words import paragraph

        return paragraph(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def compare(
    store: Store,
    names: Sequence[str] = (),
    filters: Filters | None = None,
    *,
    gbs: int | None = None,
    footing: str = Footing.AS_RUN,
    baseline: str = "",
    allow: Iterable[str] = (),
    margin: float = DEFAULT_MARGIN,
    level: float = 0.95,
    multiplicity: str = "max-t",
    family: str = "benchmark",
) -> Comparison:
    """Compare results of one benchmark, or systems over all benchmarks they share.

    Args:
        store: Whose other results lend their spread as well.
        names: Results or systems, two or more; none: all that fit the filters, by round, benchmark, division.
        filters: Which results count.
        gbs: Only those of this global batch size.
        footing: A :class:`Footing`.
        baseline: One of the names: compare all others with it, instead of all pairs.
        allow: Differences to take on; see :data:`mlperf_stats.analysis.like_with_like.KINDS`.
        margin: What counts as equal, as a share.
        level: Confidence of all intervals of the family together.
        multiplicity: ``max-t`` or ``holm``.
        family: What is one family: each ``benchmark`` (of a round and division), or ``all`` comparisons.

    Raises:
        NotComparableError: the results differ in what must agree, or the footing cannot be had.
        NotFoundError: a name fits nothing.
        InputError: too few names, or an option is not one of its values.
    """
    chosen = _footing(footing)
    _check_options(multiplicity, family)
    found = contests(store, names, filters or Filters(), allow, gbs)
    lenders = Lenders(store, same_workload([result for one in found for result in one.results]))
    by_key = {item.result.key: item for item in lenders.sets}
    groups = [
        Group(one, items, footed(lenders, items, chosen), _pairs(one, baseline))
        for one in found
        for items in [[by_key[result.key] for result in one.results]]
    ]
    asked = {"level": level, "margin": margin, "multiplicity": multiplicity}
    batches = [groups] if family == "all" else [[group] for group in groups]
    for batch in batches:
        _compare_batch(batch, asked)
    return _comparison(groups, chosen, baseline, family, asked)


def _footing(text: str) -> Footing:
    for known in Footing:
        if text in (str(known), str(known).removesuffix("-convergence")):
            return known
    raise InputError(f"--footing {text!r} is unknown; it is one of {', '.join(Footing)}")


def _check_options(multiplicity: str, family: str) -> None:
    if multiplicity not in ("max-t", "holm"):
        raise InputError(f"--multiplicity {multiplicity!r} is unknown; it is max-t or holm")
    if family not in FAMILIES:
        raise InputError(f"--family {family!r} is unknown; it is one of {', '.join(FAMILIES)}")


def _pairs(contest: Contest, baseline: str) -> list[tuple[int, int]]:
    count = len(contest.results)
    if not baseline:
        return list(combinations(range(count), 2))
    base = contest.position(baseline)
    if base is None:
        raise NotFoundError(
            f"baseline {baseline!r} fits none, or several, of what is compared: "
            f"{', '.join(contest.labels[:5])}"
        )
    return [(number, base) for number in range(count) if number != base]


def _compare_batch(batch: Sequence[Group], asked: dict[str, Any]) -> None:
    """Compare the pairs of some benchmarks as one family."""
    import numpy as np

    from mlperf_stats.stats.simultaneous import Multiplicity, compare_means

    pairs: list[tuple[int, int]] = []
    means: list[LogMean] = []
    offset = 0
    for group in batch:
        pairs += [(first + offset, second + offset) for first, second in group.pairs]
        means += group.footed.means
        offset += len(group.items)
    if not pairs:
        return
    compared = compare_means(
        means,
        np.array(pairs),
        level=asked["level"],
        margin=asked["margin"],
        multiplicity=Multiplicity(asked["multiplicity"]),
        shared=_shared(batch),
    )
    for group in batch:
        group.compared, compared = compared[: len(group.pairs)], compared[len(group.pairs) :]
        group.family_size = len(pairs)


def _shared(batch: Sequence[Group]) -> Any:
    """The errors of reference points, their groups numbered through the batch."""
    from mlperf_stats.stats.simultaneous import SharedError

    parts = [group.footed.shared for group in batch]
    groups: list[int] = []
    variances: list[float] = []
    dfs: list[float] = []
    for part in parts:
        if part is None:
            return None
        groups += [number + len(variances) for number in part.groups]
        variances += part.variances
        dfs += part.dfs
    return SharedError(tuple(groups), tuple(variances), tuple(dfs))


def _comparison(
    groups: Sequence[Group], footing: Footing, baseline: str, family: str, asked: dict[str, Any]
) -> Comparison:
    places = _places(groups)
    overrides = gathered({place: group.contest.overrides for place, group in places.items()})
    differing = {place: other_facts(group.items) for place, group in places.items()}
    common = {
        "footing": str(footing),
        **asked,
        "family": family,
    }
    pairs, ranks = [], []
    for place, group in places.items():
        plural = "s" if group.family_size > 1 else ""
        common["family"] = f"{family}, {group.family_size} comparison{plural}"
        common["overrides"] = [str(one) for one in group.contest.overrides]
        common["differences"] = [str(one) for one in differing[place]]
        rows = pair_rows(group, common)
        pairs += rows
        if not baseline:
            ranks += rank_rows(group, rows, common)
    at = {group.contest.benchmark: _progress(group.footed) for group in groups if group.footed.at}
    return Comparison(
        tuple(pairs), tuple(ranks), footing, asked["level"], asked["multiplicity"], family, asked["margin"],
        baseline, overrides, gathered(differing), at,
        tuple(name for group in groups for name in group.contest.left_out),
    )  # fmt: skip


def _places(groups: Sequence[Group]) -> dict[str, Group]:
    """The groups by benchmark, or by round, division and benchmark where a benchmark occurs twice."""
    names = [group.contest.benchmark for group in groups]
    if len(set(names)) == len(names):
        return dict(zip(names, groups, strict=True))
    return {
        f"{first.round}/{first.division}/{group.contest.benchmark}": group
        for group in groups
        for first in group.contest.results[:1]
    }


def _progress(found: Footed) -> str:
    values = dict.fromkeys(f"{value:.4g}" for value in found.at)
    return f"{' / '.join(list(values)[:4])} {found.unit}s"
