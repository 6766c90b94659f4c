"""From an input to submissions: what belongs together, in which order, and what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from madeup_logs import log, mllog, round_files, run_log, submission_files, system_json, write_tree

from mlperf_stats.errors import InputError, RoundUnknownError
from mlperf_stats.logs.sources import open_source
from mlperf_stats.logs.submissions import plan_input, read_submissions
from mlperf_stats.model import RunStatus, Submission

BERT = "ACME/results/acme_x8/bert"


def read(
    root: Path, round_given: str | None = None, absent: tuple[tuple[str, str], ...] = ()
) -> list[Submission]:
    return list(read_submissions(plan_input(open_source(root), round_given), absent))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "training_results_v5.0", round_files())


def test_a_small_round(tree: Path) -> None:
    plan = plan_input(open_source(tree))
    assert plan.rounds == {"5.0"}
    assert plan.ignored_files == 2
    submissions = list(read_submissions(plan))
    assert [(item.submitter, item.system_folder) for item in submissions] == [
        ("ACME", "acme_x64"),
        ("ACME", "acme_x8"),
        ("Globex", "gx-1 (TM)"),
    ]
    acme = submissions[1]
    assert (acme.round, acme.entry, acme.system.accelerators) == ("5.0", "", 16)
    assert [(logs.benchmark, logs.folder, logs.path, len(logs.runs)) for logs in acme.results] == [
        ("bert", "bert", BERT, 2),
        ("resnet", "resnet", "ACME/results/acme_x8/resnet", 5),
    ]
    assert [run.minutes for run in acme.results[1].runs] == [10, 11, 12, 13, 14]
    assert not any(item.problems or item.system.problems for item in submissions)


def test_progress_counts_bytes_to_the_end(tree: Path) -> None:
    plan = plan_input(open_source(tree))
    seen: list[tuple[int, int]] = []
    list(read_submissions(plan, on_progress=lambda done, total: seen.append((done, total))))
    assert seen == sorted(seen)
    assert seen[-1] == (plan.total_bytes, plan.total_bytes)


@pytest.mark.parametrize("kind", ["zip", "gztar", "xztar"])
def test_an_archive_reads_like_its_folder(kind: str, tree: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "archives" / tree.name), kind, tree))
    assert read(archive) == read(tree)


@pytest.mark.parametrize("below", ["", "ACME", "ACME/results", "ACME/results/acme_x8", BERT])
def test_the_input_may_be_any_folder_of_a_repository(below: str, tree: Path) -> None:
    found = {
        (item.submitter, item.system_folder, logs.path): logs.runs
        for item in read(tree / below)
        for logs in item.results
    }
    assert found[("ACME", "acme_x8", BERT)] == read(tree)[1].results[0].runs


def test_runs_without_a_benchmark_folder_go_by_the_logged_name(tmp_path: Path) -> None:
    files = {
        "ACME/results/x/result_0.txt": run_log(3.0, benchmark="bert"),
        "ACME/results/x/result_1.txt": run_log(4.0, benchmark="ssd"),
        "ACME/results/x/result_2.txt": run_log(5.0, benchmark="bert"),
        "ACME/results/x/result_3.txt": b"",
    }
    (submission,) = read(write_tree(tmp_path / "v0.7", files))
    assert [(logs.benchmark, logs.folder, len(logs.runs)) for logs in submission.results] == [
        ("bert", "", 2),
        ("ssd", "", 1),
        ("unknown", "", 1),
    ]
    assert [problem.code for problem in submission.system.problems] == ["system-missing"]


def test_runs_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    files = {f"A/results/x/bert/result_{number}.txt": run_log() for number in (10, 2, 1, 0)}
    (submission,) = read(write_tree(tmp_path / "v1.0", files))
    assert [run.file_name for run in submission.results[0].runs] == [
        "result_0.txt",
        "result_1.txt",
        "result_2.txt",
        "result_10.txt",
    ]


def test_file_names_with_digits_that_are_no_decimals(tmp_path: Path) -> None:
    names = ["result_².txt", "result_٣.txt", "result_1.txt", "result_" + "9" * 60 + ".txt"]
    files = {f"A/results/x/bert/{name}": run_log() for name in names}
    (submission,) = read(write_tree(tmp_path / "v1.0", files))
    assert sorted(run.file_name for run in submission.results[0].runs) == sorted(names)


@pytest.mark.parametrize(
    ("content", "factor", "problems"),
    [
        (b'{"scaling_factor": 1.07}', 1.07, []),
        (b'{"scaling_factor": "1.07"}', 1.07, []),
        (b'{"scaling_factor": 1.0}', 1.0, ["scaling-is-one"]),
        (b'{"scaling_factor": 0}', 1.0, ["scaling-unreadable"]),
        (b'{"scaling_factor": -2}', 1.0, ["scaling-unreadable"]),
        (b'{"scaling_factor": NaN}', 1.0, ["scaling-unreadable"]),
        (b'{"scaling": 1.07}', 1.0, ["scaling-unreadable"]),
        (b"[1.07]", 1.0, ["scaling-unreadable"]),
        (b'{"scaling_fac', 1.0, ["scaling-unreadable"]),
        (b"", 1.0, ["scaling-unreadable"]),
    ],
)
def test_scaling_files(content: bytes, factor: float, problems: list[str], tmp_path: Path) -> None:
    files = {**submission_files("ACME", "x", "bert"), "ACME/results/x/bert/scaling.json": content}
    (submission,) = read(write_tree(tmp_path / "v1.0", files))
    (logs,) = submission.results
    assert logs.scaling_factor == factor
    assert [problem.code for problem in logs.problems] == problems


def test_power_logs_give_the_energy_of_their_run(tmp_path: Path) -> None:
    power = log([mllog("power_measurement_start", time_ms=0), mllog("power_reading", 500, time_ms=1000)])
    files = {
        **submission_files("ACME", "x", "bert", (10.0, 10.0)),
        "ACME/results/x/bert/power/result_0/node_0.txt": power,
        "ACME/results/x/bert/power/result_0/node_1.txt": power,
        "ACME/results/x/bert/power/result_0/sw_0.txt": log([mllog("interconnect_power_est", 100)]),
    }
    (submission,) = read(write_tree(tmp_path / "v4.0", files))
    runs = submission.results[0].runs
    # (500 + 500 + 100) W for 600 s.
    assert [run.energy_joules for run in runs] == [660_000, None]
    assert not any(run.problems for run in runs)


def test_power_logs_that_stop_when_they_start_are_noted_with_their_run(tmp_path: Path) -> None:
    power = log([mllog(f"power_measurement_{word}", time_ms=0) for word in ("start", "stop")])
    files = {
        **submission_files("ACME", "x", "bert", (10.0,)),
        "ACME/results/x/bert/power/result_0/node_0.txt": power,
    }
    (run,) = read(write_tree(tmp_path / "v4.0", files))[0].results[0].runs
    assert run.energy_joules is None
    assert [problem.code for problem in run.problems] == ["power-log-unsound"]


def test_v05_tree(tmp_path: Path) -> None:
    files = {
        "v0.5.0/google/cloud/ssd-tpu/results/tpu/ssd/result_0.txt": run_log(),
        "v0.5.0/google/cloud/ssd-tpu/results/tpu/entry.json": system_json(),
        "v0.5.0/google/cloud/gnmt-tpu/results/tpu/gnmt/result_0.txt": run_log(),
    }
    submissions = read(write_tree(tmp_path / "v0.5", files))
    assert [(item.round, item.submitter, item.entry, item.system_folder) for item in submissions] == [
        ("0.5", "google", "cloud/gnmt-tpu", "tpu"),
        ("0.5", "google", "cloud/ssd-tpu", "tpu"),
    ]
    assert submissions[1].system.accelerators == 16
    assert submissions[0].system.path == ""


def test_published_files_that_are_not_there_become_absent_runs(tree: Path) -> None:
    absent = (
        ("5.0", f"{BERT}/result_0.txt"),  # is there
        ("5.0", f"{BERT}/result_9.txt"),
        ("5.0", "ACME/results/acme_x8/gnn/result_0.txt"),  # the whole result
        ("5.0", "Nobody/results/n/gnn/result_0.txt"),  # the whole submission
        ("4.0", f"{BERT}/result_8.txt"),  # of another round
        ("5.0", f"{BERT}/notes.txt"),  # no run file
    )
    submissions = read(tree, absent=absent)
    found = {run.path: run.status for item in submissions for logs in item.results for run in logs.runs}
    assert {path for path, status in found.items() if status is RunStatus.ABSENT} == {
        f"{BERT}/result_9.txt",
        "ACME/results/acme_x8/gnn/result_0.txt",
        "Nobody/results/n/gnn/result_0.txt",
    }
    assert found[f"{BERT}/result_0.txt"] is RunStatus.CONVERGED


def test_an_input_that_is_a_part_misses_only_files_of_that_part(tree: Path) -> None:
    absent = (("5.0", f"{BERT}/result_9.txt"), ("5.0", "Globex/results/gx-1 (TM)/resnet/result_9.txt"))
    (submission,) = read(tree / BERT, absent=absent)
    assert [run.status for run in submission.results[0].runs] == ["converged", "converged", "absent"]


def test_a_file_that_cannot_be_read_costs_its_run_only(tree: Path) -> None:
    (tree / BERT / "result_0.txt").unlink()
    (tree / BERT / "result_0.txt").symlink_to(tree / "nowhere")
    (tree / "ACME/systems/acme_x8.json").unlink()
    (tree / "ACME/systems/acme_x8.json").symlink_to(tree / "nowhere")
    submission = read(tree)[1]
    assert [run.status for run in submission.results[0].runs] == ["unreadable", "converged"]
    assert [problem.code for problem in submission.results[0].runs[0].problems] == ["file-unreadable"]
    assert [problem.code for problem in submission.system.problems] == ["system-unreadable"]


@pytest.mark.parametrize("files", [{}, {"README.md": b"x"}, {"ACME/systems/x.json": b"{}"}])
def test_an_input_without_runs_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    root = tmp_path / "v5.0"
    root.mkdir()
    with pytest.raises(InputError, match="no run files"):
        plan_input(open_source(write_tree(root, files)))


def test_an_input_whose_round_cannot_be_told_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "logs", round_files())
    with pytest.raises(RoundUnknownError):
        plan_input(open_source(root))
    assert {item.round for item in read(root, "5.1")} == {"5.1"}


def test_inputs_are_never_written_to(tree: Path) -> None:
    def state() -> dict[str, tuple[int, int, bytes]]:
        paths = [tree, *tree.rglob("*")]
        return {
            str(path): (status.st_mtime_ns, status.st_mode, path.read_bytes() if path.is_file() else b"")
            for path, status in zip(paths, map(Path.stat, paths), strict=True)
        }

    before = state()
    read(tree)
    assert state() == before


@pytest.mark.parametrize("below", ["results", "results/acme_x8", "results/acme_x8/resnet"])
def test_an_input_below_the_submitter_still_finds_the_system(below: str, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "training_results_v5.0", submission_files())
    (submission,) = read_submissions(plan_input(open_source(root / "ACME" / below)))
    assert submission.system.path == "ACME/systems/acme_x8.json"
    assert submission.system.accelerators == 16
    assert {run.path for logs in submission.results for run in logs.runs} == {
        f"ACME/results/acme_x8/resnet/result_{number}.txt" for number in range(5)
    }
