"""How far apart a run's evaluations are: times to train and convergence points live on that grid."""

from __future__ import annotations

from mlperf_stats.store.database import Store


def evaluation_gaps(store: Store) -> dict[tuple[str, int], float]:
    """Mean gap between a result's evaluations, in its convergence unit, by (layer, result key).

    A median over its runs of (last − first point) ÷ (points − 1); results whose runs have fewer than two
    evaluations each are left out.
    """
    found: dict[tuple[str, int], list[float]] = {}
    for layer in store.layers:
        rows = store.connection.execute(
            f"SELECT result_key, (max(point) - min(point)) / (count(DISTINCT point) - 1) "
            f"FROM {layer}.evaluations JOIN {layer}.runs USING (run_key) "
            "WHERE after_stop = 0 AND point IS NOT NULL GROUP BY run_key HAVING count(DISTINCT point) > 1"
        )
        for result_key, gap in rows:
            found.setdefault((layer, result_key), []).append(gap)
    return {key: sorted(gaps)[len(gaps) // 2] for key, gaps in found.items()}
