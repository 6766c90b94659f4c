"""The three grammars of published logs, each with the accidents seen in it."""

from __future__ import annotations

import pytest
from madeup_logs import START_MS, log, mll, mllog, mlp05, run_lines, run_log

from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import Run, RunStatus

END_MS = START_MS + 600_000


def codes(run: Run) -> dict[str, int]:
    return {problem.code: problem.count for problem in run.problems}


def mllog_run() -> list[str]:
    return [
        mllog("global_batch_size", 512),
        mllog("seed", 77),
        mllog("run_start"),
        mllog("eval_accuracy", 0.5, time_ms=START_MS + 300_000, epoch_num=4),
        mllog("run_stop", time_ms=END_MS, status="success"),
    ]


def mll_run() -> list[str]:
    return [
        mll("global_batch_size", 512),
        mll("seed", 77),
        mll("run_start"),
        mll("eval_accuracy", 0.5, time_ms=START_MS + 300_000, epoch_num=4),
        mll("run_stop", time_ms=END_MS, status="success"),
    ]


def mlp05_run() -> list[str]:
    return [
        mlp05("input_batch_size", "512"),
        mlp05("run_set_random_seed", 77),
        mlp05("run_start"),
        mlp05("eval_accuracy", {"epoch": 4, "value": 0.5}, time_ms=START_MS + 300_000),
        mlp05("run_stop", {"success": True}, time_ms=END_MS),
    ]


RUNS = {"MLLOG": mllog_run(), "MLL": mll_run(), "MLPv0.5.0": mlp05_run()}


@pytest.fixture(params=RUNS)
def grammar(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def assert_is_the_run(run: Run, grammar: str) -> None:
    assert run.grammar == grammar
    assert run.status is RunStatus.CONVERGED
    assert run.minutes == pytest.approx(10.0, rel=1e-9)
    assert run.gbs == 512
    assert run.seed == "77"
    (evaluation,) = run.evaluations
    assert (evaluation.point, evaluation.value, evaluation.after_stop) == (4.0, 0.5, False)
    assert evaluation.elapsed_ms == pytest.approx(300_000, abs=0.01)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_reads_a_run_whatever_the_line_breaks(grammar: str, newline: str) -> None:
    run = read_run(log(RUNS[grammar], newline), "result_0.txt")
    assert_is_the_run(run, grammar)
    assert run.problems == ()


def test_last_line_needs_no_line_break(grammar: str) -> None:
    assert_is_the_run(read_run(log(RUNS[grammar]).rstrip(b"\n"), "result_0.txt"), grammar)


@pytest.mark.parametrize(
    "prefix",
    ["0: ", "[1,0]<stdout>:", "\x1b[0m\x1b[32m 37%|###7      | 12/32\r", "12 x :: ", "2021-06-01 INFO "],
)
def test_token_may_stand_anywhere_on_a_line(grammar: str, prefix: str) -> None:
    run = read_run(log(prefix + line for line in RUNS[grammar]), "result_0.txt")
    assert_is_the_run(run, grammar)
    assert run.problems == ()


def test_other_lines_and_bytes_do_not_matter(grammar: str) -> None:
    noise = [
        "",
        "Epoch 3 key: run_stop",
        '{"key": "run_stop", "value": "success"}',
        "key = 'run_start'",
        "::: MLLOG",
    ]
    lines = [line for mark in RUNS[grammar] for line in (*noise, mark)]
    assert_is_the_run(read_run(log(lines), "result_0.txt"), grammar)


def test_bytes_that_are_not_utf8_are_noted_and_harmless(grammar: str) -> None:
    run = read_run(b"\xff\xfe caf\xe9\n" + log(RUNS[grammar]), "result_0.txt")
    assert_is_the_run(run, grammar)
    assert codes(run) == {"not-utf-8": 1}


def test_utf8_text_is_no_problem(grammar: str) -> None:
    assert read_run("épochs → 3\n".encode() + log(RUNS[grammar]), "r").problems == ()


def test_of_several_marks_on_a_line_the_last_counts(grammar: str) -> None:
    lines = RUNS[grammar].copy()
    wrong_size = {"MLLOG": mllog("global_batch_size", 1), "MLL": mll("global_batch_size", 1)}.get(
        grammar, mlp05("input_batch_size", "1")
    )
    lines[0] = wrong_size + lines[0]
    run = read_run(log(lines), "result_0.txt")
    assert_is_the_run(run, grammar)
    assert codes(run) == {"several-marks-on-line": 1}


def test_a_line_that_cannot_be_read_costs_the_line_not_the_run(grammar: str) -> None:
    broken = {
        "MLLOG": ':::MLLOG {"time_ms": 1, "key": "eval_accuracy", "value": 0.1, "metadata": {"epo:',
        "MLL": ':::MLL 1.0 eval_accuracy: {"value": 0.1, "metadata": {"epo:',
        "MLPv0.5.0": ':::MLPv0.5.0 resnet 1.0 (train.py:12) eval_accuracy: {"epoch": 1, "val',
    }[grammar]
    run = read_run(log([*RUNS[grammar][:3], broken, *RUNS[grammar][3:]]), "result_0.txt")
    assert_is_the_run(run, grammar)
    assert codes(run) == {"line-unparsable": 1}


def test_time_that_is_no_number_leaves_the_mark_without_time() -> None:
    lines = mllog_run()
    lines[3] = lines[3].replace(str(START_MS + 300_000), '"soon"')
    (evaluation,) = read_run(log(lines), "result_0.txt").evaluations
    assert evaluation.elapsed_ms is None
    assert evaluation.value == 0.5


def test_members_of_an_mllog_object_may_come_in_any_order_and_spacing() -> None:
    lines = [
        ':::MLLOG {"metadata":{},"value":512,"key":"global_batch_size","time_ms":1,"namespace":""}',
        f':::MLLOG {{"key" : "run_start", "time_ms" : {START_MS}}}',
        f':::MLLOG {{"metadata": {{"status": "success"}}, "key": "run_stop", "time_ms": {END_MS}}}',
    ]
    run = read_run(log(lines), "result_0.txt")
    assert (run.gbs, run.minutes, run.status) == (512, 10.0, RunStatus.CONVERGED)


def test_python_representation_is_read_like_json() -> None:
    lines = [
        f":::MLLOG {{'namespace': '', 'time_ms': {START_MS}, 'key': 'run_start', 'value': None}}",
        f":::MLLOG {{'time_ms': {END_MS}, 'key': 'run_stop', 'metadata': {{'status': 'abort', 'x': null}}}}",
    ]
    run = read_run(log(lines), "result_0.txt")
    assert (run.minutes, run.status, run.problems) == (10.0, RunStatus.NOT_CONVERGED, ())


def test_event_type_is_not_needed() -> None:
    lines = [line.replace('"event_type": "POINT_IN_TIME", ', "") for line in mllog_run()]
    assert_is_the_run(read_run(log(lines), "result_0.txt"), "MLLOG")


def test_keys_of_other_objects_on_a_mark_line_do_not_count() -> None:
    line = mllog("tracked_stats", {"key": "run_stop", "throughput": 3.5})
    run = read_run(log([*mllog_run()[:4], line, mllog_run()[4]]), "result_0.txt")
    assert_is_the_run(run, "MLLOG")


def test_v06_accepts_a_space_before_the_colon_and_its_own_word_for_the_seed() -> None:
    lines = [line.replace(" seed: ", " run_set_random_seed : ") for line in mll_run()]
    assert_is_the_run(read_run(log(lines), "result_0.txt"), "MLL")


@pytest.mark.parametrize(
    ("stop", "status", "problems"),
    [
        (mlp05("run_stop", {"success": True}, time_ms=END_MS), RunStatus.CONVERGED, {}),
        (mlp05("run_stop", {"success": "true"}, time_ms=END_MS), RunStatus.CONVERGED, {}),
        (mlp05("run_stop", {"success": False}, time_ms=END_MS), RunStatus.NOT_CONVERGED, {}),
        (mlp05("run_stop", {"success": "false"}, time_ms=END_MS), RunStatus.NOT_CONVERGED, {}),
        (mlp05("run_stop", time_ms=END_MS), RunStatus.CONVERGED, {"status-missing": 1}),
    ],
)
def test_v05_words_for_success(stop: str, status: RunStatus, problems: dict[str, int]) -> None:
    run = read_run(log([*mlp05_run()[:4], stop]), "result_0.txt")
    assert run.status is status
    assert codes(run) == problems


def test_v05_python_representation() -> None:
    stop = f":::MLPv0.5.0 ssd {END_MS / 1000} (run.py:1) run_stop: {{'success': True}}"
    assert read_run(log([*mlp05_run()[:4], stop]), "r").status is RunStatus.CONVERGED


def test_grammar_is_told_by_the_marks_not_by_the_round() -> None:
    assert read_run(log(run_lines()), "v0.6/result_0.txt").grammar == "MLLOG"
    assert read_run(run_log(), "v0.5/result_0.txt").grammar == "MLLOG"
