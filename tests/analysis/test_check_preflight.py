"""The check as a pre-flight: what a submitter gets wrong is named for what it is, and never passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from madeup_logs import run_log, submission_files, system_json, write_tree

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.check import CheckReport, check
from mlperf_stats.analysis.check_findings import Finding
from mlperf_stats.analysis.rcp import rcp_of
from mlperf_stats.errors import RoundUnknownError
from mlperf_stats.store import open_snapshot

FILED = "ACME/results/x8/resnet"
GOOD_EPOCHS = ((38, 0.3), (45, 0.76))
FAST_EPOCHS = ((30, 0.3), (35, 0.76))
"""Between the limit and the mean of round 4.0's reference at batch size 4096 (34.9 and 35.7)."""


def run_file(number: int, minutes: float = 10.0, **changes: object) -> bytes:
    settings: dict[str, object] = {"gbs": 4096, "seed": number, "evaluations": GOOD_EPOCHS}
    return run_log(minutes + number / 100, **(settings | changes))


def filed(runs: int = 5, **changes: object) -> dict[str, bytes]:
    files = {f"{FILED}/result_{n}.txt": run_file(n, **changes) for n in range(runs)}
    return {"ACME/systems/x8.json": system_json()} | files


def checked(folder: Path, files: dict[str, bytes], round_name: str = "4.0") -> CheckReport:
    with logs_at_hand(write_tree(folder, files), round_name) as (store, _):
        return check(store)


def one(report: CheckReport, code: str) -> Finding:
    (finding,) = (entry for entry in report.findings if entry.code == code)
    return finding


def codes(report: CheckReport) -> set[str]:
    return {entry.code for entry in report.findings}


def test_a_round_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RoundUnknownError, match=r"round 9\.9 has no suite.*5\.0"):
        checked(tmp_path, filed(), "9.9")
    with open_snapshot() as store, pytest.raises(RoundUnknownError, match=r"round 9\.9"):
        rcp_of(store, tmp_path, round_name="9.9")
    assert checked(tmp_path, filed(), "local").passed


def test_a_benchmark_that_the_round_does_not_have_is_sent_back(tmp_path: Path) -> None:
    files = submission_files(benchmark="resnet")  # left the suite after 4.0
    report = checked(tmp_path, files, "5.0")
    assert not report.passed
    assert str(one(report, "benchmark-unknown").severity) == "rejected"
    assert "resnet" in one(report, "benchmark-unknown").sentence
    assert not {"score", "no-score"} & codes(report)
    with open_snapshot() as store:
        assert not rcp_of(store, tmp_path, round_name="5.0").passed


@pytest.mark.parametrize(
    ("scaling", "severity", "says"),
    [
        (None, "look", "scaling.json is missing; the RCP test expects "),
        ({"scaling_factor": 1.0}, "look", "scaling.json holds 1; the RCP test expects "),
        ({"scaling_factor": 1.5}, "look", "scaling.json holds 1.5; the RCP test expects "),
        ({"scaling_factor": "x"}, "look", "scaling.json cannot be read; the RCP test expects "),
        ("expected", "note", "converges faster than the reference, within the limit"),
    ],
)
def test_the_scaling_factor_is_compared_with_the_expected_one(
    tmp_path: Path, scaling: object, severity: str, says: str
) -> None:
    write_tree(tmp_path, filed(evaluations=FAST_EPOCHS))
    with open_snapshot() as store:
        (row,) = rcp_of(store, tmp_path, round_name="4.0").rows
    assert row["normalisation"] > 1
    content = {"scaling_factor": round(row["normalisation"], 4)} if scaling == "expected" else scaling
    files = {} if content is None else {f"{FILED}/scaling.json": json.dumps(content).encode()}
    found = one(checked(tmp_path, files), "rcp-normalised")
    assert str(found.severity) == severity
    assert found.sentence.startswith(says)
    if severity == "look":
        assert found.sentence.endswith(f"expects {row['normalisation']:.4f}")


def test_a_factor_where_none_is_expected_deserves_a_look(tmp_path: Path) -> None:
    report = checked(tmp_path, filed() | {f"{FILED}/scaling.json": b'{"scaling_factor": 1.02}'})
    found = one(report, "rcp-normalised")
    assert str(found.severity) == "look"
    assert found.sentence == "scaling.json holds 1.02; the RCP test expects none"


def test_a_log_that_cannot_be_read_is_sent_back_as_that(tmp_path: Path) -> None:
    report = checked(tmp_path, filed() | {f"{FILED}/result_4.txt": b""})
    assert not report.passed
    found = one(report, "run-unreadable")
    assert str(found.severity) == "rejected"
    assert "result_4.txt" in found.sentence
    assert not {"seeds-missing", "nonconverged-dropped", "score"} & codes(report)
    with open_snapshot() as store:
        tested = rcp_of(store, tmp_path, round_name="4.0")
    assert (tested.rows[0]["verdict"], tested.passed) == ("not-tested", False)
    assert "result_4.txt" in tested.rows[0]["note"]


def test_a_log_that_breaks_off_deserves_a_look(tmp_path: Path) -> None:
    cut = run_file(4).decode().rpartition(":::MLLOG")[0].encode()
    report = checked(tmp_path, filed() | {f"{FILED}/result_4.txt": cut})
    found = one(report, "run-incomplete")
    assert (str(found.severity), "result_4.txt" in found.sentence) == ("look", True)


@pytest.mark.parametrize("line", ['"global_batch_size"'])
def test_runs_without_a_batch_size_fail_check_and_rcp_alike(tmp_path: Path, line: str) -> None:
    kept = [text for text in run_file(2).decode().splitlines() if line not in text]
    report = checked(tmp_path, filed() | {f"{FILED}/result_2.txt": "\n".join(kept).encode()})
    found = one(report, "rcp-not-tested")
    assert str(found.severity) == "rejected"
    assert "one global batch size; these log 4096, none" in found.sentence
    with open_snapshot() as store:
        tested = rcp_of(store, tmp_path, round_name="4.0")
    assert (tested.rows[0]["verdict"], tested.passed) == ("not-tested", False)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (filed(4), "too-few-runs"),
        (filed(6), "extra-runs"),
        (filed() | {f"{FILED}/result_4.txt": run_file(4, gbs=8192)}, "mixed-gbs"),
    ],
)
def test_what_is_sent_back_has_no_official_score(tmp_path: Path, files: dict[str, bytes], code: str) -> None:
    report = checked(tmp_path, files)
    assert str(one(report, code).severity) == "rejected"
    assert "score" not in codes(report)
    found = one(report, "no-score")
    assert str(found.severity) == "note"
    assert found.sentence.startswith("no official score; sets like this one ")


@pytest.mark.parametrize(
    ("runs", "converged", "code"),
    [(60, 40, "invalid-nonconverged"), (40, 40, "invalid-too-few-runs"), (60, 50, "score")],
)
def test_ncf_of_the_first_round_needs_fifty_runs_that_converge(
    tmp_path: Path, runs: int, converged: int, code: str
) -> None:
    files = {"ACME/systems/x8.json": system_json()}
    for number in range(runs):
        status = "success" if number < converged else "aborted"
        log = run_log(10 + number / 100, benchmark="ncf", seed=number, status=status)
        files[f"ACME/results/x8/ncf/result_{number}.txt"] = log
    report = checked(tmp_path, files, "0.5")
    assert report.passed is (code == "score")
    assert one(report, code).sentence


@pytest.mark.parametrize("runs", [1, 2])
def test_a_campaign_too_short_for_a_score_says_so(tmp_path: Path, runs: int) -> None:
    report = checked(tmp_path, filed(runs), "local")
    assert report.passed
    assert str(one(report, "invalid-too-few-runs").severity) == "note"


def test_a_missing_system_description_deserves_one_look(tmp_path: Path) -> None:
    files = {path: content for path, content in filed().items() if "systems" not in path}
    files |= {path.replace("resnet", "bert"): content for path, content in files.items()}
    found = one(checked(tmp_path, files), "system-missing")
    assert str(found.severity) == "look"
    assert found.sentence == "systems/x8.json is missing; 2 results are on this system"


def test_copies_are_no_part_of_the_window_to_file(tmp_path: Path) -> None:
    files = filed(6)
    files[f"{FILED}/result_5.txt"] = files[f"{FILED}/result_0.txt"]
    advice = one(checked(tmp_path / "five", files), "extra-runs").advice
    assert advice == "Remove the copies first: result_5.txt. The 5 runs that are left are the set to file."
    files[f"{FILED}/result_4.txt"] = files[f"{FILED}/result_0.txt"]
    advice = one(checked(tmp_path / "four", files), "extra-runs").advice
    assert (
        advice == "Remove the copies first: result_4.txt, result_5.txt. That leaves 4 runs: measure 1 more."
    )
    files = filed(8)
    files[f"{FILED}/result_7.txt"] = files[f"{FILED}/result_0.txt"]
    advice = one(checked(tmp_path / "seven", files), "extra-runs").advice
    assert advice.startswith("Remove the copies first: result_7.txt. File the window of consecutive launches")
    assert "result_7.txt" not in advice.partition("median score:")[2]


def test_score_and_interval_are_on_one_scale(tmp_path: Path) -> None:
    plain = one(checked(tmp_path, filed()), "score").sentence
    assert "scaling" not in plain
    assert "unscaled" not in plain
    scaled = one(checked(tmp_path, {f"{FILED}/scaling.json": b'{"scaling_factor": 2}'}), "score").sentence
    # Five runs of 10.00 … 10.04 minutes: the olympic mean is 10.02.
    assert scaled.startswith("score 20.04 minutes (10.02 before scaling by 2); ")
    low, high = plain.partition("one score ")[2].partition(" on average")[0].split(" to ")
    assert f"; {low} to {high} before scaling)" in scaled
    doubled = scaled.partition("one score ")[2].partition(" on average")[0].split(" to ")
    assert [float(end) for end in doubled] == pytest.approx([2 * float(low), 2 * float(high)], rel=1e-3)
