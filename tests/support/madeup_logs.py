"""Made-up logs, system descriptions and trees of them, in the shapes that published rounds have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

START_MS = 1_600_000_000_000


def mllog(key: str, value: Any = None, *, time_ms: float = START_MS, **metadata: Any) -> str:
    """One line in the grammar of v0.7 and later, as mlperf-logging writes it."""
    fields = {
        "namespace": "",
        "time_ms": time_ms,
        "event_type": "POINT_IN_TIME",
        "key": key,
        "value": value,
        "metadata": {"file": "train.py", "lineno": 12, **metadata},
    }
    return f":::MLLOG {json.dumps(fields)}"


def mll(key: str, value: Any = None, *, time_ms: float = START_MS, **metadata: Any) -> str:
    """One line in the grammar of v0.6."""
    rest = json.dumps({"value": value, "metadata": {"lineno": 12, "file": "train.py", **metadata}})
    return f":::MLL {time_ms / 1000:.9f} {key}: {rest}"


def mlp05(key: str, value: Any = None, *, time_ms: float = START_MS) -> str:
    """One line in the grammar of v0.5."""
    rest = "" if value is None else f": {json.dumps(value)}"
    return f":::MLPv0.5.0 resnet {time_ms / 1000:.9f} (train.py:12) {key}{rest}"


def run_lines(
    minutes: float = 10.0,
    *,
    status: str | None = "success",
    gbs: int = 256,
    seed: int = 1,
    evaluations: Sequence[tuple[float, float]] = ((1, 0.3), (2, 0.5), (3, 0.76)),
    benchmark: str = "resnet",
) -> list[str]:
    """The lines of a whole run: ``evaluations`` are (epoch, accuracy), evenly spread over the time."""
    end_ms = START_MS + minutes * 60_000
    lines = [
        mllog("submission_benchmark", benchmark),
        mllog("submission_division", "closed"),
        mllog("global_batch_size", gbs),
        mllog("seed", seed),
        mllog("train_samples", 1_281_167),
        mllog("run_start"),
    ]
    for index, (epoch, accuracy) in enumerate(evaluations, start=1):
        time_ms = START_MS + minutes * 60_000 * index / (len(evaluations) + 1)
        lines.append(mllog("eval_accuracy", accuracy, time_ms=time_ms, epoch_num=epoch))
    metadata = {} if status is None else {"status": status}
    return [*lines, mllog("run_stop", time_ms=end_ms, **metadata)]


def log(lines: Iterable[str], newline: str = "\n") -> bytes:
    """The bytes of a log file with these lines."""
    return "".join(line + newline for line in lines).encode()


def run_log(minutes: float = 10.0, **changes: Any) -> bytes:
    """The bytes of a whole run; ``changes`` as in :func:`run_lines`."""
    return log(run_lines(minutes, **changes))


def system_fields(**changes: Any) -> dict[str, Any]:
    """A system description as v1.0 and later file it; a change to ``None`` leaves a field out."""
    fields = {
        "submitter": "ACME",
        "division": "closed",
        "status": "onprem",
        "system_name": "acme_x8",
        "number_of_nodes": "2",
        "host_processors_per_node": "2",
        "host_processor_model_name": "ACME Zeta",
        "accelerators_per_node": "8",
        "accelerator_model_name": "ACME-A100",
        "framework": "PyTorch 2.1",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def system_json(**changes: Any) -> bytes:
    """The bytes of such a description."""
    return json.dumps(system_fields(**changes), indent=4).encode()


def write_tree(root: Path, files: dict[str, bytes]) -> Path:
    """Write files below ``root`` and return it."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def submission_files(
    submitter: str = "ACME",
    system: str = "acme_x8",
    benchmark: str = "resnet",
    minutes: Sequence[float] = (10.0, 11.0, 12.0, 13.0, 14.0),
) -> dict[str, bytes]:
    """Path → bytes of one submission with a run per given time."""
    files = {f"{submitter}/systems/{system}.json": system_json(submitter=submitter, system_name=system)}
    for number, time in enumerate(minutes):
        files[f"{submitter}/results/{system}/{benchmark}/result_{number}.txt"] = run_log(
            time, benchmark=benchmark, seed=number
        )
    return files


def round_files() -> dict[str, bytes]:
    """A small round: two submitters, three submissions, four results, and files of no interest."""
    return {
        **submission_files("ACME", "acme_x8", "resnet"),
        **submission_files("ACME", "acme_x8", "bert", (3.0, 3.5)),
        **submission_files("ACME", "acme_x64", "resnet", (2.0, 2.5)),
        **submission_files("Globex", "gx-1 (TM)", "resnet", (20.0, 21.0)),
        "ACME/benchmarks/resnet/implementations/README.md": b"# How to run\n",
        "README.md": b"# Results\n",
    }


def database_rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a database that an ingest wrote, without the numbers it gave to rows."""
    import sqlite3

    queries = {
        "submissions": "SELECT * FROM submissions",
        "results": "SELECT * FROM results JOIN submissions USING (submission_key)",
        "runs": "SELECT result_id, runs.* FROM runs JOIN results USING (result_key)",
        "evaluations": "SELECT result_id, runs.path, evaluations.* FROM evaluations "
        "JOIN runs USING (run_key) JOIN results USING (result_key)",
    }
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with sqlite3.connect(path) as connection:
        for name, query in queries.items():
            cursor = connection.execute(query)
            kept = [i for i, column in enumerate(cursor.description) if not column[0].endswith("_key")]
            rows[name] = sorted((tuple(row[i] for i in kept) for row in cursor), key=repr)
    connection.close()
    return rows
