"""``mlperf-stats run``: campaigns of training runs from the command line."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from mlperf_runners.errors import CampaignError, SettingsError
from mlperf_runners.options import CampaignOptions, LaunchOptions, SettingsOptions, StoppingOptions
from mlperf_stats.cli.console import print_lines, print_table

INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended."""


def command(
    settings: SettingsOptions,
    stopping: StoppingOptions,
    launch: LaunchOptions,
    campaign: CampaignOptions,
    name: Annotated[str | None, typer.Argument(metavar="[WORKLOAD]", help="See --list.")] = None,
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
    from mlperf_runners.workloads.registry import workload

    if show_list:
        _print_workloads()
        return
    if name is None:
        raise SettingsError("name a workload to run; 'mlperf-stats run --list' says which there are")
    chosen = workload(name)
    _check_machine()
    from mlperf_runners.dispatch.planning import Wishes, plan_of
    from mlperf_runners.dispatch.session import run_campaign

    wishes = Wishes(chosen, settings, stopping, launch, campaign)
    folder = wishes.folder
    try:
        finished = run_campaign(folder, plan_of(wishes), chosen)
    except KeyboardInterrupt:
        print_lines([f"Interrupted. The same command goes on; finished runs are kept in {folder}."])
        raise typer.Exit(INTERRUPTED) from None
    print_lines(finished.lines(folder))
    if export is not None:
        from mlperf_runners.campaign.export import export_submission

        print_lines(export_submission(folder, export, chosen))


command.examples = (  # type: ignore[attr-defined]
    ("mlperf-stats run ncf --mini --runs 5", "five runs of a small NCF, kept in ./ncf-mini"),
    ("mlperf-stats run resnet --mini --until-half-width 5%", "until the time to train is known to ± 5 %"),
    ("mlperf-stats run ncf --mini --against other.toml", "two variants, until one is known to be faster"),
    ("mlperf-stats run ncf --data ml-20m --budget 600", "the published model on real data, for ten hours"),
)


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
    from mlperf_stats.cli.console import Column

    rows: list[dict[str, Any]] = []
    for workload_name in NAMES:
        chosen = workload(workload_name)
        targets = {"mini": chosen.mini.target, "full": chosen.full.target}
        seconds = "–".join(map(str, chosen.mini_seconds))
        facts = {"brief": chosen.brief, "metric": chosen.metric, "seconds": seconds}
        rows.append({"name": workload_name, **facts, **targets})
    view = (
        Column("Workload", lambda row: str(row["name"])),
        Column("What it trains", lambda row: str(row["brief"]), wraps=True),
        Column("Quality", lambda row: str(row["metric"])),
        Column("Mini", lambda row: f"{row['mini']:g}", justify="right"),
        Column("Full", lambda row: f"{row['full']:g}", justify="right"),
        Column("Mini takes (CPU s)", lambda row: str(row["seconds"]), justify="right", wraps=True),
    )
    print_table(view, rows)
