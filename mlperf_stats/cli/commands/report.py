"""``mlperf-stats report``: results with intervals and pictures in one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, file_option
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.store.files import replaced_file, require_writable
from mlperf_stats.text.numbers import plural

if TYPE_CHECKING:
    from mlperf_stats.report.document import Document
    from mlperf_stats.store import Store

EXAMPLES = (
    ("mlperf-stats report --round 5.0 --benchmark rgat -o rgat.html", "one benchmark of one round"),
    ("mlperf-stats report --submitter dell --level 90% -o dell.html", "a submitter, 90 % intervals"),
    ("mlperf-stats report --round 5.0 -o round.md", "the same words and tables as Markdown"),
)
FORMS = (".html", ".md")


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    path: Annotated[Path, file_option("What it ends in says the form: .html or .md.")],
    level: LevelOption = 0.95,
) -> None:
    """Write results with intervals and pictures as one HTML or Markdown file.

    The HTML file holds everything, loads nothing from elsewhere and can be printed; Markdown has the same
    words and tables. HTML needs the extra 'charts': pip install 'mlperf-stats[charts]'.
    """
    from mlperf_stats.analysis.accounts import accounts
    from mlperf_stats.report.html import require_drawing
    from mlperf_stats.report.results import results_report, selection_of

    if path.suffix.lower() not in FORMS:
        raise InputError(f"{path}: what it ends in must say the form: {', '.join(FORMS)}")
    require_writable(path)
    if path.suffix.lower() == ".html":
        require_drawing()
    with database.open(filters) as store:
        with steps_bar("computing intervals") as on_progress:
            found = accounts(store, filters, level=level, on_progress=on_progress)
        source = _source(store)
    if not found.results:
        raise NotFoundError("there is no result to report on; 'mlperf-stats ingest FOLDER' reads some")
    document = results_report(found, selection=selection_of(filters), source=source)
    text = _text(document, path.suffix.lower())
    with replaced_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="")
    print(f"{path}: {plural(len(found.results), 'result')}, {_size(len(text.encode()))}", file=sys.stderr)


def _size(number: int) -> str:
    """``23 kB``, ``1.4 MB``."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def _text(document: Document, suffix: str) -> str:
    from mlperf_stats.report.html import html_page
    from mlperf_stats.report.markdown import markdown_text

    if suffix == ".md":
        return markdown_text(document)
    with steps_bar("drawing pictures") as on_progress:
        return html_page(document, on_progress)


def _source(store: Store) -> str:
    published = "the published results that come with mlperf-stats"
    if store.path is None:
        return published
    return f"an own database over {published}" if len(store.layers) > 1 else "an own database"
