"""What the harness adds to a training run: CPU seconds of a campaign's runs over a bare script's.

Usage: python tests/benchmarks/bench_runners.py

The bare script trains the same task with the same seeds in a straight loop: no clock, no log, no
campaign. Both sides include starting Python and PyTorch. Starting the command itself, which a campaign
does once, is measured by running the finished campaign again; it is taken off and shown. Sides
alternate; the least of the repeats counts, because other load on the machine only ever adds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WORKLOAD = "ncf"
RUNS = 2
REPEATS = 5
LIMIT = 0.02

BARE = """
import sys, torch
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.registry import workload
chosen, seed = workload(sys.argv[1]), int(sys.argv[2])
settings = chosen.mini
context = Context.start(seed, "cpu", 1)
task = chosen.create(settings, "mini", context)
task.load_data()
steps = evaluations = 0
quality = 0.0
epoch = 0
while quality < settings.target:
    task.model.train()
    for batch in task.batches(epoch):
        task.train_step(batch)
        steps += 1
        if steps == round((evaluations + 1) * settings.evaluate_every * task.steps_per_epoch):
            evaluations += 1
            task.model.eval()
            with torch.no_grad():
                quality = task.evaluate()
            task.model.train()
            if quality >= settings.target:
                break
    epoch += 1
"""


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system time of a command and everything it waited for."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command[:4])} … failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print both sides and their ratio; exit 1 where it is over the limit."""
    harness, starts, bare = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for repeat in range(REPEATS):
            campaign = [sys.executable, "-m", "mlperf_stats", "run", WORKLOAD, "--mini"]
            campaign += ["--runs", str(RUNS), "--campaign", "bench"]
            harness.append(cpu_seconds(campaign, folder))
            starts.append(cpu_seconds(campaign, folder))
            results = [
                json.loads(path.read_text()) for path in folder.glob("bench/runs/*/attempt-1/result.json")
            ]
            scripts = [[sys.executable, "-c", BARE, WORKLOAD, str(result["seed"])] for result in results]
            bare.append(sum(cpu_seconds(script, folder) for script in scripts))
            # The name is part of the seeds, so that every repeat trains the same.
            (folder / "bench").rename(folder / f"bench-{repeat}")
    added = (min(harness) - min(starts)) / min(bare) - 1
    print(f"{WORKLOAD} --mini, {RUNS} runs, least of {REPEATS}: CPU seconds")
    print(f"  bare script             {min(bare):7.2f}")
    print(f"  campaign without start  {min(harness) - min(starts):7.2f}   {added:+.1%} (limit {LIMIT:+.0%})")
    print(f"  start, once a campaign  {min(starts):7.2f}")
    sys.exit(added > LIMIT)


if __name__ == "__main__":
    main()
