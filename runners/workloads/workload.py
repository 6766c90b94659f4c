"""What a workload is before anything is trained: its facts, its settings, where its task lies.

Nothing here imports PyTorch, so that campaigns can be planned and read without it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.workloads.refusals import in_words


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings that every workload has. A workload's own stand in a subclass."""

    target: float
    """Quality at which a run has converged, as a fraction (BLEU 25 is 0.25)."""
    batch_size: int
    """Global batch size, over all processes."""
    max_epochs: float
    evaluate_every: float
    """Epochs between evaluations."""
    first_evaluation: float = 0.0
    """Epochs before which there is no evaluation."""
    data: str = ""
    """Folder of the dataset; empty where data are generated or come with a library."""
    data_seed: int = 2018
    """Seed of generated data and splits: the same for all runs, for they share one dataset."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto``: bf16 on a GPU, fp32 elsewhere."""


@dataclass(frozen=True)
class Workload:
    """One benchmark that can be run."""

    name: str
    brief: str
    benchmark: str
    """Its folder name in submissions and its value of ``submission_benchmark``."""
    metric: str
    official_runs: int
    """N of the rules of the round it belongs to."""
    round: str
    """The round whose rules, log checks and scoring apply to it."""
    log_rules: str | None
    """Ruleset of the official compliance checker, None where it has none for this benchmark."""
    mini: Settings
    full: Settings
    mini_seconds: tuple[int, int]
    """CPU seconds of the shortest and the longest of ten mini runs, start-up included; for a person."""
    task: str
    """``module:Class`` of the task, imported only where it is trained."""
    dataset: tuple[str, ...]
    """What the dataset's folder has to hold: path patterns."""
    obtain: str
    """Where the dataset comes from, for a person."""
    check_settings: Callable[[Any], str | None] = lambda settings: None
    """What is impossible about settings, or None."""
    lower_is_better: bool = False
    """Whether the quality is an error, so that a run converges where it falls to the target."""
    further_targets: Callable[[Any], Mapping[str, float]] = lambda settings: {}
    """Targets beside ``target`` that have to be reached at the same time, by their names in the log."""

    def settings(self, mode: str) -> Settings:
        """The settings of a mode, before the user's changes."""
        return self.mini if mode == "mini" else self.full

    def decode(self, values: Mapping[str, Any]) -> Settings:
        """Settings from plain values.

        Raises:
            SettingsError: one is unknown, missing, of the wrong type, or impossible.
        """
        try:
            settings = msgspec.convert(dict(values), type=type(self.mini))
        except msgspec.ValidationError as error:
            raise SettingsError(f"{self.name}: {in_words(error, values, type(self.mini))}") from error
        wrong = _no_number(settings, self.mini) or _impossible(settings) or self.check_settings(settings)
        if wrong:
            raise SettingsError(f"{self.name}: {wrong}")
        return settings

    def changed(self, mode: str, changes: Mapping[str, Any]) -> Settings:
        """The settings of a mode with the user's changes.

        Raises:
            SettingsError: as :meth:`decode`.
        """
        return self.decode({**msgspec.to_builtins(self.settings(mode)), **changes})

    def division(self, settings: Settings, mode: str) -> str:
        """``closed`` or ``open``, as far as mode and targets tell.

        A mini workload is another model and another dataset, and the closed division has no easier target;
        of all other settings it is the user who knows the rules.
        """
        if mode == "mini":
            return "open"
        asked, official = ((one.target, *self.further_targets(one).values()) for one in (settings, self.full))
        pairs = (
            zip(official, asked, strict=True) if self.lower_is_better else zip(asked, official, strict=True)
        )
        return "closed" if all(high >= low for high, low in pairs) else "open"

    def check_dataset(self, settings: Settings, mode: str) -> None:
        """See whether the data that a full-mode run reads are there.

        Raises:
            DatasetMissingError: they are not; the message says what goes where.
        """
        if mode == "mini":
            return
        folder = Path(settings.data)
        missing = [pattern for pattern in self.dataset if next(folder.glob(pattern), None) is None]
        if not settings.data or missing:
            where = f"in {folder}" if settings.data else "in a folder named by --data FOLDER"
            raise DatasetMissingError(
                f"{self.name} needs {', '.join(missing or self.dataset)} {where}: {self.obtain}; "
                "or run it with --mini, which needs no dataset"
            )

    def create(self, settings: Settings, mode: str, context: Any) -> Any:
        """The task, ready to be trained (imports PyTorch)."""
        module, _, name = self.task.partition(":")
        return getattr(import_module(module), name)(settings, mode, context)


def read_changes(path: Path) -> dict[str, Any]:
    """Changes of settings from a TOML file.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a file of settings") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as settings ({error}); write NAME = VALUE") from error


def parse_change(text: str) -> dict[str, Any]:
    """``name=value`` or ``workload.name=value`` as a change of settings; the value is TOML, or else text.

    Raises:
        SettingsError: there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"--set {text}: write it as NAME=VALUE")
    plain: Any = value
    with suppress(tomllib.TOMLDecodeError):
        plain = tomllib.loads(f"value = {value}")["value"]
    owner, dot, own = name.strip().partition(".")
    return {owner: {own: plain}} if dot else {owner: plain}


def _no_number(settings: Settings, usual: Settings) -> str | None:
    """A number that is infinite or none, or negative where it is not usually."""
    for field in msgspec.structs.fields(settings):
        value, kept = getattr(settings, field.name), getattr(usual, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not math.isfinite(number):
                return f"{field.name} must be finite, not {number:g}"
        if isinstance(value, int | float) and value < 0 <= kept:
            return f"{field.name} must not be negative, as {value:g} is"
    return None


def _impossible(settings: Settings) -> str | None:
    if not 0 < settings.target < 1:
        return (
            f"target {settings.target:g} cannot be reached: quality is a fraction between 0 and 1 "
            "(write 75.9 % or BLEU 75.9 as 0.759)"
        )
    for name in ("batch_size", "max_epochs", "evaluate_every"):
        value = getattr(settings, name)
        if not (math.isfinite(value) and value > 0):
            return f"{name} must be positive, not {value:g}"
    if settings.first_evaluation > settings.max_epochs:
        return f"first_evaluation {settings.first_evaluation:g} is after max_epochs {settings.max_epochs:g}"
    return None
