"""Profiles and histories on the published snapshot."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import pairwise

import pytest

from mlperf_stats.analysis.history import COLUMNS as HISTORY_COLUMNS
from mlperf_stats.analysis.history import history
from mlperf_stats.analysis.profile import CURVE_COLUMNS, SYSTEM_COLUMNS, profile
from mlperf_stats.analysis.results import results_table
from mlperf_stats.errors import InputError, NotFoundError, StatisticsError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store import Filters, Store, open_snapshot

EIGHT = Filters(rounds=("5.0",), min_accelerators=8, max_accelerators=8)
NYX = "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with open_snapshot() as opened:
        yield opened


def test_shares_are_what_the_times_give(store: Store) -> None:
    found = profile(store, EIGHT)
    table = results_table(store, EIGHT).filter(division="closed")
    times = {
        (row["result_id"].rpartition("/")[0], row["benchmark"]): row["controlled_minutes"] for row in table
    }
    best = {name: min(t for (_, b), t in times.items() if b == name) for name in found.benchmarks}
    for row in found.systems:
        ratios = [times.get((row["submission"], name), math.inf) / best[name] for name in found.benchmarks]
        for factor in (1, 1.25, 2):
            share = sum(ratio <= factor * (1 + 1e-9) for ratio in ratios) / len(ratios)
            assert row[f"within_{factor}"] == pytest.approx(share)
        assert row["complete"] is all(map(math.isfinite, ratios))
        assert row["benchmarks"] + len([name for name in row["missing"].split(";") if name]) == len(ratios)
    assert sum(row["within_1"] for row in found.systems) == pytest.approx(1)


@pytest.mark.parametrize("name", ["2.0", "3.0", "4.0"])
def test_systems_come_by_completeness_then_by_share_of_bests(store: Store, name: str) -> None:
    rows = profile(store, Filters(rounds=(name,), min_accelerators=8, max_accelerators=8)).systems
    shares = ("within_1", "within_1.1", "within_1.25", "within_1.5", "within_2", "within_4")
    keys = [(row["benchmarks"], *(row[share] for share in shares)) for row in rows]
    assert keys == sorted(keys, reverse=True)


def test_curves_rise_to_what_a_system_has(store: Store) -> None:
    found = profile(store, Filters(rounds=("5.0",), submitters=("nvidia", "google")))
    by_system: dict[str, list[dict[str, float]]] = {}
    for row in found.curve:
        by_system.setdefault(row["submission"], []).append(row)
    has = {row["submission"]: row["benchmarks"] / len(found.benchmarks) for row in found.systems}
    for name, rows in by_system.items():
        assert [row["factor"] for row in rows] == sorted(row["factor"] for row in rows)
        assert all(one["share"] <= two["share"] for one, two in pairwise(rows))
        assert all(row["share_low"] <= row["share_high"] <= has[name] + 1e-9 for row in rows)
        assert all(row["expected"] <= has[name] + 1e-9 for row in rows)


def test_complete_systems_alone_are_compared_among_themselves(store: Store) -> None:
    found = profile(store, EIGHT, complete_only=True)
    assert all(row["complete"] for row in found.systems)
    assert sum(row["within_1"] for row in found.systems) == pytest.approx(1)


def test_folders_of_one_machine_can_be_joined(store: Store) -> None:
    apart, joined = profile(store, EIGHT), profile(store, EIGHT, join_frameworks=True)
    (nyx,) = [row for row in joined.systems if NYX in row["folders"]]
    assert nyx["benchmarks"] == 6
    assert len(nyx["frameworks"]) > 1
    assert all("nyx_n1" in folder for folder in nyx["folders"])
    assert len(joined.systems) < len(apart.systems)
    assert all(len(row["folders"]) == 1 for row in apart.systems)
    assert sum(row["benchmarks"] for row in joined.systems) == sum(row["benchmarks"] for row in apart.systems)


def test_per_accelerator_compares_accelerator_minutes(store: Store) -> None:
    chosen = Filters(rounds=("5.0",), benchmarks=("llama2_70b_lora",), submitters=("oracle",))
    minutes, amounts = (profile(store, chosen, per_accelerator=flag) for flag in (False, True))
    (fastest,) = [row for row in minutes.systems if row["within_1"] == 1]
    (thriftiest,) = [row for row in amounts.systems if row["within_1"] == 1]
    assert fastest["accelerators"] > thriftiest["accelerators"]
    assert amounts.alone == ()


def test_a_benchmark_of_one_system_is_named(store: Store) -> None:
    chosen = Filters(rounds=("5.0",), systems=("nyx_n1_*",), submitters=("nvidia",))
    assert set(profile(store, chosen).alone) >= {"rgat", "dlrm_dcnv2"}


def test_profile_refuses_what_is_not_comparable(store: Store) -> None:
    with pytest.raises(InputError, match=r"within one round.*fit 0\.5, .*add --round 5\.0"):
        profile(store, Filters(benchmarks=("*",)))
    with pytest.raises(InputError, match="within one division"):
        profile(store, Filters(rounds=("2.0",), divisions=("closed", "open")))
    with pytest.raises(InputError, match="two or more systems, and these filters leave 1"):
        profile(store, Filters(rounds=("5.0",), systems=("tinybox_red",)))
    with pytest.raises(InputError, match="two or more complete systems, and these filters leave 0"):
        profile(store, Filters(rounds=("5.0",), submitters=("nvidia",)), complete_only=True)
    with pytest.raises(NotFoundError, match=r"no round '9\.9' in the database"):
        profile(store, Filters(rounds=("9.9",)))
    with pytest.raises(StatisticsError, match="level"):
        profile(store, EIGHT, level=2)


def test_the_best_of_every_round_is_in_the_results_table(store: Store) -> None:
    chosen = Filters(benchmarks=("bert",))
    table = results_table(store, chosen).filter(division="closed")
    for row in history(store, chosen).rows:
        of_round = [one for one in table if one["round"] == row["round"] and one["controlled_minutes"]]
        assert row["minutes"] == min(one["controlled_minutes"] for one in of_round)
        amounts = [one["controlled_minutes"] * one["accelerators"] for one in of_round if one["accelerators"]]
        assert row["accelerator_minutes"] == pytest.approx(min(amounts))
        assert row["minutes_result"] in {one["result_id"] for one in of_round}


def test_changes_are_to_the_round_before(store: Store) -> None:
    rows = history(store, Filters(benchmarks=("bert",))).rows
    assert rows[0]["minutes_change"] is None
    for before, after in pairwise(rows):
        assert after["minutes_change"] == pytest.approx(after["minutes"] / before["minutes"])
        assert after["minutes_change_low"] < after["minutes_change"] < after["minutes_change_high"]


def test_breaks_where_the_target_changed(store: Store) -> None:
    first, second, *_ = history(store, Filters(benchmarks=("resnet",))).rows
    assert (first["round"], first["stretch"], second["stretch"]) == ("0.5", 1, 2)
    assert second["minutes_change"] is None
    assert second["changed"] == "target: top-1 accuracy ≥ 0.749 → top-1 accuracy ≥ 0.759"


def test_ssd_before_and_after_2_0_is_never_compared(store: Store) -> None:
    rows = history(store, Filters(benchmarks=("ssd",))).rows
    by_round = {row["round"]: row for row in rows}
    assert by_round["1.0"]["stretch"] != by_round["2.0"]["stretch"]
    assert by_round["2.0"]["minutes_change"] is None
    assert "SSD ResNet-34 → RetinaNet" in by_round["2.0"]["changed"]
    assert by_round["5.0"]["benchmark"] == "retinanet"
    assert by_round["5.0"]["stretch"] == by_round["2.0"]["stretch"]


@pytest.mark.parametrize(("name", "names"), [("rgat", ["gnn", "rgat"]), ("gnn", ["gnn", "rgat"])])
def test_a_renamed_benchmark_is_one(store: Store, name: str, names: list[str]) -> None:
    rows = history(store, Filters(benchmarks=(name,))).rows
    assert [row["benchmark"] for row in rows] == names
    assert rows[1]["minutes_change"] is not None


def test_rounds_without_results_are_named(store: Store) -> None:
    assert history(store, Filters(benchmarks=("rgat",))).absent == ("4.1", "5.1")


def test_history_refusals(store: Store) -> None:
    with pytest.raises(InputError, match="one benchmark at a time"):
        history(store, Filters(rounds=("5.0",)))
    with pytest.raises(InputError, match="one division"):
        history(store, Filters(benchmarks=("resnet",), divisions=("closed", "open")))
    with pytest.raises(NotFoundError, match="did you mean"):
        history(store, Filters(benchmarks=("resnett",)))


def test_reports_are_frames_dictionaries_and_html(store: Store) -> None:
    found = profile(store, Filters(rounds=("5.0",), submitters=("dell",)))
    assert tuple(found.to_frame()) == SYSTEM_COLUMNS
    assert tuple(found.to_frame("curve")) == CURVE_COLUMNS
    with pytest.raises(InputError, match="no table"):
        found.to_frame("other")  # type: ignore[arg-type]
    past = history(store, Filters(benchmarks=("rgat",)))
    assert tuple(past.to_frame()) == HISTORY_COLUMNS
    for one in (found, past):
        assert DERIVED in one._repr_html_()
        assert json.loads(json.dumps(one.to_dict()))["disclosure"] == DERIVED
