"""Rounds in which nothing is wrong: convergence drawn from the reference's runs, steady throughput."""

from __future__ import annotations

import numpy as np

from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.rules.rcp import Variant, limits
from mlperf_stats.rules.rcp_data import reference_set
from mlperf_stats.store.queries import StoredResult, StoredRun

ROUND = "5.0"
BENCHMARKS = ("bert", "dlrm_dcnv2", "llama2_70b_lora", "retinanet", "rgat", "stable_diffusion")
THROUGHPUT_NOISE = 0.003
"""Standard deviation of log time per unit of convergence, as published sets have it."""


def clean_round(seed: int, results: int = 150) -> list[RunSet]:
    """Sets of a made-up round: each result at a random reference batch size of a random benchmark.

    Values are resampled with replacement from the reference's, so cells share one (discrete) law, which is
    the reference's own.
    """
    rng = np.random.default_rng(seed)
    return [_clean_set(number, rng) for number in range(results)]


def _clean_set(number: int, rng: np.random.Generator) -> RunSet:
    references = reference_set(ROUND, str(rng.choice(BENCHMARKS)))
    # Few batch sizes, so that there are peers; of those that reviews use.
    used = {limit.gbs for limit in limits(references, Variant.OFFICIAL_CODE)}
    point = [entry for entry in references.points if entry.gbs in used][int(rng.integers(min(2, len(used))))]
    rules = references.benchmark
    convergence = rng.choice(np.array(point.values), size=rules.runs)
    minutes = (
        20 * convergence / convergence.mean() * np.exp(THROUGHPUT_NOISE * rng.standard_normal(rules.runs))
    )
    runs = tuple(
        _run(number, place, float(c), float(m), point.gbs, references.unit)
        for place, (c, m) in enumerate(zip(convergence, minutes, strict=True))
    )
    return RunSet(_result(number, rules.name), rules, runs)


def _result(number: int, benchmark: str) -> StoredResult:
    text = dict.fromkeys(
        (
            "folder", "path", "entry", "system_name", "division_as_filed", "availability",
            "availability_as_filed", "accelerator", "host_processor", "framework", "description_path",
        ),
        "",
    )  # fmt: skip
    counts = dict.fromkeys(("accelerators", "accelerators_per_node", "nodes", "host_processors"))
    return StoredResult(
        layer="main", result_key=number, result_id=f"{ROUND}/s{number}/x/{benchmark}", benchmark=benchmark,
        scaling_factor=1.0, problems=(), round=ROUND, submitter=f"s{number}", system="x", division="closed",
        system_problems=(), covers_published=False, summary=None, **text, **counts,
    )  # fmt: skip


def _run(number: int, place: int, convergence: float, minutes: float, gbs: int, unit: str) -> StoredRun:
    start = 1.7e12 + place * 1e8
    return StoredRun(
        run_key=number * 1000 + place, result_key=number, path=f"s{number}/result_{place}.txt",
        status="converged", start_ms=start, stop_ms=start + minutes * 60_000, minutes=minutes, gbs=gbs,
        seed=str(place), train_samples=None, convergence_point=convergence, convergence_unit=unit,
        progress_unit=unit, energy_joules=None, grammar="MLLOG", logged_benchmark="",
        logged_division="closed", content_hash=f"{number}-{place}", size_bytes=1, problems=(),
    )  # fmt: skip
