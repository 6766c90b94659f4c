"""One session of a campaign: freeze or resume, dispatch, and say what came of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_runners.campaign.lock import dispatching
from mlperf_runners.campaign.plan import Plan, check_unchanged, freeze, load
from mlperf_runners.campaign.suite import check_no_suite
from mlperf_runners.dispatch.dispatcher import Dispatcher, Finished
from mlperf_runners.dispatch.progress import Progress
from mlperf_runners.dispatch.stopping import stopping_rule
from mlperf_runners.errors import CampaignError
from mlperf_runners.launchers.launcher import Launcher
from mlperf_runners.launchers.local import LocalLauncher
from mlperf_runners.launchers.slurm import SlurmLauncher
from mlperf_runners.workloads.workload import Workload


def run_campaign(folder: CampaignFolder, asked: Plan, workload: Workload) -> Finished:
    """Start the campaign, or go on with it if it is the same one.

    Raises:
        CampaignError: the folder cannot be used, is another campaign, or is in use.
        RunsFailedError, StorageFullError: as :meth:`Dispatcher.run`.
        KeyboardInterrupt: the user asked to stop.
    """
    root = folder.root
    check_no_suite(root)
    make_folder(root)
    with dispatching(root) as lock, _termination_as_interrupt():
        plan = binding_plan(folder)
        if plan is None:
            _launcher(root, asked)  # what cannot be launched here is refused before it is frozen
            created = datetime.now(UTC).isoformat(timespec="seconds")
            plan = freeze(root, msgspec.structs.replace(asked, created=created))
        check_unchanged(root, plan, asked)
        progress = Progress(workload.metric, partial(_target, plan), name_of=plan.run_name)
        dispatcher = Dispatcher(
            folder=folder,
            plan=plan,
            benchmark=workload.benchmark,
            launcher=_launcher(root, plan),
            rule=stopping_rule(plan),
            progress=progress,
        )
        try:
            return dispatcher.run(lock)
        finally:
            progress.close()


def binding_plan(folder: CampaignFolder) -> Plan | None:
    """The frozen plan, None while it may still change because nothing was trained by it.

    Raises:
        CampaignError: as :func:`load`.
    """
    plan = load(folder.root)
    return None if folder.is_untried else plan


def _target(plan: Plan, index: int) -> float:
    return float(plan.variants[plan.variant_of(index)].settings["target"])


def make_folder(root: Path) -> None:
    """Make the folder of a campaign or a suite unless it is there.

    Raises:
        CampaignError: it cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CampaignError(
            f"{root}: a campaign cannot be written there ({error.strerror}); choose another --campaign"
        ) from error


def _launcher(root: Path, plan: Plan) -> Launcher:
    if plan.launch.launcher == "slurm":
        return SlurmLauncher(root, plan.digest, plan.launch)
    uses_gpus = any(variant.settings["device"] != "cpu" for variant in plan.variants)
    return LocalLauncher(plan.launch, len(plan.environment["gpus"]) if uses_gpus else 0)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """SIGTERM ends the session as Ctrl-C does: cleanly, with nothing left running."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
