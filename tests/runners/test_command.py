"""``mlperf-stats run`` as a user calls it: campaigns, resuming, bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from runner_campaigns import ENVIRONMENT, FAST, Run, command_line, wait_for, workers_in

from mlperf_runners.campaign.lock import dispatching
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import RunStatus


def results_of(mlperf_stats: Run, *campaigns: str) -> list[dict[str, str]]:
    done = mlperf_stats("ingest", *campaigns, "--db", "own.db")
    assert done.returncode == 0, done.stderr
    done = mlperf_stats("results", "--round", "local", "--db", "own.db", "--format", "csv")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_campaign_is_run_once_and_read_like_a_submission(mlperf_stats: Run, tmp_path: Path) -> None:
    done = mlperf_stats("run", *FAST, "--runs", 3, "--system", "box")
    assert done.returncode == 0, done.stderr
    assert "3 runs, 3 converged" in done.stdout
    campaign = tmp_path / "ncf-mini"
    logs = sorted(campaign.glob("runs/*/attempt-1/mllog.txt"))
    runs = [read_run(log.read_bytes(), log.name) for log in logs]
    assert [run.status for run in runs] == [RunStatus.CONVERGED] * 3
    assert len({run.seed for run in runs}) == 3
    assert not any(run.problems for run in runs)
    again = mlperf_stats("run", *FAST, "--runs", 3, "--system", "box")
    assert again.stdout == done.stdout
    assert not list(campaign.glob("runs/*/attempt-2"))
    check_notes(campaign)
    (row,) = results_of(mlperf_stats, "ncf-mini")
    assert row["result_id"] == "local/ncf-mini/box/ncf"
    # Runs as short as these may all end at the same evaluation, or not.
    warnings = row["warnings"].replace("one-convergence-point;", "")
    assert (row["runs"], row["runs_converged"], warnings) == ("3", "3", "level-not-attained;no-peers")
    # The score of three runs: the middle one, for one is dropped on each side.
    assert float(row["score_minutes"]) == pytest.approx(sorted(run.minutes or 0 for run in runs)[1])


def check_notes(campaign: Path) -> None:
    """Every attempt says what it was run on."""
    attempt = campaign / "runs" / "0" / "attempt-1"
    noted = json.loads((attempt / "env.json").read_text())
    assert set(noted) == {"session", "dispatcher", "worker"}
    assert len(noted["worker"]["load"]) == 3
    plan = json.loads((campaign / "campaign.json").read_text())
    assert plan["environment"]["packages"]["torch"].startswith("2.")
    result = json.loads((attempt / "result.json").read_text())
    assert result["status"] == "converged"
    assert result["cpu_seconds"] > 0


def test_a_run_that_misses_the_target_is_a_result(mlperf_stats: Run) -> None:
    done = mlperf_stats("run", *FAST, "--runs", 1, "--set", "target=0.99", "--set", "max_epochs=0.3")
    assert done.returncode == 0, done.stderr
    assert "1 run, 0 converged" in done.stdout
    (row,) = results_of(mlperf_stats, "ncf-mini")
    assert (row["runs"], row["runs_converged"], row["score_minutes"]) == ("1", "0", "")


def test_settings_may_change_until_something_was_trained(mlperf_stats: Run, tmp_path: Path) -> None:
    """The worker's refusal advises to change one, which then has to be possible."""
    refused = mlperf_stats("run", *FAST, "--runs", 1, "--set", "eval_negatives=295")
    assert "lower eval_negatives" in refused.stderr
    done = mlperf_stats("run", *FAST, "--runs", 1, "--set", "eval_negatives=50")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "ncf-mini").glob("runs/0/attempt-*"))) == 2
    again = mlperf_stats("run", *FAST, "--runs", 1, "--set", "eval_negatives=60")
    assert "is a campaign with other settings" in again.stderr


def test_what_cannot_be_launched_is_not_frozen(mlperf_stats: Run, tmp_path: Path) -> None:
    assert "lower --at-once" in mlperf_stats("run", *FAST, "--at-once", 999).stderr
    assert not (tmp_path / "ncf-mini" / "campaign.json").exists()


def test_one_seed_gives_one_convergence_point(mlperf_stats: Run, tmp_path: Path) -> None:
    (tmp_path / "seeds").write_text("5\n")
    options = ("--runs", 1, "--seeds", "seeds", "--set", "evaluate_every=0.02", "--set", "target=0.4")
    curves = []
    for name in ("first", "second"):
        assert mlperf_stats("run", *FAST, *options, "--campaign", name).returncode == 0
        log = tmp_path / name / "runs" / "0" / "attempt-1" / "mllog.txt"
        curves.append([(item.point, item.value) for item in read_run(log.read_bytes(), "").evaluations])
    assert len(curves[0]) > 3
    assert curves[0] == curves[1]


def test_two_variants_are_compared_and_become_two_results(mlperf_stats: Run, tmp_path: Path) -> None:
    (tmp_path / "eager.toml").write_text("learning_rate = 0.02\n")
    done = mlperf_stats("run", *FAST, "--runs", 3, "--against", "eager.toml", "--system", "box")
    assert done.returncode == 0, done.stderr
    rows = results_of(mlperf_stats, "ncf-mini")
    names = {row["result_id"] for row in rows}
    assert names == {"local/ncf-mini/box+base/ncf", "local/ncf-mini/box+eager/ncf"}
    platforms = [
        json.loads(line.removeprefix(":::MLLOG "))["value"]
        for index in range(3)
        for line in (tmp_path / f"ncf-mini/runs/{index}/attempt-1/mllog.txt").read_text().splitlines()
        if '"submission_platform"' in line
    ]
    assert platforms == ["box+base", "box+eager", "box+eager"]


def test_runs_at_once_have_cores_of_their_own_and_may_keep_their_weights(
    mlperf_stats: Run, tmp_path: Path
) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this machine has one core")
    done = mlperf_stats("run", *FAST, "--runs", 2, "--at-once", 2, "--keep-checkpoint")
    assert done.returncode == 0, done.stderr
    workers = [json.loads(path.read_text())["worker"] for path in tmp_path.glob("ncf-mini/runs/*/*/env.json")]
    first, second = (set(worker["cores_allowed"]) for worker in workers)
    assert (len(first), len(second), first & second) == (1, 1, set())
    weights = torch.load(tmp_path / "ncf-mini" / "runs" / "0" / "attempt-1" / "model.pt")
    assert weights["gmf_user.weight"].shape == (200, 16)


def test_a_budget_starts_no_run_that_does_not_fit(mlperf_stats: Run) -> None:
    done = mlperf_stats("run", *FAST, "--budget", 0.25)
    assert done.returncode == 0, done.stderr
    assert "the budget is spent" in done.stdout
    converged = int(done.stdout.split()[0])
    assert 1 <= converged < 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_goes_on_later(number: signal.Signals, mlperf_stats: Run, tmp_path: Path) -> None:
    with subprocess.Popen(
        command_line("run", *FAST, "--runs", 2),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Tests may run in the background of a shell, which lets Ctrl-C be ignored there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        log = tmp_path / "ncf-mini" / "runs" / "0" / "attempt-1" / "mllog.txt"
        wait_for(log.exists)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in output
    done = mlperf_stats("run", *FAST, "--runs", 2)
    assert "2 runs, 2 converged" in done.stdout
    assert len(list(tmp_path.glob("ncf-mini/results/*/ncf/result_*.txt"))) == 2


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("mlperf-stats: ")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("resnt", "--mini"), "did you mean resnet"),
        ((), "name a workload"),
        (("ncf", "--mini", "--set", "target=1.2"), "target 1.2 cannot be reached"),
        (("ncf", "--mini", "--set", "taget=0.5"), "did you mean target? its settings are target"),
        (("ncf", "--mini", "--set", "batch_size=many"), "batch_size must be a whole number"),
        (("ncf",), "ncf needs ratings.csv in a folder named by --data"),
        (("resnet", "--data", "nowhere"), "train/*/*.JPEG, val/*/*.JPEG in"),
        (("transformer",), "run it with --mini"),
        (("ncf", "--mini", "--campaign", "taken/c"), "choose another --campaign"),
        (("ncf", "--mini", "--campaign", "a b"), "cannot name a campaign"),
        (("ncf", "--mini", "--seeds", "seeds"), "seed 4 stands in line 1 already"),
        (("ncf", "--mini", "--seeds", "one-seed", "--runs", "2"), "1 seeds for up to 2 runs"),
        (("ncf", "--mini", "--against", "same.toml"), "changes nothing"),
        (("ncf", "--mini", "--against", "none.toml"), "none.toml: cannot be read (No such file"),
        (("ncf", "--mini", "--seeds", "none"), "none: cannot be read (No such file"),
        (("ncf", "--mini", "--settings", "taken"), "cannot be read as settings"),
        (("ncf", "--mini", "--export-submission", "taken"), "taken/ncf-mini: cannot be made in"),
        (("ncf", "--mini", "--slurm-option=-p gpu"), "add --launcher slurm"),
        (("ncf", "--mini", "--processes", "3"), "batch_size 256 cannot be shared evenly by 3"),
        (("ncf", "--mini", "--nodes", "2"), "--nodes needs --launcher slurm"),
        (("ncf", "--mini", "--at-once", "999"), "lower --at-once"),
        (("ncf", "--mini", "--runs", "2", "--until-half-width", "5%"), "at least 3 runs"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], words: str, mlperf_stats: Run, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "seeds").write_text("4\n4\n")
    (tmp_path / "one-seed").write_text("4\n")
    (tmp_path / "same.toml").write_text("beta_1 = 0.9\n")
    assert words in one_line(mlperf_stats("run", *arguments))
    assert not list(tmp_path.glob("**/attempt-*"))


def test_other_settings_do_not_touch_a_campaign(mlperf_stats: Run, tmp_path: Path) -> None:
    assert mlperf_stats("run", *FAST, "--runs", 1).returncode == 0
    before = (tmp_path / "ncf-mini" / "campaign.json").read_bytes()
    words = one_line(mlperf_stats("run", *FAST, "--runs", 2, "--set", "batch_size=128"))
    assert "stopping.runs 1 → 2" in words
    assert "batch_size 256 → 128" in words
    assert (tmp_path / "ncf-mini" / "campaign.json").read_bytes() == before


def test_a_second_dispatcher_is_refused(mlperf_stats: Run, tmp_path: Path) -> None:
    folder = tmp_path / "ncf-mini"
    folder.mkdir()
    with dispatching(folder):
        words = one_line(mlperf_stats("run", *FAST, "--runs", 1))
    assert f"process {os.getpid()} on " in words
    assert not (folder / "campaign.json").exists()


def test_a_run_that_takes_too_long_is_killed_with_all_it_started(mlperf_stats: Run, tmp_path: Path) -> None:
    slow = ("--set", "target=0.99", "--set", "max_epochs=1000", "--set", "evaluate_every=0.5")
    words = one_line_at_end(mlperf_stats("run", *FAST, *slow, "--runs", 1, "--timeout", 0.05))
    assert "run 0 died 3 times (killed after 0.05 minutes" in words
    assert len(list(tmp_path.glob("ncf-mini/runs/0/attempt-*"))) == 3
    assert not workers_in(tmp_path)


def one_line_at_end(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    return done.stderr.splitlines()[-1]


def test_without_torch_run_says_what_to_install(tmp_path: Path) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util as u\nfound = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else found(name, *rest)\n"
    )
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command_line("run", "ncf", "--mini"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'mlperf-stats[runners]'" in one_line(done)
    listed = subprocess.run(
        command_line("run", "--list"), env=environment, capture_output=True, text=True, check=False
    )
    assert "transformer" in listed.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_stops_the_campaign_and_loses_nothing(mlperf_stats: Run, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], check=True)
    try:
        campaign = ("--campaign", disk / "c", "--runs", 2)
        filler = disk / "filler"
        filler.write_bytes(bytes(20 << 20))
        assert "are free; make room" in one_line(mlperf_stats("run", *FAST, *campaign))
        assert not list(disk.glob("c/runs/*/attempt-*"))
        filler.unlink()
        assert mlperf_stats("run", *FAST, *campaign).returncode == 0
        assert len(list(disk.glob("c/runs/*/attempt-1/result.json"))) == 2
        shutil.copytree(disk / "c", tmp_path / "c")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    (row,) = results_of(mlperf_stats, "c")
    assert row["runs_converged"] == "2"
