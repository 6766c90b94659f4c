"""The command line: parse, call analysis, print. ``main`` is the entry point of ``mlperf-stats``."""

from __future__ import annotations


def main() -> None:
    """Run the command line on the process's arguments and exit with its code."""
    from mlperf_stats.cli.app import app

    app(prog_name="mlperf-stats")
