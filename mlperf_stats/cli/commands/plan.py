"""``mlperf-stats plan``: how many runs are enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.examples import examples_text
from mlperf_stats.cli.help import PlainCommand
from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.cli.options import (
    DatabaseOptions,
    FilterOptions,
    LevelOption,
    OutputOptions,
)
from mlperf_stats.cli.output import Format, Output, emit_json, emit_rows
from mlperf_stats.cli.parameters import expand_parameters
from mlperf_stats.cli.shares import share_option
from mlperf_stats.cli.spread_options import PlanBasis, SpreadOptions
from mlperf_stats.errors import InputError
from mlperf_stats.text.numbers import count, percent

if TYPE_CHECKING:
    from mlperf_stats.analysis.plan import Plan

EXAMPLES = (
    ("mlperf-stats plan width --benchmark bert --half-width 2.5%", "runs for an interval of ±2.5 %"),
    ("mlperf-stats plan width --pilot my-runs --round 5.0 --half-width 2.5% --curve", "from a pilot"),
    ("mlperf-stats plan detect --benchmark bert --difference 3% --power 90%", "to tell two systems apart"),
    ("mlperf-stats plan detect --benchmark bert --equivalence 2%", "to show that they are alike"),
    ("mlperf-stats plan valid --benchmark resnet --failure-rate 5%", "how many to launch"),
    ("mlperf-stats plan cost --benchmark bert --half-width 5% --minutes 30 --accelerators 8", "the bill"),
    ("mlperf-stats plan audit --round 5.0", "what the official number of runs buys"),
)

command = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="How many runs are enough: for a width, a difference, a valid result, a budget.",
)
command.__doc__ = command.info.help

AssuranceOption = Annotated[
    float, share_option("--assurance", 0.8, "Probability that it turns out so narrow.")
]
HalfWidthOption = Annotated[float, share_option("--half-width", 0.025, "Wanted half-width, 0.025 or 2.5%.")]
FailureOption = Annotated[
    float | None, share_option("--failure-rate", 0.05, "Instead of that of published runs.")
]


def _subcommand(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a subcommand with its own examples and with option groups."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = [(line, why) for line, why in EXAMPLES if line.startswith(f"mlperf-stats plan {name}")]
        command.command(name, cls=PlainCommand, epilog=examples_text(own))(expand_parameters(function))
        return function

    return register


@_subcommand("width")
def width(
    basis: SpreadOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    half_width: HalfWidthOption = 0.025,
    level: LevelOption = 0.95,
    assurance: AssuranceOption = 0.8,
    curve: Annotated[bool, typer.Option("--curve", help="Half-width by number of runs instead.")] = False,
) -> None:
    """The fewest runs whose interval is that narrow, with that assurance.

    How much single runs scatter comes from published runs of the benchmark, from a pilot, or from both;
    how unsure that is counts. The controlled estimate borrows what others say of convergence.
    """
    from mlperf_stats.analysis.plan import CURVE_COLUMNS, plan_width

    spread, controlled = basis.read_controlled(database)
    with_curve = curve or output.format is Format.JSON
    plan = plan_width(
        spread, half_width, level=level, assurance=assurance, controlled=controlled, with_curve=with_curve
    )
    if curve:
        _emit(output, plan, CURVE_VIEW, plan.curve, CURVE_COLUMNS)
    else:
        _emit(output, plan, WIDTH_VIEW)


@_subcommand("detect")
def detect(
    basis: SpreadOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    difference: Annotated[
        float | None,
        share_option("--difference", 0.03, "True difference to be found, as 3%."),
    ] = None,
    equivalence: Annotated[
        float | None,
        share_option("--equivalence", 0.02, "Instead: show equality within it."),
    ] = None,
    power: Annotated[
        float,
        share_option("--power", 0.9, "Probability of showing it."),
    ] = 0.9,
    one_sided: Annotated[bool, typer.Option("--one-sided", help="Only one direction counts.")] = False,
    level: LevelOption = 0.95,
) -> None:
    """Runs per system to detect a difference, or to show that two systems are alike.

    Raw, and at equal convergence (times per unit of convergence, for systems with equal batch sizes).
    """
    from mlperf_stats.analysis.plan import plan_detect

    if difference is None and equivalence is None:
        raise InputError("give --difference to be detected, or --equivalence to be shown")
    plan = plan_detect(
        basis.read(database),
        difference or 0.0,
        power=power,
        equivalence=equivalence,
        sides=1 if one_sided else 2,
        level=level,
    )
    _emit(output, plan, DETECT_VIEW)


@_subcommand("valid")
def valid(
    basis: SpreadOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    failure_rate: FailureOption = None,
    runs: Annotated[
        list[int] | None,
        typer.Option("--runs", metavar="N", min=1, help="Numbers of runs (default: the official)."),
    ] = None,
    probability: Annotated[
        float,
        share_option("--probability", 0.95, "Of a valid result."),
    ] = 0.95,
) -> None:
    """How likely a result is to be invalid, and how many runs to launch under the window rule.

    Exact, from how often runs failed to reach the target; its uncertainty gives the range.
    """
    from mlperf_stats.analysis.plan_cost import plan_valid

    _check_rules_are_known(basis, failure_rate)
    plan = plan_valid(basis.read(database), rate=failure_rate, runs=runs or (), probability=probability)
    _emit(output, plan, VALID_VIEW)


@_subcommand("cost")
def cost(
    basis: SpreadOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    half_width: HalfWidthOption = 0.025,
    level: LevelOption = 0.95,
    assurance: AssuranceOption = 0.8,
    failure_rate: FailureOption = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="MINUTES", help="What one run takes.")
    ] = None,
    accelerators: Annotated[
        int | None, typer.Option("--accelerators", metavar="N", help="That a run occupies.")
    ] = None,
    price: Annotated[
        float | None, typer.Option("--price-per-hour", metavar="MONEY", help="Of one accelerator.")
    ] = None,
) -> None:
    """The fewest runs that are probably valid and narrow enough, and what they cost.

    Valid with 95 %, narrow with the assurance; launches beyond the runs are those that the window rule needs.
    """
    from mlperf_stats.analysis.plan_cost import plan_cost, price_of

    _check_rules_are_known(basis, failure_rate)
    spread = basis.read(database)
    bill = price_of(spread, minutes, accelerators, price)
    plan = plan_cost(spread, half_width, bill, level=level, assurance=assurance, rate=failure_rate)
    _emit(output, plan, COST_VIEW)


@_subcommand("audit")
def audit(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    level: LevelOption = 0.95,
    assurance: AssuranceOption = 0.8,
) -> None:
    """What the official number of runs buys, for every benchmark, and what ±2.5 % and ±5 % would take."""
    from mlperf_stats.analysis.audit import plan_audit

    with database.open(filters) as store:
        plan = plan_audit(store, filters, level=level, assurance=assurance)
    _emit(output, plan, AUDIT_VIEW)


def _check_rules_are_known(basis: PlanBasis, failure_rate: float | None) -> None:
    """A rate of failures alone is not enough."""
    if failure_rate is not None and not basis.benchmark and not basis.pilot:
        raise InputError(
            "--failure-rate alone is not enough: how many failed runs are forgiven comes from a benchmark's "
            "rules; name it with --benchmark"
        )


def _emit(
    output: Output,
    plan: Plan,
    view: Sequence[Column],
    rows: Sequence[Mapping[str, Any]] | None = None,
    columns: Sequence[str] | None = None,
) -> None:
    if output.format is Format.JSON:
        emit_json(output, plan.to_dict())
        return
    chosen = plan.rows if rows is None else rows
    emit_rows(output, chosen, columns=columns or plan.columns, view=view, notes=plan.basis)


def _share(name: str, decimals: int = 2) -> CellText:
    def text(row: Mapping[str, Any]) -> str:
        value = row.get(name)
        if value is None:
            return ""
        smallest = 10.0 ** -(decimals + 2)
        if 0 < value < smallest / 2:
            return f"< {percent(smallest, decimals)}"
        return "none" if math.isinf(value) else percent(value, decimals)

    return text


def _whole(name: str) -> CellText:
    return lambda row: count(row[name]) or "none"


def _word(name: str) -> CellText:
    return lambda row: str(row[name])


def _money(row: Mapping[str, Any]) -> str:
    """Cents below a thousand."""
    if row["money"] is None:
        return ""
    return f"{row['money']:,.2f}" if row["money"] < _WHOLE_FROM else f"{row['money']:,.0f}"


def _accelerator_hours(row: Mapping[str, Any]) -> str:
    hours = row["accelerator_hours"]
    return f"{hours:.4g}" if hours < _WHOLE_FROM else f"{hours:,.0f}"


_WHOLE_FROM = 1_000
"""Money and hours are shown without decimals from here on."""


WIDTH_VIEW = (
    Column("Interval for", _word("estimand")),
    Column("Half-width", _share("half_width"), justify="right"),
    Column("Assurance", _share("assurance"), justify="right"),
    Column("Runs needed", lambda row: count(row["runs"]) or "hundreds", justify="right"),
    Column("Official runs", _whole("official_runs"), justify="right"),
    Column("Their half-width", _share("official_half_width"), justify="right"),
)
CURVE_VIEW = (
    Column("Runs", _whole("runs"), justify="right"),
    Column("Expected score", _share("expected_score"), justify="right"),
    Column("Geometric mean", _share("geometric_mean"), justify="right"),
    Column("Median", _share("median"), justify="right"),
    Column("Controlled", _share("controlled"), justify="right"),
)
DETECT_VIEW = (
    Column("Compared", _word("basis")),
    Column("Test", _word("test"), under="Compared"),
    Column("Difference", _share("difference"), justify="right"),
    Column("Margin", _share("margin"), justify="right", under="Difference"),
    Column("Power", _share("power"), justify="right"),
    Column("Spread", _share("spread"), justify="right"),
    Column("one in ten", _share("spread_high"), justify="right", under="Spread"),
    Column("Runs per system", _whole("runs_per_system"), justify="right"),
    Column("Official runs", _whole("official_runs"), justify="right"),
    Column("Their power", _share("official_power", 1), justify="right", under="Official runs"),
)
VALID_VIEW = (
    Column("Runs", _whole("runs"), justify="right"),
    Column("Forgiven", _word("forgiven"), justify="right"),
    Column("A run fails", _share("failure_rate"), justify="right"),
    Column("P(invalid)", _share("invalid"), justify="right"),
    Column("from", _share("invalid_low"), justify="right"),
    Column("to", _share("invalid_high"), justify="right"),
    Column("Predicted", _share("invalid_predicted"), justify="right"),
    Column("Launches", _whole("launches"), justify="right"),
    Column("Launches at most", _whole("launches_high"), justify="right"),
)
COST_VIEW = (
    Column("Runs", _whole("runs"), justify="right"),
    Column("Launches", _whole("launches"), justify="right"),
    Column("P(valid)", _share("valid", 1), justify="right", leaves=1),
    Column("P(narrow)", _share("narrow", 1), justify="right"),
    Column("Half-width", _share("half_width"), justify="right"),
    Column("Hours", lambda row: f"{row['hours']:.4g}", justify="right"),
    Column("Accelerator hours", _accelerator_hours, justify="right"),
    Column("Money", _money, justify="right"),
    Column("Enough", lambda row: "yes" if row["enough"] else "no"),
)
AUDIT_VIEW = (
    Column("Benchmark", _word("benchmark")),
    Column("Rounds", lambda row: str(row["rounds"]).replace(";", " "), wraps=True, under="Benchmark"),
    Column("Sets", _whole("sets"), justify="right"),
    Column("Runs", _whole("official_runs"), justify="right", under="Sets"),
    Column("One run ±", _share("standard_deviation"), justify="right"),
    Column("Half-width", _share("half_width_typical"), justify="right"),
    Column("assured", _share("half_width_assured"), justify="right", under="Half-width"),
    Column("Rule", _share("rule", 1), justify="right"),
    Column("Within", _share("sets_within_rule", 0), justify="right", under="Rule"),
    Column("±2.5% takes", _whole("runs_for_2_5_percent"), justify="right"),
    Column("±5% takes", _whole("runs_for_5_percent"), justify="right", under="±2.5% takes"),
)
