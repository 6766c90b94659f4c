"""Which workloads there are. A new one is a folder beside the others and an entry here."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module

from mlperf_runners.errors import SettingsError
from mlperf_runners.workloads.workload import Workload

NAMES = ("resnet", "ssd", "mask_rcnn", "ncf", "transformer", "gnmt", "deepspeech2", "minigo")


SUITE = "suite"
"""Stands for all of them."""


def chosen_names(words: Sequence[str]) -> tuple[str, ...]:
    """The workloads that these words name, each once, in the order of the words.

    Raises:
        SettingsError: one names none, or one is named twice.
    """
    names = [name for word in words for name in (NAMES if word == SUITE else (workload(word).name,))]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SettingsError(f"{twice} is named twice; name it once, or {SUITE!r} alone for all workloads")
    return tuple(names)


def workload(name: str) -> Workload:
    """The workload of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in NAMES:
        close = difflib.get_close_matches(name, (*NAMES, SUITE), n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise SettingsError(
            f"no workload is named {name!r}; {hint}there are {', '.join(NAMES)}, and {SUITE!r} for all"
        )
    found: Workload = import_module(f"mlperf_runners.workloads.{name}").WORKLOAD
    return found
