"""The published snapshot: figures of MLPerf Training rounds, computed from the published logs.

``snapshot.db`` is a results database (schema: ``mlperf_stats.store.schema``); its table ``meta`` and
``provenance.json`` beside it say where the figures come from. ``build`` makes both.
"""
