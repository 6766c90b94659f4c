"""What the marks of one file add up to."""

from __future__ import annotations

import hashlib

import pytest
from madeup_logs import START_MS, log, mllog, run_lines, run_log

from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import Run, RunStatus

END_MS = START_MS + 600_000


def codes(run: Run) -> dict[str, int]:
    return {problem.code: problem.count for problem in run.problems}


def without(key: str) -> list[str]:
    return [line for line in run_lines() if f'"{key}"' not in line]


def test_a_whole_run() -> None:
    data = run_log(10.0)
    run = read_run(data, "ACME/results/x/resnet/result_0.txt")
    assert run.path == "ACME/results/x/resnet/result_0.txt"
    assert run.file_name == "result_0.txt"
    assert (run.status, run.minutes, run.start_ms, run.stop_ms) == (
        RunStatus.CONVERGED,
        10.0,
        float(START_MS),
        float(END_MS),
    )
    assert [(item.point, item.value, item.unit) for item in run.evaluations] == [
        (1.0, 0.3, "epoch_num"),
        (2.0, 0.5, "epoch_num"),
        (3.0, 0.76, "epoch_num"),
    ]
    assert [item.elapsed_ms for item in run.evaluations] == [150_000, 300_000, 450_000]
    assert (run.gbs, run.seed, run.train_samples) == (256, "1", 1_281_167)
    assert (run.logged_benchmark, run.logged_division) == ("resnet", "closed")
    assert run.content_hash == hashlib.sha256(data).hexdigest()
    assert run.size_bytes == len(data)
    assert run.problems == ()


@pytest.mark.parametrize(
    ("word", "status", "problems"),
    [
        ("success", RunStatus.CONVERGED, {}),
        (" Success ", RunStatus.CONVERGED, {}),
        ("aborted", RunStatus.NOT_CONVERGED, {}),
        ("abort", RunStatus.NOT_CONVERGED, {}),
        ("fail", RunStatus.NOT_CONVERGED, {}),
        ("SUCCES", RunStatus.NOT_CONVERGED, {"status-unknown": 1}),
    ],
)
def test_status_words(word: str, status: RunStatus, problems: dict[str, int]) -> None:
    run = read_run(run_log(status=word), "r")
    assert run.status is status
    assert run.minutes == 10.0
    assert codes(run) == problems


def test_run_stop_without_a_status_is_no_success() -> None:
    run = read_run(run_log(status=None), "r")
    assert run.status is RunStatus.NOT_CONVERGED
    assert codes(run) == {"status-missing": 1}


def test_without_run_stop_a_run_is_incomplete_and_keeps_its_evaluations() -> None:
    run = read_run(log(without("run_stop")), "r")
    assert (run.status, run.minutes, len(run.evaluations)) == (RunStatus.INCOMPLETE, None, 3)
    assert codes(run) == {"run-stop-missing": 1}


def test_without_run_start_a_run_is_incomplete() -> None:
    run = read_run(log(without("run_start")), "r")
    assert (run.status, run.minutes) == (RunStatus.INCOMPLETE, None)
    assert {item.elapsed_ms for item in run.evaluations} == {None}
    assert codes(run) == {"run-start-missing": 1}


def test_without_both_marks_and_evaluations_a_run_is_unreadable() -> None:
    run = read_run(log([mllog("seed", 3)]), "r")
    assert (run.status, run.seed) == (RunStatus.UNREADABLE, "3")
    assert codes(run) == {"run-start-missing": 1, "run-stop-missing": 1}


@pytest.mark.parametrize("data", [b"", b"\n", b"the same as result_3.txt of the other set\n", b"\0" * 999])
def test_a_file_without_marks_is_unreadable(data: bytes) -> None:
    run = read_run(data, "r")
    assert (run.status, run.grammar, run.minutes) == (RunStatus.UNREADABLE, "", None)
    assert run.content_hash == hashlib.sha256(data).hexdigest()
    assert codes(run) == {"no-marks": 1}


def test_of_repeated_marks_the_last_start_before_the_first_stop_counts() -> None:
    lines = [
        mllog("run_start", time_ms=START_MS),
        mllog("run_start", time_ms=START_MS + 60_000),
        mllog("run_stop", time_ms=END_MS, status="success"),
        mllog("run_start", time_ms=END_MS + 1),
        mllog("run_stop", time_ms=END_MS + 2, status="aborted"),
    ]
    run = read_run(log(lines), "r")
    assert (run.minutes, run.status) == (9.0, RunStatus.CONVERGED)
    assert codes(run) == {"run-marks-repeated": 1}


@pytest.mark.parametrize("stop_ms", [START_MS, START_MS - 5])
def test_a_run_that_stops_before_it_starts_has_no_time(stop_ms: int) -> None:
    lines = [mllog("run_start"), mllog("run_stop", time_ms=stop_ms, status="success")]
    run = read_run(log(lines), "r")
    assert (run.status, run.minutes) == (RunStatus.INCOMPLETE, None)
    assert codes(run) == {"stop-before-start": 1}


def test_evaluations_after_run_stop_are_kept_and_marked() -> None:
    lines = [*run_lines(), mllog("eval_accuracy", 0.9, time_ms=END_MS + 1, epoch_num=4)]
    run = read_run(log(lines), "r")
    assert [item.after_stop for item in run.evaluations] == [False, False, False, True]
    assert run.evaluations[-1].elapsed_ms == 600_001


def test_the_log_order_decides_what_is_after_run_stop() -> None:
    """Clocks of ranks differ by milliseconds: a time later than run_stop's alone does not count."""
    lines = run_lines()
    lines.insert(-1, mllog("eval_accuracy", 0.9, time_ms=END_MS + 3, epoch_num=4))
    assert not read_run(log(lines), "r").evaluations[-1].after_stop


def test_times_may_go_back_or_be_zero() -> None:
    lines = run_lines()
    lines.insert(-1, mllog("eval_accuracy", 0.9, time_ms=0, epoch_num=4))
    run = read_run(log(lines), "r")
    assert run.minutes == 10.0
    assert run.evaluations[-1].elapsed_ms == -START_MS


@pytest.mark.parametrize(
    ("metadata", "point", "unit"),
    [
        ({"epoch_num": 2, "samples_count": 100}, 100.0, "samples_count"),
        ({"epoch_num": 2.5}, 2.5, "epoch_num"),
        ({"step_num": "30"}, 30.0, "step_num"),
        ({"epoch": 2}, 2.0, "epoch"),
        ({"iteration": 7}, 7.0, "iteration"),
        ({"epoch_num": None, "step_num": 3}, 3.0, "step_num"),
        ({}, None, ""),
    ],
)
def test_progress_of_an_evaluation(metadata: dict[str, object], point: float | None, unit: str) -> None:
    lines = [mllog("run_start"), mllog("eval_accuracy", 0.5, **metadata)]
    (evaluation,) = read_run(log(lines), "r").evaluations
    assert (evaluation.point, evaluation.unit) == (point, unit)


@pytest.mark.parametrize(
    ("value", "metadata", "metrics"),
    [
        ({"BBOX": 0.37, "SEGM": 0.33}, {}, {"BBOX": 0.37, "SEGM": 0.33}),
        ({"accuracy": {"BBOX": 0.37, "SEGM": 0.33}}, {}, {"BBOX": 0.37, "SEGM": 0.33}),
        ([0.37, 0.33], {}, {"BBOX": 0.37, "SEGM": 0.33}),
        (90.1, {"metric": "FID"}, {"FID": 90.1}),
        ("0.5", {}, {"": 0.5}),
    ],
)
def test_metrics_of_an_evaluation(
    value: object, metadata: dict[str, object], metrics: dict[str, float]
) -> None:
    lines = [mllog("run_start"), mllog("eval_accuracy", value, epoch_num=1, **metadata)]
    evaluations = read_run(log(lines), "r").evaluations
    assert {item.metric: item.value for item in evaluations} == metrics
    assert {item.point for item in evaluations} == {1.0}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '"n/a"', "null", "1e999"])
def test_a_value_that_is_no_number_is_noted(text: str) -> None:
    lines = run_lines()
    lines[7] = lines[7].replace('"value": 0.5', f'"value": {text}')
    run = read_run(log(lines), "r")
    assert [item.value for item in run.evaluations] == [0.3, None, 0.76]
    assert codes(run) == {"evaluation-without-number": 1}
    assert run.status is RunStatus.CONVERGED


def test_first_batch_size_and_seed_count_and_differing_batch_sizes_are_noted() -> None:
    lines = [mllog("seed", 5), mllog("seed", 6), *run_lines(gbs=256), mllog("global_batch_size", 128)]
    run = read_run(log(lines), "r")
    assert (run.gbs, run.seed) == (256, "5")
    assert codes(run) == {"gbs-ambiguous": 1}


def test_the_same_batch_size_twice_is_no_problem() -> None:
    assert read_run(log([*run_lines(gbs=256), mllog("global_batch_size", "256")]), "r").problems == ()


def test_last_train_samples_count() -> None:
    assert read_run(log([*run_lines(), mllog("train_samples", 99)]), "r").train_samples == 99


def test_seeds_beyond_64_bits_are_kept_as_text() -> None:
    seed = 2**70 + 1
    assert read_run(log([mllog("seed", seed), *run_lines()]), "r").seed == str(seed)


def test_odd_texts_are_cut() -> None:
    lines = [mllog("submission_benchmark", "x" * 10_000), mllog("seed", ["y"] * 10_000), *run_lines()]
    run = read_run(log(lines), "r")
    assert len(run.logged_benchmark) <= 200
    assert len(run.seed or "") <= 200


def test_problems_of_a_kind_are_counted_once_with_their_number() -> None:
    broken = [':::MLLOG {"key": "eval_accuracy", "va'] * 7
    run = read_run(log([*run_lines(), *broken]), "r")
    assert codes(run) == {"line-unparsable": 7}
    assert len(run.problems) == 1
