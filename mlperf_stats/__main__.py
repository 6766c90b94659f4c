"""``python -m mlperf_stats`` is the command line."""

from __future__ import annotations

from mlperf_stats.cli import main

if __name__ == "__main__":
    main()
