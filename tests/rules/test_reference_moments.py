"""The table of reference moments against the official tool that it is computed from."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from mlperf_stats.errors import NoReferenceError
from mlperf_stats.rules import reference_moments as room
from mlperf_stats.rules.rcp_data import reference_set


def test_moments_are_those_of_the_reference() -> None:
    found = {one.gbs: one for one in room.reference_moments("5.0", "rgat")}
    points = {point.gbs: point.values for point in reference_set("5.0", "rgat").points}
    assert found.keys() == points.keys()
    for gbs, values in points.items():
        logs = [math.log(value) for value in values]
        mean = sum(logs) / len(logs)
        assert found[gbs].runs == len(values)
        assert found[gbs].log_mean == pytest.approx(mean, rel=1e-8)
        squares = sum((value - mean) ** 2 for value in logs)
        assert found[gbs].log_sd == pytest.approx(math.sqrt(squares / (len(logs) - 1)), rel=1e-7)
        assert found[gbs].unit == "epoch"


def test_the_file_is_what_the_installed_tool_gives() -> None:
    try:
        installed = room.moments_of_installed()
    except NoReferenceError:
        pytest.skip("mlperf-logging is not installed")
    path = Path(room.__file__).with_name("reference_moments.csv")
    with path.open(encoding="utf-8", newline="") as file:
        shipped = {tuple(row[name] for name in room.COLUMNS[:4]): row for row in csv.DictReader(file)}
    # A later version of the tool may know more rounds; what is shipped must not differ.
    known = {tuple(row[name] for name in room.COLUMNS[:4]): row for row in installed}
    assert shipped.keys() <= known.keys()
    assert all(known[key] == row for key, row in shipped.items())


@pytest.mark.parametrize(("round_name", "name"), [("0.5", "resnet"), ("9.9", "bert"), ("5.0", "unet3d")])
def test_no_reference_is_no_error(round_name: str, name: str) -> None:
    assert room.reference_moments(round_name, name) == ()
