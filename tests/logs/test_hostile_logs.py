"""Logs made to hurt: they cost time in proportion to their size, and what they say can be stored."""

from __future__ import annotations

import json
import sqlite3
import time
import warnings

import pytest
from madeup_logs import START_MS, log, mllog, run_lines, run_log, system_json

from mlperf_stats.logs.power import read_power
from mlperf_stats.logs.runs import read_run
from mlperf_stats.logs.systems import MAX_DESCRIPTION_BYTES, read_system
from mlperf_stats.model import RunStatus

MB = 1_000_000
SECONDS_PER_MB = 1.0
"""Generous: honest logs take 3 ms per megabyte, and anything quadratic takes minutes."""


def storable(text: str) -> bool:
    with sqlite3.connect(":memory:") as connection:
        row = connection.execute("SELECT ?", (text,)).fetchone()
    connection.close()
    return row == (text,)


GIANTS = {
    "one line without end": b"x" * 20 * MB,
    "zeros": bytes(20 * MB),
    "carriage returns": b"\r" * 5 * MB,
    "marks between carriage returns": b':::MLLOG {"key": "seed", "value": 1}\r' * (10 * MB // 37),
    "keys between carriage returns": b'"key": "seed"\r' * (10 * MB // 14),
    "keys without token": b'"key": "seed", ' * (5 * MB // 15),
    "keys on a line each": b'"key": "seed"\n' * (5 * MB // 14),
    "tokens on one line": b":::MLLOG " * (5 * MB // 9),
    "tokens and keys on one line": b':::MLLOG {"key": "seed", ' * (5 * MB // 25),
    "one mark of megabytes": b':::MLLOG {"key": "seed", "value": "' + b"x" * 5 * MB + b'"}',
    "nested objects": b':::MLLOG {"key": "seed", "value": ' + b'{"a":' * (MB // 5),
    "nested lists on many lines": (b':::MLLOG {"key": "seed", "value": ' + b"[" * 9_000 + b"\n") * 100,
    "literals that do not end": (b":::MLLOG {'key': 'seed', 'value': (" + b"1," * 4_000 + b"\n") * 100,
    "minus signs": b":::MLLOG {'key': 'seed', 'value': " + b"-" * 60_000 + b"1}",
    "v0.6 times": b":::MLL " + b"1" * 5 * MB,
    "v0.6 tokens": b":::MLL 1.0 seed: " * (3 * MB // 17),
    "v0.5 tokens": b":::MLPv0.5.0 a 1 (" * (2 * MB // 18),
    "v0.5 words": b":::MLPv0.5.0 " + b"a" * 5 * MB,
    "v0.5 brackets": b":::MLPv0.5.0 a 1 (" + b") " * MB,
}


@pytest.mark.parametrize("name", GIANTS)
def test_giants_take_time_in_proportion_to_their_size(name: str) -> None:
    data = GIANTS[name] + b"\n" + run_log()
    start = time.process_time()
    run = read_run(data, "r")
    taken = time.process_time() - start
    assert taken < max(0.5, SECONDS_PER_MB * len(data) / MB)
    if not name.startswith("v0."):
        assert (run.status, run.minutes) == (RunStatus.CONVERGED, 10.0)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1" * 5_000, "NaN", "Infinity", "-0", "0x1F", "1_000", "٣"]
)
@pytest.mark.parametrize("member", ["time_ms", "value", "epoch_num"])
def test_numbers_of_any_kind_cost_at_most_their_mark(number: str, member: str) -> None:
    mark = {
        "time_ms": f'{{"time_ms": {number}, "key": "eval_accuracy", "value": 0.5, "metadata": {{}}}}',
        "value": f'{{"time_ms": {START_MS}, "key": "eval_accuracy", "value": {number}, "metadata": {{}}}}',
        "epoch_num": f'{{"time_ms": 1, "key": "eval_accuracy", "metadata": {{"epoch_num": {number}}}}}',
    }[member]
    lines = run_lines()
    run = read_run(log([*lines[:6], f":::MLLOG {mark}", *lines[6:]]), "r")
    assert (run.status, run.minutes) == (RunStatus.CONVERGED, 10.0)
    for evaluation in run.evaluations:
        for value in (evaluation.elapsed_ms, evaluation.point, evaluation.value):
            assert value is None or abs(value) < 1e301


@pytest.mark.parametrize("number", ["1e400", "1" * 5_000, "NaN", '"noon"', "null", "[1]", "{}"])
@pytest.mark.parametrize("key", ["run_start", "run_stop"])
def test_a_start_or_stop_without_a_usable_time_leaves_the_run_incomplete(number: str, key: str) -> None:
    lines = [
        f':::MLLOG {{"time_ms": {number}, "key": "{key}", "metadata": {{"status": "success"}}}}'
        if f'"{key}"' in line
        else line
        for line in run_lines()
    ]
    run = read_run(log(lines), "r")
    assert (run.status, run.minutes) == (RunStatus.INCOMPLETE, None)


@pytest.mark.parametrize("value", [[1], {"a": 1}, "x" * 100_000, 2**200, 1e300, True, [[[]]] * 1000])
@pytest.mark.parametrize(
    "key", ["seed", "global_batch_size", "train_samples", "submission_benchmark", "status"]
)
def test_values_of_any_kind_can_be_stored(key: str, value: object) -> None:
    mark = mllog("run_stop", status=value) if key == "status" else mllog(key, value)
    run = read_run(log([mark, *run_lines()]), "r")
    for text in (run.seed or "", run.logged_benchmark, *(problem.detail for problem in run.problems)):
        assert storable(text)
        assert len(text) <= 400
    for number in (run.gbs, run.train_samples):
        assert number is None or abs(number) < 2**63


def test_text_that_is_no_unicode_can_be_stored() -> None:
    """JSON may spell half a surrogate pair, which no database and no terminal takes."""
    lines = [
        ':::MLLOG {"key": "submission_benchmark", "value": "\\ud800bert"}',
        ':::MLLOG {"key": "seed", "value": "\\udfff"}',
        ':::MLLOG {"key": "eval_accuracy", "value": {"\\ud800": 1}, "time_ms": 1}',
        ':::MLLOG {"key": "eval_accuracy", "value": "\\ud800", "metadata": {"metric": "\\ud800"}}',
        f':::MLLOG {{"key": "run_start", "time_ms": {START_MS}}}',
        f':::MLLOG {{"key": "run_stop", "time_ms": {START_MS + 1}, "metadata": {{"status": "\\ud800"}}}}',
    ]
    run = read_run(log(lines), "r")
    texts = [run.logged_benchmark, run.seed, *(problem.detail for problem in run.problems)]
    texts += [evaluation.metric for evaluation in run.evaluations]
    assert all(storable(text or "") for text in texts)
    assert run.logged_benchmark.endswith("bert")
    fields = '{"system_name": "\\ud800x", "division": "closed\\ud800", "\\ud800 key": 1}'
    system = read_system(fields.encode(), "s")
    texts = [system.name, system.division_as_filed, *(problem.detail for problem in system.problems)]
    assert all(storable(text or "") for text in texts)


def test_the_compiler_does_not_talk_about_logged_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_run(rb":::MLLOG {'key': 'seed', 'value': '\d\c\q'}", "r")


def test_members_that_come_twice_are_no_problem() -> None:
    mark = (
        '{"key": "seed", "key": "global_batch_size", "value": 1, "value": 2, "metadata": {}, "metadata": 3}'
    )
    assert read_run(log([f":::MLLOG {mark}", *run_lines()]), "r").gbs == 2


def test_an_object_of_many_metrics_is_kept() -> None:
    lines = [mllog("run_start"), mllog("eval_accuracy", {f"m{n}": n for n in range(10_000)})]
    assert len(read_run(log(lines), "r").evaluations) == 10_000


def test_descriptions_beyond_any_size_are_not_decoded() -> None:
    system = read_system(system_json(system_name="x" * MAX_DESCRIPTION_BYTES), "s")
    assert [problem.code for problem in system.problems] == ["system-unreadable"]


@pytest.mark.parametrize("filler", [" ", "\n", ", ", "a: {}\n", "}", '{"a": ', "\t}"])
def test_descriptions_take_time_in_proportion_to_their_size(filler: str) -> None:
    data = ("{" + filler * (MAX_DESCRIPTION_BYTES // 2 // len(filler)) + "x").encode()
    start = time.process_time()
    read_system(data, "s")
    taken = time.process_time() - start
    assert taken < SECONDS_PER_MB


def test_power_logs_made_to_hurt() -> None:
    reading = mllog("power_reading", 100)
    for line in (
        reading + reading,
        ":::MLLOG [",
        ":::MLLOG " + "[" * 100_000,
        json.dumps({"key": "power_reading"}),
    ):
        found = read_power(log([reading, line, reading]), "node_0.txt")
        assert found.watts is None
        assert "power-log-unsound" in [problem.code for problem in found.problems]
