"""The command line: parse, call analysis, print. ``main`` is the entry point of ``mlperf-stats``."""

from __future__ import annotations


def main() -> None:
    """Run the command line on the process's arguments and exit with its code."""
    try:
        from mlperf_stats.cli.app import app
        from mlperf_stats.cli.plain_text import print_everywhere

        print_everywhere()
        app(prog_name="mlperf-stats")
    except KeyboardInterrupt:
        # Before and after the application's own handling: while modules are imported.
        raise SystemExit(130) from None
