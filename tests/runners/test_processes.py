"""Trainings by several processes: when one is gone, no other stays, and the run is repeated or refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from runner_campaigns import ENVIRONMENT, FAST, Run, command_line, wait_for, workers_in

PATIENCE_SECONDS = 90


def test_one_that_hangs_after_another_has_ended_well_is_killed(tmp_path: Path) -> None:
    """What torchrun alone waits for to the end of time."""
    (tmp_path / "training.py").write_text(
        "import os, threading\nif os.environ['RANK'] == '0':\n    threading.Event().wait()\n"
    )
    (tmp_path / "impatient.py").write_text(
        "from mlperf_runners.launchers import elastic\nelastic.STRAGGLER_SECONDS = 1.0\nelastic.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "impatient.py", "--standalone", "--nproc-per-node=2", "training.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "mlperf-stats: process 0 of the training was killed by SIGKILL"


def test_a_kill_is_named_also_where_its_peer_complains(tmp_path: Path) -> None:
    """The peer of a killed process may fail before anybody looks."""
    (tmp_path / "training.py").write_text(
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "note = Path('pid')\n"
        "if os.environ['RANK'] == '1':\n"
        "    Path('part').write_text(str(os.getpid()))\n"
        "    os.rename('part', note)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "while not note.exists():\n"
        "    pass\n"
        "while ') Z' not in Path(f'/proc/{note.read_text()}/stat').read_text():\n"
        "    pass\n"
        "sys.exit('the other is gone')\n"
    )
    arguments = ["--standalone", "--nproc-per-node=2", "training.py"]
    done = subprocess.run(
        [sys.executable, "-m", "mlperf_runners.launchers.elastic", *arguments],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "mlperf-stats: process 1 of the training was killed by SIGKILL"


def test_a_run_that_loses_a_process_is_repeated(tmp_path: Path) -> None:
    log = tmp_path / "ncf-mini" / "runs" / "0" / "attempt-1" / "mllog.txt"
    with subprocess.Popen(
        command_line("run", *FAST, "--runs", 1, "--processes", 2),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as campaign:
        wait_for(log.exists)
        with suppress(ProcessLookupError):
            os.kill(workers_in(tmp_path)[-1], signal.SIGKILL)
        output, errors = campaign.communicate(timeout=PATIENCE_SECONDS)
    assert "1 run, 1 converged" in output, errors
    assert "run 0, attempt 1: died" in errors
    assert "was killed by SIGKILL" in errors
    assert not workers_in(tmp_path)


def test_wrong_input_is_not_tried_again(mlperf_stats: Run, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("a,b\n1,2\n")
    done = mlperf_stats("run", "ncf", "--data", ".", "--processes", 2, "--runs", 1)
    assert done.returncode == 2
    assert "it needs the columns userId,movieId" in done.stderr.splitlines()[-1]
    assert len(list(tmp_path.glob("ncf-full/runs/0/attempt-*"))) == 1
