"""``mlperf-stats run``: campaigns of training runs from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_runners.campaign.plan import Launch, Plan
from mlperf_runners.errors import CampaignError, DatasetMissingError, SettingsError
from mlperf_runners.options import CampaignOptions, LaunchOptions, SettingsOptions, StoppingOptions
from mlperf_runners.workloads.workload import Workload
from mlperf_stats.cli.console import print_lines, print_table

if TYPE_CHECKING:
    from mlperf_runners.dispatch.planning import CampaignWish, SettingsWish, StoppingWish

INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended."""


def _complete_workload(incomplete: str) -> list[str]:
    from mlperf_runners.workloads.registry import NAMES, SUITE

    return [name for name in (*NAMES, SUITE) if name.startswith(incomplete)]


def command(
    settings: SettingsOptions,
    stopping: StoppingOptions,
    launch: LaunchOptions,
    campaign: CampaignOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORKLOAD",
            help="See --list; several, or 'suite' for all, become one submission.",
            autocompletion=_complete_workload,
        ),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the workloads.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export-submission", metavar="FOLDER", help="Then lay the runs out as a submission."),
    ] = None,
) -> None:
    """Repeat training runs, with a stopping rule.

    Every run has its own seed and process and writes an MLLOG file into the campaign's folder. The same
    command again goes on where it was interrupted. 'mlperf-stats ingest FOLDER' reads the results.
    """
    from mlperf_runners.campaign.export import check_free, export_submission
    from mlperf_runners.workloads.registry import SUITE, chosen_names, workload

    if show_list:
        _print_workloads()
        return
    if not names:
        raise SettingsError("name a workload to run; 'mlperf-stats run --list' says which there are")
    chosen = [workload(name) for name in chosen_names(names)]
    _check_machine()
    if len(chosen) > 1:
        campaign = replace(campaign, suite=campaign.folder or Path(f"{SUITE}-{settings.mode}"))
    parts = _planned(chosen, settings, stopping, launch, campaign)
    root = campaign.suite or parts[0][0]
    if export is not None:
        check_free(export / parts[0][1].name)
    try:
        lines = _run(root, parts)
    except KeyboardInterrupt:
        print_lines([f"Interrupted. The same command goes on; finished runs are kept in {root}."])
        raise typer.Exit(INTERRUPTED) from None
    print_lines([*lines, f"Next: mlperf-stats ingest {root}, then mlperf-stats results --round local"])
    if export is not None:
        print_lines(export_submission([(folder, one) for folder, _, one in parts], export))


command.examples = (  # type: ignore[attr-defined]
    ("mlperf-stats run ncf --mini --runs 5", "five runs of a small NCF, kept in ./ncf-mini"),
    ("mlperf-stats run resnet --mini --until-half-width 5%", "until the time to train is known to ± 5 %"),
    ("mlperf-stats run ncf --mini --against other.toml", "two variants, until one is known to be faster"),
    ("mlperf-stats run suite --mini --runs 5", "every workload, as one submission in ./suite-mini"),
    ("mlperf-stats run ncf --data ml-20m --budget 600", "the published model on real data, for ten hours"),
)


def _planned(
    chosen: Sequence[Workload],
    settings: SettingsWish,
    stopping: StoppingWish,
    launch: Launch,
    campaign: CampaignWish,
) -> list[tuple[Path, Plan, Workload]]:
    """Folder and plan of each workload; all datasets that are missing are named at once."""
    from mlperf_runners.dispatch.planning import Wishes, check_owners, plan_of

    check_owners(settings.changes, [one.name for one in chosen])
    parts, missing = [], []
    for one in chosen:
        wish = Wishes(one, settings, stopping, launch, campaign)
        try:
            parts.append((wish.folder, plan_of(wish), one))
        except DatasetMissingError as error:
            missing.append(str(error))
    if missing:
        raise DatasetMissingError(" | ".join(missing))
    return parts


def _run(root: Path, parts: list[tuple[Path, Plan, Workload]]) -> list[str]:
    """Run one campaign in ``root``, or a suite of several below it; how they ended, in words."""
    if len(parts) > 1:
        from mlperf_runners.dispatch.suite import run_suite

        return run_suite(root, [(plan, workload) for _, plan, workload in parts])
    from mlperf_runners.campaign.folder import CampaignFolder
    from mlperf_runners.dispatch.session import run_campaign

    ((_, plan, workload),) = parts
    return run_campaign(CampaignFolder(root), plan, workload).lines()


def _check_machine() -> None:
    if not sys.platform.startswith("linux"):
        raise CampaignError("'run' needs Linux, whose means of watching processes it uses")
    missing = next((name for name in ("torch", "mlperf_logging") if find_spec(name) is None), None)
    if missing:
        raise CampaignError(
            f"'run' needs {missing}, which is not installed: pip install 'mlperf-stats[runners]'"
        )


def _print_workloads() -> None:
    from mlperf_runners.workloads.registry import NAMES, workload
    from mlperf_stats.cli.layout import Column

    rows: list[dict[str, Any]] = []
    for workload_name in NAMES:
        chosen = workload(workload_name)
        targets = {
            "mini": [chosen.mini.target, *chosen.further_targets(chosen.mini).values()],
            "full": [chosen.full.target, *chosen.further_targets(chosen.full).values()],
        }
        seconds = "–".join(map(str, chosen.mini_seconds))
        facts = {"brief": chosen.brief, "metric": chosen.metric, "seconds": seconds}
        rows.append({"name": workload_name, **facts, **targets})
    view = (
        Column("Workload", lambda row: str(row["name"])),
        Column("What it trains", lambda row: str(row["brief"]), wraps=True),
        Column("Quality", lambda row: str(row["metric"])),
        Column("Mini", lambda row: _numbers(row["mini"]), justify="right"),
        Column("Full", lambda row: _numbers(row["full"]), justify="right"),
        Column("Mini takes (CPU s)", lambda row: str(row["seconds"]), justify="right", wraps=True),
    )
    print_table(view, rows)


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
