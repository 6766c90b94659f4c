"""``mlperf-stats scale``, ``profile`` and ``history`` from the command line, on the published snapshot."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from printed import unwrapped
from typer.testing import Result

from mlperf_stats.analysis.history import COLUMNS as HISTORY_COLUMNS
from mlperf_stats.analysis.profile import CURVE_COLUMNS, SYSTEM_COLUMNS
from mlperf_stats.analysis.scale import FIT_COLUMNS, RESULT_COLUMNS
from mlperf_stats.analysis.scale_curve import LAW_COLUMNS, POINT_COLUMNS
from mlperf_stats.analysis.scale_differences import COLUMNS as DIFFERENCE_COLUMNS
from mlperf_stats.analysis.scale_price import COLUMNS as PART_COLUMNS

Invoke = Callable[..., Result]

RGAT = ("--round", "5.0", "--benchmark", "rgat", "--submitter", "nvidia")
COMMANDS = {
    ("scale", *RGAT): RESULT_COLUMNS,
    ("scale", *RGAT, "--show", "fits"): FIT_COLUMNS,
    ("scale", *RGAT, "--show", "differences"): DIFFERENCE_COLUMNS,
    ("scale", *RGAT, "--show", "parts"): PART_COLUMNS,
    ("scale", *RGAT, "--show", "curve"): POINT_COLUMNS,
    ("scale", *RGAT, "--show", "laws"): LAW_COLUMNS,
    ("profile", "--round", "5.0", "--submitter", "nvidia"): SYSTEM_COLUMNS,
    ("profile", "--round", "5.0", "--submitter", "dell", "--show", "curve"): CURVE_COLUMNS,
    ("history", "--benchmark", "rgat"): HISTORY_COLUMNS,
}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_form_of_output(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    columns = COMMANDS[arguments]
    table = invoke(*arguments)
    assert table.exit_code == 0, table.output
    assert "Derived metric" in table.stdout
    assert "random sample" in table.stdout
    as_csv = invoke(*arguments, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(as_csv, newline="")))
    assert as_csv.splitlines()[0] == ",".join(columns)
    assert rows
    records = json.loads(invoke(*arguments, "--format", "json").stdout)
    assert len(records) == len(rows)
    assert tuple(records[0]) == columns
    markdown = invoke(*arguments, "--format", "md").stdout
    assert markdown.startswith("| ")
    assert "Derived metric" in markdown
    assert markdown.count("\n|") == len(rows) + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scale", "--round", "5.0"), "one benchmark at a time, and these filters fit bert, "),
        (("scale", "--benchmark", "bertt"), "did you mean bert"),
        (("scale", *RGAT, "--price-per-hour", "0"), "price 0 per accelerator-hour is not positive"),
        (("scale", *RGAT, "--factor", "3"), "--factor belongs to --show differences"),
        (
            ("scale", *RGAT, "--show", "fits", "--price-per-hour", "2"),
            "--price-per-hour belongs to --show results",
        ),
        (("scale", *RGAT, "--show", "curve", "--all-pairs"), "--all-pairs belongs to --show parts"),
        (("scale", *RGAT, "--show", "differences", "--by", "x"), "there are accelerator-minutes, minutes"),
        (("scale", *RGAT, "--show", "differences", "--factor", "0"), "factor 0 is not above 1"),
        (("scale", *RGAT, "--show", "pictures"), "'pictures'"),
        (("profile", "--benchmark", "bert"), "within one round, and these filters fit 1.0, 2.0, "),
        (("profile", "--round", "5.0", "--system", "tinybox_red"), "two or more systems"),
        (
            ("profile", "--round", "5.0", "--submitter", "nvidia", "--complete"),
            "two or more complete systems",
        ),
        (("history",), "one benchmark at a time"),
        (("history", "--benchmark", "bert", "--level", "95"), "95"),
        (("history", "--round", "0.5", "--benchmark", "bert"), "no result fits"),
    ],
)
def test_refusals_are_one_line_and_exit_with_2(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("mlperf-stats: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_noise_is_a_sign_and_not_a_number(invoke: Invoke) -> None:
    arguments = ("scale", "--round", "5.0", "--benchmark", "llama2_70b_lora", "--submitter", "dell")
    rows = json.loads(invoke(*arguments, "--format", "json").stdout)
    lines = {line.split()[0]: line for line in invoke(*arguments).stdout.splitlines() if "/" in line}
    scaled = [row for row in rows if row["efficiency"] is not None]
    assert {row["differs"] for row in scaled} == {True, False}
    for row in scaled:
        assert (" ~ " in lines[row["result_id"]]) is not row["differs"]


def test_fits_say_why_there_are_none(invoke: Invoke) -> None:
    result = invoke("scale", "--round", "5.0", "--benchmark", "bert", "--submitter", "QCT", "--show", "fits")
    assert result.exit_code == 0
    printed = unwrapped(result.stdout)
    assert "Nothing to fit: a line takes two numbers of accelerators or more" in printed
    assert "Results with a time and a number: 1, from 1 of such families." in printed


def test_systems_are_named_as_other_commands_take_them(invoke: Invoke) -> None:
    asked = ("profile", "--round", "5.0", "--submitter", "QCT", "--submitter", "ASUSTeK")
    names = [line.split()[0] for line in invoke(*asked).stdout.splitlines() if line.startswith("5.0/")]
    assert "5.0/QCT/D74H-7U" in names
    assert invoke("compare", *names[:2]).exit_code == 0


def test_cost_appears_with_a_price_alone(invoke: Invoke) -> None:
    assert "Cost" not in invoke("scale", *RGAT).stdout
    assert "Cost" in invoke("scale", *RGAT, "--price-per-hour", "2").stdout


def test_history_prints_where_it_breaks(invoke: Invoke) -> None:
    text = invoke("history", "--benchmark", "ssd").stdout
    (line,) = [line for line in text.splitlines() if line.startswith("2.0")]
    assert "SSD ResNet-34 → RetinaNet" in line
    assert "×" not in line.partition("model:")[0]
    assert "No results at hand of the rounds" in text


def test_curve_tells_divisions_apart_and_gives_no_interval_of_two_means(invoke: Invoke) -> None:
    """Round 2.0 has ResNet at batch size 2048 in both divisions; the open ones differ twofold."""
    asked = ("scale", "--round", "2.0", "--benchmark", "resnet", "--show", "curve")
    lines = [line.split() for line in invoke(*asked).stdout.splitlines() if " submissions   2048 " in line]
    assert [line[1] for line in lines] == ["closed", "open"]
    points = json.loads(invoke(*asked, "--format", "json").stdout)
    (open_,) = (point for point in points if point["division"] == "open")
    assert (open_["results"], open_["convergence_low"], open_["convergence_high"]) == (2, None, None)
    closed = [point for point in points if point["division"] == "closed"]
    assert all(point["convergence_low"] is not None for point in closed)


def test_history_tells_filtered_rounds_from_rounds_not_at_hand(invoke: Invoke) -> None:
    """Of the rounds with BERT, the published snapshot lacks 1.1, 2.1, 3.1 and 4.1."""
    asked = ("history", "--benchmark", "bert", "--round", "5.0")
    text = unwrapped(invoke(*asked).stdout)
    assert "Left out by the filters: the rounds 1.0, 2.0, 3.0, 4.0." in text
    assert "No results at hand of the rounds 1.1, 2.1, 3.1, 4.1, which had the benchmark." in text
    assert "Left out" not in unwrapped(invoke(*asked[:3]).stdout)


@pytest.mark.parametrize(("options", "header"), [((), "Acc-min"), (("--by", "minutes"), "Minutes")])
def test_differences_name_their_unit_and_explain_it_alone(
    invoke: Invoke, options: tuple[str, ...], header: str
) -> None:
    text = invoke("scale", *RGAT, "--show", "differences", *options).stdout
    assert text.splitlines()[0].split() == ["Result", "Acc", header, "Ratio", "Interval", "Verdict"]
    explained = {line.partition(":")[0] for line in text.splitlines() if not line.startswith(" ")}
    assert explained & {"Acc-min", "Minutes"} == {header}


@pytest.mark.parametrize(
    "arguments",
    [
        ("scale", *RGAT, "--show", "differences"),
        ("scale", "--round", "3.0", "--benchmark", "bert", "--show", "fits"),
        ("history", "--benchmark", "bert"),
    ],
    ids=" ".join,
)
def test_ratios_have_four_significant_digits(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    table = invoke(*arguments).stdout.partition("\n\n")[0]
    figures = re.findall(r"(?<=[ ×-])\d+\.\d{3,}(?= |$)", table, re.M)
    assert figures
    assert {len(figure.replace(".", "").lstrip("0")) for figure in figures} == {4}
