"""``mlperf-stats compare``: every form of output, and every refusal with exit code 2 and one line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from printed import unwrapped
from typer.testing import Result

from mlperf_stats.analysis.compare_rows import PAIR_COLUMNS, RANK_COLUMNS

Invoke = Callable[..., Result]

A, B = "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch", "5.0/NVIDIA/tyche_ngpu8_ngc25.04_pytorch"
LARGE = "5.0/NVIDIA/tyche_ngpu64_ngc25.04_pytorch"
OLD_SSD, NEW_SSD = "1.0/Dell/DSS8440x8A100-PCIE-40GB/ssd", "2.0/NVIDIA/dgxa100_ngc22.04_pytorch/ssd"
NO_POINTS, CONSTANT = "2.0/Dell/32xXE8545x4A100-SXM-40GB/maskrcnn", "1.0/Supermicro/as-4142gs-tnr/rnnt"
MINIGO = "0.5/intel/intel_minigo_submission_private_tensorflow"
OTHER_UNITS = (
    "1.0/Dell/DSS8440x8A100-PCIE-40GB/unet3d",
    "4.0/ASUSTeK/ESC8000A-E12-8xH100-PCIE-80GB/unet3d",
)
ROUND_4 = "4.0/ASUSTeK/ESC8000A-E12-8xH100-PCIE-80GB/bert"


def test_table_names_footing_family_and_ties(invoke: Invoke) -> None:
    result = invoke("compare", f"{A}/bert", f"{B}/bert")
    assert result.exit_code == 0, result.output
    assert " ~ " in result.stdout
    assert "As run:" in result.stdout
    assert "1 comparison, 95% for all at once (max-t" in result.stdout


def test_csv_and_ranks(invoke: Invoke) -> None:
    result = invoke("compare", A, B, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == PAIR_COLUMNS
    assert {row["benchmark"] for row in rows} == {"bert", "retinanet"}
    options = ("--round", "5.0", "--benchmark", "rgat", "--submitter", "dell")
    ranks = invoke("compare", *options, "--ranks", "--format", "csv")
    assert ranks.stdout.splitlines()[0] == ",".join(RANK_COLUMNS)
    assert len(ranks.stdout.splitlines()) > 2


def test_markdown_is_a_paragraph_and_a_table(invoke: Invoke) -> None:
    result = invoke("compare", f"{A}/bert", f"{B}/bert", "--footing", "equal", "--format", "md")
    paragraph, _, table = result.stdout.partition("\n\n")
    assert f"On bert, {A}/bert took 1.02" in paragraph
    assert "At equal convergence" in paragraph
    assert "100%" not in paragraph
    assert table.startswith("| A | B | A/B |")


def test_override_stands_in_every_form(invoke: Invoke) -> None:
    names = ("compare", ROUND_4, f"{A}/bert", "--allow", "round")
    for form in ("table", "csv", "json", "md"):
        result = invoke(*names, "--format", form)
        assert result.exit_code == 0, result.output
        assert "round (4.0 / 5.0)" in result.stdout or '"kind": "round"' in result.stdout
    overrides = json.loads(invoke(*names, "--format", "json").stdout)["overrides"]
    assert overrides == [{"kind": "round", "values": ["4.0", "5.0"]}]


def test_one_batch_size_alone(invoke: Invoke) -> None:
    """What equal convergence refuses of a whole round can be had of one size."""
    asked = ("--round", "5.0", "--benchmark", "bert", "--gbs", "448", "--footing", "equal", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(invoke("compare", *asked).stdout)))
    assert [(row["a"], row["b"]) for row in rows] == [
        ("5.0/krai/7920T_2xA5000_hdd/bert", "5.0/krai/7920T_2xA5000_ssd/bert")
    ]
    assert {row["a_gbs"] for row in rows} | {row["b_gbs"] for row in rows} == {"448"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((OLD_SSD, NEW_SSD), "--allow benchmark --allow target --allow round"),
        ((ROUND_4, f"{A}/bert"), "--allow round"),
        ((f"{A}/bert", f"{B}/retinanet"), "other benchmarks take other times"),
        ((f"{A}/bert", f"{LARGE}/bert", "--footing", "equal"), "--footing reference-convergence"),
        (("5.0/tinycorp/tinybox_red/bert", f"{A}/bert", "--footing", "reference"), "outside the reference's"),
        (("--round", "5.0", "--benchmark", "bert", "--max-accelerators", "8", "--min-accelerators", "8",
          "--footing", "equal"), "16 more), 1024 (5.0/tinycorp/tinybox_8xMI300X/bert)"),
        (("--round", "5.0", "--benchmark", "bert", "--footing", "equal"), "or --gbs 768 alone"),
        (("1.0/Dell/DSS8440x8A100-PCIE-40GB/minigo", "1.0/NVIDIA/dgxa100_n224_ngc21.05_tensorflow/minigo",
          "--footing", "equal"), "these have not logged"),
        (("--round", "5.0", "--benchmark", "bert", "--gbs", "17"), "34 results has global batch size 17"),
        ((f"{A}/bert", f"{LARGE}/bert", "--gbs", "17"), "/bert has global batch size"),
        ((A, "5.0/NVIDIA/nyx_n1_ngc25.03_dgl"), "share no benchmark"),
        (("5.0/NVIDIA/nyx_n1_*", B), "--allow framework"),
        ((A,), "alone cannot be compared"),
        ((), "nothing to compare"),
        ((A, f"{B}/bert"), "either, not both"),
        ((A, A), "named twice"),
        ((A, "nobody/nothing"), "no result or system is called"),
        ((A, B, "--allow", "colour"), "it is one of benchmark, target, division, round, framework"),
        ((A, B, "--baseline", "someone"), "baseline 'someone'"),
        ((A, B, "--ranks", "--baseline", A), "--ranks takes all pairs"),
        ((A, B, "--multiplicity", "none"), "max-t or holm"),
        ((A, B, "--family", "world"), "benchmark, all"),
        ((A, B, "--footing", "running"), "as-run, equal-convergence, reference-convergence"),
        ((A, B, "--margin", "2"), "'2' is 200%; did you mean 0.02 or 2%?"),
        (("--round", "5.0", "--benchmark", "bert", "--system", "D74H-7U"), "widen the filters"),
        ((NO_POINTS, f"{NO_POINTS[:3]}/Dell/XE8545x4A100-SXM-40GB/maskrcnn", "--footing", "equal"),
         "log no convergence point"),
        ((CONSTANT, "1.0/NVIDIA/dgxa100_ngc21.05_pytorch/rnnt", "--footing", "equal"),
         "repeat one convergence point"),
        ((*OTHER_UNITS, "--allow", "round", "--footing", "equal"), "different units (epoch"),
        ((*OTHER_UNITS, "--allow", "round", "--footing", "reference"), "the reference"),
        (("2.0/Graphcore/ipu-pod64-POPART-open/rnnt", "2.0/NVIDIA/dgxa100_ngc22.04_pytorch/rnnt",
          "--allow", "division", "--footing", "reference"), "holds for the closed division"),
        (("0.6/NVIDIA/dgx1_ngc19.05_mxnet/resnet", "0.6/NVIDIA/dgx2_ngc19.05_mxnet/resnet",
          "--footing", "reference"), "no reference convergence points"),
        ((f"{MINIGO}/skx_8180_2s_1x/minigo", f"{MINIGO}/skx_8180_4s_1x/minigo"), "no run converged"),
    ],
)  # fmt: skip
def test_refusals(invoke: Invoke, arguments: tuple[str, ...], message: str) -> None:
    result = invoke("compare", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert message in result.stderr


def test_division_is_refused(invoke: Invoke) -> None:
    rows = csv.DictReader(
        io.StringIO(invoke("results", "--round", "2.0", "--benchmark", "rnnt", "--format", "csv").stdout)
    )
    by_division = {row["division"]: row["result_id"] for row in rows}
    result = invoke("compare", by_division["open"], by_division["closed"])
    assert (result.exit_code, "division (open / closed)" in result.stderr) == (2, True)


def test_differences_of_one_kind_are_said_once_with_their_benchmarks(invoke: Invoke) -> None:
    """The rules scale three of Supermicro's scores, each by its own factor."""
    names = ("compare", "5.0/Supermicro/SYS-821GE-TNHR", "5.0/QCT/D74H-7U")
    text = unwrapped(invoke(*names).stdout)
    told = "(× 1.003 / × 1 on bert; × 1.015 / × 1 on dlrm_dcnv2; × 1.035 / × 1 on llama2_70b_lora)"
    assert f"scaling of the score by the rules, which leaves times as they are {told}." in text
    assert text.count("scaling of the score") == 1
    assert "submitter (Supermicro / QCT)," in text
    found = json.loads(invoke(*names, "--format", "json").stdout)
    assert [one["where"] for one in found["differences"] if "× 1.015" in one["values"]] == [["dlrm_dcnv2"]]
    assert [
        row["benchmark"] for row in found["pairs"] if any("× 1.015" in one for one in row["differences"])
    ] == ["dlrm_dcnv2"]


def test_a_benchmark_of_two_rounds_is_told_by_round(invoke: Invoke) -> None:
    options = ("--round", "4.0", "--round", "5.0", "--benchmark", "bert", "--submitter", "NVIDIA")
    found = json.loads(invoke("compare", *options, "--division", "closed", "--format", "json").stdout)
    where = {place for one in found["differences"] for place in one.get("where", ())}
    assert where <= {"4.0/closed/bert", "5.0/closed/bert"}
    assert where
