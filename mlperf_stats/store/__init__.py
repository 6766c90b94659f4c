"""The results database: schema, ingest, queries, export, and the published snapshot under it."""

from mlperf_stats.store.database import Store, default_db_path, open_memory, open_snapshot, open_store
from mlperf_stats.store.queries import Filters

__all__ = ["Filters", "Store", "default_db_path", "open_memory", "open_snapshot", "open_store"]
