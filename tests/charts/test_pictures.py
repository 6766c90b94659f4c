"""Every picture on published results: its size, its words, what it draws, and that it never varies."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from mlperf_stats.analysis.compare import compare
from mlperf_stats.analysis.history import history
from mlperf_stats.analysis.plan import Plan
from mlperf_stats.analysis.profile import profile
from mlperf_stats.analysis.results import ResultsTable
from mlperf_stats.analysis.scale import scale_report
from mlperf_stats.analysis.show import ResultDetail, show_result
from mlperf_stats.analysis.summary_score import combine
from mlperf_stats.analysis.variance import variance_report
from mlperf_stats.charts.compare import forest_chart
from mlperf_stats.charts.curves import metrics_of, quality_curves
from mlperf_stats.charts.export import chart_json, chart_svg
from mlperf_stats.charts.history import history_chart
from mlperf_stats.charts.plan import width_curve_chart
from mlperf_stats.charts.profile import profile_chart
from mlperf_stats.charts.results import OWN_MARK, SELECTION, results_chart
from mlperf_stats.charts.runs import MISSED, run_strips, runs_chart
from mlperf_stats.charts.scale import scaling_chart
from mlperf_stats.charts.summary import contributions_chart
from mlperf_stats.charts.theme import DARK, LIGHT, WIDTH
from mlperf_stats.charts.variance import decomposition_chart, score_spread_chart
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

Draw = Callable[..., Any]

PLAN = Plan(
    rows=(
        {
            "benchmark": "bert",
            "half_width": 0.025,
            "level": 0.95,
            "assurance": 0.8,
            "runs": 40,
            "official_runs": 10,
        },
    ),
    columns=("benchmark",),
    basis=(),
    curve=tuple(
        {
            "runs": runs,
            "expected_score": 0.2 / runs**0.5,
            "geometric_mean": 0.19 / runs**0.5,
            "median": None if runs < 6 else math.inf if runs == 6 else 0.25 / runs**0.5,
            "controlled": 0.1 / runs**0.5,
        }
        for runs in (3, 4, 6, 10, 40, 200)
    ),
)


@pytest.fixture(scope="session")
def pictures(snapshot: Store, rgat: ResultsTable, tinybox: ResultDetail) -> Mapping[str, Draw]:
    """How each picture is drawn; called with the theme."""
    bert = Filters(rounds=("5.0",), benchmarks=("bert",))
    variance = variance_report(snapshot, bert)
    scaling = scale_report(snapshot, bert)
    systems = ["5.0/Supermicro/AS-A126GS-TNBR", "5.0/Supermicro/SYS-422GA-NBRT-LCC"]
    combined = combine(snapshot, systems, benchmarks=["bert", "rgat", "retinanet"])
    profiled = profile(snapshot, Filters(rounds=("5.0",), submitters=("dell",)))
    past = history(snapshot, Filters(benchmarks=("resnet",)))
    ids = [row["result_id"] for row in rgat][:4]
    compared = compare(snapshot, ids, baseline=ids[0])
    details = [show_result(snapshot, result_id) for result_id in ids]
    return {
        "results": lambda **looks: results_chart(rgat, **looks),
        "runs": lambda **looks: runs_chart(tinybox, **looks),
        "strips": lambda **looks: run_strips(details, **looks),
        "curves": lambda **looks: quality_curves(tinybox, **looks),
        "decomposition": lambda **looks: decomposition_chart(variance, **looks),
        "spread": lambda **looks: score_spread_chart(variance, "results", **looks),
        "plan": lambda **looks: width_curve_chart(PLAN, **looks),
        "scaling": lambda **looks: scaling_chart(scaling, **looks),
        "forest": lambda **looks: forest_chart(compared, **looks),
        "contributions": lambda **looks: contributions_chart(combined, **looks),
        "profile": lambda **looks: profile_chart(profiled, **looks),
        "history": lambda **looks: history_chart(past, **looks),
    }


NAMES = (
    "results",
    "runs",
    "strips",
    "curves",
    "decomposition",
    "spread",
    "plan",
    "scaling",
    "forest",
    "contributions",
    "profile",
    "history",
)
EVERY = pytest.mark.parametrize("name", NAMES)

UNITS = {
    "results": ["minutes (logarithmic axis)"],
    "runs": ["minutes"],
    "strips": ["minutes"],
    "curves": ["minutes since the run's start", "masked-LM accuracy"],
    "decomposition": ["share of the variance of log time between runs"],
    "spread": ["half-width, per cent of the score"],
    "plan": ["runs (logarithmic axis)", "half-width, per cent of the estimate (logarithmic axis)"],
    "scaling": ["accelerators (logarithmic axis)", "minutes (logarithmic axis)"],
    "forest": ["time ÷ time of the baseline (logarithmic axis)"],
    "contributions": ["factor in the summary (logarithmic axis)"],
    "profile": ["share of the benchmarks"],
    "history": ["round", "minutes (logarithmic axis)"],
}


def nodes(spec: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a specification."""
    if isinstance(spec, dict):
        yield spec
        for value in spec.values():
            yield from nodes(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from nodes(value)


def tables(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The data of a specification, longest first."""
    return sorted(spec["datasets"].values(), key=len, reverse=True)


@pytest.fixture(scope="session")
def specs(pictures: Mapping[str, Draw]) -> dict[str, dict[str, Any]]:
    """The light specification of every picture."""
    return {name: draw().to_dict() for name, draw in pictures.items()}


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@EVERY
def test_picture_is_600_pixels_wide_and_says_its_units(pictures: Mapping[str, Draw], name: str) -> None:
    svg = chart_svg(pictures[name]())
    assert re.search(rf'<svg [^>]*width="{WIDTH}"', svg)
    said = words(svg)
    for unit in UNITS[name]:
        assert unit in said
    assert not {"NaN", "undefined", "null", "Infinity"} & set(said)


@EVERY
def test_picture_never_varies(
    pictures: Mapping[str, Draw], specs: Mapping[str, dict[str, Any]], name: str
) -> None:
    text = chart_json(pictures[name]())
    # Neither NaN nor infinity, which JSON does not have.
    assert json.loads(text, parse_constant=pytest.fail) == json.loads(json.dumps(specs[name]))


@EVERY
def test_dark_picture_has_the_dark_colours(
    pictures: Mapping[str, Draw], specs: Mapping[str, dict[str, Any]], name: str
) -> None:
    light, dark = specs[name], pictures[name](theme=DARK).to_dict()
    assert (light["background"], dark["background"]) == (LIGHT.background, DARK.background)
    assert dark["config"]["axis"]["labelColor"] == DARK.ink
    assert LIGHT.ink not in json.dumps(dark)


@EVERY
def test_kinds_are_told_by_shape_or_dash_as_well(specs: Mapping[str, dict[str, Any]], name: str) -> None:
    """What colour says of a mark is readable in grey: the same field has a shape or a dash, too."""
    encodings = [node["encoding"] for node in nodes(specs[name]) if "encoding" in node]
    coloured = {
        tuple(encoding["color"]["scale"]["domain"]): len(encoding["color"]["scale"]["domain"])
        for encoding in encodings
        if isinstance(encoding.get("color", {}).get("scale"), dict)
    }
    for domain, kinds in coloured.items():
        ranges = [
            encoding[channel]["scale"]["range"]
            for encoding in encodings
            for channel in ("shape", "strokeDash")
            if channel in encoding and tuple(encoding[channel]["scale"]["domain"]) == domain
        ]
        looks = [json.dumps(values) for values in zip(*ranges, strict=True)]
        assert len(looks) == kinds
        # Beyond the series, "others" share the look of plain dots and full lines.
        assert len(set(looks)) >= kinds - 1


@EVERY
def test_marks_tell_what_they_are_when_pointed_at(specs: Mapping[str, dict[str, Any]], name: str) -> None:
    marked = [node for node in nodes(specs[name]) if str(node.get("name", "")).startswith("marks")]
    assert marked
    titles = [one["title"] for node in marked for one in node["encoding"]["tooltip"]]
    known = {"Result", "Of", "Estimate of", "First", "System", "Round"}
    assert known & set(titles)


def test_results_are_sorted_and_ties_are_grey(rgat: ResultsTable) -> None:
    rows = tables(results_chart(rgat).to_dict())[0]
    estimates = [row["estimate"] for row in rows]
    assert estimates == sorted(estimates)
    fastest = min(rgat, key=lambda row: row["median_minutes"])
    ties = {
        row["result_id"] for row in rgat if row is not fastest and row["median_low"] <= fastest["median_high"]
    }
    assert {row["result_id"] for row in rows if row["colour"] == LIGHT.tied} == ties
    rows = tables(results_chart(rgat, tied={rows[3]["result_id"]}).to_dict())[0]
    assert [row["colour"] == LIGHT.tied for row in rows] == [place == 3 for place in range(16)]


@pytest.mark.parametrize("log", [True, False])
def test_results_take_the_axis_that_is_asked_for(rgat: ResultsTable, log: bool) -> None:
    spec = results_chart(rgat, log=log).to_dict()
    types = {node["scale"]["type"] for node in nodes(spec) if "type" in (node.get("scale") or {})}
    assert types == {"log" if log else "linear"}


def test_open_intervals_are_drawn_to_the_edge(rgat: ResultsTable) -> None:
    table = [row | {"gmean_low": 0.0} for row in rgat][:3]
    table[0]["gmean_high"] = math.inf
    chart = results_chart(table, figure="gmean", log=True)
    spec = chart.to_dict()
    rows = tables(spec)[0]
    assert sorted(row["open_right"] for row in rows) == [False, False, True]
    assert all(row["open_left"] for row in rows)
    heads = [node["mark"]["shape"] for node in nodes(spec) if "shape" in node.get("mark", {})]
    assert heads == ["triangle-left", "triangle-right"]
    assert next(row["interval"] for row in rows if row["open_right"]).endswith("– ∞ min")


def test_results_without_a_figure_are_counted(rgat: ResultsTable) -> None:
    rows = [dict(row) for row in rgat]
    rows[0]["median_minutes"] = None
    subtitle = " ".join(results_chart(rows).to_dict()["title"]["subtitle"])
    assert "no such figure: 1 result." in subtitle
    assert "Nothing to draw" in " ".join(results_chart([]).to_dict()["title"]["subtitle"])


def test_every_run_is_a_dot_in_the_row_of_its_convergence_point(tinybox: ResultDetail) -> None:
    rows = tables(runs_chart(tinybox).to_dict())[0]
    assert len(rows) == len(tinybox.runs) == 10
    points = {run.run.path.rpartition("/")[2]: run.run.convergence_point for run in tinybox.runs}
    for row in rows:
        assert row["label"] == f"{points[row['run']]:,.0f} samples"
    # By the rules the fastest and the slowest are dropped.
    assert sorted(row["kind"] for row in rows) == ["counts"] * 8 + ["dropped"] * 2


def test_runs_that_missed_the_target_and_runs_without_a_time(snapshot: Store) -> None:
    missed = show_result(snapshot, "1.0/Google/tpu-v4-1024-JAX/unet3d")
    rows = tables(run_strips([missed]).to_dict())[0]
    assert sum(row["kind"] == MISSED for row in rows) == sum(
        run.run.status == "not_converged" for run in missed.runs
    )
    incomplete = show_result(snapshot, "5.0/Dell/2xXE9680Lx8H200-SXM-141GB/rgat")
    told = " ".join(run_strips([incomplete]).to_dict()["title"]["subtitle"])
    assert "Without a time: 1 run (1 incomplete)." in told


def test_curves_have_their_target(snapshot: Store, tinybox: ResultDetail) -> None:
    assert metrics_of(tinybox) == ("",)
    assert tables(quality_curves(tinybox).to_dict())[-1][0]["text"] == "target: masked-LM accuracy ≥ 0.72"
    two = show_result(snapshot, "5.0/ASUSTeK/ESC_N8_E11/stable_diffusion")
    assert metrics_of(two) == ("FID", "CLIP")
    assert tables(quality_curves(two, "CLIP").to_dict())[-1][0]["text"] == "target: CLIP ≥ 0.15"
    # Its evaluations are made after the timed run from checkpoints.
    assert "after the timed run" in " ".join(quality_curves(two).to_dict()["title"]["subtitle"])


def test_no_line_enters_the_band_with_the_name_of_the_target(snapshot: Store, tinybox: ResultDetail) -> None:
    accuracy = quality_curves(tinybox).to_dict()
    distance = quality_curves(show_result(snapshot, "5.0/ASUSTeK/ESC_N8_E11/stable_diffusion")).to_dict()
    for spec, end in ((accuracy, 1), (distance, 0)):
        values = [row["value"] for table in tables(spec) for row in table]
        span = max(values) - min(values)
        (domain,) = {tuple(node["domain"]) for node in nodes(spec) if "zero" in node}
        assert abs(domain[end] - (min(values), max(values))[end]) > 0.1 * span


def test_clicks_select_results(rgat: ResultsTable) -> None:
    assert "params" not in results_chart(rgat).to_dict()
    (parameter,) = results_chart(rgat, clickable=True).to_dict()["params"]
    assert parameter["name"] == SELECTION
    assert parameter["select"]["fields"] == ["result_id"]


def test_pictures_may_fill_their_column(rgat: ResultsTable) -> None:
    assert results_chart(rgat, width="container").to_dict()["width"] == "container"


def test_own_results_are_told_from_the_others_by_colour_and_mark(rgat: ResultsTable) -> None:
    rows = list(rgat)
    own = rows[3]["result_id"]
    chart = results_chart(rows, own=[own]).to_dict()
    drawn = next(values for values in chart["datasets"].values() if "tied" in values[0])
    assert [row["result_id"] for row in drawn if row["label"].startswith(OWN_MARK)] == [own]
    assert [row["result_id"] for row in drawn if row["colour"] == LIGHT.series[1]] == [own]
    assert any(OWN_MARK in line for line in chart["title"]["subtitle"])


def test_a_very_long_name_takes_no_more_than_some_lines_of_a_heading(tinybox: ResultDetail) -> None:
    name = f"5.0/{'submitter' * 30}/{'system' * 30}/bert"
    long = replace(tinybox, result=replace(tinybox.result, result_id=name))
    for chart in (runs_chart(long), quality_curves(long)):
        lines = chart.to_dict()["title"]["text"]
        assert len(lines) <= 3
        assert lines[-1].endswith("/bert")
