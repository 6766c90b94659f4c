"""``mlperf-stats plan``: every question once, on the published snapshot."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from printed import unwrapped
from typer.testing import Result

Invoke = Callable[..., Result]
CSV = ("--format", "csv")


@pytest.mark.parametrize(
    ("arguments", "column"),
    [
        (["width", "--benchmark", "bert", "--half-width", "5%"], "runs"),
        (["width", "--benchmark", "bert", "--curve"], "expected_score"),
        (["detect", "--benchmark", "bert", "--difference", "0.05"], "runs_per_system"),
        (["detect", "--benchmark", "bert", "--equivalence", "5%"], "margin"),
        (["valid", "--benchmark", "resnet", "--runs", "5", "--runs", "10"], "launches"),
        (["cost", "--benchmark", "bert", "--half-width", "5%", "--minutes", "30"], "accelerator_hours"),
        (["audit", "--benchmark", "bert"], "half_width_typical"),
    ],
)
def test_every_question(invoke: Invoke, arguments: list[str], column: str) -> None:
    result = invoke("plan", *arguments, "--format", "csv")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows
    assert all(row[column] for row in rows)


def test_cost_says_where_the_minutes_come_from_and_what_launches_are(invoke: Invoke) -> None:
    asked = ("plan", "cost", "--benchmark", "bert", "--half-width", "5%", "--accelerators", "8")
    text = unwrapped(invoke(*asked).stdout)
    assert "published results of v5.0; --minutes says otherwise" in text
    assert "the rules' window of consecutive launches is filed" in text


def test_table_names_its_basis_and_json_has_the_curve(invoke: Invoke) -> None:
    table = invoke("plan", "width", "--benchmark", "llama2_70b_lora")
    assert "each run counted once" in table.stdout
    answer = json.loads(invoke("plan", "width", "--benchmark", "llama2_70b_lora", "--format", "json").stdout)
    assert answer["curve"][0]["median"] == "Infinity"
    assert isinstance(answer["seed"], int)


def test_detect_shows_the_spread_that_decides(invoke: Invoke) -> None:
    text = invoke("plan", "detect", "--benchmark", "bert", "--difference", "3%", "--format", "csv").stdout
    raw = next(csv.DictReader(io.StringIO(text)))
    typical, high = float(raw["spread"]), float(raw["spread_high"])
    assert typical < high
    # (1.96 + 1.2816)² · 2 · s² / log(1.03)²: more runs than the typical set takes, fewer than the noisiest.
    by_spread = [2 * (3.2416 * s / 0.02956) ** 2 for s in (typical, high)]
    assert by_spread[0] < float(raw["runs_per_system"]) < by_spread[1]


def test_launches_are_named(invoke: Invoke) -> None:
    text = invoke("plan", "valid", "--benchmark", "resnet").stdout
    assert "Launches  Launches at most" in text
    assert "valid with 95%; at most: at the upper end of the interval of the rate." in unwrapped(text)
    given = invoke("plan", "valid", "--benchmark", "resnet", "--failure-rate", "5%", "--probability", "90%")
    assert "valid with 90%." in unwrapped(given.stdout)


def test_what_is_small_is_not_nothing(invoke: Invoke) -> None:
    """Five of 40 runs that fail with 0.55 %: about C(40, 5) · 0.0055⁵, three in a million."""
    assert "< 0.01%" in invoke("plan", "valid", "--benchmark", "unet3d").stdout
    never = invoke("plan", "valid", "--benchmark", "unet3d", "--failure-rate", "50%", "--runs", "3").stdout
    assert "0%" in never
    assert "<" not in never


def test_one_set_is_no_sets(invoke: Invoke) -> None:
    text = unwrapped(invoke("plan", "width", "--pilot", "5.0/QCT/D74H-7U/bert").stdout)
    assert "tried on 1 set." in text or "tried on 1 set " in text


def test_width_and_audit_pool_the_same(invoke: Invoke) -> None:
    rows = [
        next(csv.DictReader(io.StringIO(invoke("plan", *question, "--benchmark", "bert", *CSV).stdout)))
        for question in (["width"], ["audit"])
    ]
    assert rows[0]["sets"] == rows[1]["sets"]
    said = unwrapped(invoke("plan", "width", "--benchmark", "bert").stdout)
    assert f"{rows[0]['sets']} published sets of 3 converged runs or more" in said
    assert "closed division" in said


def test_small_bills_have_cents(invoke: Invoke) -> None:
    asked = ("plan", "cost", "--benchmark", "bert", "--half-width", "5%", "--minutes", "6")
    lines = invoke(*asked, "--price-per-hour", "0.5").stdout.splitlines()
    # Three runs of a tenth of an hour at 0.5.
    assert lines[1].split()[5:8] == ["0.3", "0.3", "0.15"]
    assert " 1,500" in invoke(*asked, "--price-per-hour", "5000").stdout


def test_a_falling_chance_of_a_narrow_interval_is_explained(invoke: Invoke) -> None:
    asked = ("plan", "cost", "--benchmark", "bert", "--minutes", "30", "--half-width")
    assert "few runs sometimes lie close together" in invoke(*asked, "2.5%").stdout
    assert "few runs sometimes lie close together" not in invoke(*asked, "5%").stdout


def test_pilot_from_a_folder(invoke: Invoke, results_repository: Path) -> None:
    pilot = results_repository / "acme"
    result = invoke("plan", "width", "--pilot", pilot, "--round", "5.0", "--half-width", "10%")
    assert result.exit_code == 0, result.output
    assert "Pilot 5.0/acme/box8/retinanet: 5 converged runs" in result.stdout


@pytest.mark.parametrize(
    "question",
    [["width"], ["detect", "--difference", "3%"], ["valid"], ["cost", "--half-width", "5%"]],
)
@pytest.mark.parametrize("kind", ["published", "folder"])
def test_pilots_of_another_benchmark_are_refused(
    invoke: Invoke, results_repository: Path, question: list[str], kind: str
) -> None:
    by_kind = {
        "published": ["5.0/QCT/D74H-7U/bert"],
        "folder": [results_repository / "acme", "--round", "5.0"],
    }
    ran = {"published": "bert", "folder": "retinanet"}[kind]
    result = invoke("plan", *question, "--benchmark", "resnet", "--pilot", *by_kind[kind])
    assert result.exit_code == 2
    assert f"the pilot ran {ran}, not resnet; leave out --benchmark or name another pilot" in result.stderr


def test_a_pilot_may_go_by_another_name_of_its_benchmark(invoke: Invoke, results_repository: Path) -> None:
    """Folders of retinanet are called ssd as well."""
    for pilot in (["5.0/QCT/D74H-7U/retinanet"], [results_repository / "acme", "--round", "5.0"]):
        result = invoke("plan", "width", "--benchmark", "SSD", "--pilot", *pilot)
        assert result.exit_code == 0, result.output


def test_help_has_examples(invoke: Invoke) -> None:
    assert "audit" in invoke("plan", "--help").stdout
    assert "mlperf-stats plan cost --benchmark bert" in invoke("plan", "cost", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["width"], "name a benchmark"),
        (["width", "--benchmark", "bert", "--half-width", "0"], "above 0% and below 100%"),
        (["width", "--benchmark", "alexnet"], "there are"),
        (["detect", "--benchmark", "bert"], "--difference"),
        (["detect", "--benchmark", "bert", "--difference", "3%", "--power", "1"], "write it like 0.9 or 90%"),
        (["width", "--benchmark", "bert", "--half-width", "5"], "did you mean 0.05 or 5%?"),
        (["width", "--benchmark", "bert", "--half-width", "five"], "write it like 0.025 or 2.5%"),
        (
            ["detect", "--benchmark", "bert", "--difference", "150%"],
            "not above 0% and below 100%; write it like 0.03 or 3%",
        ),
        (["detect", "--benchmark", "bert", "--equivalence", "2"], "'2' is 200%; did you mean 0.02 or 2%?"),
        (["detect", "--benchmark", "bert", "--power", "80"], "did you mean 0.8 or 80%?"),
        (["valid", "--failure-rate", "5%", "--runs", "10"], "name it with --benchmark"),
        (["cost", "--failure-rate", "5%", "--minutes", "10"], "name it with --benchmark"),
        (["valid", "--failure-rate", "500%"], "write it like 0.05 or 5%"),
        (["valid", "--benchmark", "bert", "--runs", "0"], "'--runs': it must be 1 or more"),
        (["valid", "--benchmark", "bert", "--runs", "two"], "'--runs': it must be a whole number"),
        (["cost", "--benchmark", "bert", "--half-width", "5%"], "--minutes"),
    ],
)
def test_impossible_requests(invoke: Invoke, arguments: list[str], says: str) -> None:
    result = invoke("plan", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
