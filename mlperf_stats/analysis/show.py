"""Everything about one result: its runs, evaluations, problems and sources."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.analysis.results import result_row
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL, STATISTICS_VERSION, with_summary
from mlperf_stats.errors import NotFoundError
from mlperf_stats.rules.scoring import Score, score
from mlperf_stats.rules.suite import Benchmark, rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import (
    StoredResult,
    StoredRun,
    duplicate_hashes,
    evaluations_of,
    find_by_id,
    result_ids,
    runs_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_stats.stats.controlled_estimate import ControlledEstimate

_SUGGESTED = 5


@dataclass(frozen=True)
class RunDetail:
    """One run of a result with all that is known of it."""

    run: StoredRun
    role: str
    """What the score does with it: ``counts``, ``dropped fast``, ``dropped slow`` or ``not used``."""
    evaluations: tuple[dict[str, Any], ...]
    """In the order of the log: number, elapsed_ms, point, value, metric, after_stop."""
    identical_to: tuple[str, ...]
    """``result_id path`` of other run files with the same bytes."""


@dataclass(frozen=True)
class ResultDetail:
    """One result in full."""

    row: dict[str, Any]
    """Its line of the results table."""
    result: StoredResult
    benchmark: Benchmark
    """The rules that score it."""
    score: Score
    runs: tuple[RunDetail, ...]
    level: float
    controlled: ControlledEstimate | None = None
    """With whom it borrowed from; only where it was asked for."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, nested: the row, the system as filed, and every run."""
        described = asdict(self.result)
        for name in ("layer", "result_key", "summary"):
            described.pop(name)
        return {
            "level": self.level,
            "result": self.row,
            "source": described,
            "controlled": self.controlled.to_dict() if self.controlled else None,
            "runs": [
                {
                    **asdict(detail.run),
                    "role": detail.role,
                    "identical_to": list(detail.identical_to),
                    "evaluations": [dict(item) for item in detail.evaluations],
                }
                for detail in self.runs
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per run."""
        import pandas as pd

        rows = [{**asdict(detail.run), "role": detail.role} for detail in self.runs]
        return pd.DataFrame(rows).drop(columns=["problems"])

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def show_result(
    store: Store, result_id: str, *, level: float = DEFAULT_LEVEL, lenders: bool = True
) -> ResultDetail:
    """The result with this id, or with the only id that contains the text or fits the glob.

    ``lenders``: also say with whom the controlled estimate borrowed, which reads the whole workload.

    Raises:
        NotFoundError: none or several fit; the message names some.
    """
    result = find_result(store, result_id, level)
    runs = runs_of(store, [result]).get(result.key, [])
    summary = with_summary(store, result, level)
    row = result_row(result, summary)
    detail = detail_of(result, row, runs, evaluations_of(store, result), duplicate_hashes(store, runs), level)
    if not lenders or row["controlled_minutes"] is None:
        return detail
    estimates = ControlledEstimates(store, same_workload([result]))
    return replace(detail, controlled=estimates.of(result.key, level))


def detail_of(
    result: StoredResult,
    row: dict[str, Any],
    runs: Sequence[StoredRun],
    evaluations: Mapping[int, Sequence[dict[str, Any]]],
    duplicates: Mapping[str, Sequence[tuple[str, str]]],
    level: float,
) -> ResultDetail:
    """What is known of a result, put together and scored.

    Args:
        result: The result.
        row: Its line of the results table at ``level``.
        runs: All its runs.
        evaluations: Of the runs by run key; runs that are not in it come without.
        duplicates: From :func:`~mlperf_stats.store.queries.duplicate_hashes`.
        level: Confidence level.
    """
    benchmark = rules_for(result.round, result.benchmark, len(runs))
    scored = score(
        [run.minutes for run in runs],
        [run.status for run in runs],
        benchmark,
        result.scaling_factor,
        [run.start_ms for run in runs],
    )
    details = tuple(
        RunDetail(
            run,
            _role(scored, number),
            tuple(evaluations.get(run.run_key, ())),
            tuple(
                f"{other} {path}"
                for other, path in duplicates.get(run.content_hash, ())
                if (other, path) != (result.result_id, run.path)
            ),
        )
        for number, run in enumerate(runs)
    )
    return ResultDetail(row, result, benchmark, scored, details, level)


def find_result(
    store: Store, text: str, level: float = DEFAULT_LEVEL, *, or_logs: bool = False
) -> StoredResult:
    """The result that ``text`` names: an id, a part of one, or a glob that only one id fits.

    It comes with its stored summary at ``level``, if there is one. With ``or_logs`` a path would have done
    as well, and the message says that there is none.

    Raises:
        NotFoundError: none or several fit; the message names some.
    """
    computed_by = STATISTICS_VERSION
    exact = find_by_id(store, text, level=level, computed_by=computed_by)
    if exact:
        return exact
    ids = result_ids(store)
    wanted = text.strip().strip("/").lower()
    fitting = _fitting(ids, wanted) or _fitting(ids, f"*{wanted}*")
    if len(fitting) == 1:
        exact = find_by_id(store, fitting[0], level=level, computed_by=computed_by)
    if exact:
        return exact
    no_path = f"no file or folder {text!r}, and " if or_logs and not fitting else ""
    raise NotFoundError(f"{no_path}{_not_one(text, fitting, ids)}")


def _fitting(ids: Sequence[str], pattern: str) -> list[str]:
    """The ids that fit a glob as a whole, case aside."""
    return [name for name in ids if fnmatch.fnmatchcase(name.lower(), pattern)]


def _not_one(text: str, fitting: Sequence[str], ids: Sequence[str]) -> str:
    if fitting:
        some = ", ".join(fitting[:_SUGGESTED])
        more = f" and {len(fitting) - _SUGGESTED} more" if len(fitting) > _SUGGESTED else ""
        return f"{text!r} fits {len(fitting)} results: {some}{more}; name one of them"
    close = get_close_matches(text, ids, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(close)}?" if close else "'mlperf-stats results' lists them all"
    return f"no result has the id {text!r}; {hint}"


def _role(scored: Score, number: int) -> str:
    if number in scored.kept:
        return "counts"
    if number in scored.dropped_fast:
        return "dropped fast"
    if number in scored.dropped_slow:
        return "dropped slow"
    return "not used"
