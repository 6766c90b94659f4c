"""A document as one HTML file that needs nothing else: no script, no network, pictures inside."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.export import chart_svg
from mlperf_stats.errors import InputError
from mlperf_stats.report.document import Document, Figure
from mlperf_stats.text.names import clean

if TYPE_CHECKING:
    import jinja2

_LIBRARIES = ("altair", "vl_convert", "jinja2")

Progress = Callable[[int, int], None]
"""Called with the pictures drawn and how many there are."""

_TAG = re.compile(r"<[^>]+>")
_ROUNDED = re.compile(r"(\d+\.\d{2})\d+")
_LABELS = re.compile(r' (?:aria-[a-z]+|role|pointer-events)="[^"]*"')


def require_drawing() -> None:
    """Say before long work that a library of :func:`html_page` is not installed.

    Raises:
        InputError: names it and says how to get it.
    """
    missing = next((name for name in _LIBRARIES if find_spec(name) is None), None)
    if missing:
        raise _missing(missing)


def html_page(document: Document, on_progress: Progress | None = None) -> str:
    """The document as a page.

    Raises:
        InputError: the libraries that draw and lay out are not installed.
    """
    template = _template()
    total = document.figures()
    drawn = 0

    def picture(figure: Figure) -> Any:
        nonlocal drawn
        svg = _inline(figure)
        drawn += 1
        if on_progress:
            on_progress(drawn, total)
        return svg

    return template.render(document=document, picture=picture)


def _inline(figure: Figure) -> Any:
    """The picture as an SVG element: shorter numbers, and one description in place of one for each mark."""
    from markupsafe import Markup

    # Only what stands in a tag is shortened: text nodes hold names and figures.
    svg = _TAG.sub(lambda tag: _ROUNDED.sub(r"\1", _LABELS.sub("", tag[0])), _svg(figure))
    label = Markup.escape(clean(figure.description))
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


def _svg(figure: Figure) -> str:
    try:
        return chart_svg(figure.draw())
    except ModuleNotFoundError as error:
        raise _missing("altair") from error


def _missing(library: str) -> InputError:
    return InputError(
        f"HTML reports need {library}, which is not installed; pip install 'mlperf-stats[charts]'"
    )


@cache
def _template() -> jinja2.Template:
    try:
        import jinja2
    except ImportError as error:
        raise _missing("jinja2") from error
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    source = (files("mlperf_stats.report") / "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _harmless(value: Any) -> Any:
    """Plain text without control characters; what is markup already stays."""
    return clean(value) if type(value) is str else value
