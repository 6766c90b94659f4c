"""Scale, profiles and histories: do parts foresee the whole, and do the intervals cover?

Usage: python tests/statistical/table_scaling.py
Prints the tables of docs/validation/scaling.md; takes about five minutes of CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlperf_stats.analysis.lenders import Lenders, as_converged_runs
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.scale_curve import scale_curve
from mlperf_stats.analysis.scale_price import scale_price
from mlperf_stats.stats.performance_profile import performance_profile
from mlperf_stats.stats.power_law import SizedTimes, power_law, scatter_prior, sized_times
from mlperf_stats.stats.recovered_variances import ratio_interval
from mlperf_stats.stats.scaling import foreseen_time, ratio_of_laws
from mlperf_stats.stats.size_curve import FEWEST_SIZES, size_curve
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.store import Filters, Store, open_snapshot

BENCHMARKS = ("resnet", "bert", "maskrcnn")
ROUNDS = ("1.0", "2.0", "3.0")
FAR = 4
"""Batch sizes this many times apart make convergence a part worth testing."""


def price(store: Store) -> None:
    print(
        "\n| benchmark | round | pairs | told apart | foreseen | half-width | from other runs | in product |"
    )
    print("|---|---|---|---|---|---|---|---|")
    told: list[dict[str, Any]] = []
    for benchmark in BENCHMARKS:
        lenders = Lenders(store, Filters(benchmarks=(benchmark,)))
        items = {item.result.result_id: item for item in lenders.sets}
        for round_ in ROUNDS:
            chosen = Filters(rounds=(round_,), benchmarks=(benchmark,), divisions=("closed",))
            rows = scale_price(store, chosen, all_pairs=True).rows
            here = [row for row in rows if row["agrees"] is not None]
            for row in here:
                row["split"] = split_agrees(lenders, items[row["smaller"]], items[row["larger"]])
            told += here
            print(f"| {benchmark} | {round_} | {len(rows)} | {cells(here)} |")
    print(f"| all | | | {cells(told)} |")
    controls(told)
    print("\n| not foreseen | loss | interval | throughput | convergence | reference |")
    print("|---|---|---|---|---|---|")
    for row in told:
        if not row["agrees"]:
            pair = f"`{row['smaller']}` → `{row['larger']}`"
            interval = f"{row['foreseen_low']:.3f} – {row['foreseen_high']:.3f}"
            parts = [row["throughput"], row["convergence"], row["reference"]]
            shown = " | ".join("" if part is None else f"{part:.3f}" for part in parts)
            print(f"| {pair} | {row['loss']:.3f} | {interval} | {shown} |")


def cells(rows: Sequence[dict[str, Any]]) -> str:
    splits = [row["split"] for row in rows if row["split"] is not None]
    widths = [math.log(row["foreseen_high"] / row["foreseen_low"]) / 2 for row in rows]
    # The product is about the long run, the measured loss about these runs: luck may separate the two.
    product = [row["product_low"] <= row["loss"] <= row["product_high"] for row in rows]
    agrees = share([row["agrees"] for row in rows])
    return f"{len(rows)} | {agrees} | {np.median(widths):.3f} | {share(splits)} | {share(product)}"


def share(marks: Sequence[bool]) -> str:
    return f"{100 * np.mean(marks):.1f} %" if marks else "–"


def split_agrees(lenders: Lenders, smaller: RunSet, larger: RunSet) -> bool | None:
    """Speed from every other run, convergence from other results; against the rest of the runs."""
    laws, means, n = [], [], 0
    for item in (smaller, larger):
        first = as_converged_runs(RunSet(item.result, item.rules, tuple(item.converged[::2])))
        rest = as_converged_runs(RunSet(item.result, item.rules, tuple(item.converged[1::2])))
        prior = lenders.prior_of(item, apart=(smaller, larger))
        law = foreseen_time(first, prior, rest.n) if first and rest and prior else None
        if rest is None or law is None:
            return None
        laws.append(law)
        means.append(float(rest.log_time.mean()))
        n += rest.n
    found = ratio_of_laws(laws[1], laws[0], log_factor=0.0, level=0.95, estimand="test", n=n)
    return found.low <= math.exp(means[1] - means[0]) <= found.high


def controls(rows: Sequence[dict[str, Any]]) -> None:
    """The same intervals around products that leave something out: the check must notice."""
    print("\n| product | all pairs | batch sizes 4 times apart or more |")
    print("|---|---|---|")
    far = [
        row
        for row in rows
        if row["smaller_gbs"]
        and row["larger_gbs"]
        and abs(math.log(row["larger_gbs"] / row["smaller_gbs"])) >= math.log(FAR)
    ]
    for name, factor in (
        ("as it is", lambda row: 1.0),
        ("without the convergence part", lambda row: row["throughput"] / row["foreseen"]),
        ("without the throughput part", lambda row: 1 / row["throughput"]),
        (
            "convergence part the other way round",
            lambda row: (row["throughput"] / row["foreseen"]) ** 2,
        ),
    ):
        marks = [
            [
                row["foreseen_low"] * factor(row) <= row["loss"] <= row["foreseen_high"] * factor(row)
                for row in some
            ]
            for some in (rows, far)
        ]
        print(f"| {name} | {share(marks[0])} of {len(rows)} | {share(marks[1])} of {len(far)} |")


def left_out_sizes(store: Store) -> None:
    print("\n| source | batch sizes left out | foreseen | half-width |")
    print("|---|---|---|---|")
    names = sorted({row[0] for row in store.connection.execute("SELECT DISTINCT benchmark FROM results")})
    found: dict[str, list[tuple[bool, float]]] = {"submissions": [], "reference": []}
    for name in names:
        points = scale_curve(store, Filters(benchmarks=(name,), divisions=("closed",))).points
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in points:
            groups.setdefault((row["round"], row["source"]), []).append(row)
        for (_, source), group in groups.items():
            found[source] += list(each_left_out(group))
    for source, outcomes in found.items():
        marks, widths = [hit for hit, _ in outcomes], [width for _, width in outcomes]
        print(f"| {source} | {len(outcomes)} | {share(marks)} | {np.median(widths):.3f} |")


def each_left_out(group: Sequence[dict[str, Any]]) -> Iterator[tuple[bool, float]]:
    """Whether the law of the other sizes foresees each size's work, in groups of five sizes or more."""
    if len(group) < FEWEST_SIZES + 2:
        return
    for number, row in enumerate(group):
        others = [one for index, one in enumerate(group) if index != number]
        curve = size_curve(
            [one["gbs"] for one in others], [one["convergence"] for one in others], [0.0] * len(others)
        )
        interval = curve.further(row["gbs"])
        yield (
            interval.low <= row["convergence"] <= interval.high,
            math.log(interval.high / interval.low) / 2,
        )


def exponents(repetitions: int = 2_000) -> None:
    print(
        "\n| systems in the family | scatter | without others | with 8 others | half-width: without | with |"
    )
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    for scatter in (0.02, 0.08):
        for count in (2, 3, 4, 6):
            hits, widths = np.zeros(2), ([], [])
            for _ in range(repetitions):
                prior = scatter_prior([a_family(rng, 4, scatter) for _ in range(8)])
                own = a_family(rng, count, scatter)
                for way, lent in enumerate((None, prior)):
                    interval = power_law(own, lent).exponent
                    hits[way] += interval.low <= 0.85 <= interval.high
                    widths[way].append((interval.high - interval.low) / 2)
            covered = [f"{100 * hit / repetitions:.1f} %" for hit in hits]
            halves = [f"{np.median(width):.3f}" for width in widths]
            print(f"| {count} | {scatter:.0%} | {' | '.join(covered + halves)} |")


def a_family(rng: np.random.Generator, count: int, scatter: float) -> SizedTimes:
    """Systems of 8, 16, 32, … accelerators about exponent 0.85, each measured to 1 %."""
    sizes = 8.0 * 2.0 ** np.arange(count)
    noise = rng.normal(0, math.hypot(scatter, 0.01), count)
    return sized_times(sizes, sizes**-0.85 * np.exp(noise), [0.01**2] * count)


def curves(repetitions: int = 1_000) -> None:
    print("\n| batch sizes | critical size | critical size covered | curve | growth | further size |")
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(2)
    for sizes in ((256, 1024, 4096), (256, 512, 1024, 4096, 16384), tuple(408 * 2**k for k in range(9))):
        for critical in (500.0, 8_000.0, 100_000.0):
            hits = np.zeros(4)
            size = np.array(sizes, dtype=np.float64)
            truth = 10 * (1 + size / critical)
            middle = float(np.sqrt(size[0] * size[-1]))
            at_middle, grown = 10 * (1 + middle / critical), truth[-1] / truth[0]
            for _ in range(repetitions):
                curve = size_curve(size, truth * np.exp(rng.normal(0, 0.04, size.size)), [0.0] * size.size)
                new = at_middle * math.exp(rng.normal(0, 0.04))
                for number, (value, interval) in enumerate(
                    (
                        (critical, curve.critical),
                        (at_middle, curve.at(middle)),
                        (grown, curve.growth(size[0], size[-1])),
                        (new, curve.further(middle)),
                    )
                ):
                    hits[number] += interval.low <= value <= interval.high
            covered = " | ".join(f"{100 * hit / repetitions:.1f} %" for hit in hits)
            print(f"| {len(sizes)}: {sizes[0]}–{sizes[-1]} | {critical:g} | {covered} |")


def ratios(repetitions: int = 20_000) -> None:
    print("\n| runs of each | sd of log time | ratio covered |")
    print("|---|---|---|")
    rng = np.random.default_rng(3)
    for runs in (3, 5, 10):
        for first, second in ((0.05, 0.05), (0.02, 0.08)):
            logs = [rng.normal(0, sd, (repetitions // 4, runs)) for sd in (first, second)]
            hits = 0
            for one, other in zip(*logs, strict=True):
                found = ratio_interval(
                    geometric_mean_interval(np.exp(one)), geometric_mean_interval(np.exp(other))
                )
                hits += found.low <= 1 <= found.high
            print(f"| {runs} | {first}, {second} | {100 * hits / (repetitions // 4):.1f} % |")


def profiles(repetitions: int = 400) -> None:
    print("\n| systems | benchmarks | sd of log times | share covered, factors 1 to 2 | at factor 1 |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(4)
    factors = [1.0, 1.02, 1.05, 1.1, 1.25, 1.5, 2.0]
    for systems, benchmarks in ((3, 5), (10, 7)):
        for sd in (0.01, 0.05):
            inside = []
            for _ in range(repetitions):
                truth = rng.normal(0, 0.15, (systems, benchmarks))
                measured = truth + rng.normal(0, sd, truth.shape)
                found = performance_profile(measured, np.full(truth.shape, sd), factors)
                exact = performance_profile(truth, np.zeros(truth.shape), factors).shares
                inside.append((exact >= found.lows - 1e-9) & (exact <= found.highs + 1e-9))
            marks = np.array(inside)
            print(
                f"| {systems} | {benchmarks} | {sd} | {100 * marks.mean():.1f} % "
                f"| {100 * marks[..., 0].mean():.1f} % |"
            )


def main() -> None:
    with open_snapshot() as store:
        price(store)
        left_out_sizes(store)
    exponents()
    curves()
    ratios()
    profiles()


if __name__ == "__main__":
    main()
