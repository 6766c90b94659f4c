"""Reading with several processes: the same result in the same order, and no process left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from madeup_logs import round_files, write_tree

from mlperf_stats.errors import InputError
from mlperf_stats.logs.parallel import Pool, processors
from mlperf_stats.logs.sources import open_source
from mlperf_stats.logs.submissions import plan_input, read_submissions


def slow_square(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with Pool(2) as pool:
        assert list(pool.in_order(slow_square, range(20))) == [number**2 for number in range(20)]
        assert list(pool.in_order(slow_square, range(3))) == [0, 1, 4]


def test_only_a_few_tasks_are_handed_out_ahead() -> None:
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    with Pool(2) as pool:
        answers = pool.in_order(slow_square, tasks())
        assert next(answers) == 0
        assert taken <= 5


def test_a_process_that_dies_is_an_error_with_what_to_do() -> None:
    with Pool(2) as pool, pytest.raises(InputError, match="--jobs 1"):
        list(pool.in_order(die, range(4)))


def test_a_pool_that_is_not_used_starts_nothing() -> None:
    with Pool(2) as pool:
        assert pool._executor is None


def test_there_is_at_least_one_processor() -> None:
    assert processors() >= 1


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_submissions_read_by_several_processes_are_the_same(kind: str, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "training_results_v5.0", round_files())
    if kind == "zip":
        root = Path(shutil.make_archive(str(tmp_path / "packed" / root.name), "zip", root))
    plan = plan_input(open_source(root))
    seen: list[tuple[int, int]] = []
    with Pool(2) as pool:
        read = list(
            read_submissions(plan, on_progress=lambda done, all_: seen.append((done, all_)), pool=pool)
        )
    assert read == list(read_submissions(plan))
    assert seen[-1] == (plan.total_bytes, plan.total_bytes)


SLEEPERS = """
import os, sys, time
sys.path[:0] = {path!r}
from sleeper import sleep_and_tell
from mlperf_stats.logs.parallel import Pool
if __name__ == "__main__":
    with Pool(2) as pool:
        for _ in pool.in_order(sleep_and_tell, [sys.argv[1]] * 9):
            pass
"""
SLEEPER = """
import os, time
from pathlib import Path
def sleep_and_tell(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep({seconds})
"""


def start_sleepers(folder: Path, seconds: float) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process with a pool of two that sleep, and the ids of the two."""
    (folder / "sleeper.py").write_text(SLEEPER.format(seconds=seconds))
    (folder / "main.py").write_text(SLEEPERS.format(path=[str(folder)]))
    pids = folder / "pids"
    pids.mkdir()
    process = subprocess.Popen(
        [sys.executable, folder / "main.py", pids],
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Tests may run in the background of a shell, which lets Ctrl-C be ignored there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    wait_until(lambda: len(list(pids.iterdir())) == 2 or process.poll() is not None)
    return process, [int(path.name) for path in pids.iterdir()]


def wait_until(condition: object, seconds: float = 30.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(tmp_path: Path) -> None:
    process, pids = start_sleepers(tmp_path, 60)
    assert len(pids) == 2
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_running, pids)))


def test_an_interrupt_ends_everything_and_is_not_told_by_the_processes(tmp_path: Path) -> None:
    process, pids = start_sleepers(tmp_path, 0.5)
    assert len(pids) == 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert stderr.count(b"KeyboardInterrupt") <= 1
    wait_until(lambda: not any(map(is_running, pids)))
