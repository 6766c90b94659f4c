"""The process that trains one attempt: ``python -m mlperf_runners.worker ATTEMPT_FOLDER``.

Everything it needs stands in the campaign's frozen plan; what it finds out goes into the attempt's
folder, ``result.json`` last. Its exit code says whether trying again makes sense.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from mlperf_runners.campaign.environment import momentary_environment
from mlperf_runners.campaign.files import write_durably
from mlperf_runners.campaign.folder import ENVIRONMENT, Attempt, Refusal, RunResult, attempt_at
from mlperf_runners.campaign.plan import Plan, load
from mlperf_runners.workloads.registry import workload
from mlperf_stats.errors import MlperfStatsError

EXIT_USAGE = 2
"""The input is wrong: trying again would fail in the same way."""
EXIT_STORAGE_FULL = 74
"""The disk is full: nothing more should be started."""
CORES_VARIABLE = "MLPERF_RUNNERS_CORES"
PARENT_VARIABLE = "MLPERF_RUNNERS_PARENT"
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Train the attempt whose folder is named; the exit code of the process."""
    started = time.time()
    die_with_parent()
    pin_cores()
    attempt = attempt_at(Path(arguments[0]).resolve())
    try:
        _train(attempt, started)
    except MlperfStatsError as error:
        return _refuse(attempt, Refusal("wrong input", str(error)), EXIT_USAGE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _refuse(attempt, Refusal("storage full", str(error)), EXIT_STORAGE_FULL)
    return 0


def leave(arguments: list[str]) -> NoReturn:
    """Do :func:`main` and end the process at once.

    Taking down gloo's threads the usual way can wait for ever once another process of the training is
    gone; everything that has to be kept is written by now.
    """
    try:
        code = main(arguments)
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _refuse(attempt: Attempt, refusal: Refusal, code: int) -> int:
    print(f"mlperf-stats: {refusal.words}", file=sys.stderr)
    attempt.refuse(refusal)
    return code


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone, however it ended."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Between fork and prctl the parent may have gone already.
    expected = os.environ.get(PARENT_VARIABLE)
    if expected and os.getppid() != int(expected):
        os.kill(os.getpid(), signal.SIGKILL)


def pin_cores() -> None:
    """Stay on the cores that the dispatcher set apart for this run, if it did."""
    cores = os.environ.get(CORES_VARIABLE)
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})


def _train(attempt: Attempt, started: float) -> None:
    plan = load(attempt.folder.parents[2])
    if plan is None:
        raise MlperfStatsError(f"{attempt.folder.parents[2]}: no campaign.json; the folder was moved or lost")
    # PyTorch loads for seconds: after the plan is known to be good.
    from mlperf_logging.mllog import constants as keys

    from mlperf_runners.training.context import Context
    from mlperf_runners.training.logbook import Logbook
    from mlperf_runners.training.loop import Goal, train

    chosen = workload(plan.workload)
    variant = plan.variant_of(attempt.index)
    settings = chosen.decode(plan.variants[variant].settings)
    seed = plan.seed_of(attempt.index)
    context = Context.start(seed, settings.device, plan.launch.threads)
    if context.leads:
        # Two workers of one attempt must not write one log together: the second one ends here.
        attempt.log.touch(exist_ok=False)
        _note_environment(attempt, str(context.device), context.world)
    with Logbook(attempt.log if context.leads else None) as log:
        log.start(keys.INIT_START)
        task = chosen.create(settings, plan.mode, context)
        log.header(submission_header(plan, variant, seed, settings.batch_size))
        goal = Goal(
            settings.target,
            settings.max_epochs,
            settings.evaluate_every,
            settings.first_evaluation,
            chosen.further_targets(settings),
            chosen.lower_is_better,
        )
        outcome = train(task, goal, context, log)
    if context.leads:
        if plan.keep_checkpoint:
            _keep_checkpoint(attempt, task)
        attempt.finish(
            RunResult(
                status="converged" if outcome.converged else "not_converged",
                seed=seed,
                minutes=outcome.minutes,
                quality=outcome.quality,
                epochs=outcome.epochs,
                samples=outcome.samples,
                wall_seconds=time.time() - started,
                cpu_seconds=time.process_time(),
                waited_share=outcome.waited_share,
                contended=outcome.contended,
            )
        )
    context.stop()


def submission_header(plan: Plan, variant: int, seed: int, batch_size: int) -> dict[str, Any]:
    """The lines of a log that say whose run it is and of what."""
    chosen = workload(plan.workload)
    settings = chosen.decode(plan.variants[variant].settings)
    return {
        "submission_org": plan.name,
        "submission_platform": plan.system_folder(variant),
        "submission_division": chosen.division(settings, plan.mode),
        "submission_status": "research",
        "submission_benchmark": chosen.benchmark,
        "seed": seed,
        "global_batch_size": batch_size,
    }


def _note_environment(attempt: Attempt, device: str, world: int) -> None:
    """Complete the dispatcher's notes with what the worker sees."""
    path = attempt.folder / ENVIRONMENT
    noted = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    noted["worker"] = {**momentary_environment(), "device": device, "processes": world}
    write_durably(path, msgspec.json.format(msgspec.json.encode(noted), indent=2) + b"\n")


def _keep_checkpoint(attempt: Attempt, task: Any) -> None:
    """Save the trained weights beside the log, after the clock has stopped."""
    import io

    import torch

    content = io.BytesIO()
    torch.save(task.model.state_dict(), content)
    write_durably(attempt.folder / "model.pt", content.getvalue())


if __name__ == "__main__":
    leave(sys.argv[1:])
