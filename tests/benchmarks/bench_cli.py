"""What commands cost, CPU seconds of the whole process. Usage: python tests/benchmarks/bench_cli.py

Asked: ``--help`` within 0.2 s, a round's results within 0.6 s, the variance of all rounds within 5 s.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from processes import run

PROGRAM = Path(sys.executable).with_name("mlperf-stats")
COMMANDS = (
    ("--help",),
    ("results", "--round", "5.0"),
    ("results", "--format", "csv"),
    ("show", "5.0/tinycorp/tinybox_red/bert"),
    ("variance",),
)
REPEATS = 7


def main() -> None:
    for arguments in COMMANDS:
        seconds = [run([PROGRAM, *arguments]).cpu_s for _ in range(REPEATS)]
        print(f"mlperf-stats {' '.join(arguments):36}{median(seconds):6.2f} s")


if __name__ == "__main__":
    main()
