"""Names beside the ends of lines: none over another, none outside the picture."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlperf_stats.analysis.plan import Plan
from mlperf_stats.analysis.profile import profile
from mlperf_stats.analysis.scale import scale_report
from mlperf_stats.charts.direct import Scale, line_names, room_for, spread_out
from mlperf_stats.charts.export import chart_svg
from mlperf_stats.charts.plan import width_curve_chart
from mlperf_stats.charts.profile import profile_chart
from mlperf_stats.charts.scale import scaling_chart
from mlperf_stats.charts.theme import WIDTH
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.3))
def test_places_keep_their_distance_and_their_order(shares: list[float], distance: float) -> None:
    places = spread_out(shares, distance)
    kept = min(distance, 1 / max(len(shares), 1))
    ordered = sorted(places)
    assert all(after - before >= kept - 1e-9 for before, after in itertools.pairwise(ordered))
    assert all(place - kept / 2 >= -1e-9 and place + kept / 2 <= 1 + 1e-9 for place in places)
    for one, at in zip(shares, places, strict=True):
        assert all(at <= later + 1e-9 for other, later in zip(shares, places, strict=True) if other > one)


def test_places_stay_where_they_are_wanted_if_there_is_room() -> None:
    assert spread_out([0.8, 0.2, 0.5], 0.1) == [0.8, 0.2, 0.5]


def test_names_are_cut_and_stay_apart() -> None:
    names = ["Submitter/a-very-long-name-of-system-one-x8", "Submitter/a-very-long-name-of-system-two-x8"]
    short = line_names([*names, "ACME, h100"])
    assert len(set(short.values())) == 3
    assert short["ACME, h100"] == "ACME, h100"
    assert max(map(len, short.values())) < 30


def test_room_is_more_axis_behind_the_data() -> None:
    room = room_for(["expected score"])
    for log in (True, False):
        wide = Scale(1.0, 100.0, log).stretched(room)
        assert wide.share(100.0) == pytest.approx(1 - room)


@pytest.fixture(scope="module")
def drawn(snapshot: Store) -> Mapping[str, str]:
    """Pictures with names at their lines, as SVG."""
    asked = {"benchmark": "bert", "half_width": 0.3, "level": 0.95, "assurance": 0.8, "official_runs": 10}
    # Lines that end at almost the same height, where names would lie over each other.
    curve = tuple(
        {"runs": runs, "expected_score": 0.2 / runs, "geometric_mean": 0.199 / runs, "median": 0.201 / runs}
        for runs in (3, 10, 200)
    )
    plan = Plan(rows=(asked,), columns=("benchmark",), basis=(), curve=curve)
    bert = Filters(rounds=("5.0",), benchmarks=("bert",))
    return {
        "plan": chart_svg(width_curve_chart(plan)),
        "scaling": chart_svg(scaling_chart(scale_report(snapshot, bert))),
        "profile": chart_svg(profile_chart(profile(snapshot, Filters(rounds=("5.0",))))),
    }


NAMES = {
    "plan": {"expected score", "geometric mean", "median"},
    "scaling": {"NVIDIA, gb200", "others"},
    "profile": {"others"},
}


@pytest.mark.parametrize("name", NAMES)
def test_names_stand_in_one_column_with_room_between(drawn: Mapping[str, str], name: str) -> None:
    texts = re.findall(
        r'<text[^>]*text-anchor="start" transform="translate\(([\d.]+),([\d.]+)\)"[^>]*>([^<]*)</text>',
        drawn[name],
    )
    places = {text: (float(x), float(y)) for x, y, text in texts}
    assert NAMES[name] <= places.keys()
    [column] = {places[one][0] for one in NAMES[name]}
    heights = sorted(y for x, y in places.values() if x == column)
    assert all(after - before >= 12 for before, after in itertools.pairwise(heights))
    assert not re.search(r'class="[^"]*role-legend', drawn[name])


def test_what_was_wanted_lies_in_the_picture(drawn: Mapping[str, str]) -> None:
    """Half-widths of the curve end at 6.7 %, and 30 % were asked for."""
    [height] = re.findall(r"<text[^>]*translate\([\d.]+,([\d.]+)\)[^>]*>wanted: ±30%</text>", drawn["plan"])
    assert 0 < float(height) < 100
    assert f'width="{WIDTH}"' in drawn["plan"]
