"""Repeated training runs under the MLPerf clock, each with a seed and a process of its own.

A campaign is a folder that is planned once and can be interrupted at any moment; its logs are read
by ``mlperf-stats ingest`` like any submission.
"""
