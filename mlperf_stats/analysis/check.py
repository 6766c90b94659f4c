"""Pre-flight of a submission, and the reviewer's ranked list of what deserves a look in a whole round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.check_findings import FAMILY_WISE_ERROR, Finding, Severity, ranked, significant
from mlperf_stats.analysis.check_review import looks, shared_runs, suspicions
from mlperf_stats.analysis.check_rules import described, rule_findings
from mlperf_stats.analysis.rcp import references_at_hand
from mlperf_stats.analysis.run_sets import run_sets
from mlperf_stats.rules.suite import require_rounds
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_steps
from mlperf_stats.store.queries import (
    Filters,
    duplicate_hashes,
    late_evaluations,
    list_results,
    runs_of,
    same_marks,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("rank", "result_id", "severity", "code", "sentence", "advice", "p_value", "p_adjusted")


@dataclass(frozen=True)
class CheckReport:
    """All findings, most serious first."""

    findings: tuple[Finding, ...]
    results: int
    submitters: int
    tests: int
    """Tests that share the family-wise error."""
    rcp_tested: bool = True
    """False where the reference points are not installed: convergence was compared with nothing."""
    columns: tuple[str, ...] = COLUMNS

    @property
    def passed(self) -> bool:
        """Whether a review would send nothing back, as far as was tested (see ``rcp_tested``)."""
        return all(entry.severity is not Severity.REJECTED for entry in self.findings)

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """A row per finding, with its rank."""
        return tuple({"rank": rank, **entry.to_dict()} for rank, entry in enumerate(self.findings, start=1))

    @property
    def counts(self) -> Counter[str]:
        """Number of findings by severity."""
        return Counter(str(entry.severity) for entry in self.findings)

    @property
    def error_statement(self) -> str:
        """What 'significant' means here."""
        tests, results = _number(self.tests, "test"), _number(self.results, "result")
        return (
            f"Significant: {tests} on {results}, adjusted by Holm; where nothing is "
            f"wrong, the chance of any such finding is at most {FAMILY_WISE_ERROR:.0%}."
        )

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with :data:`COLUMNS`."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "passed": self.passed,
            "rcp_tested": self.rcp_tested,
            "results": self.results,
            "submitters": self.submitters,
            "tests": self.tests,
            "family_wise_error": FAMILY_WISE_ERROR,
            "findings": list(self.rows),
        }

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def check(store: Store, filters: Filters | None = None) -> CheckReport:
    """Check what fits the filters: by the rules, beside the other results, and against the clock.

    Raises:
        RoundUnknownError: a round of the results does not exist, so no rule could be applied.
    """
    results = list_results(store, filters)
    require_rounds(result.round for result in results)
    ids = {result.result_id for result in results}
    runs = runs_of(store, results)
    sets = run_sets(store, results)
    steps = evaluation_steps(store, [one.result for one in sets if one.on_one_point])
    tested = list(suspicions(sets))
    findings = [
        *(
            finding
            for result in results
            for finding in rule_findings(result, runs.get(result.key, []), steps.get(result.key))
        ),
        *described(results),
        *significant(tested),
        *looks(sets, late_evaluations(store)),
        *shared_runs(_across_results(store), same_marks(store).values(), ids),
    ]
    return CheckReport(
        tuple(ranked(findings)),
        len(results),
        len({result.submitter for result in results}),
        len(tested),
        references_at_hand(),
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _across_results(store: Store) -> list[list[tuple[str, str]]]:
    """Places of run files that several results hold; copies within one are the rules' business."""
    return [
        places
        for places in duplicate_hashes(store).values()
        if len({result_id for result_id, _ in places}) > 1
    ]
