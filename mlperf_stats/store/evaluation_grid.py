"""How far apart a run's evaluations are: times to train and convergence points live on that grid."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import StoredResult, keys_by_layer


def evaluation_gaps(store: Store, results: Iterable[StoredResult]) -> dict[tuple[str, int], float]:
    """Mean gap between the evaluations of each result, in its convergence unit, by its key.

    A median over its runs of (last − first point) ÷ (points − 1); results whose runs have fewer than two
    evaluations each are left out.
    """
    found: dict[tuple[str, int], list[float]] = {}
    for layer, keys in keys_by_layer(results):
        rows = store.connection.execute(
            "SELECT result_key, (max(point) - min(point)) / (count(DISTINCT point) - 1) "
            f"FROM {layer}.runs CROSS JOIN {layer}.evaluations USING (run_key) "
            f"WHERE after_stop = 0 AND point IS NOT NULL AND result_key IN ({', '.join('?' * len(keys))}) "
            "GROUP BY run_key HAVING count(DISTINCT point) > 1",
            keys,
        )
        for result_key, gap in rows:
            found.setdefault((layer, result_key), []).append(gap)
    return {key: sorted(gaps)[len(gaps) // 2] for key, gaps in found.items()}


def evaluation_steps(
    store: Store, results: Iterable[StoredResult], *, first_runs: bool = False
) -> dict[tuple[str, int], float]:
    """Median gap between the evaluations of each result, in its convergence unit, by its key.

    Over all its runs or, with ``first_runs``, over its first run alone, which shares the grid of the others.
    Results whose runs were evaluated once are left out.
    """
    gaps: dict[tuple[str, int], list[float]] = {}
    for layer, keys in keys_by_layer(results):
        chosen = f"result_key IN ({', '.join('?' * len(keys))})"
        if first_runs:
            chosen = f"run_key IN (SELECT min(run_key) FROM {layer}.runs WHERE {chosen} GROUP BY result_key)"
        rows = store.connection.execute(
            f"SELECT DISTINCT result_key, run_key, point FROM {layer}.runs "
            f"CROSS JOIN {layer}.evaluations USING (run_key) "
            f"WHERE point IS NOT NULL AND {chosen} ORDER BY run_key, point",
            keys,
        )
        before: tuple[int, float] | None = None
        for result_key, run_key, point in rows:
            if before is not None and before[0] == run_key:
                gaps.setdefault((layer, result_key), []).append(point - before[1])
            before = run_key, point
    return {key: statistics.median(found) for key, found in gaps.items()}
