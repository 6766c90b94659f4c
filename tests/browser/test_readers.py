"""Three readers in three contexts while another process writes to the same database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dashboard_pages import Visit, address, no_errors, open_page, row_count
from dashboard_server import dashboard
from playwright.sync_api import expect

from mlperf_stats.store import open_store
from mlperf_stats.store.queries import list_results

VIEWS = (
    address("", {"round": ["0.6"], "table": "By result"}),
    address("", {"round": ["0.6"], "benchmark": "resnet", "table": "By result"}),
    address("scale", {"view": "Over the rounds", "scale-benchmark": "resnet"}),
)


def test_readers_see_no_error_and_then_the_new_results(
    visit: Visit, packs: Callable[[str], Path], tmp_path: Path
) -> None:
    database = tmp_path / "team.db"
    ingest = [sys.executable, "-m", "mlperf_stats", "ingest", "--db", str(database)]
    first = next(path for path in sorted(packs("0.6").iterdir()) if (path / "results").is_dir())
    subprocess.run([*ingest, "--round", "0.6", str(first)], check=True, capture_output=True)
    with dashboard(tmp_path / "home", "--db", database, "--no-published") as at:
        readers = [visit(path, at=at, fresh=True) for path in VIEWS]
        before = row_count(readers[0]).inner_text()
        with subprocess.Popen(
            [*ingest, "--round", "0.6", str(packs("0.6"))], stdout=subprocess.DEVNULL
        ) as writer:
            while writer.poll() is None:
                for page, path in zip(readers, VIEWS, strict=True):
                    open_page(page, f"{at}/{path}")
                    no_errors(page)
        assert writer.returncode == 0
        with open_store(database, published=False) as store:
            expected = len(list_results(store))
        assert before != f"{expected} rows"
        for page, path in zip(readers, VIEWS, strict=True):
            open_page(page, f"{at}/{path}")
            no_errors(page)
        expect(row_count(readers[0])).to_have_text(f"{expected} rows")
        for page in readers:
            page.close()
