"""Which workloads there are. A new one is a folder beside the others and an entry here."""

from __future__ import annotations

import difflib
from importlib import import_module

from mlperf_runners.errors import SettingsError
from mlperf_runners.workloads.workload import Workload

NAMES = ("resnet", "ncf", "transformer", "minigo")


def workload(name: str) -> Workload:
    """The workload of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in NAMES:
        close = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise SettingsError(f"no workload is named {name!r}; {hint}there are {', '.join(NAMES)}")
    found: Workload = import_module(f"mlperf_runners.workloads.{name}").WORKLOAD
    return found
