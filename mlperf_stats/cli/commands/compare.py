"""``mlperf-stats compare``: is A faster than B?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.completion import complete_footing, complete_name
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import (
    DatabaseOptions,
    FilterOptions,
    LevelOption,
    OutputOptions,
    Texts,
    allow_option,
    choice_option,
    number_option,
    text_argument,
    text_option,
)
from mlperf_stats.cli.output import Format, Output, emit_json, emit_rows, emit_text, markdown_table
from mlperf_stats.cli.parameters import OptionGroup
from mlperf_stats.cli.shares import share_option
from mlperf_stats.errors import InputError
from mlperf_stats.text.numbers import count, interval, minutes, percent
from mlperf_stats.text.warnings import warning_cell, warning_notes

if TYPE_CHECKING:
    from mlperf_stats.analysis.compare import Comparison

EXAMPLES = (
    ("mlperf-stats compare nyx_n1_ngc25.04_pytorch/bert tyche_ngpu8_ngc25.04_pytorch/bert", "two results"),
    (
        "mlperf-stats compare 5.0/NVIDIA/nyx_n1_ngc25.04_pytorch 5.0/NVIDIA/tyche_ngpu8_ngc25.04_pytorch",
        "two systems, on every benchmark they share",
    ),
    (
        "mlperf-stats compare nyx_n1_ngc25.04_pytorch/bert tyche_ngpu8_ngc25.04_pytorch/bert --footing equal",
        "the time for the same training progress",
    ),
    ("mlperf-stats compare --round 5.0 --division closed --benchmark rgat --ranks", "ranks with their ties"),
)


def _terms(
    margin: Annotated[float, share_option("--margin", 0.02, "What counts as equal, 0.02 or 2%.")] = 0.02,
    multiplicity: Annotated[
        str, choice_option("--multiplicity", "max-t or holm.", "max-t", "holm")
    ] = "max-t",
    family: Annotated[
        str, choice_option("--family", "One family per benchmark, or of all.", "benchmark", "all")
    ] = "benchmark",
    level: LevelOption = 0.95,
) -> dict[str, Any]:
    """When a difference or equality counts as shown: keyword arguments of the analysis."""
    return {"margin": margin, "multiplicity": multiplicity, "family": family, "level": level}


TermOptions = Annotated[dict[str, Any], OptionGroup(_terms)]


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    *,
    names: Annotated[
        Texts, text_argument("NAME", "Results or systems; none: all that fit the filters.", complete_name)
    ] = None,
    gbs: Annotated[int | None, number_option("--gbs", "Only results of this global batch size.")] = None,
    footing: Annotated[
        str,
        text_option("--footing", "as-run, equal-convergence or reference-convergence.", complete_footing),
    ] = "as-run",
    baseline: Annotated[
        str, text_option("--baseline", "Compare all others with this one only.", complete_name)
    ] = "",
    ranks: Annotated[
        bool, typer.Option("--ranks", help="Ranks with simultaneous confidence sets, a line per result.")
    ] = False,
    allow: Annotated[
        Texts,
        allow_option("Compare in spite of a difference in round, division, target, benchmark or framework."),
    ] = None,
    terms: TermOptions,
) -> None:
    """Is A faster than B? Ratios of times with intervals that hold together, ties, equality, ranks.

    Results that are not alike (benchmark version, division, quality target, round) are refused; --allow
    takes a difference on, and every output then says so.
    """
    from mlperf_stats.analysis.compare import compare

    if ranks and baseline:
        raise InputError("--ranks takes all pairs and --baseline leaves only some; leave out one of the two")
    with database.open(filters) as store:
        found = compare(
            store,
            names or (),
            filters,
            gbs=gbs,
            footing=footing,
            baseline=baseline,
            allow=allow or (),
            **terms,
        )
    _emit(output, found, ranks)


def _emit(output: Output, found: Comparison, ranks: bool) -> None:
    from mlperf_stats.analysis.compare_rows import RANK_COLUMNS
    from mlperf_stats.analysis.compare_words import notes, paragraph

    if output.format is Format.JSON:
        emit_json(output, found.to_dict())
        return
    rows, view = (found.ranks, RANK_VIEW) if ranks else (found.pairs, _pair_view(found))
    if output.format is Format.MARKDOWN:
        explained = "".join(f"\n{line}\n" for line in warning_notes(rows))
        emit_text(output, f"{paragraph(found)}\n\n{markdown_table(view, rows)}{explained}")
        return
    emit_rows(
        output,
        rows,
        columns=RANK_COLUMNS if ranks else found.columns,
        view=view,
        notes=[*(RANK_NOTES if ranks else ()), *notes(found), *warning_notes(rows)],
    )


RANK_NOTES = (
    "Ranks: with the confidence of the family every result's rank is in its range; ranges overlap where no "
    "difference is shown.",
)


def _probability(row: Mapping[str, Any]) -> str:
    from mlperf_stats.analysis.compare_words import chance

    return chance(row)


def _pair_view(found: Comparison) -> Sequence[Column]:
    several = len({row["benchmark"] for row in found.pairs}) > 1
    benchmark = [Column("Benchmark", lambda row: str(row["benchmark"]))] if several else []
    systems = not any(row["a"].rpartition("/")[2] in row["benchmark"].split("/") for row in found.pairs)
    first = "Benchmark" if several else "A"
    return (
        *benchmark,
        Column("A", lambda row: str(row["a"]), is_id=True, names_system=systems, under=first),
        Column("B", lambda row: str(row["b"]), is_id=True, names_system=systems, under=first),
        Column("A/B", lambda row: minutes(row["ratio"]), justify="right"),
        Column("Interval", lambda row: interval(row["ratio_low"], row["ratio_high"]), justify="right"),
        Column("A is", lambda row: str(row["verdict"])),
        Column("p", lambda row: f"{row['p_adjusted']:.2g}", justify="right", under="A/B"),
        Column("P(run of A faster)", _probability, justify="right", leaves=1, under="Interval"),
        Column(f"Within {percent(found.margin)}", _equal, under="A is"),
        Column("Warnings", warning_cell, wraps=True, leaves=2, under=first),
    )


def _equal(row: Mapping[str, Any]) -> str:
    return "yes" if row["equivalent"] else ""


RANK_VIEW = (
    Column("Rank", lambda row: str(row["rank"]), justify="right"),
    Column("Result", lambda row: str(row["result_id"]), is_id=True),
    Column("Minutes", lambda row: minutes(row["minutes"]), justify="right"),
    Column("Runs", lambda row: count(row["runs"]), justify="right"),
    Column("Warnings", warning_cell, wraps=True),
)
