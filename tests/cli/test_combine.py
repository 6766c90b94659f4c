"""``mlperf-stats combine``: disclosure and citation in every form, and every refusal with exit code 2."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from madeup_logs import submission_files, write_tree
from printed import unwrapped
from typer.testing import Result

from mlperf_stats.analysis.summary_rows import COLUMNS
from mlperf_stats.rules.wording import COMPOSITE

Invoke = Callable[..., Result]

QCT, HPE = "5.0/QCT/D74H-7U", "5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09"
DGX1 = "0.5/nvidia/submission/dgx1_ngc18.11_*"


@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_every_form_discloses_and_cites(invoke: Invoke, form: str) -> None:
    result = invoke("combine", QCT, "--benchmark", "bert", "--benchmark", "rgat", "--format", form)
    assert result.exit_code == 0, result.output
    printed = unwrapped(result.stdout)
    assert COMPOSITE in printed
    assert f"results {QCT}/bert; {QCT}/rgat; summary computed by mlperf-stats" in printed


def test_csv_has_components_summaries_and_ratios(invoke: Invoke) -> None:
    result = invoke("combine", HPE, QCT, "--benchmark", "bert", "--benchmark", "rgat", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert [row["kind"] for row in rows] == ["component"] * 4 + ["summary"] * 2 + ["ratio"]


def test_scores_that_the_rules_scale_are_named(invoke: Invoke) -> None:
    text = invoke("combine", HPE, QCT, "--benchmark", "bert", "--benchmark", "rgat").stdout
    assert f"The rules scale the scores of {HPE}/bert × 1.051;" in text
    assert "scaling of the score by the rules" in invoke("compare", f"{HPE}/bert", f"{QCT}/bert").stdout


def test_weights_reference_and_override_are_named(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("benchmark,minutes\nresnet,1000\nncf,20\n")
    options = ("--benchmark", "resnet", "--benchmark", "ncf", "--weight", "resnet=3", "--reference", path)
    result = invoke("combine", DGX1, *options, "--allow", "framework")
    assert result.exit_code == 0, result.output
    for text in ("weights: resnet 0.75, ncf 0.25", "Normalised by mine.csv", "framework (MXNet NGC 18.11"):
        assert text in result.stdout


def test_show_wrong(invoke: Invoke) -> None:
    pair = ("5.0/Dell/2xXE9680Lx8H200-SXM-141GB", "5.0/Lenovo/SR780aV3-8xB200_SXM_180GB")
    names = ("bert", "llama2_70b_lora", "retinanet", "stable_diffusion")
    options = [part for name in names for part in ("--benchmark", name)]
    result = invoke("combine", *pair, *options, "--show-wrong", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["wrong"]["order_depends_on_reference"] == {
        "geometric": False,
        "arithmetic": True,
        "harmonic": True,
    }
    table = invoke("combine", *pair, *options, "--show-wrong").stdout
    assert "its order is the reference's doing" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((QCT, "--benchmark", "maskrcnn"), "these would work: --benchmark bert"),
        ((DGX1, "--allow", "framework"), "no score for maskrcnn (unknown-absent-runs)"),
        ((DGX1,), "--allow framework"),
        (("5.0/QCT/*",), "not one machine of one submission"),
        ((QCT, "5.0/Dell/XE7740x8H200-NVL-141GB"), "has no result for bert"),
        ((QCT, "4.0/ASUSTeK/ESC8000A-E12-8xH100-PCIE-80GB", "--benchmark", "bert"), "--allow round"),
        ((QCT, QCT), "named twice"),
        (("no/such/system",), "no result or system is called"),
        ((QCT, "--weight", "bert"), "write it as bert=2"),
        ((QCT, "--weight", "bert=-1"), "0 or more"),
        ((QCT, "--weight", "gnmt=1"), "which is not combined"),
        ((QCT, "--benchmark", "bert", "--weight", "bert=0"), "one above 0"),
        ((QCT, "--interval", "mine"), "own, controlled"),
        ((QCT, "--show-wrong"), "two submissions"),
        ((QCT, "--reference", "published"), "no published reference results"),
        ((QCT, "--reference", "nowhere.csv"), "nowhere.csv: no such file; --reference takes"),
        ((QCT, "--allow", "colour"), "it is one of benchmark"),
        (
            ("0.5/nvidia/submission/dgx1_ngc18.11_mxnet", "--reference", "0.6/Alibaba/sinian"),
            "cannot be the reference of",
        ),
        ((f"{QCT}/bert",), f"is a single result; name {QCT} and --benchmark bert"),
    ],
)
def test_refusals(invoke: Invoke, arguments: tuple[str, ...], message: str) -> None:
    result = invoke("combine", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert message in result.stderr


def test_reference_file_that_is_none(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "minutes.csv"
    path.write_text("benchmark;minutes\nbert;5\n")
    result = invoke("combine", QCT, "--benchmark", "bert", "--reference", path)
    assert (result.exit_code, "columns benchmark,minutes" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.csv",
            "benchmark,minutes\nbert,5\nrgat,x\n",
            "(line 3, column minutes holds 'x', where a number of",
        ),
        ("a.csv", "benchmark,minutes\nbert\n", "(line 2, column minutes holds nothing, where a number of"),
        ("a.csv", "benchmark,minutes\nbert,5\nrgat,-1\n", ", line 3, column minutes: rgat has no positive"),
        ("a.csv", "benchmark,time\nbert,5\n", "(line 1 names no column minutes)"),
        ("a.json", '{"bert": "x"}', "(entry 'bert' holds 'x', where a number of minutes is expected"),
    ],
)
def test_a_bad_number_in_a_reference_file_is_located(
    invoke: Invoke, tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = invoke("combine", QCT, "--benchmark", "bert", "--reference", path)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr
    assert name in result.stderr


def test_own_scores_are_not_called_official(invoke: Invoke, tmp_path: Path) -> None:
    write_tree(tmp_path, submission_files("ACME", "box_a", "resnet"))
    database = tmp_path / "own.db"
    assert invoke("ingest", tmp_path, "--round", "local", "--db", database).exit_code == 0
    text = unwrapped(invoke("combine", "local/ACME/box_a", "--db", database).stdout)
    assert "Score: from scores by the MLPerf rules, official where the results are published." in text
    assert "from official" not in text


def test_folders_that_hold_a_benchmark_twice(invoke: Invoke, tmp_path: Path) -> None:
    for system in ("box_a", "box_b"):
        write_tree(tmp_path, submission_files("ACME", system, "resnet"))
    database = tmp_path / "own.db"
    assert invoke("ingest", tmp_path, "--round", "4.0", "--db", database).exit_code == 0
    result = invoke("combine", "4.0/ACME/box_*", "--db", database)
    assert (result.exit_code, "hold resnet more than once" in result.stderr) == (2, True), result.output


def test_the_same_logs_in_two_submissions_are_noticed(invoke: Invoke, tmp_path: Path) -> None:
    for system in ("box_a", "box_b"):
        write_tree(tmp_path, submission_files("ACME", system, "resnet"))
    database = tmp_path / "own.db"
    assert invoke("ingest", tmp_path, "--round", "4.0", "--db", database).exit_code == 0
    result = invoke("combine", "4.0/ACME/box_a", "4.0/ACME/box_b", "--db", database)
    assert result.exit_code == 0, result.output
    assert "same-logs (1)" in result.stdout


def test_no_submission_is_a_usage_error(invoke: Invoke) -> None:
    assert invoke("combine").exit_code == 2
