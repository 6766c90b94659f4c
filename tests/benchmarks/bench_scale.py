"""A database 100 times the published one: does ingest cost the same per byte, a query the same per row?

Usage: python tests/benchmarks/bench_scale.py

Builds the large database from the shipped snapshot: 100 times its results and runs under other
submitters' names, 10 times its evaluations. Takes some minutes and 2 GB of temporary space.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from madeup_logs import run_log, submission_files, write_tree

from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.show import show_result
from mlperf_stats.analysis.summaries import STATISTICS_VERSION
from mlperf_stats.store import Filters, open_store
from mlperf_stats.store.database import published_path
from mlperf_stats.store.ingest import ingest
from mlperf_stats.store.schema import EVALUATION_COLUMNS, RUN_COLUMNS, SUBMISSION_COLUMNS, SUMMARY_COLUMNS

RESULTS_FACTOR, EVALUATIONS_FACTOR = 100, 10
REPEATS = 3
LIMIT_S = 1.0

_COPY = "'-' || :copy"
_COPIED_ID = f"round || '/' || submitter || {_COPY} || substr(result_id, length(round || submitter) + 2)"


def copied(columns: tuple[str, ...], **changed: str) -> str:
    """Columns for SELECT, some of them with another expression."""
    return ", ".join(changed.get(name, name) for name in columns)


def build(path: Path, results_factor: int, evaluations_factor: int) -> None:
    """Copies of the snapshot beside each other: every key is moved on, every submitter renamed."""
    with open_store(path, published=False, write=True) as store:
        connection = store.connection
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("ATTACH ? AS source", (str(published_path()),))
        keys = {
            name: connection.execute(f"SELECT max({name}_key) + 1 FROM source.{name}s").fetchone()[0]
            for name in ("submission", "result", "run")
        }
        result_columns = ("benchmark", "folder", "path", "scaling_factor", "problems")
        for copy in range(results_factor):
            at = {name: copy * size for name, size in keys.items()}
            statements = [
                f"INSERT INTO submissions SELECT submission_key + {at['submission']}, "
                f"{copied(SUBMISSION_COLUMNS, submitter=f'submitter || {_COPY}')} FROM source.submissions",
                f"INSERT INTO results SELECT result_key + {at['result']}, "
                f"{_COPIED_ID}, "
                f"submission_key + {at['submission']}, {', '.join(f'r.{name}' for name in result_columns)} "
                "FROM source.results AS r JOIN source.submissions USING (submission_key)",
                f"INSERT INTO runs SELECT run_key + {at['run']}, result_key + {at['result']}, "
                f"{copied(RUN_COLUMNS, content_hash=f'content_hash || {_COPY}')} FROM source.runs",
                # Whatever computed them: here they only have to be there.
                f"INSERT INTO summaries SELECT result_key + {at['result']}, '{STATISTICS_VERSION}', level, "
                f"{', '.join(SUMMARY_COLUMNS)} FROM source.summaries",
            ]
            if copy < evaluations_factor:
                statements.append(
                    f"INSERT INTO evaluations SELECT run_key + {at['run']}, {', '.join(EVALUATION_COLUMNS)} "
                    "FROM source.evaluations"
                )
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement, {"copy": copy} if ":copy" in statement else {})
            connection.execute("COMMIT")
        connection.execute("DETACH source")


def seconds(work: Callable[[], object]) -> float:
    """Median CPU seconds of a few repetitions."""
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return median(taken)


def new_results(folder: Path, submissions: int) -> Path:
    """New results for the benchmark that has the most in v5.0; logs are as long as published ones."""
    files: dict[str, bytes] = {}
    tail = b"training goes on and on\n" * 8_000
    for system in range(submissions):
        files |= submission_files("Newcomer", f"system-{system}", "llama2_70b_lora")
        for run in range(5):
            log = run_log(10 + system + run / 10, evaluations=[(n, n / 30) for n in range(30)])
            files[f"Newcomer/results/system-{system}/llama2_70b_lora/result_{run}.txt"] = log + tail
    return write_tree(folder / "training_results_v5.0", files)


def ingest_seconds_per_gb(database: Path, tree: Path) -> float:
    """CPU seconds of an ingest of files that the database does not have; they are removed afterwards."""
    size_gb = sum(path.stat().st_size for path in tree.rglob("*.txt")) / 1e9
    taken = []
    for _ in range(REPEATS):
        with open_store(database, published=False, write=True) as store:
            start = time.process_time()
            ingest(store, [tree])
            taken.append(time.process_time() - start)
            forget(store.connection, "Newcomer")
    return median(taken) / size_gb


def forget(connection: sqlite3.Connection, submitter: str) -> None:
    results = (
        "SELECT result_key FROM results JOIN submissions USING (submission_key) "
        f"WHERE submitter = '{submitter}'"
    )
    runs = f"SELECT run_key FROM runs WHERE result_key IN ({results})"
    connection.execute("BEGIN")
    connection.execute(f"DELETE FROM evaluations WHERE run_key IN ({runs})")
    connection.execute(f"DELETE FROM runs WHERE result_key IN ({results})")
    connection.execute(f"DELETE FROM results WHERE result_key IN ({results})")
    connection.execute("DELETE FROM submissions WHERE submitter = ?", (submitter,))
    connection.execute("COMMIT")


QUERIES = {
    "round, submitter": Filters(rounds=("5.0",), submitters=("nvidia-7",)),
    "submitter, accelerators": Filters(submitters=("*vidia-7*",), min_accelerators=64),
    "round, benchmark": Filters(rounds=("5.0",), benchmarks=("bert",)),
    "round, division, benchmark": Filters(rounds=("3.0",), divisions=("closed",), benchmarks=("unet3d",)),
}


def compare(small: Path, large: Path) -> None:
    print(f"{'':34}{'small':>12}{'large':>12}{'ratio':>8}")
    with open_store(small, published=False) as one, open_store(large, published=False) as many:
        stores = (one, many)
        everything = [seconds(lambda: results_table(store)) / len(results_table(store)) for store in stores]  # noqa: B023
        print(
            f"{'results, all: µs per row':34}{everything[0] * 1e6:12.0f}{everything[1] * 1e6:12.0f}"
            f"{everything[1] / everything[0]:8.2f}"
        )
        identity = next(iter(results_table(many, Filters(submitters=("nvidia-7",))).rows))["result_id"]
        print(f"{'show, ms':34}{'':12}{seconds(lambda: show_result(many, identity)) * 1e3:12.1f}")
        for label, filters in QUERIES.items():
            rows = len(results_table(many, filters))
            taken = seconds(lambda: results_table(many, filters))  # noqa: B023
            print(f"results by {label + f': s for {rows} rows':45}{taken:7.2f}")
            if taken > LIMIT_S:
                raise SystemExit(f"over the limit of {LIMIT_S:g} s")
    # Last, because new results make summaries of their benchmark stale.
    with tempfile.TemporaryDirectory() as name:
        tree = new_results(Path(name), 60)
        costs = [ingest_seconds_per_gb(path, tree) for path in (small, large)]
    print(f"{'ingest, CPU s per GB':34}{costs[0]:12.2f}{costs[1]:12.2f}{costs[1] / costs[0]:8.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small.db", Path(name) / "large.db"
        build(small, 1, 1)
        start = time.perf_counter()
        build(large, RESULTS_FACTOR, EVALUATIONS_FACTOR)
        took = time.perf_counter() - start
        with open_store(large, published=False) as store:
            counts = [
                store.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("results", "runs", "evaluations")
            ]
        size_mb = large.stat().st_size / 1e6
        print(
            "{} results, {} runs, {} evaluations;".format(*counts), f"{size_mb:.0f} MB, built in {took:.0f} s"
        )
        compare(small, large)


if __name__ == "__main__":
    main()
