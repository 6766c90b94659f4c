"""A campaign's runs laid out as a submission, for the official tools and for sending around."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlperf_runners.campaign.files import write_durably
from mlperf_runners.campaign.folder import Attempt, CampaignFolder
from mlperf_runners.campaign.plan import Plan, load
from mlperf_runners.campaign.results_view import describe_system
from mlperf_runners.errors import CampaignError
from mlperf_runners.workloads.workload import Workload
from mlperf_stats.text.numbers import plural


def export_submission(campaigns: Sequence[tuple[Path, Workload]], target: Path) -> list[str]:
    """Copy the runs of a campaign, or of all those of a suite, to ``<target>/<campaign>/results/…``.

    Runs are numbered from 0 for every system, as the official tools want it. Returns what to tell the
    user.

    Raises:
        CampaignError: a campaign has no finished run, or the target has such a submission already.
    """
    parts = [(*_finished(root), workload) for root, workload in campaigns]
    submission = target / parts[0][0].name
    check_free(submission)
    return [
        _export_variant(submission, plan, variant, attempts, workload)
        for plan, attempts, workload in parts
        for variant in range(len(plan.variants))
    ]


def check_free(submission: Path) -> None:
    """See whether a submission can be written to that folder, best before its runs are trained.

    Raises:
        CampaignError: it is there already, or cannot be made.
    """
    if submission.exists():
        raise CampaignError(f"{submission}: is there already; choose another --export-submission")
    above = next(folder for folder in submission.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise CampaignError(f"{submission}: cannot be made in {above}; choose another --export-submission")


def _finished(root: Path) -> tuple[Plan, list[Attempt]]:
    plan = load(root)
    attempts = _counting(CampaignFolder(root))
    if plan is None or not attempts:
        raise CampaignError(f"{root}: no finished run to export; run the campaign first")
    return plan, attempts


def _export_variant(
    submission: Path, plan: Plan, variant: int, attempts: list[Attempt], workload: Workload
) -> str:
    """``attempts``: of all variants."""
    own = [attempt for attempt in attempts if plan.variant_of(attempt.index) == variant]
    system = plan.system_folder(variant)
    folder = submission / "results" / system / workload.benchmark
    try:
        folder.mkdir(parents=True)
        for number, attempt in enumerate(own):
            write_durably(folder / f"result_{number}.txt", attempt.log.read_bytes())
        describe_system(submission / "systems", plan, variant, system)
    except OSError as error:
        raise CampaignError(f"{folder}: cannot be written ({error.strerror})") from error
    official = workload.official_runs
    note = "" if len(own) == official else f"; round {workload.round} asks for {official}"
    return f"{folder}: {plural(len(own), 'run')}{note}"


def _counting(folder: CampaignFolder) -> list[Attempt]:
    """Attempts that count, up to the first run without a result."""
    attempts: list[Attempt] = []
    while (found := folder.counting(len(attempts))) is not None:
        attempts.append(found[0])
    return attempts
