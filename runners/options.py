"""The options of ``mlperf-stats run``, in the groups that the plan of a campaign has."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mlperf_runners.campaign.plan import Launch
from mlperf_runners.dispatch.planning import CampaignWish, SettingsWish, StoppingWish
from mlperf_stats.cli.options import LevelOption
from mlperf_stats.cli.parameters import OptionGroup
from mlperf_stats.cli.shares import share_option


class LauncherName(StrEnum):
    """Ways to start runs."""

    LOCAL = "local"
    SLURM = "slurm"


class Estimand(StrEnum):
    """What the interval is for."""

    GEOMETRIC_MEAN = "geometric-mean"
    MEDIAN = "median"


def _stopping(
    runs: Annotated[
        int | None,
        typer.Option(
            "--runs",
            min=1,
            metavar="N",
            help="Number of runs (default: what the rules ask for, 5 to 100); the most, with a rule to "
            "stop earlier.",
        ),
    ] = None,
    half_width: Annotated[
        float | None,
        share_option(
            "--until-half-width", 0.05, "Stop when the time to train is known to ± SHARE, for example 5%."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            metavar="MINUTES",
            min=0,
            help="Start no run that would exceed this time (of each workload).",
        ),
    ] = None,
    level: LevelOption = 0.95,
    estimand: Annotated[
        Estimand, typer.Option("--estimand", help="Of the interval; median stays bounded when runs fail.")
    ] = Estimand.GEOMETRIC_MEAN,
) -> StoppingWish:
    return StoppingWish(runs, half_width, budget, level, estimand.value)


def _settings(
    mini: Annotated[bool, typer.Option("--mini", help="Small settings that need no dataset.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="The dataset, in its original format; for several, a folder of each.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="Changes of settings, TOML; a table holds for the workload of its name.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change one setting; repeatable.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare with a variant: changes of settings, TOML."),
    ] = None,
) -> SettingsWish:
    return SettingsWish("mini" if mini else "full", data, file, tuple(changes or ()), against)


def _launch(
    launcher: Annotated[
        LauncherName, typer.Option("--launcher", help="Processes of this machine, or Slurm jobs.")
    ] = LauncherName.LOCAL,
    threads: Annotated[int, typer.Option("--threads", min=1, metavar="N", help="Threads per process.")] = 1,
    processes: Annotated[
        int,
        typer.Option("--processes", min=1, metavar="N", help="Processes per node that train a run together."),
    ] = 1,
    nodes: Annotated[
        int, typer.Option("--nodes", min=1, metavar="N", help="Nodes that train a run together (Slurm).")
    ] = 1,
    at_once: Annotated[int, typer.Option("--at-once", min=1, metavar="N", help="Runs at the same time.")] = 1,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="MINUTES", min=0, help="Kill a run that takes longer and repeat it."
        ),
    ] = None,
    slurm_options: Annotated[
        list[str] | None,
        typer.Option(
            "--slurm-option", metavar="OPTION", help="For sbatch, like --partition=gpu; repeatable."
        ),
    ] = None,
) -> Launch:
    name: Any = launcher.value
    return Launch(name, threads, processes, nodes, at_once, timeout or None, tuple(slurm_options or ()))


def _campaign(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--campaign",
            metavar="FOLDER",
            help="Where it is kept (default: WORKLOAD-mini or -full, suite-…).",
        ),
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option("--seeds", metavar="FILE", help="Seeds of the runs, one per line.")
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="The system's name in result ids.")
    ] = None,
    keep_checkpoint: Annotated[
        bool, typer.Option("--keep-checkpoint", help="Keep the trained weights of every run.")
    ] = False,
) -> CampaignWish:
    return CampaignWish(folder, seeds, system, keep_checkpoint)


StoppingOptions = Annotated[StoppingWish, OptionGroup(_stopping)]
SettingsOptions = Annotated[SettingsWish, OptionGroup(_settings)]
LaunchOptions = Annotated[Launch, OptionGroup(_launch)]
CampaignOptions = Annotated[CampaignWish, OptionGroup(_campaign)]
