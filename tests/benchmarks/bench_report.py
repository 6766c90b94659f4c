"""What charts and reports cost, CPU seconds and bytes. Usage: python tests/benchmarks/bench_report.py

Asked of a report: below 3 MB.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from mlperf_stats.analysis.accounts import accounts
from mlperf_stats.charts.export import chart_html, chart_json, chart_png, chart_svg
from mlperf_stats.charts.results import results_chart
from mlperf_stats.report.html import html_page
from mlperf_stats.report.markdown import markdown_text
from mlperf_stats.report.results import results_report
from mlperf_stats.store import Filters, open_snapshot

IMPORTS = ("altair", "vl_convert", "jinja2", "mlperf_stats.charts.results", "mlperf_stats.report.results")
REPORTS = (
    ("round 5.0, rgat", Filters(rounds=("5.0",), benchmarks=("rgat",))),
    ("round 5.0", Filters(rounds=("5.0",))),
    ("rounds 4.0 and 5.0, available", Filters(rounds=("4.0", "5.0"), availabilities=("available",))),
    ("the whole snapshot", Filters()),
)


def measured(name: str, make: Callable[[], str | bytes]) -> None:
    before = time.process_time()
    content = make()
    size = len(content.encode() if isinstance(content, str) else content)
    print(f"{name:52} {time.process_time() - before:7.2f} s {size / 1e6:7.3f} MB")


def main() -> None:
    for name in IMPORTS:
        code = f"import time; t = time.process_time(); import {name}; print(time.process_time() - t)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        print(f"{'import ' + name:52} {float(done.stdout):7.2f} s")
    with open_snapshot() as store:
        for title, filters in REPORTS:
            found = accounts(store, filters)
            document = results_report(found)
            named = f"{title}, {len(found.results)} results"
            measured(f"{named}: HTML", lambda document=document: html_page(document))
            measured(f"{named}: Markdown", lambda document=document: markdown_text(document))
        rows = [account.detail.row for account in accounts(store, REPORTS[0][1]).results]
    for form in (chart_png, chart_svg, chart_html, chart_json):
        measured(f"chart of 16 results: {form.__name__}", lambda form=form: form(results_chart(rows)))


if __name__ == "__main__":
    main()
