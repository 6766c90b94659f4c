"""Logs against the official tools: compliance checker and summarizer. Runs train with two processes."""

from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from coco_files import write_coco
from mlperf_logging.compliance_checker import mlp_compliance
from PIL import Image
from runner_campaigns import FAST, Run

from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant
from mlperf_runners.training.context import Context
from mlperf_runners.training.logbook import Logbook
from mlperf_runners.training.loop import Goal, train
from mlperf_runners.worker import submission_header
from mlperf_runners.workloads.registry import workload
from mlperf_runners.workloads.translation.grammar import Grammar
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import RunStatus

EASY = {
    "ncf": FAST[2:],
    "minigo": (
        *("--set", "target=0.01", "--set", "games=8", "--set", "readouts=4", "--set", "steps=10"),
        *("--set", "eval_games=20", "--set", "reference_playouts=1"),
    ),
    "ssd": ("--set", "target=0.05", "--set", "first_evaluation=2", "--set", "eval_images=40"),
    "mask_rcnn": (
        *("--set", "target=0.001", "--set", "mask_target=0.001", "--set", "first_evaluation=0.6"),
        *("--set", "eval_images=40", "--set", "images=600"),
    ),
    "resnet": ("--set", "target=0.5", "--set", "blocks=[1, 1, 1, 1]"),
    "transformer": (
        *("--set", "target=0.3", "--set", "first_evaluation=2"),
        *("--set", "sentences=1500", "--set", "eval_sentences=40"),
    ),
    "deepspeech2": (*("--set", "target=0.9", "--set", "utterances=200", "--set", "eval_utterances=20"),),
    "gnmt": (
        *("--set", "target=0.25", "--set", "first_evaluation=3", "--set", "layers=2"),
        *("--set", "batch_size=48", "--set", "eval_sentences=40"),
    ),
}
"""Targets that are reached in seconds; ``make runner-study`` trains to the real ones."""
SMALL_MASK_RCNN = {
    **{"classes": 3, "loader_processes": 0, "width": 4, "blocks": (1, 1, 1, 1), "pyramid_width": 8},
    **{"min_size": 64, "max_size": 96, "head_width": 16, "mask_width": 8},
}
TWO_MAPS = {"scales": (0.3, 0.5, 0.7), "ratios": ((2,), (2,))}
REQUIRED_BY_ALL = {
    *(f"submission_{what}" for what in ("benchmark", "division", "org", "platform", "status")),
    *(f"{what}_{end}" for what in ("init", "run", "block", "eval") for end in ("start", "stop")),
    *(
        "cache_clear",
        "eval_accuracy",
        "train_samples",
        "eval_samples",
        "global_batch_size",
        "seed",
        "opt_name",
    ),
}


def complaints(log: Path, ruleset: str, caplog: pytest.LogCaptureFixture) -> str:
    """What the compliance checker says against a log; empty if it passes."""
    checker = mlp_compliance.make_checker("training", ruleset, False, True)
    with caplog.at_level(logging.WARNING):
        valid, *_ = mlp_compliance.main(str(log), f"training_{ruleset}/common.yaml", checker)
    return "" if valid else caplog.text or "not valid"


@pytest.mark.cluster
@pytest.mark.parametrize("name", sorted(EASY))
def test_two_processes_converge_and_log_by_the_rules(
    name: str, mlperf_stats: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = mlperf_stats("run", name, "--mini", *EASY[name], "--runs", 1, "--processes", 2)
    assert done.returncode == 0, done.stderr
    assert "1 run, 1 converged" in done.stdout
    log = tmp_path / f"{name}-mini" / "runs" / "0" / "attempt-1" / "mllog.txt"
    assert '"processes": 2' in (log.parent / "env.json").read_text()
    run = read_run(log.read_bytes(), "")
    assert (run.status, run.problems, run.logged_division) == (RunStatus.CONVERGED, (), "open")
    ruleset = workload(name).log_rules
    if ruleset is not None:
        assert complaints(log, ruleset, caplog) == ""
    lines = [json.loads(line.removeprefix(":::MLLOG ")) for line in log.read_text().splitlines()]
    assert {line["key"] for line in lines} >= REQUIRED_BY_ALL
    assert all(line["metadata"]["file"].startswith(("worker.py", "training/")) for line in lines)


def test_the_checker_finds_what_is_missing(
    mlperf_stats: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So that its silence above means something."""
    log = tmp_path / "log.txt"
    record = {"namespace": "", "time_ms": 1, "event_type": "POINT_IN_TIME", "key": "run_start", "value": None}
    log.write_text(f":::MLLOG {json.dumps({**record, 'metadata': {'file': 'x', 'lineno': 1}})}\n")
    assert "submission_division" in complaints(log, "4.0.0", caplog)


def full_data(folder: Path) -> None:
    """A little of everything that full modes read."""
    write_coco(folder)
    pairs = Grammar(np.random.default_rng(0)).pairs(60)
    for part in ("train", "newstest2014"):
        for language, side in zip(("en", "de"), zip(*pairs, strict=True), strict=True):
            (folder / f"{part}.{language}").write_text("\n".join(side) + "\n")
    for part in ("train", "val"):
        for name in ("n0", "n1"):
            (folder / part / name).mkdir(parents=True)
            Image.new("RGB", (40, 40), (len(name), 9, 9)).save(folder / part / name / "0.JPEG", "JPEG")


@pytest.mark.parametrize(
    ("name", "reached", "smaller"),
    [
        ("resnet", 0.76, {"image_size": 32, "loader_processes": 0}),
        ("ssd", 0.231, {"image_size": 100, "width": 8, "classes": 3, "loader_processes": 0, **TWO_MAPS}),
        ("mask_rcnn", {"BBOX": 0.378, "SEGM": 0.34}, SMALL_MASK_RCNN),
        ("transformer", 0.251, {"vocabulary": 200, "layers": 1, "width": 32, "heads": 2, "inner_width": 32}),
        ("gnmt", 0.241, {"vocabulary": 200, "layers": 2, "width": 32}),
    ],
)
def test_full_mode_logs_pass_the_closed_division(
    name: str, reached: object, smaller: dict[str, object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The published hyperparameters, on a model cut down and with the quality made up."""
    full_data(tmp_path)
    chosen = workload(name)
    settings = chosen.changed("full", {"data": str(tmp_path), **smaller})
    context = Context.start(1, "cpu", 1)
    task = chosen.create(settings, "full", context)
    task.evaluate = lambda: reached
    variants = (Variant("", msgspec.to_builtins(settings)),)
    plan = Plan("c", name, "full", variants, Stopping("fixed", 1), Launch(), "box", {"gpus": []})
    log = tmp_path / "mllog.txt"
    with Logbook(log) as book:
        book.start("init_start")
        book.header(submission_header(plan, 0, 1, settings.batch_size))
        outcome = train(
            task, Goal(settings.target, settings.max_epochs, settings.evaluate_every), context, book
        )
    assert outcome.converged
    assert complaints(log, str(chosen.log_rules), caplog) == ""


def test_the_official_summarizer_scores_an_exported_submission_as_we_do(
    mlperf_stats: Run, tmp_path: Path
) -> None:
    tiny = ("--set", "blocks=[1, 1, 1, 1]", "--set", "width=4", "--set", "target=0.3")
    done = mlperf_stats("run", "resnet", "--mini", *tiny, "--system", "box", "--export-submission", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "out/resnet-mini/results/box/resnet: 5 runs"
    again = mlperf_stats("run", "resnet", "--mini", *tiny, "--system", "box", "--export-submission", "out")
    assert "is there already" in again.stderr
    module = ("-m", "mlperf_logging.result_summarizer", "out/resnet-mini", "training", "4.0.0")
    subprocess.run(
        [sys.executable, *module, "--csv", "official.csv"], cwd=tmp_path, check=True, capture_output=True
    )
    (official,) = csv.DictReader((tmp_path / "official.csv").open())
    assert mlperf_stats("ingest", "out", "--round", "local", "--db", "own.db").returncode == 0
    ours = mlperf_stats("results", "--round", "local", "--db", "own.db", "--format", "csv").stdout
    (row,) = csv.DictReader(io.StringIO(ours))
    # The summarizer prints minutes to three decimals.
    assert float(official["resnet"]) == pytest.approx(float(row["score_minutes"]), abs=0.0005)


def test_a_log_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    with Logbook(Path("/dev/full")) as book, pytest.raises(OSError, match="No space"):
        book.start("init_start")


def test_processes_that_do_not_lead_write_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with Logbook(None) as book:
        book.event("seed", 1)
    assert not list(tmp_path.iterdir())
