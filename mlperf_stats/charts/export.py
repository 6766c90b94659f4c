"""Charts as files: PNG, SVG, self-contained HTML and Vega-Lite JSON, all made without a network."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlperf_stats.errors import InputError
from mlperf_stats.store.files import replaced_file

if TYPE_CHECKING:
    import altair as alt

PNG_SCALE = 2.0
"""Device pixels of a PNG per pixel of the chart."""


def chart_png(chart: alt.TopLevelMixin, *, scale: float = PNG_SCALE) -> bytes:
    """The chart as a PNG image."""
    converter = _converter()
    return bytes(converter.vegalite_to_png(_spec(chart), vl_version=_version(), scale=scale, **_OFFLINE))


def chart_svg(chart: alt.TopLevelMixin) -> str:
    """The chart as a standing SVG image, with texts as texts."""
    return str(_converter().vegalite_to_svg(_spec(chart), vl_version=_version(), **_OFFLINE))


def chart_json(chart: alt.TopLevelMixin) -> str:
    """The chart's Vega-Lite specification, data included."""
    return json.dumps(_spec(chart), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def chart_html(chart: alt.TopLevelMixin) -> str:
    """A page with the chart and all scripts it needs: tooltips work, nothing is fetched."""
    spec = _spec(chart)
    # Inside a script element only "<" can end it; as an escape it means the same to JSON.
    embedded = json.dumps(spec, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    title = spec.get("title", {}).get("text", "")
    return _PAGE.format(
        title=html.escape(" ".join(title) if isinstance(title, list) else str(title)),
        background=html.escape(str(spec.get("background", "white"))),
        scripts=_bundle(),
        spec=embedded,
    )


def save_chart(chart: alt.TopLevelMixin, path: str | os.PathLike[str]) -> None:
    """Write the chart to ``path``, whose ending says the form: .png, .svg, .html or .json.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    target = Path(path)
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise InputError(f"{target}: what it ends in must say the form: {', '.join(_WRITERS)}")
    content = writer(chart)
    with replaced_file(target) as scratch:
        scratch.write_bytes(content if isinstance(content, bytes) else content.encode())


_WRITERS: dict[str, Callable[[Any], bytes | str]] = {
    ".png": chart_png,
    ".svg": chart_svg,
    ".html": chart_html,
    ".json": chart_json,
}
_OFFLINE: dict[str, Any] = {"allowed_base_urls": []}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';
 style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ margin: 0; background: {background}; }}</style>
</head>
<body>
<div id="chart"></div>
<script type="module">{scripts}</script>
<script type="module">
vegaEmbed("#chart", {spec}, {{ actions: false, loader: {{ http: false }} }});
</script>
</body>
</html>
"""


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    return dict(chart.to_dict())


def _version() -> str:
    import altair as alt

    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


@cache
def _bundle() -> str:
    return str(_converter().javascript_bundle(vl_version=_version()))


def _converter() -> Any:
    try:
        import vl_convert
    except ImportError as error:
        raise InputError(
            "pictures need vl-convert-python, which is not installed; pip install 'mlperf-stats[charts]'"
        ) from error
    return vl_convert
