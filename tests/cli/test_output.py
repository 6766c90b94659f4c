"""CSV, JSON, Markdown and files."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.output import Format, Output, csv_text, emit_json, emit_rows, markdown_table
from mlperf_stats.errors import InputError

COLUMNS = ("name", "value", "low", "warnings")
VIEW = (
    Column("Name", lambda row: str(row["name"])),
    Column("Value", lambda row: f"{row['value']:.1f}", justify="right"),
)
ROWS = [
    {
        "name": 'a "quoted", name\nwith a line break',
        "value": 0.1 + 0.2,
        "low": -math.inf,
        "warnings": ("a", "b"),
    },
    {"name": "plain", "value": 2.0, "low": None, "warnings": ()},
]


def test_csv_keeps_full_precision_and_reads_back() -> None:
    header, first, second = csv.reader(io.StringIO(csv_text(ROWS, COLUMNS)))
    assert header == list(COLUMNS)
    assert first == ['a "quoted", name\nwith a line break', "0.30000000000000004", "-inf", "a;b"]
    assert second == ["plain", "2.0", "", ""]


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_csv_text_is_no_spreadsheet_formula(start: str) -> None:
    _, row = csv.reader(io.StringIO(csv_text([{"name": start}], ["name"]), newline=""))
    assert row == [f"'{start}"]


def test_csv_negative_numbers_stay_numbers() -> None:
    assert csv_text([{"value": -1.5}], ["value"]) == "value\n-1.5\n"


def test_json_is_strict_and_names_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    emit_rows(Output(Format.JSON), ROWS, columns=COLUMNS, view=VIEW)
    rows = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert rows[0]["low"] == "-Infinity"
    assert rows[1]["low"] is None
    assert rows[0]["warnings"] == ["a", "b"]


def test_markdown_shows_names_and_interprets_nothing() -> None:
    text = markdown_table(VIEW, [{"name": "a|b <script> *x* `y` [z](u)\n", "value": 1}])
    header, rule, row = text.splitlines()
    assert header == "| Name | Value |"
    assert rule == "| --- | ---: |"
    assert row == r"| a\|b &lt;script&gt; \*x\* \`y\` \[z\](u)\\n | 1.0 |"


def test_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    emit_json(Output(Format.JSON, target), {"a": 1})
    assert json.loads(target.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        emit_rows(Output(Format.CSV, target), [{"name": "\ud800"}], columns=("name",), view=VIEW)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_unwritable_place_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*no-folder"):
        emit_json(Output(Format.JSON, tmp_path / "no-folder" / "x.json"), {})


def test_table_in_a_file_is_plain(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    emit_rows(
        Output(Format.TABLE, target),
        [{"name": "n", "value": 1}],
        columns=COLUMNS,
        view=VIEW,
        notes=["a note"],
    )
    assert target.read_text() == "Name  Value\nn       1.0\n\na note\n"
