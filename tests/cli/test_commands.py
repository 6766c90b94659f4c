"""The commands on a small database of our own; figures are worked out by hand."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from madeup_logs import submission_files, system_json, write_tree
from typer.testing import Result

from mlperf_stats.analysis.results import COLUMNS
from mlperf_stats.store import open_store

Invoke = Callable[..., Result]


@pytest.fixture
def own(database: Path) -> tuple[object, ...]:
    return ("--db", database, "--no-published")


def rows_of(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))


def test_results_csv_has_the_contract_columns_and_hand_made_figures(
    invoke: Invoke, own: tuple[object]
) -> None:
    result = invoke("results", *own, "--submitter", "ACME", "--format", "csv")
    (row,) = rows_of(result)
    assert result.stdout.splitlines()[0] == ",".join(COLUMNS)
    assert row["result_id"] == "5.0/acme/box8/retinanet"
    assert row["accelerators"] == "8"
    assert row["gbs"] == "256"
    assert row["runs"] == row["runs_converged"] == "5"
    # Drop 30 and 40: the mean of 31, 32 and 33. Five runs span the median with 1 - 2 / 2**5.
    assert float(row["score_minutes"]) == pytest.approx(32.0, abs=1e-9)
    assert float(row["median_minutes"]) == pytest.approx(32.0, abs=1e-9)
    assert float(row["median_level"]) == 0.9375
    assert (float(row["median_low"]), float(row["median_high"])) == pytest.approx((30.0, 40.0))
    assert float(row["controlled_low"]) < 32.0 < float(row["controlled_high"])


def test_results_table_shows_interval_level_runs_and_explains_warnings(
    invoke: Invoke, own: tuple[object]
) -> None:
    text = invoke("results", *own).stdout
    acme = next(line for line in text.splitlines() if "acme" in line)
    assert acme.split()[:8] == [
        "5.0/acme/box8/retinanet",
        "32.00",
        "32.00",
        "30.00",
        "–",
        "40.00",
        "93.8%",
        "5",
    ]
    evil = next(line for line in text.splitlines() if "evil" in line)
    assert "3/5" in evil
    for code in ("mixed-gbs", "invalid-nonconverged", "level-not-attained"):
        assert code in text
    assert "more runs missed the target than the rules forgive" in text


@pytest.mark.parametrize("form", ["table", "md", "csv", "json"])
@pytest.mark.parametrize("command", [["results"], ["show", "5.0/evil/*"]])
def test_no_raw_escape_leaves_in_text_for_people(
    invoke: Invoke, own: tuple[object], command: list[str], form: str
) -> None:
    result = invoke(*command, *own, "--format", form)
    assert result.exit_code == 0, result.output
    if form in {"table", "md", "json"}:
        assert "\x1b" not in result.stdout
    if form == "table":
        assert "sys[bold]\\x1b[31m=1+1" in result.stdout


def test_results_csv_defuses_formulas(invoke: Invoke, own: tuple[object]) -> None:
    (row,) = rows_of(invoke("results", *own, "--submitter", "acme", "--format", "csv"))
    assert row["framework"] == "'=HYPERLINK(1)"


def test_level_is_read_as_fraction_or_percentage(invoke: Invoke, own: tuple[object]) -> None:
    arguments = ("results", *own, "--submitter", "acme", "--format", "csv", "--level")
    as_fraction, as_percentage = invoke(*arguments, "0.9"), invoke(*arguments, "90%")
    assert rows_of(as_fraction) == rows_of(as_percentage)
    assert "level-not-attained" not in as_fraction.stdout
    for wrong in ("95", "0", "1", "nan", "many", "-5%"):
        refused = invoke(*arguments, wrong)
        assert refused.exit_code == 2
        assert "0.95 or 95%" in refused.stderr


@pytest.mark.parametrize(
    ("filters", "submitters"),
    [
        ((), ["acme", "evil"]),
        (("--submitter", "ACM*"), ["acme"]),
        (("--submitter", "acme", "--submitter", "evil"), ["acme", "evil"]),
        (("--min-accelerators", "4"), ["acme"]),
        (("--max-accelerators", "4"), ["evil"]),
        (("--round", "5.0", "--division", "CLOSED", "--availability", "avail*"), ["acme", "evil"]),
        (("--accelerator", "*x1*", "--benchmark", "retina*", "--system", "box?"), ["acme"]),
    ],
)
def test_filters(invoke: Invoke, own: tuple[object], filters: tuple[str], submitters: list[str]) -> None:
    rows = rows_of(invoke("results", *own, *filters, "--format", "csv"))
    assert [row["submitter"] for row in rows] == submitters


def test_results_in_the_order_of_a_column(invoke: Invoke) -> None:
    asked = ("results", "--round", "5.0", "--benchmark", "bert", "--benchmark", "rgat", "--format", "csv")
    plain = rows_of(invoke(*asked))
    for column, name, downwards in (
        ("score", "score_minutes", False),
        ("-gbs", "gbs", True),
        ("-Submitter", "submitter", True),
    ):
        found = rows_of(invoke(*asked, "--sort", column))
        order = str.casefold if name == "submitter" else float
        assert found == sorted(plain, key=lambda row: order(row[name]), reverse=downwards)
    # Empty values come last either way.
    for column in ("energy_joules", "-energy_joules"):
        empty = [row["energy_joules"] == "" for row in rows_of(invoke(*asked, "--sort", column))]
        assert empty == sorted(empty)
    refused = invoke(*asked, "--sort", "scores")
    assert (refused.exit_code, "to sort by; there are" in refused.stderr) == (2, True)
    assert "score_minutes" in refused.stderr


@pytest.mark.parametrize(
    ("column", "headers"),
    [
        ("accelerators", ["Result", "accelerators", "Score", "Median"]),
        ("-gmean", ["Result", "gmean_minutes", "Score", "Median"]),
        ("framework", ["Result", "framework", "Score", "Median"]),
        ("controlled", ["Result", "Expected", "Score", "Median"]),
        ("-median", ["Result", "Score", "Median", "Interval"]),
        ("round", ["Result", "Score", "Median", "Interval"]),
    ],
)
def test_the_table_shows_what_it_is_sorted_by(invoke: Invoke, column: str, headers: list[str]) -> None:
    asked = ("results", "--round", "5.0", "--benchmark", "rgat", "--sort", column)
    first, *lines = invoke(*asked).stdout.partition("\n\n")[0].splitlines()
    assert first.split()[:4] == headers
    if column == "accelerators":
        assert [int(line.split()[1]) for line in lines][::12] == [8, 16]


def test_no_result_says_so(invoke: Invoke, own: tuple[object]) -> None:
    result = invoke("results", *own, "--round", "4.*")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no round fits '4.*' in the database; it has 5.0" in result.stderr


def test_nothing_at_hand_says_what_to_do(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with open_store(path, write=True) as store, store.transaction():
        pass
    result = invoke("results", "--no-published", "--db", path)
    assert "There are no results; 'mlperf-stats ingest FOLDER' reads some." in result.output


def test_output_file_chooses_the_form_by_its_ending(
    invoke: Invoke, own: tuple[object], tmp_path: Path
) -> None:
    target = tmp_path / "results.json"
    assert invoke("results", *own, "-o", target).stdout == ""
    rows = json.loads(target.read_text())
    assert [row["runs"] for row in rows] == [5, 5]
    assert list(rows[0]) == list(COLUMNS)


def test_show_lists_runs_evaluations_problems_and_sources(invoke: Invoke, own: tuple[object]) -> None:
    text = invoke("show", "5.0/evil/*", *own).stdout
    lines = text.splitlines()
    status = {line.split()[0]: line.split()[1] for line in lines if line.startswith("result_")}
    assert status == {
        "result_0.txt": "converged",
        "result_1.txt": "converged",
        "result_2.txt": "converged",
        "result_3.txt": "not_converged",
        "result_4.txt": "unreadable",
    }
    assert "result_0.txt (logged as epoch_num): 0.28@1  0.305@2  0.33@3  0.355@4" in text
    assert "no-marks" in text
    assert "logs: evil/results/" in text
    assert "Score            none (invalid)" in text


def test_show_understands_a_shortened_id(invoke: Invoke, own: tuple[object]) -> None:
    assert invoke("show", "5.0/a…e/b…8/retinanet", *own).stdout.startswith("5.0/acme/box8/retinanet\n")


def test_show_as_markdown_says_all_that_the_table_says(invoke: Invoke, own: tuple[object]) -> None:
    text = invoke("show", "5.0/evil/*", *own, "--format", "md").stdout
    assert r"- result\_0.txt (logged as epoch\_num): 0.28@1  0.305@2  0.33@3  0.355@4" in text
    assert "\nProblems:\n\n- " in text
    assert "| result\\_4.txt | unreadable |" in text


def test_show_csv_has_a_row_per_run(invoke: Invoke, own: tuple[object]) -> None:
    rows = rows_of(invoke("show", "acme", *own, "--format", "csv"))
    assert [row["role"] for row in rows] == ["dropped fast", "counts", "counts", "counts", "dropped slow"]
    assert [float(row["minutes"]) for row in rows] == pytest.approx([30, 31, 32, 33, 40])


def test_show_names_candidates(invoke: Invoke, own: tuple[object]) -> None:
    result = invoke("show", "retinanet", *own)
    assert result.exit_code == 2
    assert "fits 2 results" in result.stderr
    assert result.stdout == ""


def test_ingest_reports_counts_problems_and_repeats_without_change(
    invoke: Invoke, results_repository: Path, tmp_path: Path
) -> None:
    database = tmp_path / "own.db"
    first = invoke("ingest", results_repository, "--db", database).stdout
    assert "2 submissions (one per system), 2 results, 10 runs: " in first
    assert "8 converged, 1 not_converged, 1 unreadable" in first
    assert "10 runs added, 0 replaced, 0 kept" in first
    assert f"Next: mlperf-stats results --round 5.0 --db {database}\n" in first
    assert "no-marks" in first
    assert "\x1b" not in first
    again = json.loads(invoke("ingest", results_repository, "--db", database, "--format", "json").stdout)
    assert (again["added"], again["replaced"], again["unchanged"]) == (0, 0, 10)
    assert again["runs_by_status"] == {"converged": 8, "not_converged": 1, "unreadable": 1}


def test_ingest_refuses_what_names_no_round_and_reads_it_with_round(
    invoke: Invoke, results_repository: Path, tmp_path: Path
) -> None:
    nameless = shutil.copytree(results_repository, tmp_path / "logs")
    arguments = ("ingest", nameless, "--db", tmp_path / "own.db")
    refused = invoke(*arguments)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("mlperf-stats: ")
    assert refused.stderr.count("\n") == 1
    assert "--round" in refused.stderr
    assert "Runs by round: 10 of 4.1" in invoke(*arguments, "--round", "v4.1").stdout


@pytest.mark.parametrize(("what", "rows"), [("runs", 10), ("evaluations", 36), ("results", 2)])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_export_writes_every_table_in_every_form(
    invoke: Invoke, own: tuple[object], tmp_path: Path, what: str, rows: int, suffix: str
) -> None:
    import pandas as pd

    target = tmp_path / f"{what}.{suffix}"
    result = invoke("export", *own, "--what", what, "-o", target)
    assert result.exit_code == 0, result.output
    assert f"{rows} {what}" in result.stderr
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}[suffix]
    assert len(read(target)) == rows


def test_explain_one_and_all(invoke: Invoke) -> None:
    one = invoke("explain", "mixed-gbs").stdout
    assert one.startswith("mixed-gbs (result): runs of one result use different global batch sizes\n")
    assert "Repeat" in one or "repeat" in one
    everything = invoke("explain").stdout
    assert "line-unparsable" in everything
    assert "invalid-nonconverged" in everything
    unknown = invoke("explain", "mixed-bgs")
    assert unknown.exit_code == 2
    assert "did you mean mixed-gbs" in unknown.stderr


@pytest.mark.parametrize(
    "command", ["results", "show", "variance", "validate", "export", "ingest", "explain"]
)
def test_every_command_has_help_with_examples(invoke: Invoke, command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Usage: mlperf-stats {command}" in result.stdout
    assert f"  mlperf-stats {command} " in result.stdout.partition("Examples:")[2]


def test_a_dash_is_standard_output(
    invoke: Invoke, own: tuple[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("results", *own, "--format", "csv")
    assert invoke(*arguments, "-o", "-").stdout == invoke(*arguments).stdout
    assert list(tmp_path.iterdir()) == []


def test_one_run_on_a_machine_without_accelerators(invoke: Invoke, tmp_path: Path) -> None:
    files = submission_files("mine", "cpu-box", "retinanet", (30.0,))
    files["mine/systems/cpu-box.json"] = system_json(number_of_nodes="1", accelerators_per_node="0")
    database = ("--db", tmp_path / "own.db")
    done = invoke("ingest", write_tree(tmp_path / "campaign", files), "--round", "local", *database)
    assert "1 submission (one per system), 1 result, 1 run: 1 converged" in done.stdout
    assert "1 run added, 0 replaced, 0 kept" in done.stdout
    assert "available, no accelerators, 1 node," in invoke("show", "cpu-box", *database).stdout
    assert "()" not in invoke("history", "--round", "local", *database).stdout
    assert "1 run filed, 1 converged" in invoke("check", tmp_path / "campaign", "--round", "local").stdout
    refused = invoke("profile", "--round", "local", *database)
    assert "these filters leave no time of any; widen" in refused.stderr
