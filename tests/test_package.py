"""Importing the package is cheap, and the words of its Python interface stay what they are."""

from __future__ import annotations

import subprocess
import sys

import mlperf_stats as ms


def test_import_loads_nothing_heavy() -> None:
    program = (
        "import sys, mlperf_stats; print(sorted({'numpy', 'scipy', 'pandas', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_published_is_a_function_whatever_was_imported() -> None:
    """The snapshot's package has the same name; opening the snapshot or its builder imports it."""
    from mlperf_stats.published import build

    assert callable(build.build)
    first = ms.published().filter(round="5.0", benchmark="bert")
    second = ms.published().filter(round="5.0", benchmark="bert")
    assert len(first) == len(second) > 0


def test_every_public_name_resolves() -> None:
    for name in ms.__all__:
        assert getattr(ms, name)
