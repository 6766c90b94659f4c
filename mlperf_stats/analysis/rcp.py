"""Did it converge better than the reference? — the RCP test of results, its exact companion, its power."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.show import find_result
from mlperf_stats.errors import (
    InputError,
    NoReferenceError,
    RoundUnknownError,
    StatisticsError,
    UnknownBenchmarkError,
)
from mlperf_stats.model import RunStatus
from mlperf_stats.rules.rcp import Basis, RcpResult, Variant, Verdict, exact_p_value, limit_at, rcp_test
from mlperf_stats.rules.rcp_data import ReferenceSet, reference_set
from mlperf_stats.rules.suite import require_rounds
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import StoredResult, StoredRun, list_results, runs_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "result_id",
    "benchmark",
    "gbs",
    "runs",
    "runs_converged",
    "verdict",
    "basis",
    "mean",
    "unit",
    "reference_mean",
    "reference_sd",
    "reference_values",
    "limit",
    "max_speedup",
    "normalisation",
    "scaling_factor",
    "exact_p_value",
    "variant",
    "note",
)
POWER_COLUMNS = ("runs", "reference_runs", "rules_text", "official_code", "exact_ranks")
POWER_RUNS = (3, 5, 10, 20, 40)

NOT_TESTED = "not-tested"
"""Verdict where there is nothing to test against; ``note`` says why."""

NEEDS_REFERENCES = "the RCP test needs the package mlperf-logging: pip install 'mlperf-stats[rcp]'"

REJECTED = (Verdict.FAILED, Verdict.MISSING, Verdict.NOT_CONVERGED)
"""Verdicts with which a submission would be sent back."""


class RcpRow(NamedTuple):
    """The test of one result."""

    row: dict[str, Any]
    """By :data:`COLUMNS`."""
    at_fault: bool
    """Whether there was no test because of what the logs say; the row's note names it."""


@dataclass(frozen=True)
class RcpReport:
    """The RCP test of some results, a row each."""

    rows: tuple[dict[str, Any], ...]
    variant: Variant
    at_fault: frozenset[str] = frozenset()
    """Ids of results that were not tested because of their own logs; a review would send these back."""
    columns: tuple[str, ...] = COLUMNS

    @property
    def passed(self) -> bool:
        """Whether nothing would be sent back (results without references are not counted)."""
        return not self.at_fault and all(row["verdict"] not in REJECTED for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with :data:`COLUMNS`."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"variant": str(self.variant), "results": [dict(row) for row in self.rows]}

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def references_at_hand() -> bool:
    """Whether the package that reference points are read from is installed."""
    return find_spec("mlperf_logging") is not None


def rcp_report(
    store: Store, results: Sequence[StoredResult], variant: Variant = Variant.OFFICIAL_CODE
) -> RcpReport:
    """Test every result; those without reference points get a row that says so.

    Raises:
        InputError: the package that holds the reference points is not installed.
    """
    if not references_at_hand():
        raise InputError(NEEDS_REFERENCES)
    runs = runs_of(store, results)
    tested = [rcp_row(result, runs.get(result.key, []), variant) for result in results]
    at_fault = frozenset(entry.row["result_id"] for entry in tested if entry.at_fault)
    return RcpReport(tuple(entry.row for entry in tested), variant, at_fault)


def rcp_of(
    store: Store,
    target: str | os.PathLike[str],
    variant: Variant = Variant.OFFICIAL_CODE,
    *,
    round_name: str | None = None,
) -> RcpReport:
    """Test what a user names: a result of the store (id, part or glob), or a folder or archive of logs.

    Raises:
        NotFoundError: none or several results fit.
        RoundUnknownError: the round of the logs is not known or does not exist.
        InputError: the logs cannot be used, or reference points are not installed.
    """
    if Path(target).exists():
        with logs_at_hand(target, round_name) as (logs, _):
            results = list_results(logs)
            require_rounds(result.round for result in results)
            return rcp_report(logs, results, variant)
    if round_name is not None:
        raise InputError(f"--round is for a folder of logs, and {str(target)!r} is none; leave it out")
    return rcp_report(store, [find_result(store, os.fspath(target), or_logs=True)], variant)


def rcp_row(result: StoredResult, filed: Iterable[StoredRun], variant: Variant) -> RcpRow:
    """The line of one result."""
    runs = [run for run in filed if run.status != RunStatus.ABSENT]
    converged = [run for run in runs if run.status == RunStatus.CONVERGED]
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row.update(
        result_id=result.result_id,
        benchmark=result.benchmark,
        runs=len(runs),
        runs_converged=len(converged),
        scaling_factor=result.scaling_factor,
        variant=str(variant),
        verdict=NOT_TESTED,
        normalisation=1.0,
        note="",
    )
    try:
        references = reference_set(result.round, result.benchmark)
        points, gbs = convergence_points(runs, references)
        tested = rcp_test(points, gbs, references, variant)
    except (NoReferenceError, RoundUnknownError) as error:
        row["note"] = str(error)
        return RcpRow(row, at_fault=False)
    except (UnknownBenchmarkError, InputError) as error:
        row["note"] = str(error)
        return RcpRow(row, at_fault=True)
    row["exact_p_value"] = exact_p_value(points, gbs, references)
    return RcpRow(row | _figures(tested, references), at_fault=False)


def convergence_points(runs: Sequence[StoredRun], references: ReferenceSet) -> tuple[list[float | None], int]:
    """Convergence point of each run (None: missed the target) and the batch size of all.

    Raises:
        InputError: a run cannot be read, batch sizes are missing or differ, a converged run has no
            convergence point, or the logs count something else than the reference.
    """
    unreadable = [run.path.rpartition("/")[2] for run in runs if run.status == RunStatus.UNREADABLE]
    sizes = {run.gbs for run in runs if run.status != RunStatus.UNREADABLE}
    faults = [f"{', '.join(unreadable)} cannot be read"] if unreadable else []
    if len(sizes) > 1 or None in sizes:
        named = ", ".join(sorted(str(size or "none") for size in sizes))
        faults.append(f"all runs must log one global batch size; these log {named}")
    if faults or not sizes:
        raise InputError("; ".join(faults) or "there are no runs to test")
    points: list[float | None] = []
    for run in runs:
        reached = run.status == RunStatus.CONVERGED
        if reached and run.convergence_point is None:
            raise InputError(f"{run.path}: converged, but the log does not say how far it had trained")
        if reached and run.convergence_unit != references.unit:
            raise InputError(f"{run.path}: counts {run.convergence_unit}s, the reference {references.unit}s")
        points.append(run.convergence_point if reached else None)
    return points, int(next(iter(sizes)) or 0)


def _figures(tested: RcpResult, references: ReferenceSet) -> dict[str, Any]:
    limit = tested.limit
    return {
        "gbs": tested.gbs,
        "verdict": tested.verdict,
        "basis": tested.basis,
        "mean": tested.mean,
        "unit": references.unit,
        "reference_mean": limit.mean if limit else None,
        "reference_sd": limit.sd if limit else None,
        "reference_values": limit.values if limit else None,
        "limit": limit.accepted_from if limit else None,
        "max_speedup": limit.max_speedup if limit else None,
        "normalisation": tested.normalisation,
        "note": _note(tested),
    }


def _note(tested: RcpResult) -> str:
    if tested.verdict is Verdict.MISSING:
        return f"supply reference points at batch size {tested.gbs}"
    if tested.verdict is Verdict.FAILED:
        return "converges faster than the reference allows"
    if tested.verdict is Verdict.NOT_CONVERGED:
        return "more runs missed the target than the rules forgive, or too few were filed"
    if tested.normalisation > 1:
        return f"faster than the reference, within the limit: score × {tested.normalisation:.4f}"
    return ""


def power_table(
    round_name: str, benchmark_name: str, gbs: int, power: float = 0.8
) -> tuple[dict[str, Any], ...]:
    """How much faster than the reference a submission must converge to be rejected with ``power``.

    A row per number of runs: the share by which convergence is faster, for the t test of the rules' text,
    that of the official code, and the exact rank test. The law is lognormal with the spread that the
    reference has at this batch size.

    Raises:
        NoReferenceError: there are no references, or none at this batch size and above.
        InputError: the reference does not vary there.
        StatisticsError: ``power`` is not between 0 and 1.
    """
    from mlperf_stats.stats.one_sided_mean import simulate_tests

    if not 0 < power < 1:
        raise StatisticsError(f"power {power!r} is not between 0 and 1; write 0.8 for 80 %")
    references = reference_set(round_name, benchmark_name)
    basis, limit = limit_at(gbs, references)
    if limit is None:
        raise NoReferenceError(f"no reference point at batch size {gbs} or above; ask at a smaller one")
    if not limit.sd:
        raise InputError(f"at batch size {limit.gbs} all reference runs agree: any faster mean is rejected")
    rows = []
    for runs in sorted({*POWER_RUNS, references.benchmark.runs}):
        dropped = references.benchmark.dropped_each_side if runs == references.benchmark.runs else 1
        tests = simulate_tests(limit.sd / limit.mean, runs, dropped, repetitions=4_000)
        names = {"rules_text": "trimmed_sd", "official_code": "untrimmed_sd", "exact_ranks": "rank_sum"}
        detected = {
            column: None
            if basis is Basis.INTERPOLATED and column == "exact_ranks"
            else tests.detectable(test, power)
            for column, test in names.items()
        }
        rows.append({"runs": runs, "reference_runs": 2 * runs, **detected})
    return tuple(rows)
