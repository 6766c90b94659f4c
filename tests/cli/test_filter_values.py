"""Filter values that occur nowhere, and filters that nothing fits: every command says what there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from mlperf_stats.analysis.filter_values import filters_of
from mlperf_stats.errors import InputError

Invoke = Callable[..., Result]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--benchmark", "bertt"], "no benchmark 'bertt' in the database; did you mean bert?"),
        (["--submitter", "Nvdia"], "did you mean NVIDIA"),
        (["--division", "opne"], "did you mean open?"),
        (["--availability", "avialable"], "did you mean available"),
        (["--accelerator", "H100"], "'*H100*' fits"),
        (["--round", "5.7"], "'mlperf-stats ingest' adds others"),
        (["--round", "5"], "no round '5' in the database; did you mean 5.0?"),
        (["--round", "v4"], "did you mean 4.0?"),
        (["--benchmark", "bert", "--benchmark", "bertt"], "did you mean bert?"),
    ],
)
def test_a_value_that_occurs_nowhere_is_an_error(invoke: Invoke, arguments: list[str], message: str) -> None:
    result = invoke("results", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


def test_rounds_are_listed(invoke: Invoke) -> None:
    assert "it has 0.5, " in invoke("results", "--round", "5.7").stderr
    assert invoke("results", "--round", "v5.0", "--benchmark", "RGAT").exit_code == 0


COMMANDS = ["results", "variance", "compare", "scale", "history", "profile", "export", "report", "plan audit"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["--accelerator", "*H300*"], "no accelerator fits '*H300*' in the database; '*"),
        (
            ["--round", "5.0", "--benchmark", "gnmt"],
            "no result fits all of these filters; 19 would without --round (round 0.5, 0.6); "
            "201 would without --benchmark (benchmark bert, dlrm_dcnv2, llama2_70b_lora, ",
        ),
        (
            ["--benchmark", "gnn", "--min-accelerators", "100000"],
            "11 would without --min-accelerators (accelerators 4, 8, 64, 512)",
        ),
    ],
)
def test_filters_that_nothing_fits(
    invoke: Invoke, tmp_path: Path, command: str, filters: list[str], message: str
) -> None:
    target = tmp_path / f"out.{'md' if command == 'report' else 'csv'}"
    result = invoke(*command.split(), *filters, "-o", target)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr
    assert not target.exists()


@pytest.mark.parametrize("command", ["export", "variance", "validate splits", "plan audit"])
def test_other_commands_refuse_them_too(invoke: Invoke, command: str, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    result = invoke(*command.split(), "--benchmark", "bertt", "-o", target)
    assert (result.exit_code, "did you mean bert?" in result.stderr) == (2, True)
    assert not target.exists()


@pytest.mark.parametrize(("ending", "remedy"), [("parquet", "mlperf-stats export"), ("foo", "--format")])
def test_an_ending_that_is_no_form_is_refused(
    invoke: Invoke, tmp_path: Path, ending: str, remedy: str
) -> None:
    target = tmp_path / f"out.{ending}"
    result = invoke("results", "--round", "5.0", "--benchmark", "rgat", "-o", target)
    assert (result.exit_code, remedy in result.stderr, target.exists()) == (2, True, False)


def test_a_given_format_goes_before_the_ending(invoke: Invoke, tmp_path: Path) -> None:
    target = tmp_path / "out.foo"
    arguments = ("results", "--round", "5.0", "--benchmark", "rgat", "--format", "csv", "-o", target)
    assert invoke(*arguments).exit_code == 0
    assert target.read_text().startswith("result_id,")


@pytest.mark.parametrize("value", ["many", 8.5, [8]])
def test_numbers_of_accelerators_are_whole(value: object) -> None:
    assert filters_of(min_accelerators="8", max_accelerators=16).min_accelerators == 8
    with pytest.raises(InputError, match="min_accelerators"):
        filters_of(min_accelerators=value)
