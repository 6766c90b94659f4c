"""Several workloads in one go: they become one submission, which can be combined into one number."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
from pathlib import Path

import pytest
from executed_page import executed, write_files
from runner_campaigns import SMALL, Run

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_runners.campaign.plan import Launch, Plan
from mlperf_runners.campaign.suite import Suite, join_suite
from mlperf_runners.dispatch import suite
from mlperf_runners.dispatch.dispatcher import Finished
from mlperf_runners.dispatch.planning import (
    CampaignWish,
    SettingsWish,
    StoppingWish,
    Wishes,
    changes_of,
    plan_of,
)
from mlperf_runners.dispatch.stopping import Verdict
from mlperf_runners.errors import CampaignChangedError, RunsFailedError, SettingsError
from mlperf_runners.workloads.registry import NAMES, chosen_names, workload
from mlperf_runners.workloads.workload import Workload

EASY = {"ncf": SMALL, "resnet": {"target": 0.2, "evaluate_every": 0.25, "first_evaluation": 0}}
SUITE = ("ncf", "resnet", "--mini", "--system", "box", "--settings", "easy.toml")


@pytest.fixture
def run(mlperf_stats: Run, tmp_path: Path) -> Run:
    """``mlperf-stats`` in a folder with settings that make two workloads take a second each."""
    tables = [
        f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in own.items())
        for name, own in EASY.items()
    ]
    (tmp_path / "easy.toml").write_text("\n".join(tables))
    return mlperf_stats


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    return done.stderr.splitlines()[-1]


def test_the_example_in_the_documentation_makes_submissions_that_can_be_combined(
    run: Run, tmp_path: Path, repository: Path
) -> None:
    """Two workloads and three runs of a second in place of all workloads and five runs."""
    page = (repository / "docs" / "suite.md").read_text(encoding="utf-8")
    write_files(page, tmp_path)
    easy = [f"--set={name}.{key}={value}" for name, own in EASY.items() for key, value in own.items()]
    printed = {}

    def printed_by(command: str) -> str:
        words = shlex.split(command)
        if words[0] == "run":
            words[1:2] = [*EASY, *easy]
            words[words.index("5")] = "3"
        done = run(*words)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        printed[command] = done.stdout
        return done.stdout

    executed(page, printed_by)
    ends = [text for command, text in printed.items() if command.startswith("run ")]
    assert ["ncf: 3 runs, 3 converged" in end and "resnet: 3 runs, 3 converged" in end for end in ends] == [
        True,
        True,
    ]
    results = run("results", "--round", "local", "--db", "suite.db", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(results)))
    submissions = ("local/double/laptop", "local/suite-mini/laptop")
    assert [row["result_id"] for row in rows] == [f"{one}/{name}" for one in submissions for name in EASY]
    combined = run("combine", *submissions, "--db", "suite.db", "--format", "json").stdout
    scores = [float(row["score_minutes"]) for row in rows]
    summaries = {one["submission"]: one["score"] for one in json.loads(combined)["summaries"]}
    assert summaries[submissions[0]] == pytest.approx((scores[0] * scores[1]) ** 0.5)
    assert summaries[submissions[1]] == pytest.approx((scores[2] * scores[3]) ** 0.5)


def test_a_suite_goes_on_where_it_was_and_only_as_itself(run: Run, tmp_path: Path) -> None:
    assert run("run", *SUITE, "--runs", 1, "--campaign", "s").returncode == 0
    logs = sorted(tmp_path.glob("s/*/runs/*/attempt-*/mllog.txt"))
    assert len(logs) == 2
    logs[1].parent.joinpath("result.json").unlink()
    done = run("run", *SUITE, "--runs", 1, "--campaign", "s", "--export-submission", "sent")
    assert done.returncode == 0, done.stderr
    assert "resnet, 2 of 2" in done.stderr
    sent = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("sent/**/result_0.txt"))
    assert sent == [Path(f"sent/s/results/box/{name}/result_0.txt") for name in EASY]
    assert len(list(tmp_path.glob("s/ncf/runs/0/attempt-*"))) == 1
    assert len(list(tmp_path.glob("s/resnet/runs/0/attempt-*"))) == 2
    more = refusal(run("run", *SUITE, "--runs", 2, "--campaign", "s"))
    assert "stopping.runs 1 → 2" in more
    assert "s is a suite of several" in refusal(run("run", "ncf", "--mini", "--campaign", "s"))
    assert "is a campaign of one workload" in refusal(run("run", *SUITE, "--campaign", "s/ncf"))


def test_workloads_may_join_a_suite_but_not_in_another_mode(tmp_path: Path) -> None:
    join_suite(tmp_path, Suite("mini", ("ncf",)))
    join_suite(tmp_path, Suite("mini", ("resnet", "ncf")))
    assert json.loads((tmp_path / "suite.json").read_text())["workloads"] == ["ncf", "resnet"]
    with pytest.raises(CampaignChangedError, match="suite in mini mode"):
        join_suite(tmp_path, Suite("full", ("ncf",)))


def test_a_workload_that_fails_does_not_keep_the_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def run_campaign(folder: CampaignFolder, plan: Plan, chosen: Workload) -> Finished:
        started.append((folder.root.name, folder.results_root))
        if chosen.name == "ncf":
            raise RunsFailedError("run 0 died 3 times")
        return Finished([], Verdict(True, "0 of 0 runs"))

    monkeypatch.setattr(suite, "run_campaign", run_campaign)
    options = (SettingsWish("mini", None, None, (), None), StoppingWish(1, None, None, 0.95, "median"))
    kept = CampaignWish(None, None, "box", False, suite=tmp_path)
    wishes = [Wishes(workload(name), *options, Launch(), kept) for name in EASY]
    with pytest.raises(RunsFailedError, match="ncf: run 0 died 3 times"):
        suite.run_suite(tmp_path, [(plan_of(wish), wish.workload) for wish in wishes], io.StringIO())
    assert started == [(name, tmp_path) for name in EASY]


def test_all_data_are_looked_for_before_anything_is_launched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data" / "ncf").mkdir(parents=True)
    (tmp_path / "data" / "ncf" / "ratings.csv").touch()
    words = refusal(run("run", "ncf", "resnet", "ssd", "--data", "data"))
    assert f"resnet needs train/*/*.JPEG, val/*/*.JPEG in {tmp_path / 'data' / 'resnet'}" in words
    assert "ssd needs annotations/instances_train2017.json" in words
    assert not (tmp_path / "suite-full").exists()


def test_a_setting_of_a_workload_that_is_not_run_is_refused(run: Run) -> None:
    words = refusal(run("run", "ncf", "--mini", "--set", "ssd.batch_size=3"))
    assert "--set ssd.batch_size=3: ssd is not run; run are ncf" in words


def test_suite_names_all_and_nothing_is_named_twice() -> None:
    assert chosen_names(["suite"]) == NAMES
    assert chosen_names(["ncf", "resnet"]) == ("ncf", "resnet")
    with pytest.raises(SettingsError, match="ncf is named twice"):
        chosen_names(["ncf", "suite"])


def test_settings_hold_for_all_unless_they_stand_in_a_table() -> None:
    changes = {"device": "cpu", "target": 0.3, "ncf": {"target": 0.4}}
    assert changes_of("ncf", changes) == {"device": "cpu", "target": 0.4}
    assert changes_of("resnet", changes) == {"device": "cpu", "target": 0.3}
    with pytest.raises(SettingsError, match="no workload is named 'nfc'; did you mean ncf"):
        changes_of("ncf", {"nfc": {"target": 0.4}})
