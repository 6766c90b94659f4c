"""``mlperf-stats scale``: what a larger system buys, and what it is paid with."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mlperf_stats.cli import scale_views as views
from mlperf_stats.cli.options import (
    Database,
    DatabaseOptions,
    FilterOptions,
    LevelOption,
    OutputOptions,
    choice_option,
)
from mlperf_stats.cli.output import Output, emit_rows
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import DERIVED, SELECTED
from mlperf_stats.store import Filters
from mlperf_stats.text.warnings import warning_notes

EXAMPLES = (
    ("mlperf-stats scale --round 5.0 --benchmark llama2_70b_lora", "every result by accelerator count"),
    (
        "mlperf-stats scale --round 5.0 --benchmark llama2_70b_lora --submitter dell --price-per-hour 2.5",
        "with what a run costs at 2.50 per accelerator-hour",
    ),
    ("mlperf-stats scale --round 3.0 --benchmark bert --show fits", "scaling efficiency by submitter"),
    ("mlperf-stats scale --round 3.0 --benchmark bert --show differences", "twice as much, or noise?"),
    ("mlperf-stats scale --round 2.0 --benchmark resnet --show parts", "throughput and convergence loss"),
    ("mlperf-stats scale --round 2.0 --benchmark resnet --show curve", "epochs to target by batch size"),
)
MEASURES = ("accelerator-minutes", "minutes")


class Shown(StrEnum):
    """Which table."""

    RESULTS = "results"
    FITS = "fits"
    DIFFERENCES = "differences"
    PARTS = "parts"
    CURVE = "curve"
    LAWS = "laws"


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    shown: Annotated[
        Shown, typer.Option("--show", help="Which table; parts: where lost efficiency went.")
    ] = Shown.RESULTS,
    price_per_hour: Annotated[
        float | None,
        typer.Option("--price-per-hour", metavar="PRICE", help="results: money per accelerator-hour."),
    ] = None,
    by: Annotated[
        str | None,
        choice_option("--by", "differences: accelerator-minutes or minutes.", *MEASURES, metavar="MEASURE"),
    ] = None,
    factor: Annotated[
        float | None,
        typer.Option("--factor", metavar="F", help="differences: what counts as large (default: 2)."),
    ] = None,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="parts: every pair, not the smallest with each larger one.")
    ] = False,
    level: LevelOption = 0.95,
) -> None:
    """What a larger system buys: time, accelerator-minutes, energy and cost by accelerator count.

    The filters must leave one benchmark. All figures are derived, none is an official MLPerf metric.
    """
    _refuse_idle(shown, price_per_hour=price_per_hour, by=by, factor=factor, all_pairs=all_pairs or None)
    match shown:
        case Shown.RESULTS | Shown.FITS:
            _results(filters, database, output, shown, price_per_hour, level)
        case Shown.DIFFERENCES:
            _differences(
                filters,
                database,
                output,
                by or "accelerator-minutes",
                2.0 if factor is None else factor,
                level,
            )
        case Shown.PARTS:
            _parts(filters, database, output, all_pairs, level)
        case Shown.CURVE | Shown.LAWS:
            _curve(filters, database, output, shown, level)


_SERVES = {
    "price_per_hour": Shown.RESULTS,
    "by": Shown.DIFFERENCES,
    "factor": Shown.DIFFERENCES,
    "all_pairs": Shown.PARTS,
}


def _refuse_idle(shown: Shown, **given: object) -> None:
    """Refuse options that the table asked for does not use."""
    for name, value in given.items():
        if value is not None and _SERVES[name] is not shown:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} belongs to --show {_SERVES[name]}, not to --show {shown}; leave it out"
            )


def _results(
    filters: Filters, database: Database, output: Output, shown: Shown, price: float | None, level: float
) -> None:
    from mlperf_stats.analysis.scale import FIT_COLUMNS, RESULT_COLUMNS, scale_report

    with database.open(filters) as store, steps_bar("computing intervals") as on_progress:
        report = scale_report(store, filters, price_per_hour=price, level=level, on_progress=on_progress)
    if shown is Shown.FITS:
        said = [*views.FIT_NOTES, views.NOISE_NOTE] if report.fits else [views.nothing_fitted(report.results)]
        notes = [*said, DERIVED, SELECTED, *warning_notes(report.fits)]
        emit_rows(output, report.fits, columns=FIT_COLUMNS, view=views.FIT_VIEW, notes=notes)
        return
    notes = [views.TIME_NOTE, views.EFFICIENCY_NOTE, views.NOISE_NOTE, DERIVED, SELECTED]
    view = views.result_view(report.results, priced=price is not None)
    emit_rows(output, report.results, columns=RESULT_COLUMNS, view=view, notes=notes)


def _differences(
    filters: Filters, database: Database, output: Output, by: str, factor: float, level: float
) -> None:
    from mlperf_stats.analysis.scale_differences import scale_differences

    with database.open(filters) as store:
        found = scale_differences(store, filters, by=by, factor=factor, level=level)
    notes = [*views.difference_notes(found.measure, factor), DERIVED, SELECTED]
    view = views.difference_view(found.measure, factor)
    emit_rows(output, found.rows, columns=found.columns, view=view, notes=notes)


def _parts(filters: Filters, database: Database, output: Output, all_pairs: bool, level: float) -> None:
    from mlperf_stats.analysis.scale_price import scale_price

    with database.open(filters) as store, steps_bar("telling the parts apart") as on_progress:
        price = scale_price(store, filters, all_pairs=all_pairs, level=level, on_progress=on_progress)
    notes = [*views.PART_NOTES, views.NOISE_NOTE, DERIVED, SELECTED]
    emit_rows(output, price.rows, columns=price.columns, view=views.PART_VIEW, notes=notes)


def _curve(filters: Filters, database: Database, output: Output, shown: Shown, level: float) -> None:
    from mlperf_stats.analysis.scale_curve import LAW_COLUMNS, POINT_COLUMNS, scale_curve

    with database.open(filters) as store:
        curve = scale_curve(store, filters, level=level)
    if shown is Shown.LAWS:
        notes = [*views.LAW_NOTES, views.NOISE_NOTE, DERIVED, SELECTED, *warning_notes(curve.laws)]
        emit_rows(output, curve.laws, columns=LAW_COLUMNS, view=views.LAW_VIEW, notes=notes)
        return
    notes = [*views.CURVE_NOTES, DERIVED, SELECTED]
    emit_rows(output, curve.points, columns=POINT_COLUMNS, view=views.CURVE_VIEW, notes=notes)
