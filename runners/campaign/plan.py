"""The frozen plan of a campaign, ``campaign.json``: written once, before the first launch."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlperf_runners.campaign.files import write_durably
from mlperf_runners.campaign.seeds import run_seed
from mlperf_runners.errors import CampaignChangedError, CampaignError

FILE_NAME = "campaign.json"
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_NOT_COMPARED = ("created", "digest")


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to run the workload; a comparison has two."""

    label: str
    """Empty for the only variant."""
    settings: dict[str, Any]
    """All settings of the workload, none left to defaults."""


class Stopping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the campaign has enough runs."""

    kind: Literal["fixed", "width", "comparison"]
    runs: int
    """Fixed: how many; otherwise at most how many (of each variant)."""
    half_width: float | None = None
    """Width: half the interval's width as a fraction of the estimate."""
    level: float = 0.95
    estimand: Literal["geometric-mean", "median"] = "geometric-mean"
    budget_minutes: float | None = None


class Launch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a run is started. All of it can change what a run measures, so it is frozen too."""

    launcher: Literal["local", "slurm"] = "local"
    threads: int = 1
    processes: int = 1
    """Processes per node; more than one, or more than one node, train data-parallel."""
    nodes: int = 1
    at_once: int = 1
    timeout_minutes: float | None = None
    slurm_options: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides what the campaign's runs are."""

    name: str
    workload: str
    mode: Literal["mini", "full"]
    variants: tuple[Variant, ...]
    stopping: Stopping
    launch: Launch
    system: str
    """Folder name of the system in result ids."""
    environment: dict[str, Any]
    """What must be the same on every resume: hardware and versions."""
    seeds: tuple[int, ...] | None = None
    """The user's seeds in order of runs; None derives them."""
    keep_checkpoint: bool = False
    format: int = FORMAT
    created: str = ""
    digest: str = ""
    """SHA-256 over all other fields."""

    @property
    def most_runs(self) -> int:
        """Run indices end before this, whatever the stopping rule says."""
        return self.stopping.runs * len(self.variants)

    def variant_of(self, index: int) -> int:
        """Which variant run ``index`` trains: A B B A A B B A …, so that drift cancels."""
        return (0, 1, 1, 0)[index % 4] if len(self.variants) > 1 else 0

    def seed_of(self, index: int) -> int:
        """Seed of run ``index``, the same for all its attempts."""
        if self.seeds is not None:
            return self.seeds[index]
        return run_seed(self.name, self.workload, self.variants[self.variant_of(index)].label, index)

    def run_name(self, index: int) -> str:
        """A run in words, with its variant if there are two."""
        label = self.variants[self.variant_of(index)].label
        return f"run {index} ({label})" if label else f"run {index}"

    def system_folder(self, variant: int) -> str:
        """System folder of a variant in result ids."""
        label = self.variants[variant].label
        return f"{self.system}+{label}" if label else self.system


def check_name(name: str) -> str:
    """``name`` if it can be a folder and part of a result id.

    Raises:
        CampaignError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise CampaignError(f"{name!r} cannot name a campaign; use letters, digits and . _ + - (at most 100)")
    return name


def freeze(folder: Path, plan: Plan) -> Plan:
    """Write the plan into a campaign folder that has none; the frozen plan is returned.

    Raises:
        CampaignError: the folder cannot be written.
    """
    frozen = msgspec.structs.replace(plan, digest=_digest(plan))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(frozen), indent=2) + b"\n")
    except OSError as error:
        raise CampaignError(
            f"{folder}: a campaign cannot be written there ({error.strerror}); choose another --campaign"
        ) from error
    return frozen


def load(folder: Path) -> Plan | None:
    """The frozen plan of a campaign folder, None where there is none yet.

    Raises:
        CampaignError: the file is damaged, was edited, or is of another format.
    """
    path = folder / FILE_NAME
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise CampaignError(f"{folder} is no folder; choose another --campaign") from error
    except (OSError, msgspec.DecodeError) as error:
        raise CampaignError(f"{path}: not a readable campaign of format {FORMAT} ({error})") from error
    if plan.format != FORMAT:
        raise CampaignError(f"{path}: format {plan.format}, this version reads {FORMAT}; update mlperf-stats")
    if plan.digest != _digest(plan):
        raise CampaignError(
            f"{path} was edited after it was frozen, so its runs may differ from it; restore it or start a "
            "new campaign"
        )
    return plan


def check_unchanged(folder: Path, frozen: Plan, asked: Plan) -> None:
    """A resumed campaign goes on as it was frozen or not at all.

    Raises:
        CampaignChangedError: something that was asked for differs; the message names it.
    """
    was, now = _flat(msgspec.to_builtins(frozen)), _flat(msgspec.to_builtins(asked))
    for key in _NOT_COMPARED:
        was.pop(key, None)
        now.pop(key, None)
    changes = [
        f"{key} {was.get(key, 'unset')} → {now.get(key, 'unset')}"
        for key in sorted({*was, *now})
        if was.get(key) != now.get(key)
    ]
    if changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise CampaignChangedError(
            f"{folder} is a campaign with other settings ({'; '.join(changes[:3])}{more}); repeat them, or "
            "start another one with --campaign"
        )


def _digest(plan: Plan) -> str:
    bare = msgspec.structs.replace(plan, digest="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings and lists as one mapping with dotted keys."""
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat |= _flat(item, f"{prefix}.{key}" if prefix else key)
    return flat
