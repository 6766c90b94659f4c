"""Builds the published snapshot: ``python -m mlperf_stats.published.build PATH… [--manifest FILE]``.

Reads results repositories with the package's own reader and keeps figures only: runs, evaluations,
systems and summaries, no log text. The file is complete or not there, and equal inputs give equal
tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlperf_stats import __version__
from mlperf_stats.analysis.summaries import STATISTICS_VERSION, refresh
from mlperf_stats.errors import MlperfStatsError
from mlperf_stats.store.database import Store, open_store, published_path
from mlperf_stats.store.ingest import IngestReport, ingest

SOURCE = "https://github.com/mlcommons/training_results_v{round}"
"""Where the results repository of a round is published, under the Apache License 2.0."""


def build(paths: Sequence[str], target: Path, manifest: str | None = None) -> IngestReport:
    """Build the snapshot at ``target`` from results repositories, and ``provenance.json`` beside it.

    Raises:
        MlperfStatsError: an input cannot be used, or the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        work, final = Path(scratch) / "work.db", Path(scratch) / "snapshot.db"
        with open_store(work, published=False, write=True) as store:
            report = ingest(store, paths, manifest=manifest)
            refresh(store)
            _describe(store, report)
            # In journal mode DELETE, or it could not be opened from a read-only installation.
            store.connection.execute("VACUUM INTO ?", (str(final),))
        os.replace(final, target)
    target.with_name("provenance.json").write_text(_provenance(target, report), encoding="utf-8")
    return report


def _describe(store: Store, report: IngestReport) -> None:
    rows = {
        "built_by": f"mlperf-stats {__version__}, statistics {STATISTICS_VERSION}",
        "licence": "figures computed from results published by MLCommons under the Apache License 2.0",
        **{f"source_{round_}": SOURCE.format(round=round_) for round_ in report.runs_by_round},
    }
    with store.transaction() as connection:
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(rows.items()))


def _provenance(target: Path, report: IngestReport) -> str:
    facts = {
        "built_by": f"mlperf-stats {__version__}",
        "statistics_version": STATISTICS_VERSION,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "size_bytes": target.stat().st_size,
        "results": report.results,
        "runs_by_round": dict(sorted(report.runs_by_round.items())),
        "runs_by_status": dict(sorted(report.runs_by_status.items())),
        "problems_by_code": dict(sorted(report.problems_by_code.items())),
        "sources": {round_: SOURCE.format(round=round_) for round_ in sorted(report.runs_by_round)},
    }
    return json.dumps(facts, indent=2) + "\n"


def main() -> int:
    """Command line of the builder."""
    parser = argparse.ArgumentParser(prog="python -m mlperf_stats.published.build", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="results repositories: folders or archives")
    parser.add_argument("--manifest", help="CSV file 'round,path' of published files that may be missing")
    parser.add_argument("-o", "--output", type=Path, default=published_path(), help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        report = build(arguments.paths, arguments.output, arguments.manifest)
    except MlperfStatsError as error:
        print(f"snapshot: {error}", file=sys.stderr)
        return 2
    size_mb = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output}: {report.results} results, {report.runs} runs, {size_mb:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
