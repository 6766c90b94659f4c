"""Ten seeds of every mini workload to its target, and one data-parallel run of each: a table in Markdown.

Usage: python tests/statistical/runner_study.py [FOLDER]

Takes about an hour of CPU time. The campaigns stay in FOLDER (default: runner-study); run
again, it goes on where it was interrupted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev

from mlperf_runners.workloads.registry import NAMES

SEEDS = 10


def main(folder: Path) -> None:
    """Run the campaigns and print their table."""
    folder.mkdir(exist_ok=True)
    print("| workload | converged | CPU seconds | epochs | CV of epochs | distinct points | two processes |")
    print("|---|---|---|---|---|---|---|")
    for name in NAMES:
        alone = campaign(folder, name, f"{name}-alone", "--runs", str(SEEDS))
        paired = campaign(folder, name, f"{name}-paired", "--runs", "1", "--processes", "2")
        print(row(name, alone, paired), flush=True)


def campaign(folder: Path, workload: str, name: str, *options: str) -> list[dict[str, float | str]]:
    """Results of a campaign's runs."""
    command = ["-m", "mlperf_stats", "run", workload, "--mini", "--campaign", name, *options]
    subprocess.run([sys.executable, *command], cwd=folder, check=True, stdout=sys.stderr)
    paths = folder.glob(f"{name}/runs/*/attempt-*/result.json")
    return [json.loads(path.read_text()) for path in paths]


def row(name: str, alone: list[dict[str, float | str]], paired: list[dict[str, float | str]]) -> str:
    """One line of the table."""
    converged = [result for result in alone if result["status"] == "converged"]
    epochs = sorted(float(result["epochs"]) for result in converged)
    cpu = sorted(float(result["cpu_seconds"]) for result in alone)
    together = "converged" if paired[0]["status"] == "converged" else "did not converge"
    cells = (
        name,
        f"{len(converged)} of {len(alone)}",
        f"{cpu[0]:.0f}–{cpu[-1]:.0f}",
        f"{epochs[0]:.3g}–{epochs[-1]:.3g}",
        f"{stdev(epochs) / fmean(epochs):.1%}",
        str(len(set(epochs))),
        f"{together}, {float(paired[0]['epochs']):.3g} epochs",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runner-study"))
