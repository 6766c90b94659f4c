"""Bytes to nouns: everything that knows what MLPerf logs and submission folders look like.

The entry point is :func:`mlperf_stats.logs.submissions.read_submissions`; a single log is read by
:func:`mlperf_stats.logs.runs.read_run`. Inputs are never written to.
"""
