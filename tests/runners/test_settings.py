"""Settings that no training could use are refused before a campaign is begun."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from mlperf_runners.errors import SettingsError
from mlperf_runners.workloads.registry import NAMES, workload


def numbers(kind: type) -> Iterator[tuple[str, str]]:
    """Workload and setting, for every setting that is such a number and no less than 0 as published."""
    for name in NAMES:
        mini = workload(name).mini
        for field in msgspec.structs.fields(mini):
            if field.type is kind and getattr(mini, field.name) >= 0:
                yield name, field.name


@pytest.mark.parametrize(("name", "setting"), [*numbers(int), *numbers(float)])
def test_numbers_are_not_negative(name: str, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        workload(name).changed("mini", {setting: -1})


@pytest.mark.parametrize(("name", "setting"), [*numbers(float)])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_are_numbers(value: float, name: str, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        workload(name).changed("mini", {setting: value})


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ncf", {"beta_1": 1.0}),
        ("ncf", {"beta_2": 1.0}),
        ("gnmt", {"beta_1": 1.0}),
        ("transformer", {"beta_2": 1.0}),
        ("transformer", {"inner_width": 0}),
        ("transformer", {"sentences": 0}),
        ("gnmt", {"eval_sentences": 0}),
        ("deepspeech2", {"momentum": 0.0}),
        ("resnet", {"drop_epochs": [30, math.nan]}),
    ],
)
def test_what_optimisers_and_networks_refuse(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(changes))):
        workload(name).changed("mini", changes)


def test_what_may_be_negative_still_may() -> None:
    assert msgspec.to_builtins(workload("minigo").changed("mini", {"resign_below": -1}))["resign_below"] == -1
