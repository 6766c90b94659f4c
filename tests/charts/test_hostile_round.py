"""Every picture of a round whose names, systems and logs are hostile: it is drawn, and holds texts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hostile_texts import Markup, hostile_round

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.compare import compare
from mlperf_stats.analysis.history import history
from mlperf_stats.analysis.profile import profile
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.scale import scale_report
from mlperf_stats.analysis.show import show_result
from mlperf_stats.analysis.summary_score import combine
from mlperf_stats.analysis.variance import variance_report
from mlperf_stats.charts.compare import forest_chart
from mlperf_stats.charts.curves import metrics_of, quality_curves
from mlperf_stats.charts.export import chart_svg
from mlperf_stats.charts.history import history_chart
from mlperf_stats.charts.profile import profile_chart
from mlperf_stats.charts.results import results_chart
from mlperf_stats.charts.runs import run_strips, runs_chart
from mlperf_stats.charts.scale import scaling_chart
from mlperf_stats.charts.summary import contributions_chart
from mlperf_stats.charts.variance import decomposition_chart, score_spread_chart
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters
from mlperf_stats.text.names import clean


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with logs_at_hand(hostile_round(tmp_path_factory.mktemp("hostile")), None) as (store, _):
        yield store


@pytest.fixture(scope="module")
def ids(hostile: Store) -> list[str]:
    return [row["result_id"] for row in results_table(hostile)]


def _strips(store: Store, ids: list[str]) -> Any:
    return run_strips([show_result(store, one) for one in ids], clickable=True)


def _curves(store: Store, ids: list[str]) -> Any:
    detail = show_result(store, ids[-1])
    return quality_curves(detail, metrics_of(detail)[-1])


def _systems(ids: list[str]) -> list[str]:
    return [one.rpartition("/")[0] for one in ids[:4]]


PICTURES: dict[str, Callable[[Store, list[str]], Any]] = {
    "results": lambda store, _: results_chart(results_table(store), clickable=True),
    "runs": lambda store, ids: runs_chart(show_result(store, ids[0])),
    "strips": _strips,
    "curves": _curves,
    "decomposition": lambda store, _: decomposition_chart(variance_report(store), "results"),
    "spread": lambda store, _: score_spread_chart(variance_report(store), "results"),
    "scaling": lambda store, _: scaling_chart(scale_report(store, Filters()), clickable=True),
    "forest": lambda store, ids: forest_chart(
        compare(store, ids[:12], baseline=ids[0], allow=("framework",))
    ),
    "contributions": lambda store, ids: contributions_chart(combine(store, _systems(ids))),
    "profile": lambda store, _: profile_chart(profile(store, Filters())),
    "history": lambda store, _: history_chart(history(store, Filters()), clickable=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_holds_texts_alone(hostile: Store, ids: list[str], name: str) -> None:
    found = Markup(chart_svg(PICTURES[name](hostile, ids)))
    assert set(found.tags) <= {"svg", "g", "path", "line", "rect", "text", "tspan"}
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or "href" in name]
    for text in (found.text, *(value for _, _, value in found.attributes)):
        assert clean(text) == text
