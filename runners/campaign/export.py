"""A campaign's runs laid out as a submission, for the official tools and for sending around."""

from __future__ import annotations

from pathlib import Path

from mlperf_runners.campaign.files import write_durably
from mlperf_runners.campaign.folder import Attempt, CampaignFolder
from mlperf_runners.campaign.plan import Plan, load
from mlperf_runners.campaign.results_view import describe_system
from mlperf_runners.errors import CampaignError
from mlperf_runners.workloads.workload import Workload


def export_submission(root: Path, target: Path, workload: Workload) -> list[str]:
    """Copy the runs of the campaign in ``root`` to ``<target>/<campaign>/results/…``.

    Runs are numbered from 0 for every system, as the official tools want it. Returns what to tell the
    user.

    Raises:
        CampaignError: there is no finished run, or the target has such a submission already.
    """
    plan = load(root)
    attempts = _counting(CampaignFolder(root))
    if plan is None or not attempts:
        raise CampaignError(f"{root}: no finished run to export; run the campaign first")
    submission = target / plan.name
    if submission.exists():
        raise CampaignError(f"{submission}: is there already; choose another --export-submission")
    lines = []
    for variant in range(len(plan.variants)):
        own = [attempt for attempt in attempts if plan.variant_of(attempt.index) == variant]
        lines.append(_export_variant(submission, plan, variant, own, workload))
    return lines


def _export_variant(
    submission: Path, plan: Plan, variant: int, attempts: list[Attempt], workload: Workload
) -> str:
    system = plan.system_folder(variant)
    folder = submission / "results" / system / workload.benchmark
    try:
        folder.mkdir(parents=True)
        for number, attempt in enumerate(attempts):
            write_durably(folder / f"result_{number}.txt", attempt.log.read_bytes())
        describe_system(submission / "systems", plan, variant, system)
    except OSError as error:
        raise CampaignError(f"{folder}: cannot be written ({error.strerror})") from error
    official = workload.official_runs
    note = "" if len(attempts) == official else f"; round {workload.round} asks for {official}"
    return f"{folder}: {len(attempts)} runs{note}"


def _counting(folder: CampaignFolder) -> list[Attempt]:
    """Attempts that count, up to the first run without a result."""
    attempts: list[Attempt] = []
    while (found := folder.counting(len(attempts))) is not None:
        attempts.append(found[0])
    return attempts
