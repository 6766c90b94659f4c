"""What must hold of the reader whatever its input: no exception, no lost run, nothing unstorable."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from madeup_logs import START_MS, log, mll, mllog, mlp05, run_lines, run_log, system_fields, system_json
from mutations import damaged

from mlperf_stats.explanations import catalogue
from mlperf_stats.logs.marks import UndecodableError, decode_object
from mlperf_stats.logs.power import read_power
from mlperf_stats.logs.runs import read_run
from mlperf_stats.logs.systems import read_system
from mlperf_stats.model import Problem, Run, RunStatus, System
from mlperf_stats.store.rows import evaluation_rows, run_row

_TOKEN = b":::ML"
_CODES = frozenset(catalogue())


@dataclass
class Corpus:
    """Sound inputs to be damaged."""

    lines: list[bytes] = field(default_factory=list)
    runs: list[bytes] = field(default_factory=list)
    """Whole logs, shortened in their middle."""
    systems: list[bytes] = field(default_factory=list)
    power: list[bytes] = field(default_factory=list)

    def __add__(self, other: Corpus) -> Corpus:
        return Corpus(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


def made_up_corpus() -> Corpus:
    """Every grammar and every shape of description, without any published file."""
    lines = [line.encode() for line in run_lines()]
    for grammar in (mll, mllog):
        lines += [
            grammar(key, value, epoch_num=2, status="success").encode()
            for key, value in (
                ("run_start", None),
                ("run_stop", None),
                ("eval_accuracy", 0.7),
                ("global_batch_size", 64),
                ("eval_accuracy", {"BBOX": 0.3, "SEGM": 0.2}),
                ("seed", 2**70),
                ("tracked_stats", {"throughput": 3.5}),
            )
        ]
    lines += [
        mlp05(key, value).encode()
        for key, value in (
            ("run_start", None),
            ("run_stop", {"success": True}),
            ("eval_accuracy", {"epoch": 1, "value": 0.5}),
            ("input_batch_size", 64),
            ("run_set_random_seed", 5),
            ("eval_target", 0.749),
        )
    ]
    lines += [
        b":::MLLOG {'key': 'run_stop', 'time_ms': 5, 'value': None, 'metadata': {'status': 'aborted'}}",
        b"0: \x1b[32m 37%|###7      | 12/32\r" + lines[0],
        b"Epoch 3: loss 0.51 " * 5,
    ]
    systems = [
        system_json(),
        repr(system_fields()).encode(),
        json.dumps({"nodes": [system_fields()]}).encode(),
    ]
    systems.append(
        b'division : {"value": "closed"}\nentry : {"value": "{\'nodes\': [{\'num_nodes\': 4}]}"}\n'
    )
    v05 = [mlp05("run_start"), mlp05("run_stop", {"success": True}, time_ms=START_MS + 1)]
    v06 = [
        mll("run_start"),
        mll("eval_accuracy", 0.5),
        mll("run_stop", time_ms=START_MS + 1, status="success"),
    ]
    return Corpus(lines, [run_log(), log(v05), log(v06)], systems, [power_log()])


def power_log() -> bytes:
    readings = [mllog("power_reading", 100 + n, time_ms=START_MS + 1000 * n) for n in range(1, 6)]
    ends = [
        mllog(f"power_measurement_{end}", time_ms=START_MS + 6000 * (end == "stop"))
        for end in ("start", "stop")
    ]
    return log([mllog("conversion_eff", 0.9), ends[0], *readings, ends[1]])


def published_corpus(roots: Iterable[Path], per_round: int = 12) -> Corpus:
    """Lines, descriptions and power logs out of published rounds, spread over their submissions."""
    corpus = Corpus()
    for root in roots:
        for path in _spread(root.rglob("result_*.txt"), per_round):
            marks = [line[:4000] for line in path.read_bytes().splitlines() if _TOKEN in line]
            corpus.lines += _spread(marks, 30)
            corpus.runs.append(b"\n".join(marks[:12] + marks[-12:]))
        descriptions = [*root.glob("*/systems/*.json"), *root.rglob("entry.json")]
        corpus.systems += [path.read_bytes()[:20_000] for path in _spread(descriptions, per_round)]
        corpus.power += [path.read_bytes()[:4_000] for path in _spread(root.rglob("node_*.txt"), per_round)]
    return corpus


def _spread(items: Iterable[Any], number: int) -> list[Any]:
    """At most ``number`` of the sorted items, evenly spaced."""
    ordered = sorted(items)
    return ordered[:: max(1, math.ceil(len(ordered) / number))]


class Fuzzer:
    """Damages a corpus, case by case, and checks what the reader makes of it.

    A case is determined by seed and number, so that a failure can be repeated alone.
    """

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self._corpus = corpus
        self._seed = seed
        self.outcomes: Counter[str] = Counter()
        """How many cases ended how: a run's status, or what was read."""

    def run(self, numbers: Iterable[int]) -> None:
        """Check the cases with these numbers.

        Raises:
            AssertionError: one failed; the message names seed, number and input.
        """
        for number in numbers:
            rng = random.Random(f"{self._seed}/{number}")
            kind = rng.choices(("run", "file", "system", "power"), (6, 6, 2, 1))[0]
            data = damaged(rng, self._sources(kind))
            try:
                self.outcomes[f"{kind}: {getattr(self, f'_{kind}')(data)}"] += 1
            except Exception as error:
                raise AssertionError(f"seed {self._seed}, case {number}, {kind}: {data!r}") from error

    def _sources(self, kind: str) -> Sequence[bytes]:
        corpus = self._corpus
        return {"run": corpus.runs, "system": corpus.systems, "power": corpus.power}.get(kind, corpus.lines)

    def _run(self, data: bytes) -> str:
        run = read_run(data, "r")
        check_run(run, data)
        return run.status.value

    def _file(self, data: bytes) -> str:
        """Damage inside a sound log must not cost the run, unless it looks like another start or stop."""
        lines = run_lines(10.0)
        whole = log(lines[:6]) + data + b"\n" + log(lines[6:])
        run = read_run(whole, "r")
        check_run(run, whole)
        if b"run_st" in data:
            return "with other marks"
        assert run.status is RunStatus.CONVERGED
        assert run.minutes == 10.0
        assert sum(item.value in (0.3, 0.5, 0.76) for item in run.evaluations) >= 3
        return "whole"

    def _system(self, data: bytes) -> str:
        check_system(read_system(data, "s"))
        try:
            decode_object(data)
        except UndecodableError:
            return "read, no object"
        return "read"

    def _power(self, data: bytes) -> str:
        found = read_power(data, "node_0.txt")
        check_problems(found.problems)
        assert (found.watts is None) == any(item.code == "power-log-unsound" for item in found.problems)
        assert found.watts is None or math.isfinite(found.watts)
        return "mean power" if found.watts is not None else "unsound"


def check_run(run: Run, data: bytes) -> None:
    """Every value of the run is one that the database takes, and the parts agree."""
    assert run.size_bytes == len(data)
    assert len(run.content_hash) == 64
    for value in _values(run):
        assert_storable(value)
    if run.status in (RunStatus.CONVERGED, RunStatus.NOT_CONVERGED):
        assert run.minutes is not None
        assert run.minutes > 0
    else:
        assert run.minutes is None
        assert run.problems
    check_problems(run.problems)


def _values(run: Run) -> Iterator[Any]:
    yield from run_row(run, run.convergence_point, run.convergence_unit)
    for row in evaluation_rows(run, 1):
        yield from row


def check_system(system: System) -> None:
    """The same of a system."""
    for name in System.__slots__:
        if name != "problems":
            assert_storable(getattr(system, name))
    check_problems(system.problems)


def check_problems(problems: Sequence[Problem]) -> None:
    """Problems are ones that the catalogue explains, each once, told in bounded words."""
    assert len({problem.code for problem in problems}) == len(problems)
    for problem in problems:
        assert problem.code in _CODES
        assert problem.count >= 1
        assert len(problem.detail) <= 1000
        assert_storable(problem.detail)


def assert_storable(value: object) -> None:
    """SQLite takes it as it is."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):
        assert abs(value) < 2**63
    else:
        assert value is None
