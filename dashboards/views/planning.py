"""How many runs are enough? — for a width, a difference, a valid result, a budget."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from mlperf_dashboards import data, plans
from mlperf_dashboards.parts import plan_columns as columns
from mlperf_dashboards.parts.inputs import number, percent
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_stats.charts.plan import width_curve_chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlperf_dashboards.parts.columns import ColumnText
    from mlperf_dashboards.plans import Basis
    from mlperf_stats.analysis.plan import Plan

WIDTH, DETECT, VALID, COST, AUDIT = "A narrow interval", "A difference", "A valid result", "A budget", "Audit"
LOOK_EVERY_S = 0.3
USUAL_WIDTH = 2.5
"""Half-width that the page opens with, in percent."""

QUESTIONS = {
    WIDTH: "The fewest runs whose interval is so narrow with that probability.",
    DETECT: "Runs of each of two systems so that a true difference between them shows.",
    VALID: "How likely a result is invalid, and how many runs to launch under the window rule.",
    COST: "The fewest runs that are probably valid and narrow enough, and what they cost.",
    AUDIT: "What the official number of runs buys, benchmark by benchmark.",
}


def main() -> None:
    """The page."""
    source = data.current_source()
    with Sheet(
        "How many runs?", "Planned from how much single runs of the benchmark really scatter."
    ) as sheet:
        question = st.segmented_control(
            "You want", list(QUESTIONS), default=WIDTH, key="question", bind="query-params", required=True
        )
        sheet.note(QUESTIONS[question])
        if question == AUDIT:
            show(sheet, "audit", plans.audit(source), columns.AUDIT_COLUMNS)
        else:
            ANSWERS[question](sheet, choose_basis(source))


def choose_basis(source: data.Source) -> Basis:
    """From which runs to plan."""
    frame = data.results_frame(source)
    closed = frame[frame["division"] != "open"]
    names = list(dict.fromkeys(closed["benchmark"]))
    ids = list(frame["result_id"])
    first, second = st.columns([1, 2])
    benchmark = first.selectbox("Benchmark", names, key="plan-benchmark", bind="query-params")
    pilot = second.selectbox(
        "Pilot", ids, index=None, key="pilot", bind="query-params", placeholder="none: published runs alone"
    )
    return plans.Basis(source, "" if pilot else benchmark, pilot)


def width(sheet: Sheet, basis: Basis) -> None:
    """For an interval of some width."""
    places = st.columns(3)
    half_width = percent(places[0], "Half-width, %", "width", USUAL_WIDTH)
    level = percent(places[1], "Level, %", "level", 95.0)
    assurance = percent(places[2], "Assurance, %", "assurance", 80.0)
    plan, is_whole = plans.width(basis, half_width, level, assurance)
    show(sheet, "width", plan, columns.WIDTH_COLUMNS)
    if not is_whole:
        with st.container(key="being-tried"):
            sheet.note(
                "The controlled estimate, which borrows what others say of convergence, is being tried on "
                "published results; it will be here in a moment."
            )
            look_again(basis, level)
    sheet.picture("width-curve", partial(width_curve_chart, plan), "Half-width against number of runs")
    curve = pd.DataFrame.from_records(list(plan.curve), columns=list(columns.CURVE_COLUMNS))
    sheet.table("width-by-runs", curve, columns.CURVE_COLUMNS)


@st.fragment(run_every=LOOK_EVERY_S)
def look_again(basis: Basis, level: float) -> None:
    """Show the page again once the controlled estimate has been tried."""
    if plans.is_tried(basis, level):
        st.rerun()


def detect(sheet: Sheet, basis: Basis) -> None:
    """To tell two systems apart, or to show that they are alike."""
    places = st.columns(4)
    difference = percent(places[0], "True difference, %", "difference", 3.0, least=0.0)
    power = percent(places[1], "Power, %", "power", 90.0)
    level = percent(places[2], "Level, %", "level", 95.0)
    alike = places[3].toggle("Show that they are alike", key="alike", bind="query-params")
    margin = percent(places[3], "within, %", "margin", 5.0) if alike else None
    show(sheet, "detect", plans.detect(basis, difference, power, level, margin), columns.DETECT_COLUMNS)


def valid(sheet: Sheet, basis: Basis) -> None:
    """For a valid result."""
    rate = number(st, "Share of runs that fail, %; empty: as published", "failures", most=99.0)
    show(sheet, "valid", plans.valid(basis, None if rate is None else rate / 100), columns.VALID_COLUMNS)


def cost(sheet: Sheet, basis: Basis) -> None:
    """For a budget."""
    places = st.columns(4)
    half_width = percent(places[0], "Half-width, %", "width", USUAL_WIDTH)
    minutes = number(places[1], "Minutes of a run", "minutes", value=None if basis.pilot else 30.0)
    accelerators = number(places[2], "Accelerators", "accelerators", value=None if basis.pilot else 8.0)
    price = number(places[3], "Price of an accelerator hour", "price")
    plan = plans.cost(basis, half_width, minutes, None if accelerators is None else int(accelerators), price)
    show(sheet, "cost", plan, columns.COST_COLUMNS)


def show(sheet: Sheet, name: str, plan: Plan, texts: Mapping[str, ColumnText]) -> None:
    """A plan's rows and what it rests on."""
    frame = plan.to_frame()
    if "enough" in frame:
        frame["enough"] = frame["enough"].map({True: "yes", False: "no"})
    filled = [column for column in texts if column in frame and frame[column].notna().any()]
    sheet.table(f"plan-{name}", frame, texts, order=filled)
    for sentence in plan.basis:
        sheet.note(sentence)


ANSWERS = {WIDTH: width, DETECT: detect, VALID: valid, COST: cost}

main()
