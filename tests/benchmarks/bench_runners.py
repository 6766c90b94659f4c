"""What the harness adds to a training run, in CPU seconds, measured twice.

Usage: python tests/benchmarks/bench_runners.py [--inside]

Inside one process: what the loop, the clock and the log take beside the task's own methods. Other load on
the machine disturbs this little, because it slows both alike.

From outside (left out with --inside): a campaign of one run against a bare script that trains the same task
with the same seed in a straight loop, without clock, log and campaign. Both sides include starting Python
and PyTorch but not taking it down, and run at the same time, so that what disturbs one disturbs the other;
the median of the repeats counts. Starting the command itself, which a campaign does once, is measured by
running the finished campaign again; it is taken off and shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

WORKLOAD = "ncf"
SEED = 1
REPEATS = 9
LIMIT = 0.02

INSIDE = """
import sys, time
from pathlib import Path
from mlperf_runners.training.context import Context
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.training.loop import Goal, train
from mlperf_runners.workloads.registry import workload
chosen = workload(sys.argv[1])
settings = chosen.mini
context = Context.start(int(sys.argv[2]), "cpu", 1)
task = chosen.create(settings, "mini", context)
own = 0.0
def timed(call):
    def timing(*arguments):
        global own
        before = time.process_time()
        try:
            return call(*arguments)
        finally:
            own += time.process_time() - before
    return timing
for name in ("load_data", "train_step", "evaluate"):
    setattr(task, name, timed(getattr(task, name)))
batches = task.batches
task.batches = lambda epoch: iter(timed(lambda draw=iter(batches(epoch)): next(draw, None)), None)
goal = Goal(settings.target, settings.max_epochs, settings.evaluate_every, settings.first_evaluation)
before = time.process_time()
with Logbook(Path("mllog.txt")) as log:
    log.start("init_start")
    train(task, goal, context, log)
print(own, time.process_time() - before)
"""
BARE = """
import os, sys, torch
from pathlib import Path
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.registry import workload
chosen, seed = workload(sys.argv[1]), int(sys.argv[2])
settings = chosen.mini
context = Context.start(seed, "cpu", 1)
task = chosen.create(settings, "mini", context)
task.load_data()
steps = 0
evaluations = round(settings.first_evaluation / settings.evaluate_every) - 1
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
Path("bare.txt").write_text(str(steps / task.steps_per_epoch))
os._exit(0)
"""


def started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a command with one thread, its output thrown away."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """User and system time of a process and everything it waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{process.args!r} failed")
    return usage.ru_utime + usage.ru_stime


def inside(folder: Path) -> float:
    """Share of the timed part that is not the task's; prints it."""
    script = [sys.executable, "-c", INSIDE, WORKLOAD, str(SEED)]
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True)
    own, total = map(float, done.stdout.split())
    share = total / own - 1
    print(
        f"{WORKLOAD} --mini, inside one run: task {own:.2f} s, loop and log {total - own:.3f} s, {share:+.2%}"
    )
    return share


def main() -> None:
    """Print both measurements; exit 1 where one is over the limit."""
    with tempfile.TemporaryDirectory() as scratch:
        added = inside(Path(scratch))
        if "--inside" not in sys.argv[1:]:
            added = max(added, outside(Path(scratch)))
    sys.exit(added > LIMIT)


def outside(folder: Path) -> float:
    """What the run of a campaign costs over the bare script; prints it."""
    (folder / "seeds").write_text(f"{SEED}\n")
    shares, starts, bares = [], [], []
    for repeat in range(REPEATS):
        campaign = [sys.executable, "-m", "mlperf_stats", "run", WORKLOAD, "--mini", "--runs", "1"]
        campaign += ["--seeds", "seeds", "--campaign", f"bench-{repeat}"]
        both = started(campaign, folder), started([sys.executable, "-c", BARE, WORKLOAD, str(SEED)], folder)
        harness, bare = map(cpu_seconds, both)
        trained = json.loads((folder / f"bench-{repeat}/runs/0/attempt-1/result.json").read_text())["epochs"]
        if trained != float((folder / "bare.txt").read_text()):
            raise SystemExit("the bare script trains something else")
        start = cpu_seconds(started(campaign, folder))
        shares.append((harness - start) / bare - 1)
        starts.append(start)
        bares.append(bare)
    added = median(shares)
    print(f"{WORKLOAD} --mini from outside, median of {REPEATS} repeats:")
    print(f"  bare script             {median(bares):6.2f} s of CPU time")
    print(f"  a campaign's run        {added:+.1%} ({min(shares):+.1%} to {max(shares):+.1%})")
    print(f"  start, once a campaign  {median(starts):6.2f} s")
    return added


if __name__ == "__main__":
    main()
