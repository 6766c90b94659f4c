"""One session of a suite: its campaigns one after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_runners.campaign.plan import Plan, check_unchanged
from mlperf_runners.campaign.suite import Suite, join_suite
from mlperf_runners.dispatch.session import binding_plan, make_folder, run_campaign
from mlperf_runners.errors import RunsFailedError
from mlperf_runners.workloads.workload import Workload


def run_suite(root: Path, parts: Sequence[tuple[Plan, Workload]], out: TextIO | None = None) -> list[str]:
    """Start the suite, or go on with it; a workload that cannot be run does not keep the others waiting.

    Nothing is launched before all plans are known to fit the campaigns that are there already. Returns
    how each campaign ended, in words.

    Raises:
        CampaignError: the folder cannot be used, is another suite, or is in use.
        RunsFailedError: some workloads failed, told once all others are done.
        StorageFullError: the disk is full; finished runs are kept.
        KeyboardInterrupt: the user asked to stop.
    """
    make_folder(root)
    join_suite(root, Suite(parts[0][0].mode, tuple(workload.name for _, workload in parts)))
    for plan, workload in parts:
        frozen = binding_plan(CampaignFolder(root / workload.name))
        if frozen is not None:
            check_unchanged(root / workload.name, frozen, plan)
    lines: list[str] = []
    failures: list[str] = []
    for number, (plan, workload) in enumerate(parts, 1):
        print(f"{workload.name}, {number} of {len(parts)}", file=out or sys.stderr, flush=True)
        try:
            finished = run_campaign(CampaignFolder(root / workload.name, root), plan, workload)
        except RunsFailedError as error:
            failures.append(f"{workload.name}: {error}")
        else:
            lines += [f"{workload.name}: {line}" for line in finished.lines()]
    if failures:
        raise RunsFailedError(" | ".join(failures))
    return lines
