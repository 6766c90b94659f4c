"""What the processes of one training have to agree on, in two processes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from coco_files import write_coco
from PIL import Image
from runner_campaigns import ENVIRONMENT

PROGRAM = """
import sys, torch
from mlperf_runners.training.context import Context
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.training.loop import Goal, train
from mlperf_runners.workloads.registry import workload
from mlperf_runners.workloads.resnet import data

name, folder, changes = sys.argv[1], sys.argv[2], eval(sys.argv[3])
context = Context.start(3, "cpu", 1)
chosen = workload(name)
data.EVAL_BATCH = 2
task = chosen.create(chosen.changed("full", {"data": folder, **changes}), "full", context)


def flat():
    return torch.cat([buffer.flatten().double() for buffer in task.model.buffers()])


def trained(batch):
    loss = train_step(batch)
    seen["before"] = flat()
    return loss


def evaluated():
    seen["during"] = flat()
    seen["quality"] = evaluate()
    return seen["quality"]


seen = {}
train_step, task.train_step = task.train_step, trained
evaluate, task.evaluate = task.evaluate, evaluated
with Logbook(None) as log:
    train(task, Goal(0.999, 1, 1, 0, chosen.further_targets(task._settings)), context, log)
every = context.gathered([(seen["before"], seen["during"], seen["quality"])])
if context.leads:
    (before, first, one), (other, second, two) = every
    print(torch.equal(before, other), torch.equal(first, second), torch.equal(first, before), one == two)
context.stop()
"""
FEW = {"batch_size": 4, "width": 4, "loader_processes": 0, "precision": "fp32"}
DETECTOR = {**FEW, "classes": 3, "warmup_steps": 2}
CASES = {
    "ssd": {
        **DETECTOR,
        "image_size": 64,
        "blocks": [1, 1, 1],
        "scales": [0.3, 0.5, 0.7],
        "ratios": [[2], [2]],
    },
    "mask_rcnn": {
        **DETECTOR,
        "min_size": 64,
        "max_size": 96,
        "blocks": [1, 1, 1, 1],
        "pyramid_width": 8,
        "candidates": 10,
        "candidates_per_level": 20,
        "region_samples": 8,
        "head_width": 16,
        "mask_width": 8,
        "mask_layers": 1,
    },
    "resnet": {**FEW, "image_size": 32, "blocks": [1, 1, 1, 1], "warmup_epochs": 0},
}


def in_two_processes(folder: Path, *arguments: str) -> str:
    """What :data:`PROGRAM` prints."""
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_imagenet(root: Path) -> None:
    """Two classes of one colour each; one validation image more than makes even shares."""
    for part, count in (("train", 4), ("val", 2)):
        for number, colour in enumerate(((200, 40, 40), (40, 40, 200))):
            (root / part / f"n{number}").mkdir(parents=True)
            for image in range(count):
                shade = tuple(value - 20 * image for value in colour)
                Image.new("RGB", (40, 40), shade).save(root / part / f"n{number}/{image}.JPEG")
    Image.new("RGB", (40, 40), (90, 90, 90)).save(root / "val/n0/last.JPEG")


@pytest.mark.parametrize("name", CASES)
def test_all_processes_evaluate_the_model_of_the_first(name: str, tmp_path: Path) -> None:
    """Running statistics of batch norms are a process's own, of its share of the images."""
    (write_imagenet if name == "resnet" else write_coco)(tmp_path)
    printed = in_two_processes(tmp_path, name, str(tmp_path), repr(CASES[name]))
    assert printed.split() == ["False", "True", "True", "True"]
