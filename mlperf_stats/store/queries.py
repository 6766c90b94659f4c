"""Reading results, runs and evaluations out of a store, from all its layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from mlperf_stats.model import Problem
from mlperf_stats.store.database import Store
from mlperf_stats.store.schema import EVALUATION_COLUMNS, RUN_COLUMNS, SUBMISSION_COLUMNS, SUMMARY_COLUMNS

_Key = TypeVar("_Key", int, str)

_CHUNK = 500
"""Keys per query; SQLite's limit on parameters is larger everywhere."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which results to look at. Within a field any pattern may fit, between fields all must.

    Patterns are case-insensitive globs (``*``, ``?``, ``[…]``) on the whole value.
    """

    rounds: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    availabilities: tuple[str, ...] = ()
    submitters: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    min_accelerators: int | None = None
    max_accelerators: int | None = None

    def clause(self) -> tuple[str, list[Any]]:
        """SQL condition over submissions ``s`` and results ``r``, with its parameters."""
        conditions: list[str] = []
        parameters: list[Any] = []
        for name, column in _FILTER_COLUMNS.items():
            patterns = getattr(self, name)
            if patterns:
                conditions.append("(" + " OR ".join([f"lower({column}) GLOB ?"] * len(patterns)) + ")")
                parameters.extend(_folded(name, pattern) for pattern in patterns)
        for value, sign in ((self.min_accelerators, ">="), (self.max_accelerators, "<=")):
            if value is not None:
                conditions.append(f"s.accelerators {sign} ?")
                parameters.append(value)
        return " AND ".join(conditions) or "1", parameters


_FILTER_COLUMNS = {
    "rounds": "s.round",
    "divisions": "s.division",
    "availabilities": "s.availability",
    "submitters": "s.submitter",
    "systems": "s.system",
    "accelerators": "s.accelerator",
    "benchmarks": "r.benchmark",
}


def _folded(name: str, pattern: str) -> str:
    folded = pattern.strip().lower()
    return folded.removeprefix("v") if name == "rounds" else folded


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One result as stored, without its runs."""

    layer: str
    """Schema of the connection that holds it; keys are unique within a layer."""
    result_key: int
    result_id: str
    benchmark: str
    folder: str
    path: str
    scaling_factor: float
    problems: tuple[Problem, ...]
    round: str
    submitter: str
    entry: str
    system: str
    system_name: str
    division: str
    division_as_filed: str
    availability: str
    availability_as_filed: str
    accelerator: str
    accelerators: int | None
    accelerators_per_node: int | None
    nodes: int | None
    host_processor: str
    host_processors: int | None
    framework: str
    description_path: str
    system_problems: tuple[Problem, ...]
    covers_published: bool
    """True if the user's database and the published snapshot both hold this result."""
    summary: Mapping[str, Any] | None
    """The stored summary (columns of :data:`SUMMARY_COLUMNS`), None if there is none at that level."""

    @property
    def key(self) -> tuple[str, int]:
        """Identity within the store."""
        return self.layer, self.result_key


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as stored. Fields are as in :class:`mlperf_stats.model.Run`."""

    run_key: int
    result_key: int
    path: str
    status: str
    start_ms: float | None
    stop_ms: float | None
    minutes: float | None
    gbs: int | None
    seed: str | None
    train_samples: int | None
    convergence_point: float | None
    convergence_unit: str
    progress_unit: str
    energy_joules: float | None
    grammar: str
    logged_benchmark: str
    logged_division: str
    content_hash: str
    size_bytes: int
    problems: tuple[Problem, ...]

    @property
    def identity(self) -> str:
        """What all copies of one run share, those that were edited for another round as well.

        No two runs of one seed start and stop at the same milliseconds; what has no marks is told by its
        content, and is nobody's copy (empty) if that is not known either.
        """
        if not self.seed or self.start_ms is None or self.stop_ms is None:
            return self.content_hash
        return f"{self.seed} {self.start_ms!r} {self.stop_ms!r}"


def list_results(
    store: Store, filters: Filters | None = None, *, level: float | None = None, computed_by: str = ""
) -> list[StoredResult]:
    """Results that fit the filters, in a stable order; the user's cover published ones of the same id.

    Args:
        store: Any open store.
        filters: None for all.
        level: With it, summaries of that level and of ``computed_by`` are joined.
        computed_by: Version of the statistics whose summaries are wanted.
    """
    condition, parameters = (filters or Filters()).clause()
    found: list[StoredResult] = []
    for layer in store.layers:
        rows = store.connection.execute(
            _result_query(store, layer, condition), [level, computed_by, *parameters]
        )
        found.extend(_stored_result(layer, row) for row in rows)
    found.sort(key=_order)
    return found


def find_by_id(
    store: Store, result_id: str, *, level: float | None = None, computed_by: str = ""
) -> StoredResult | None:
    """The result with exactly this id, or None; ``level`` and ``computed_by`` as in ``list_results``."""
    for layer in store.layers:
        query = _result_query(store, layer, "r.result_id = ?")
        row = store.connection.execute(query, [level, computed_by, result_id]).fetchone()
        if row:
            return _stored_result(layer, row)
    return None


def result_ids(store: Store) -> list[str]:
    """All result ids, sorted."""
    return sorted(
        {
            row[0]
            for layer in store.layers
            for row in store.connection.execute(f"SELECT result_id FROM {layer}.results")
        }
    )


def runs_of(store: Store, results: Iterable[StoredResult]) -> dict[tuple[str, int], list[StoredRun]]:
    """Runs of each result, ordered by path (numbers as numbers), by :attr:`StoredResult.key`."""
    runs: dict[tuple[str, int], list[StoredRun]] = {}
    for layer, keys in keys_by_layer(results):
        rows = store.connection.execute(
            f"SELECT {', '.join(_RUN_FIELDS)} FROM {layer}.runs "
            f"WHERE result_key IN ({', '.join('?' * len(keys))})",
            keys,
        )
        for row in rows:
            values: dict[str, Any] = dict(zip(_RUN_FIELDS, row, strict=True))
            run = StoredRun(**{**values, "problems": decode_problems(values["problems"])})
            runs.setdefault((layer, run.result_key), []).append(run)
    for of_result in runs.values():
        of_result.sort(key=lambda run: natural_key(run.path))
    return runs


def evaluations_of(store: Store, result: StoredResult) -> dict[int, list[dict[str, Any]]]:
    """Evaluations of a result's runs by run key, each as a mapping of the table's columns."""
    rows = store.connection.execute(
        f"SELECT run_key, {', '.join(EVALUATION_COLUMNS)} FROM {result.layer}.evaluations "
        f"WHERE run_key IN (SELECT run_key FROM {result.layer}.runs WHERE result_key = ?) ORDER BY 1, 2",
        (result.result_key,),
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(dict(zip(EVALUATION_COLUMNS, row[1:], strict=True)))
    return found


def duplicate_hashes(
    store: Store, among: Iterable[StoredRun] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Content hashes that more than one run file has: hash → (result id, path) of each, in order.

    ``among``: only the hashes of these runs; None for all.
    """
    if among is None:
        return _several_places(store, "<> ''", [])
    hashes = sorted({run.content_hash for run in among if run.content_hash})
    found: dict[str, list[tuple[str, str]]] = {}
    for chunk in _chunks(hashes):
        found.update(_several_places(store, f"IN ({', '.join('?' * len(chunk))})", chunk))
    return found


def _several_places(store: Store, condition: str, values: list[str]) -> dict[str, list[tuple[str, str]]]:
    union = " UNION ALL ".join(
        f"SELECT content_hash, result_id, {layer}.runs.path AS path "
        f"FROM {layer}.runs JOIN {layer}.results USING (result_key) "
        f"WHERE content_hash {condition}{_not_covered(store, layer, 'result_id')}"
        for layer in store.layers
    )
    rows = store.connection.execute(
        f"WITH everything AS MATERIALIZED ({union}) SELECT content_hash, result_id, path FROM everything "
        "WHERE content_hash IN (SELECT content_hash FROM everything GROUP BY 1 HAVING count(*) > 1) "
        "ORDER BY content_hash, result_id, path",
        values * len(store.layers),
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for content_hash, result_id, path in rows:
        found.setdefault(content_hash, []).append((result_id, path))
    return found


def same_marks(store: Store) -> dict[tuple[float, float], list[tuple[str, str]]]:
    """Runs that start and stop at the same milliseconds but differ in content: one run, edited.

    (start, stop) → (result id, path) of each, one of every content.
    """
    union = " UNION ALL ".join(
        f"SELECT start_ms, stop_ms, content_hash, result_id, {layer}.runs.path AS path "
        f"FROM {layer}.runs JOIN {layer}.results USING (result_key) "
        "WHERE start_ms IS NOT NULL AND stop_ms IS NOT NULL AND content_hash <> ''"
        f"{_not_covered(store, layer, 'result_id')}"
        for layer in store.layers
    )
    rows = store.connection.execute(
        f"WITH everything AS ({union}) SELECT DISTINCT start_ms, stop_ms, result_id, path FROM everything "
        "WHERE (start_ms, stop_ms) IN (SELECT start_ms, stop_ms FROM everything GROUP BY 1, 2 "
        "HAVING count(DISTINCT content_hash) > 1) ORDER BY start_ms, stop_ms, result_id, path"
    )
    found: dict[tuple[float, float], list[tuple[str, str]]] = {}
    for start, stop, result_id, path in rows:
        found.setdefault((start, stop), []).append((result_id, path))
    return found


def late_evaluations(store: Store) -> dict[str, float]:
    """By path of run: how many milliseconds after run_stop the latest evaluation is stamped that the log
    has before it. Runs without such evaluations are left out.
    """
    found: dict[str, float] = {}
    for layer in store.layers:
        rows = store.connection.execute(
            f"SELECT path, max(elapsed_ms) - minutes * 60000 AS late FROM {layer}.runs "
            f"JOIN {layer}.evaluations USING (run_key) "
            "WHERE after_stop = 0 AND minutes IS NOT NULL GROUP BY run_key HAVING late > 0"
        )
        found.update(dict(rows))
    return found


def decode_problems(text: str) -> tuple[Problem, ...]:
    """Problems from their stored form."""
    return () if text == "[]" else tuple(Problem(*row) for row in msgspec.json.decode(text))


_RUN_FIELDS = ("run_key", "result_key", *RUN_COLUMNS)
_RESULT_FIELDS = ("result_key", "result_id", "benchmark", "folder", "path", "scaling_factor", "problems")


def _result_query(store: Store, layer: str, condition: str) -> str:
    covered = "0"
    if layer == store.layers[0] and len(store.layers) > 1:
        lower = store.layers[1]
        covered = f"EXISTS (SELECT 1 FROM {lower}.results AS l WHERE l.result_id = r.result_id)"
    selected = ", ".join(
        [f"r.{name}" for name in _RESULT_FIELDS]
        + [f"s.{name}" for name in SUBMISSION_COLUMNS]
        + [covered, "m.result_key"]
        + [f"m.{name}" for name in SUMMARY_COLUMNS]
    )
    return (
        f"SELECT {selected} FROM {layer}.results AS r JOIN {layer}.submissions AS s USING (submission_key) "
        f"LEFT JOIN {layer}.summaries AS m "
        f"ON m.result_key = r.result_key AND m.level = ? AND m.computed_by = ? "
        f"WHERE {condition}{_not_covered(store, layer, 'r.result_id')}"
    )


def _not_covered(store: Store, layer: str, column: str) -> str:
    """Leaves out what a layer above holds, too."""
    above = store.layers[: store.layers.index(layer)]
    return "".join(f" AND {column} NOT IN (SELECT result_id FROM {upper}.results)" for upper in above)


def _stored_result(layer: str, row: Sequence[Any]) -> StoredResult:
    own, filed = len(_RESULT_FIELDS), len(_RESULT_FIELDS) + len(SUBMISSION_COLUMNS)
    values: dict[str, Any] = dict(zip(_RESULT_FIELDS, row[:own], strict=True))
    submission = dict(zip(SUBMISSION_COLUMNS, row[own:filed], strict=True))
    values["problems"] = decode_problems(values["problems"])
    values["system_problems"] = decode_problems(submission.pop("problems"))
    covered, summary_key, *summary = row[filed:]
    return StoredResult(
        layer=layer,
        **values,
        **submission,
        covers_published=bool(covered),
        summary=None if summary_key is None else dict(zip(SUMMARY_COLUMNS, summary, strict=True)),
    )


def _order(result: StoredResult) -> tuple[Any, ...]:
    """Rounds as numbers, then names without case; the id decides between equal ones."""
    return (*natural_key(result.round), result.result_id.lower(), result.result_id)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that compares runs of digits as numbers."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d{1,15})", text)
        if part
    )


def keys_by_layer(results: Iterable[StoredResult]) -> Iterator[tuple[str, list[int]]]:
    """Layer and result keys, not too many at once for a query."""
    keys: dict[str, list[int]] = {}
    for result in results:
        keys.setdefault(result.layer, []).append(result.result_key)
    for layer, every in keys.items():
        for chunk in _chunks(every):
            yield layer, chunk


def _chunks(keys: list[_Key]) -> Iterator[list[_Key]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
