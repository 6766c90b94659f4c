"""From what the user asked for to the plan of a campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlperf_runners.campaign.environment import frozen_environment, system_name
from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant, check_name
from mlperf_runners.campaign.seeds import read_seeds
from mlperf_runners.errors import CampaignError, SettingsError
from mlperf_runners.workloads.registry import workload
from mlperf_runners.workloads.workload import Settings, Workload, parse_change, read_changes

DEFAULT_MOST_RUNS = 200
"""Where a rule stops the campaign; it is there so that one that never stops ends some day."""


@dataclass(frozen=True, slots=True)
class StoppingWish:
    """When to stop, as far as the user said so."""

    runs: int | None
    half_width: float | None
    budget_minutes: float | None
    level: float
    estimand: Any


@dataclass(frozen=True, slots=True)
class SettingsWish:
    """Which settings to train with, as changes of a mode's own."""

    mode: Any
    data: Path | None
    file: Path | None
    changes: tuple[str, ...]
    against: Path | None


@dataclass(frozen=True, slots=True)
class CampaignWish:
    """What the campaign is called and keeps."""

    folder: Path | None
    seeds: Path | None
    system: str | None
    keep_checkpoint: bool
    suite: Path | None = None
    """The folder of the suite that the campaign is a part of."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that was asked for, not yet checked against each other."""

    workload: Workload
    settings: SettingsWish
    stopping: StoppingWish
    launch: Launch
    campaign: CampaignWish

    @property
    def folder(self) -> Path:
        """Where the campaign is kept."""
        if self.campaign.suite is not None:
            return self.campaign.suite / self.workload.name
        return self.campaign.folder or Path(f"{self.workload.name}-{self.settings.mode}")

    @property
    def name(self) -> str:
        """What its results are filed under: all of a suite under one name, as one submission.

        Raises:
            CampaignError: the folder's name cannot be part of a result id.
        """
        return check_name((self.campaign.suite or self.folder).resolve().name)


def plan_of(wishes: Wishes) -> Plan:
    """The plan, not yet frozen; datasets are there and seeds suffice.

    Raises:
        CampaignError, SettingsError, DatasetMissingError: something asked for is impossible.
    """
    if wishes.launch.nodes > 1 and wishes.launch.launcher == "local":
        raise SettingsError("--nodes needs --launcher slurm; on this machine use --processes")
    if wishes.launch.slurm_options and wishes.launch.launcher == "local":
        raise SettingsError("--slurm-option is for Slurm jobs; add --launcher slurm, or leave it out")
    variants = _variants(wishes)
    stopping = _stopping(wishes)
    seeds = _seeds(wishes, stopping.runs * len(variants))
    return Plan(
        name=wishes.name,
        workload=wishes.workload.name,
        mode=wishes.settings.mode,
        variants=variants,
        stopping=stopping,
        launch=wishes.launch,
        system=check_name(wishes.campaign.system) if wishes.campaign.system else system_name(),
        environment=frozen_environment(),
        seeds=seeds,
        keep_checkpoint=wishes.campaign.keep_checkpoint,
    )


def _variants(wishes: Wishes) -> tuple[Variant, ...]:
    chosen, asked = wishes.workload, wishes.settings
    changes: dict[str, Any] = {}
    if asked.data is not None:
        data = asked.data / chosen.name if wishes.campaign.suite is not None else asked.data
        changes["data"] = str(data.resolve())
    if asked.file is not None:
        changes |= changes_of(chosen.name, read_changes(asked.file))
    for change in asked.changes:
        changes |= changes_of(chosen.name, parse_change(change))
    first = _checked(wishes, chosen.changed(asked.mode, changes))
    if asked.against is None:
        return (Variant("", first),)
    others = changes_of(chosen.name, read_changes(asked.against))
    other = _checked(wishes, chosen.changed(asked.mode, {**changes, **others}))
    if other == first:
        raise SettingsError(
            f"{asked.against}: changes nothing for {chosen.name}, so there is nothing to compare"
        )
    label = check_name(asked.against.stem)
    return (Variant("base" if label != "base" else "first", first), Variant(label, other))


def changes_of(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the changes are for one workload: those for all, then those in the table of its name.

    Raises:
        SettingsError: a table has the name of no workload.
    """
    tables = {key: value for key, value in changes.items() if isinstance(value, dict)}
    for key in tables:
        workload(key)
    return {**{key: value for key, value in changes.items() if key not in tables}, **tables.get(name, {})}


def check_owners(changes: Sequence[str], names: Sequence[str]) -> None:
    """See that every ``workload.name=value`` is for a workload that is run.

    Raises:
        SettingsError: one is not, and would change nothing.
    """
    for change in changes:
        for owner, value in parse_change(change).items():
            if isinstance(value, dict) and workload(owner).name not in names:
                raise SettingsError(f"--set {change}: {owner} is not run; run are {', '.join(names)}")


def _checked(wishes: Wishes, settings: Settings) -> dict[str, Any]:
    wishes.workload.check_dataset(settings, wishes.settings.mode)
    processes = wishes.launch.processes * wishes.launch.nodes
    if settings.batch_size % processes:
        raise SettingsError(
            f"batch_size {settings.batch_size} cannot be shared evenly by {processes} processes; change one"
        )
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    return plain


def _stopping(wishes: Wishes) -> Stopping:
    asked, is_comparison = wishes.stopping, wishes.settings.against is not None
    kind = "comparison" if is_comparison else "width" if asked.half_width else "fixed"
    if is_comparison and asked.half_width:
        raise SettingsError("--until-half-width is about one variant; leave it out with --against")
    runs = asked.runs
    if runs is None:
        # A budget alone asks for as many runs as fit into it.
        is_open = kind != "fixed" or asked.budget_minutes is not None
        runs = DEFAULT_MOST_RUNS if is_open else wishes.workload.official_runs
    if kind != "fixed" and runs < 3:
        raise SettingsError(f"--runs {runs}: a stopping rule needs at least 3 runs")
    return Stopping(
        kind=kind,  # type: ignore[arg-type]
        runs=runs,
        half_width=asked.half_width,
        level=asked.level,
        estimand=asked.estimand,
        budget_minutes=asked.budget_minutes,
    )


def _seeds(wishes: Wishes, needed: int) -> tuple[int, ...] | None:
    if wishes.campaign.seeds is None:
        return None
    seeds = read_seeds(wishes.campaign.seeds)
    if len(seeds) < needed:
        raise CampaignError(
            f"{wishes.campaign.seeds}: {len(seeds)} seeds for up to {needed} runs; add some, or lower --runs"
        )
    return seeds[:needed]
