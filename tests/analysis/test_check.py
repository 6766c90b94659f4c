"""The check: constructed submissions, the known cases of seven published rounds, and clean rounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clean_rounds import clean_round
from madeup_logs import run_log, system_json, write_tree

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.check import CheckReport, check
from mlperf_stats.analysis.check_findings import FAMILY_WISE_ERROR, Finding, Severity, ranked, significant
from mlperf_stats.analysis.check_review import suspicions
from mlperf_stats.analysis.results import results_table
from mlperf_stats.explanations import catalogue
from mlperf_stats.store import Filters, Store, open_snapshot

FILED = "ACME/results/x8/resnet"


def checked(folder: Path, files: dict[str, bytes], round_name: str = "4.0") -> CheckReport:
    with logs_at_hand(write_tree(folder, files), round_name) as (store, _):
        return check(store)


def codes(report: CheckReport, *severities: str) -> set[str]:
    return {entry.code for entry in report.findings if str(entry.severity) in severities}


def good() -> dict[str, bytes]:
    """Five runs that converge at the reference's epoch 39 of batch size 4096, each with its seed."""
    minutes = (10.0, 10.02, 9.99, 10.01, 9.98)
    return {"ACME/systems/x8.json": system_json()} | {
        f"{FILED}/result_{n}.txt": run_log(time, gbs=4096, seed=n, evaluations=((38, 0.3), (45, 0.76)))
        for n, time in enumerate(minutes)
    }


def test_a_good_submission_passes_and_gets_its_score(tmp_path: Path) -> None:
    report = checked(tmp_path, good())
    assert report.passed, report.findings
    assert codes(report, "significant", "look") == set()
    (score,) = (entry for entry in report.findings if entry.code == "score")
    assert "score 10 minutes" in score.sentence
    with logs_at_hand(tmp_path, "4.0") as (store, _):
        (row,) = results_table(store)
    # All runs converged at one evaluation: their own spread, 0.2 %, says little.
    assert row["expected_high"] / row["expected_low"] > 1.05
    assert f"{row['expected_low']:.4g} to {row['expected_high']:.4g} on average" in score.sentence


def test_number_of_runs(tmp_path: Path) -> None:
    few = good()
    few.pop(f"{FILED}/result_4.txt")
    report = checked(tmp_path / "few", few)
    assert codes(report, "rejected") == {"too-few-runs"}
    assert "4 runs filed, 5 asked for" in report.findings[0].sentence

    many = good()
    for number, minutes in ((5, 11.0), (6, 9.0)):
        many[f"{FILED}/result_{number}.txt"] = run_log(
            minutes, gbs=4096, seed=number, evaluations=((38, 0.3), (45, 0.76))
        )
    report = checked(tmp_path / "many", many)
    (extra,) = (entry for entry in report.findings if entry.code == "extra-runs")
    assert "File the window of consecutive launches with the median score: result_" in extra.advice


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({1: {"status": "aborted"}, 2: {"status": "aborted"}}, "invalid-nonconverged", "2 of 5 runs"),
        ({1: {"gbs": 8192}}, "mixed-gbs", "4 × 4096, 1 × 8192"),
        ({n: {"seed": 7} for n in range(5)}, "seeds-repeated", "5 of 5 runs have the seed 7"),
        ({n: {"evaluations": ((20, 0.3), (30, 0.76))} for n in range(5)}, "rcp-failed", "the limit is"),
        ({n: {"gbs": 10**8} for n in range(5)}, "rcp-missing", "missing"),
    ],
)
def test_what_is_sent_back(
    tmp_path: Path, changes: dict[int, dict[str, object]], code: str, says: str
) -> None:
    files = good()
    for number, change in changes.items():
        settings: dict[str, object] = {"gbs": 4096, "seed": number, "evaluations": ((38, 0.3), (45, 0.76))}
        files[f"{FILED}/result_{number}.txt"] = run_log(10.0 + number / 100, **(settings | change))
    report = checked(tmp_path, files)
    assert not report.passed
    assert code in codes(report, "rejected")
    assert any(says in entry.sentence for entry in report.findings if entry.code == code)


def test_duplicates_within_and_across_submitters(tmp_path: Path) -> None:
    files = good()
    files[f"{FILED}/result_1.txt"] = files[f"{FILED}/result_0.txt"]
    files |= {path.replace("ACME", "Globex"): content for path, content in good().items()}
    report = checked(tmp_path, files)
    found = [entry for entry in report.findings if entry.code == "duplicate-runs"]
    assert any("one run filed 2 times" in entry.sentence for entry in found)
    assert any("of another submitter" in entry.sentence for entry in found)
    assert report.submitters == 2


def test_a_slow_run_and_missing_seeds(tmp_path: Path) -> None:
    files = good()
    slow = run_log(11.0, gbs=4096, seed=4, evaluations=((38, 0.3), (45, 0.76))).decode()
    files[f"{FILED}/result_4.txt"] = "\n".join(
        line for line in slow.splitlines() if '"seed"' not in line
    ).encode()
    report = checked(tmp_path, files)
    assert "slow-run" in codes(report, "look")
    assert "seeds-missing" in codes(report, "rejected")


@pytest.fixture(scope="module")
def rounds() -> Iterator[dict[str, CheckReport]]:
    with open_snapshot() as store:
        yield {
            name: check(store, Filters(rounds=(name,)))
            for name in ("0.5", "0.6", "1.0", "2.0", "3.0", "4.0", "5.0")
        }


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


def found(rounds: dict[str, CheckReport], code: str) -> set[str]:
    return {entry.result_id for report in rounds.values() for entry in report.findings if entry.code == code}


def queried(store: Store, having: str) -> set[str]:
    rows = store.connection.execute(
        "SELECT result_id FROM runs JOIN results USING (result_key) WHERE status <> 'absent' "
        f"GROUP BY 1 HAVING {having}"
    )
    return {row[0] for row in rows}


def test_known_cases_of_the_rounds_are_found(rounds: dict[str, CheckReport], snapshot: Store) -> None:
    assert found(rounds, "mixed-gbs") == queried(snapshot, "count(DISTINCT gbs) > 1")
    assert len(found(rounds, "mixed-gbs")) == 5
    same_seed = queried(snapshot, "count(DISTINCT seed) = 1 AND count(seed) > 1")
    assert same_seed <= found(rounds, "seeds-repeated")
    assert found(rounds, "seeds-missing") == queried(snapshot, "count(seed) < sum(status <> 'unreadable')")
    assert "1.0/Dell/DSS8440x8A100-PCIE-40GB/dlrm" in found(rounds, "duplicate-runs")  # four of five
    assert "1.0/Supermicro/as-2124gq-nart+/bert" in found(rounds, "invalid-nonconverged")
    assert len(found(rounds, "duplicate-runs")) > 40
    edited = found(rounds, "same-run-edited")
    assert "1.0/Supermicro/SYS-420GP-TNAR+/resnet" in edited  # one run in two files of one set
    assert "4.0/smc-ac-power/1xSMC-H100-SXM-80GB/dlrm_dcnv2" in edited  # and in two submitters' results


def test_every_round_states_its_family_wise_error(rounds: dict[str, CheckReport]) -> None:
    for report in rounds.values():
        assert "5%" in report.error_statement
        assert report.tests > 30
        claims = [entry for entry in report.findings if str(entry.severity) == "significant"]
        assert all(entry.p_adjusted is not None and entry.p_adjusted <= FAMILY_WISE_ERROR for entry in claims)
        assert len(claims) <= 8
        severities = [str(entry.severity) for entry in report.findings]
        assert severities == sorted(severities, key=["rejected", "significant", "look", "note", "fine"].index)


def test_every_finding_is_explained(rounds: dict[str, CheckReport]) -> None:
    used = {entry.code for report in rounds.values() for entry in report.findings} - {"score"}
    assert used - set(catalogue()) == set()


def test_clean_rounds_are_seldom_flagged() -> None:
    """Resampled from the reference's law and steady throughput: any claim in at most 5 % of rounds.

    60 small rounds; with a true rate of 5 % seven or more flagged ones have a probability of 3 %.
    """
    flagged = [bool(significant(suspicions(clean_round(seed, results=24)))) for seed in range(60)]
    assert sum(flagged) <= 6


def test_dirty_rounds_are_flagged() -> None:
    sets = clean_round(1, results=60)
    cells = Counter(entry.cell for entry in sets)
    target = next(i for i, entry in enumerate(sets) if cells[entry.cell] >= 5 and len(entry.converged) >= 10)
    fast = tuple(
        replace(run, convergence_point=0.6 * (run.convergence_point or 1)) for run in sets[target].present
    )
    drifting = tuple(
        replace(run, minutes=(run.minutes or 1) * math.exp(0.02 * n))
        for n, run in enumerate(sets[-1].present)
    )
    dirty = [*sets]
    dirty[target] = replace(sets[target], present=fast)
    dirty[-1] = replace(sets[-1], present=drifting)
    claims = {(entry.result_id, entry.code) for entry in significant(suspicions(dirty))}
    assert (sets[target].result.result_id, "converges-faster-than-reference") in claims
    assert (sets[-1].result.result_id, "drift") in claims


@pytest.mark.parametrize(
    ("step", "severity", "says"),
    [
        (0.02, "significant", "rises over the order of launch: the later half is 10"),
        (-0.02, "significant", "falls over the order of launch: the later half is 9"),
        (-0.0005, "look", "falls over the order of launch: the later half is 0.25% faster"),
    ],
)
def test_drift_says_its_direction_and_small_ones_are_no_claim(step: float, severity: str, says: str) -> None:
    """Ten runs, each ``step`` slower in log time than the one before: halves differ by five steps."""
    (entry,) = (item for item in clean_round(1, results=60)[-1:])
    points = [run.convergence_point or 1.0 for run in entry.present]
    present = tuple(
        replace(run, minutes=point * math.exp(step * n))
        for n, (run, point) in enumerate(zip(entry.present, points, strict=True))
    )
    assert len(present) == 10
    (found,) = (
        one for one in significant(suspicions([replace(entry, present=present)])) if one.code == "drift"
    )
    assert (str(found.severity), says in found.sentence) == (severity, True), found.sentence
    slow = Finding("5.0/a/b/c", Severity.LOOK, "slow-run", "took +9.5%", size=0.09)
    small_last = ranked([found, slow])[-1] is found
    assert small_last is (severity == "look")


def test_samples_of_clean_rounds_are_what_they_say() -> None:
    sets = clean_round(3, results=10)
    assert len(sets) == 10
    assert all(len(entry.converged) == entry.rules.runs for entry in sets)
    assert np.isfinite([run.minutes for entry in sets for run in entry.present]).all()
