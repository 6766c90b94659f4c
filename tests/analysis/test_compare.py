"""Comparing published results: footings, families, ranks, and everything that is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from madeup_logs import submission_files, write_tree

import mlperf_stats as ms
from mlperf_stats.analysis.compare import compare
from mlperf_stats.analysis.compare_rows import PAIR_COLUMNS, RANK_COLUMNS
from mlperf_stats.errors import InputError, NotComparableError, NotFoundError
from mlperf_stats.rules.wording import SELECTED
from mlperf_stats.store import Filters, Store, open_memory, open_snapshot
from mlperf_stats.store.ingest import ingest

A, B = "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch", "5.0/NVIDIA/tyche_ngpu8_ngc25.04_pytorch"
LARGE = "5.0/NVIDIA/tyche_ngpu64_ngc25.04_pytorch"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with open_snapshot() as opened:
        yield opened


def test_two_results_as_run(store: Store) -> None:
    """The ratio is that of the geometric means of the runs' times."""
    found = compare(store, [f"{A}/bert", f"{B}/bert"])
    (row,) = found.pairs
    times = [[run.run.minutes for run in ms.show(f"{name}/bert").runs] for name in (A, B)]
    assert row["ratio"] == pytest.approx(math.exp(np.log(times[0]).mean() - np.log(times[1]).mean()))
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert (row["verdict"], row["a_gbs"], row["footing"]) == ("~", 768, "as-run")
    assert list(found.to_frame().columns) == list(PAIR_COLUMNS)
    assert list(found.ranks_frame().columns) == list(RANK_COLUMNS)
    assert [one["rank"] for one in found.ranks] == ["1–2", "1–2"]
    assert "<table" in found._repr_html_()


def test_equal_convergence_sees_what_luck_hides(store: Store) -> None:
    """At one batch size the same pair differs by 2 % per sample, where as run it is a tie."""
    as_run, equal, reference = (
        compare(store, [f"{A}/bert", f"{B}/bert"], footing=footing).pairs[0]
        for footing in ("as-run", "equal-convergence", "reference-convergence")
    )
    widths = [math.log(row["ratio_high"] / row["ratio_low"]) for row in (as_run, equal, reference)]
    assert equal["verdict"] == reference["verdict"] == "slower"
    assert widths[1] < widths[0] / 5
    # At one batch size the reference's own uncertainty cancels.
    assert widths[2] == pytest.approx(widths[1], rel=0.1)


def test_reference_points_are_uncertain_between_batch_sizes(store: Store) -> None:
    """Two batch sizes: the reference's few runs widen the ratio beyond what the times alone leave."""
    (row,) = compare(store, [f"{A}/bert", f"{LARGE}/bert"], footing="reference").pairs
    assert (row["a_gbs"], row["b_gbs"]) == (768, 4608)
    assert math.log(row["ratio_high"] / row["ratio_low"]) / 2 > 0.02


def test_systems_over_what_they_share(store: Store) -> None:
    found = compare(store, [A, B])
    assert {row["benchmark"] for row in found.pairs} == {"bert", "retinanet"}
    assert {row["family"] for row in found.pairs} == {"benchmark, 1 comparison"}
    together = compare(store, [A, B], family="all")
    assert {row["family"] for row in together.pairs} == {"all, 2 comparisons"}
    assert all(
        wide["ratio_high"] > alone["ratio_high"]
        for wide, alone in zip(together.pairs, found.pairs, strict=True)
    )


def test_baseline_has_fewer_comparisons(store: Store) -> None:
    filters = Filters(rounds=("5.0",), divisions=("closed",), benchmarks=("rgat",))
    every = compare(store, filters=filters)
    against = compare(store, filters=filters, baseline="5.0/QCT/D74H-7U")
    count = len(against.pairs) + 1
    assert len(every.pairs) == count * (count - 1) // 2
    assert {row["b"] for row in against.pairs} == {"5.0/QCT/D74H-7U/rgat"}
    assert against.ranks == ()
    with pytest.raises(NotFoundError, match="baseline 'no such'"):
        compare(store, filters=filters, baseline="no such")


def test_holm_says_that_its_intervals_are_wider(store: Store) -> None:
    """Some pair's p value is small enough for Holm, and its interval holds 1."""
    filters = Filters(rounds=("2.0",), divisions=("closed",), benchmarks=("rnnt",))
    found = compare(store, filters=filters, multiplicity="holm")
    assert any(row["verdict"] != "~" and row["ratio_low"] <= 1 <= row["ratio_high"] for row in found.pairs)
    assert "may hold 1" in found.to_markdown()


def test_filters_leave_out_results_without_a_time_and_say_so(store: Store) -> None:
    """Two of the 27 closed entries of bert in round 4.0 have no converged run; named, they are refused."""
    found = compare(store, filters=Filters(rounds=("4.0",), divisions=("closed",), benchmarks=("bert",)))
    assert len(found.ranks) == 25
    assert len(found.left_out) == 2
    assert found.to_dict()["left_out"] == list(found.left_out)
    assert f"Left out, because no run converged: {', '.join(found.left_out)}." in found.to_markdown()
    with pytest.raises(InputError, match="no run converged"):
        compare(store, [found.left_out[0], found.ranks[0]["result_id"]])
    minigo = Filters(rounds=("0.5",), divisions=("closed",), benchmarks=("minigo",))
    with pytest.raises(InputError, match="none of 4 results has a run that converged"):
        compare(store, filters=minigo)


def test_ranks_hold_every_verdict(store: Store) -> None:
    filters = Filters(rounds=("5.0",), divisions=("closed",), benchmarks=("rgat",))
    found = compare(store, filters=filters)
    ranks = {row["result_id"]: row for row in found.ranks}
    for row in found.pairs:
        a, b = ranks[row["a"]], ranks[row["b"]]
        if row["verdict"] == "faster":
            assert a["rank_low"] < b["rank_high"]
        assert row["verdict"] != "~" or a["rank_high"] >= b["rank_low"]
    assert {row["division"] for row in found.ranks} == {"closed"}


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["1.0/NVIDIA/dgxa100_ngc21.05_mxnet/ssd", "2.0/NVIDIA/dgxa100_ngc22.04_pytorch/ssd"], "benchmark"),
        (["0.6/NVIDIA/DGX1_ngc19.05/resnet", "0.5/nvidia/submission/dgx1_ngc18.11_mxnet/resnet"], "target"),
        (["4.0/NVIDIA/h200_ngc24.04_pytorch/bert", f"{A}/bert"], "round"),
    ],
)
def test_refused_unless_allowed(store: Store, names: list[str], kind: str) -> None:
    known = {result for result in ms.published().to_frame()["result_id"]}
    names = [name if name in known else _one_of(known, name) for name in names]
    with pytest.raises(NotComparableError, match=f"--allow {kind}") as refused:
        compare(store, names)
    kinds = [one.kind for one in refused.value.differences]  # type: ignore[attr-defined]
    assert kind in kinds
    found = compare(store, names, allow=[",".join(kinds)])
    assert [one.kind for one in found.overrides] == kinds
    assert all(kind in " ".join(row["overrides"]) for row in found.pairs)
    assert "in spite of differences" in found.to_markdown()


def _one_of(known: set[str], name: str) -> str:
    """Any result of the same round and benchmark in the closed division."""
    round_name, benchmark = name.split("/", maxsplit=1)[0], name.rsplit("/", maxsplit=1)[-1]
    frame = ms.published().filter(round=round_name, benchmark=benchmark, division="closed").to_frame()
    return str(frame[frame["runs_converged"] > 2]["result_id"].iloc[0])


def test_division_is_refused(store: Store) -> None:
    frame = ms.published().filter(round="2.0", benchmark="rnnt").to_frame()
    one, other = (frame[frame["division"] == name]["result_id"].iloc[0] for name in ("open", "closed"))
    with pytest.raises(NotComparableError, match=r"division \(open / closed\)"):
        compare(store, [one, other])
    assert compare(store, [one, other], allow=["division"]).pairs


def test_other_benchmarks_are_never_compared(store: Store) -> None:
    with pytest.raises(NotComparableError, match="other benchmarks take other times"):
        compare(store, [f"{A}/bert", f"{B}/retinanet"], allow=["benchmark", "target"])


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        ([A], {}, InputError, "alone cannot be compared"),
        ([], {}, InputError, "nothing to compare"),
        ([A, f"{B}/bert"], {}, InputError, "either, not both"),
        ([f"{A}/bert", f"{A}/bert"], {}, InputError, "named twice"),
        ([A, "5.0/NVIDIA/nyx_n1_ngc25.03_dgl"], {}, NotComparableError, "share no benchmark"),
        ([A, "no/such/system"], {}, NotFoundError, "no result or system"),
        ([A, B], {"allow": ["colour"]}, InputError, "--allow 'colour'"),
        ([A, B], {"footing": "running"}, InputError, "--footing"),
        ([A, B], {"multiplicity": "none"}, InputError, "--multiplicity"),
        ([A, B], {"family": "world"}, InputError, "--family"),
        (
            [f"{A}/bert", f"{LARGE}/bert"],
            {"footing": "equal-convergence"},
            NotComparableError,
            "--footing reference-convergence",
        ),
        (
            ["5.0/tinycorp/tinybox_red/bert", f"{A}/bert"],
            {"footing": "reference-convergence"},
            NotComparableError,
            "outside the reference's",
        ),
    ],
)
def test_refusals(
    store: Store, names: list[str], options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        compare(store, names, **options)  # type: ignore[arg-type]


def test_folders_of_one_machine_need_leave(store: Store) -> None:
    names = ["5.0/NVIDIA/nyx_n1_*", "5.0/NVIDIA/tyche_ngpu8_*"]
    with pytest.raises(NotComparableError, match="--allow framework"):
        compare(store, names)
    found = compare(store, names, allow=["framework"])
    assert len(found.pairs) == 6
    assert found.overrides[0].kind == "framework"


def logged(folder: Path, *systems: tuple[str, tuple[float, ...]]) -> Path:
    for system, minutes in systems:
        write_tree(folder, submission_files("ACME", system, "retinanet", minutes))
    return folder


def test_same_logs_are_noticed(tmp_path: Path) -> None:
    folder = logged(
        tmp_path, ("one", (30.0, 31.0, 32.0, 33.0, 34.0)), ("two", (30.0, 31.0, 32.0, 33.0, 34.0))
    )
    with open_memory() as own:
        ingest(own, [folder], round="5.0")
        found = compare(own, ["5.0/ACME/one/retinanet", "5.0/ACME/two/retinanet"])
    assert found.pairs[0]["ratio"] == 1
    assert "same-logs" in found.pairs[0]["warnings"]


def test_few_runs_say_what_they_cannot_show(tmp_path: Path) -> None:
    """3 against 3: C(6, 3) = 20 orders, so that no two-sided rank test goes below .1."""
    folder = logged(tmp_path, ("one", (30.0, 31.0, 32.5)), ("two", (40.0, 41.0, 43.0)))
    with open_memory() as own:
        ingest(own, [folder], round="5.0")
        found = compare(own, ["5.0/ACME/one/retinanet", "5.0/ACME/two/retinanet"])
    (row,) = found.pairs
    assert (row["smallest_rank_p"], row["rank_p_value"], row["pairs_faster"]) == (0.1, 0.1, 1.0)
    assert "no rank test" in found.to_markdown()


@pytest.mark.parametrize(
    ("systems", "said"), [(("box+base", "box+wide"), True), (("box+base", "other+wide"), False)]
)
def test_variants_of_a_campaign_have_two_intervals(
    tmp_path: Path, systems: tuple[str, str], said: bool
) -> None:
    """The one of the campaign is of pairs; whoever sees both must not wonder."""
    folder = logged(tmp_path, (systems[0], (30.0, 31.0, 32.5)), (systems[1], (30.0, 33.0, 34.0)))
    with open_memory() as own:
        ingest(own, [folder], round="local")
        for benchmark in ("", "/retinanet"):
            found = compare(own, [f"local/ACME/{system}{benchmark}" for system in systems])
            assert ("'run --against' compares their runs in pairs" in found.to_markdown()) is said
            assert SELECTED not in found.to_markdown(), "own results are no published ones"


def test_a_benchmark_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    for system, minutes in (("one", (30.0, 31.0, 32.5)), ("two", (40.0, 41.0, 43.0))):
        write_tree(tmp_path, submission_files("ACME", system, "mine[1]", minutes))
    with open_memory() as own:
        ingest(own, [tmp_path], round="local")
        found = compare(own, ["local/ACME/one/mine[1]", "local/ACME/two/mine[1]"])
    assert found.pairs[0]["a_runs"] == 3


@pytest.mark.parametrize("multiplicity", ["max-t", "holm"])
def test_single_runs_without_peers_show_neither_difference_nor_equality(
    tmp_path: Path, multiplicity: str
) -> None:
    folder = logged(tmp_path, ("one", (30.0,)), ("two", (60.0,)))
    with open_memory() as own:
        ingest(own, [folder], round="local")
        found = compare(
            own, ["local/ACME/one/retinanet", "local/ACME/two/retinanet"], multiplicity=multiplicity
        )
    (row,) = found.pairs
    assert (row["verdict"], row["equivalent"], row["p_adjusted"]) == ("~", False, 1.0)


def test_python_interface() -> None:
    found = ms.compare(f"{A}/bert", f"{B}/bert", footing="equal-convergence", margin=0.05)
    assert found.to_dict()["pairs"][0]["equivalent"] is True
    filtered = ms.compare(filters={"round": "5.0", "benchmark": "rgat", "submitter": "dell"})
    assert {row["benchmark"] for row in filtered.pairs} == {"rgat"}
