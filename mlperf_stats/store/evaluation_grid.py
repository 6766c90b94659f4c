"""How far apart a run's evaluations are: times to train and convergence points live on that grid."""

from __future__ import annotations

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
