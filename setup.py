"""Packages of the companions, which lie in top-level folders of other names than they are imported by.

Everything else about the distribution stands in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

COMPANIONS = {"mlperf_runners": "runners", "mlperf_dashboards": "dashboards"}


def _packages_of(import_name: str, folder: str) -> list[str]:
    below = find_packages(where=folder)
    return [import_name, *(f"{import_name}.{name}" for name in below)]


present = {name: folder for name, folder in COMPANIONS.items() if Path(folder, "__init__.py").is_file()}

setup(
    packages=[
        *find_packages(include=["mlperf_stats*"]),
        *(package for name, folder in present.items() for package in _packages_of(name, folder)),
    ],
    package_dir=present,
)
