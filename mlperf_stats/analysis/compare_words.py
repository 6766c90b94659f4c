"""What a comparison says, in sentences that claim no more than its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.compare_rows import TIE
from mlperf_stats.analysis.footings import SENTENCES
from mlperf_stats.analysis.like_with_like import listed
from mlperf_stats.rules.suite import LOCAL_ROUND
from mlperf_stats.rules.wording import SELECTED, UNVERIFIED
from mlperf_stats.text.numbers import minutes, percent

if TYPE_CHECKING:
    from mlperf_stats.analysis.compare import Comparison

MOST_SENTENCES = 12
"""Pairs that a paragraph spells out; the table has all."""

VARIANTS = (
    "Variants of one campaign: 'run --against' compares their runs in pairs, and its interval holds although "
    "it was looked at after every run. The one here is of all runs of each, unpaired, and as for a number of "
    "runs set beforehand: where the campaign stopped because a difference showed, it promises a little too "
    "much."
)
_SMALL_P = 0.05
_CERTAIN = 0.01
_PARTS_OF_A_SYSTEM = 3


def paragraph(comparison: Comparison) -> str:
    """The comparison in prose: every pair (up to a dozen), then what all figures have in common."""
    pairs = comparison.pairs
    said = [pair_sentence(row) for row in pairs[:MOST_SENTENCES]]
    if len(pairs) > MOST_SENTENCES:
        said.append(f"{len(pairs) - MOST_SENTENCES} further pairs are in the table.")
    return " ".join([*said, *notes(comparison)])


def pair_sentence(row: Mapping[str, Any]) -> str:
    """One pair: ratio, interval, verdict, chance of a single run, equality."""
    together = f"{percent(row['level'])} interval {minutes(row['ratio_low'])} – {minutes(row['ratio_high'])}"
    runs = f"{row['a_runs']} and {row['b_runs']} runs"
    within = "is shown" if row["equivalent"] else "is not shown"
    return (
        f"On {row['benchmark']}, {row['a']} took {minutes(row['ratio'])} times as long as {row['b']} "
        f"({together}, {runs}): {_verdict(row)}. The chance that a single run of the first is faster is "
        f"{chance(row)}. "
        f"That the two are equal within {percent(row['margin'])} {within}."
    )


def chance(row: Mapping[str, Any]) -> str:
    """The chance that one run is faster, with its interval; never rounded to certainty."""
    estimate, low, high = (_whole_percent(row[name]) for name in ("faster", "faster_low", "faster_high"))
    return f"{estimate} ({low} – {high})"


def _whole_percent(share: float) -> str:
    if share > 1 - _CERTAIN:
        return "> 99%"
    return "< 1%" if share < _CERTAIN else percent(share, 0)


def _verdict(row: Mapping[str, Any]) -> str:
    if row["verdict"] == TIE:
        return "no difference is shown (~)"
    return f"{row['a']} is {row['verdict']}"


def notes(comparison: Comparison) -> list[str]:
    """What holds for all pairs: footing, family, overrides, differences, what is left out, limits."""
    found = [SENTENCES[comparison.footing]]
    found += [f"Progress on {name}: {at}." for name, at in comparison.at.items()]
    found.append(_family(comparison))
    if comparison.overrides:
        overridden = listed(comparison.overrides)
        found.append(f"Compared by the user's choice in spite of differences in {overridden}.")
    if comparison.differences:
        found.append(f"The compared results differ in {listed(comparison.differences)}.")
    if comparison.left_out:
        found.append(f"Left out, because no run converged: {', '.join(comparison.left_out)}.")
    found += _few_runs(comparison.pairs)
    if any(_are_variants(str(row["a"]), str(row["b"])) for row in comparison.pairs):
        found.append(VARIANTS)
    own = [str(row[side]).startswith(f"{LOCAL_ROUND}/") for row in comparison.pairs for side in "ab"]
    if not all(own):
        found.append(SELECTED)
    if any(own):
        found.append(UNVERIFIED)
    return found


def _are_variants(first: str, second: str) -> bool:
    """Whether two local ids are ``<system>+<variant>`` of one campaign."""
    parts = [name.split("/") for name in (first, second)]
    if not all(len(one) >= _PARTS_OF_A_SYSTEM and one[0] == LOCAL_ROUND for one in parts):
        return False
    campaigns = {(campaign, *system.rpartition("+")[:2]) for _, campaign, system, *_ in parts}
    return len(campaigns) == 1 and all(plus for _, _, plus in campaigns)


def _family(comparison: Comparison) -> str:
    sizes = sorted({int(row["family"].split()[-2]) for row in comparison.pairs})
    each = "all benchmarks together" if comparison.family == "all" else "each benchmark"
    number = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    how = {
        "max-t": "max-t: intervals and p values hold together",
        "holm": "verdicts by Holm's p values; Bonferroni intervals are wider and may hold 1 beside one",
    }
    return (
        f"Ratios are of times, A over B. Family: {each}, {number} comparison{'s' if sizes[-1] > 1 else ''}, "
        f"{percent(comparison.level)} for all at once ({how[comparison.multiplicity]}). "
        f"{TIE} is a tie: no difference is shown, which is not equality."
    )


def _few_runs(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    limits = [row for row in pairs if row["smallest_rank_p"] > _SMALL_P]
    if not limits:
        return []
    worst = max(limits, key=lambda row: row["smallest_rank_p"])
    return [
        f"With {worst['a_runs']} and {worst['b_runs']} runs no rank test can give a p value below "
        f"{worst['smallest_rank_p']:.2g}: the verdict rests on the laws borrowed from other results."
    ]
