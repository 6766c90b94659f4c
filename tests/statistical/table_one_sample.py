"""Coverage and width of the one-sample intervals: makes docs/validation/one-sample.md.

Usage: python tests/statistical/table_one_sample.py [REPETITIONS]
Seeded; uses all processors. Exits 1 if the lognormal reference figures are not met.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from censoring_study import CENSORED_METHODS, HORIZON, LIMITS, cover_censored, cover_latent, cover_two_points
from coverage_study import METHODS, SEED, Coverage, Method, conditional_rows, cover
from laws import Law, epochs, lognormal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validation" / "one-sample.md"
SPEED = "\n## Speed of the exact bootstrap\n"
REPETITIONS = 40_000
SLOW_SHARE = 20
"""Cells with thousands of resamples a sample, or a likelihood search, get this part of the repetitions."""

REFERENCE = {
    ("order statistics", 5): (93.8, 11.65),
    ("order statistics", 10): (98.0, 10.03),
    ("Hettmansperger-Sheather", 10): (95.0, 7.76),
    ("bootstrap percentile", 5): (93.8, 11.65),
    ("bootstrap percentile", 10): (94.7, 7.52),
    ("BCa", 5): (93.8, 11.65),
    ("BCa", 10): (93.7, 7.24),
    ("t on log", 5): (95.1, 11.69),
    ("t on log", 10): (95.0, 6.96),
    ("pooled t on log, 100 df", 5): (95.2, 8.86),
    ("pooled t on log, 100 df", 10): (95.0, 6.26),
    ("Tukey-McLaughlin", 5): (92.5, 16.4),
    ("Tukey-McLaughlin", 10): (94.6, 7.2),
}
"""Coverage and width in % on lognormal 0.05, from an independent simulation of 40 000 repetitions."""

LAWS: dict[str, Callable[[], Law]] = {
    "lognormal 0.05": lambda: lognormal(0.05),
    "lognormal 0.25": lambda: lognormal(0.25),
    "epochs": epochs,
}
MAIN_COLUMNS = [(law, n) for law in ("lognormal 0.05", "epochs") for n in (5, 10)]
SCORE_SIZES = (3, 5, 10, 20, 40)
BY_NAME = {method.name: method for method in METHODS}

Row = list[str]
Job = tuple[Callable[..., Any], tuple[Any, ...]]


def _cover(law: str, n: int, method: str, repetitions: int) -> dict[str, Coverage]:
    chosen = BY_NAME[method]
    return cover(LAWS[law](), n, chosen, tuple({"median", chosen.estimand}), repetitions)


def _call(job: tuple[str, Job]) -> tuple[str, Any]:
    name, (function, arguments) = job
    return name, function(*arguments)


def jobs(repetitions: int) -> dict[str, Job]:
    """Every cell of every table by name."""
    few = max(1, repetitions // SLOW_SHARE)
    made: dict[str, Job] = {}
    for method in METHODS:
        for law, n in MAIN_COLUMNS:
            if n >= method.smallest:
                count = few if method.slow and n > 5 else repetitions
                made[f"{method.name}|{law}|{n}"] = _cover, (law, n, method.name, count)
    for name in ("expected score", "Tukey-McLaughlin"):
        for law in LAWS:
            for n in SCORE_SIZES:
                if n >= BY_NAME[name].smallest:
                    made.setdefault(f"{name}|{law}|{n}", (_cover, (law, n, name, repetitions)))
    made["conditional"] = conditional_rows, (0.05, 10, 5, repetitions)
    for method_name in CENSORED_METHODS:
        for limit in LIMITS:
            for n in (5, 10):
                made[f"censored|{method_name}|{limit}|{n}"] = (
                    cover_censored,
                    (method_name, limit, 0.2, n, few),
                )
    for n in (5, 10):
        made[f"latent|{n}"] = cover_latent, (n, 4.0, few)
    for share in (0.1, 0.3, 0.5):
        made[f"two points|{share}"] = cover_two_points, (share, 5, repetitions)
    return made


def run(made: dict[str, Job]) -> dict[str, Any]:
    """Results by name; slow cells first, so that no processor waits long at the end."""
    slow = ("bootstrap, ", "latent", "censored lognormal")
    order = sorted(made.items(), key=lambda item: not any(word in item[0] for word in slow))
    results = {}
    with multiprocessing.get_context("spawn").Pool() as pool:
        for name, result in pool.imap_unordered(_call, order):
            results[name] = result
            print(f"{len(results)}/{len(made)} {name}", file=sys.stderr, flush=True)
    return results


def table(header: Iterable[str], rows: Iterable[Row]) -> str:
    """A Markdown table."""
    head = list(header)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cell(found: Coverage | None) -> str:
    """Coverage, with its Monte-Carlo error where repetitions are few, and width, both in %."""
    if found is None:
        return "–"
    error = f" ± {100 * found.error:.1f}" if found.error > 0.003 else ""
    width = f"{100 * found.width:.2f}" if math.isfinite(found.width) else "∞"
    return f"{100 * found.covered:.1f}{error} / {width}"


def main_tables(results: dict[str, Any]) -> tuple[str, str]:
    """Coverage of the median by every method, and of what each method estimates."""

    def row(method: Method, estimand: str) -> Row:
        found = [results.get(f"{method.name}|{law}|{n}") for law, n in MAIN_COLUMNS]
        return [cell(by and by[estimand]) for by in found]

    columns = [f"{law}, n = {n}" for law, n in MAIN_COLUMNS]
    median = [[method.name, *row(method, "median")] for method in METHODS]
    own = [[method.name, method.estimand, *row(method, method.estimand)] for method in METHODS]
    return table(["method", *columns], median), table(["method", "estimand", *columns], own)


def score_table(results: dict[str, Any]) -> str:
    """The expected score of N = n runs by the two methods made for it."""
    rows = []
    for law in LAWS:
        for name in ("expected score", "Tukey-McLaughlin"):
            found = [results.get(f"{name}|{law}|{n}") for n in SCORE_SIZES]
            rows.append([law, name, *(cell(by and by["expected-score"]) for by in found)])
    return table(["law", "method", *(f"n = N = {n}" for n in SCORE_SIZES)], rows)


def censored_table(results: dict[str, Any]) -> str:
    """Methods for runs that did not converge."""
    rows = []
    for name in CENSORED_METHODS:
        for limit in LIMITS:
            row = [name, limit]
            for n in (5, 10):
                found, finite, refused = results[f"censored|{name}|{limit}|{n}"]
                row += [cell(found), f"{100 * finite:.0f} %", f"{100 * refused:.1f} %"]
            rows.append(row)
    sizes = [f"{what}, n = {n}" for n in (5, 10) for what in ("coverage / width", "bounded above", "refused")]
    return table(["method", "runs stopped by", *sizes], rows)


def latent_table(results: dict[str, Any]) -> str:
    """Latent times between evaluations."""
    rows = []
    for name in results["latent|5"]:
        row = [name]
        for n in (5, 10):
            found, bias = results[f"latent|{n}"][name]
            row += [cell(found), f"{100 * bias:.1f} %"]
        rows.append(row)
    return table(["method", "n = 5", "bias", "n = 10", "bias"], rows)


def two_point_table(results: dict[str, Any]) -> str:
    """Runs that may all converge at one evaluation."""
    shares = (0.1, 0.3, 0.5)
    names = results[f"two points|{shares[0]}"]
    rows = [[name, *(cell(results[f"two points|{share}"][name]) for share in shares)] for name in names]
    return table(["method", *(f"{100 * share:.0f} % one step later" for share in shares)], rows)


def conditional_table(results: dict[str, Any]) -> str:
    """Systems of unequal variance."""
    rows = [
        [name, f"{100 * all_systems:.1f}", f"{100 * noisy:.1f}", f"{100 * width:.2f}"]
        for name, all_systems, noisy, width in results["conditional"]
    ]
    return table(["method", "all systems", "noisiest fifth", "mean width"], rows)


def deviations(results: dict[str, Any], repetitions: int) -> list[str]:
    """Reference figures that are off by more than chance and their rounding allow, in words.

    Both simulations err: four standard errors of the difference of two coverages, and 1 % of a width.
    """
    found = []
    for (name, n), (coverage, width) in REFERENCE.items():
        estimand = BY_NAME[name].estimand
        ours: Coverage = results[f"{name}|lognormal 0.05|{n}"][estimand]
        allowed = 400 * ours.error * (1 + repetitions / REPETITIONS) ** 0.5 + 0.05
        if (
            abs(100 * ours.covered - coverage) > allowed
            or abs(100 * ours.width - width) > 0.012 * width + 0.05
        ):
            found.append(f"{name}, n = {n}: {cell(ours)}, reference {coverage} / {width}")
    return found


PAGE_TEXT = """# One-sample intervals: coverage and width

Made by `python tests/statistical/table_one_sample.py` (part of `make validation`): {repetitions}
repetitions a cell, {few} in cells that take long, which show their Monte-Carlo error (±; elsewhere it
is 0.2 points at most); seed {seed}. Nominal level 95 %. A cell reads coverage / mean width in % of the
true value.

Laws: *lognormal* 0.05 and 0.25 (standard deviation of log time); *epochs*, a right-skewed law on whole
epochs: 19 + a negative binomial of size 1.5 and mean 1.8, times a normal jitter of 0.2 %. Its median is
{median:.3f}, its geometric mean {gmean:.3f}, its mean {mean:.3f} and its expected score of five runs
{score:.3f}: on such a law it matters which of them an interval is about.

## Coverage of the median

{by_median}
Methods that estimate something else than the median cannot be blamed for missing it on *epochs*; they
can be blamed for being read that way. Five runs do not suffice for 95 % without assumptions.
{verdict}

## Coverage of what each method estimates

{by_own}
On *epochs* every method based on a mean falls short of its level: a sample without the tail shows too
small a mean and too small a spread at once. Bootstrap intervals are the exact law of all resamples, so
their shortfall is the bootstrap's own, not Monte-Carlo error.

## Expected score

Olympic mean of N = n runs; one dropped on each side, four at n = 40. *expected score* is the interval the
`expected_*` columns show: the lognormal pivot below 20 runs, the L-statistic from there on.

{by_score}
It holds its level on lognormal times at every n and is narrower than Tukey-McLaughlin's where runs are
few. On *epochs* it falls short, by less than Tukey-McLaughlin's.

## Systems of unequal variance

Lognormal times, n = 5; each system's variance is 0.05² · 10 / χ²(10). Coverage of the geometric mean over all
systems, and over the fifth of systems with the largest variance.

{by_system}
Borrowing the variance of other systems keeps the average and fails the noisiest; an interval from the
own runs alone treats all alike.

## Runs that did not converge

Lognormal 0.25, a fifth of runs stopped before converging: all by one limit, or each by a limit of its
own. Width is the median over intervals that are bounded above. The restricted mean is that up to
{horizon} medians; the others are about the median.

{by_censored}
Order statistics and Kaplan-Meier hold whatever the law; at n = 5 no such interval is bounded on both sides
at 95 %, so Kaplan-Meier's is [0, ∞) and order statistics' states a lower level. Refused samples have fewer
than two converged runs, or were not watched up to the horizon. The restricted mean is a mean and shares
the fate of means of few runs.

## Times between evaluations

A latent time to a quality, lognormal around 20 with log-sd 0.08, seen by evaluations every 4.

{by_latent}
Taking the evaluation for the latent time is biased by half a step. (A score *is* the time of the
evaluation, so nothing of this applies to it.)

## Runs that all converged at one evaluation

Ten evaluations to converge, eleven for some; throughput varies by 0.2 %; n = 5; coverage of the
geometric mean.

{by_two_points}
Student's t on tied runs knows throughput alone. Allowing for one evaluation step where all runs tie is
wide, and honest.
"""


def page(results: dict[str, Any], repetitions: int, off: list[str]) -> str:
    """The whole page."""
    by_median, by_own = main_tables(results)
    law = epochs()
    verdict = (
        "Every lognormal figure agrees with an independent simulation of 40 000 repetitions within chance."
        if not off
        else "Figures that differ from an independent simulation by more than chance: " + "; ".join(off) + "."
    )
    return PAGE_TEXT.format(
        repetitions=f"{repetitions:,}".replace(",", " "),
        few=f"{repetitions // SLOW_SHARE:,}".replace(",", " "),
        seed=SEED, median=law.median, gmean=law.geometric_mean, mean=law.mean, score=law.expected_score(5, 1),
        by_median=by_median, by_own=by_own, verdict=verdict, by_score=score_table(results),
        by_system=conditional_table(results), horizon=HORIZON, by_censored=censored_table(results),
        by_latent=latent_table(results), by_two_points=two_point_table(results),
    )  # fmt: skip


def main(arguments: list[str]) -> int:
    """Make the page; 1 if the reference figures are not met."""
    repetitions = int(arguments[0]) if arguments else REPETITIONS
    results = run(jobs(repetitions))
    off = deviations(results, repetitions)
    # Times are another script's, and stay.
    _, title, speed = PAGE.read_text(encoding="utf-8").partition(SPEED)
    PAGE.write_text(page(results, repetitions, off) + title + speed, encoding="utf-8")
    print(f"wrote {PAGE}")
    for line in off:
        print(f"differs: {line}", file=sys.stderr)
    return 1 if off else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
