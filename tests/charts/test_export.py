"""Charts as files: each form is what it says, needs nothing from elsewhere, and shows names as names."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import HOSTILE_TEXTS, Markup

from mlperf_stats.analysis.results import ResultsTable
from mlperf_stats.analysis.show import ResultDetail
from mlperf_stats.charts import export
from mlperf_stats.charts.curves import quality_curves
from mlperf_stats.charts.export import chart_html, chart_png, chart_svg, save_chart
from mlperf_stats.charts.labels import amount, distinct, result_labels, shared_ends
from mlperf_stats.charts.results import results_chart
from mlperf_stats.charts.theme import WIDTH
from mlperf_stats.errors import InputError
from mlperf_stats.text.names import clean


@pytest.fixture(scope="module")
def chart(rgat: ResultsTable) -> Any:
    return results_chart(list(rgat)[:3])


@pytest.fixture(scope="module")
def hostile(rgat: ResultsTable) -> Any:
    """A picture of results whose names and systems are hostile texts."""
    row = next(iter(rgat))
    rows = [
        row | {"result_id": f"5.0/{text}/{text}/rgat", "accelerator": text, "warnings": text}
        for text in HOSTILE_TEXTS.values()
    ]
    return results_chart(rows)


def test_png(chart: Any, tmp_path: Path) -> None:
    save_chart(chart, tmp_path / "chart.png")
    content = (tmp_path / "chart.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">I", content[16:20]) == (2 * WIDTH,)
    assert struct.unpack(">I", chart_png(chart, scale=1)[16:20]) == (WIDTH,)


def test_json_is_a_specification(chart: Any, tmp_path: Path) -> None:
    save_chart(chart, tmp_path / "chart.JSON")
    spec = json.loads((tmp_path / "chart.JSON").read_text())
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/v6")
    assert spec == json.loads(json.dumps(chart.to_dict()))


def test_svg_has_texts_as_texts(chart: Any, tmp_path: Path) -> None:
    save_chart(chart, tmp_path / "chart.svg")
    svg = (tmp_path / "chart.svg").read_text()
    assert "minutes" in Markup(svg).text
    assert "<script" not in svg


def test_html_holds_everything(chart: Any, tmp_path: Path) -> None:
    save_chart(chart, tmp_path / "chart.html")
    found = Markup((tmp_path / "chart.html").read_text())
    assert not [name for _, name, _ in found.attributes if name in ("src", "href")]
    (policy,) = (value for tag, name, value in found.attributes if tag == "meta" and "default-src" in value)
    assert policy.startswith("default-src 'none'")
    assert len(found.scripts) == 2
    assert (tmp_path / "chart.html").stat().st_size < 1_500_000


def test_names_stay_names_in_svg(hostile: Any) -> None:
    found = Markup(chart_svg(hostile))
    assert set(found.tags) <= {"svg", "g", "path", "line", "rect", "text", "tspan"}
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or "href" in name]
    assert "a | b || c/a | b || c" in found.text
    assert clean(found.text) == found.text


def test_names_stay_names_in_html(hostile: Any) -> None:
    page = chart_html(hostile)
    found = Markup(page)
    assert set(found.tags) == {"html", "head", "meta", "title", "style", "body", "div", "script"}
    assert len(found.scripts) == 2
    specification = found.scripts[1]
    assert "<" not in specification
    (start, end) = specification.index("{"), specification.rindex(", { actions")
    assert json.loads(specification[start:end]) == json.loads(json.dumps(hostile.to_dict()))


@pytest.mark.parametrize("metric", ['\\", "x": 1, "', "x\\", "</title></svg><b>", "a\n\nb", "${datum}"])
def test_metric_named_by_a_log_stays_a_name(tinybox: ResultDetail, metric: str) -> None:
    """Titles of axes and tooltips become expressions: none may come from a log."""
    runs = tuple(
        replace(run, evaluations=tuple(item | {"metric": metric} for item in run.evaluations))
        for run in tinybox.runs[:2]
    )
    chart = quality_curves(replace(tinybox, runs=runs), metric)
    assert clean(metric) in Markup(chart_svg(chart)).text
    titles = [
        one["title"] for layer in chart.to_dict()["layer"] for one in layer["encoding"].get("tooltip", ())
    ]
    assert set(titles) <= {"Result", "Run", "Quality", "Minutes", "Progress", "Kind"}


def test_unknown_endings_and_places(chart: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"chart\.gif: what it ends in must say the form: \.png, \.svg"):
        save_chart(chart, tmp_path / "chart.gif")
    with pytest.raises(InputError, match="cannot write"):
        save_chart(chart, tmp_path / "nowhere" / "chart.json")


@pytest.mark.parametrize("draw", [chart_png, chart_svg, chart_html])
def test_missing_library_is_named(
    chart: Any, draw: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    export._bundle.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'mlperf-stats\[charts\]'"):
        draw(chart)


def test_labels_leave_out_what_all_share_and_stay_apart() -> None:
    ids = ["5.0/Dell/one/bert", "5.0/Dell/two/bert"]
    assert result_labels(ids) == {ids[0]: "Dell/one", ids[1]: "Dell/two"}
    assert shared_ends(ids) == "bert, round 5.0"
    mixed = [*ids, "4.0/Dell/one/bert"]
    assert result_labels(mixed)["4.0/Dell/one/bert"] == "4.0/Dell/one"
    assert shared_ends(mixed) == "bert"
    assert shared_ends(["a", "b"]) == ""
    # Two names that look alike once their control characters are shown.
    assert distinct({"x": "same", "y": "same", "z": "other"}) == {
        "x": "same (1)",
        "y": "same (2)",
        "z": "other",
    }


@pytest.mark.parametrize(
    ("point", "unit", "text"),
    [
        (2399232.0, "sample", "2,399,232 samples"),
        (1.0, "epoch", "1 epoch"),
        (0.95, "epoch_num", "0.95 epochs"),
        (None, "epoch", "?"),
        (3.0, "", "3"),
    ],
)
def test_amounts(point: float | None, unit: str, text: str) -> None:
    assert amount(point, unit) == text
