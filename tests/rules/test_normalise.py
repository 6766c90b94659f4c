"""Normalised results and the references there are."""

from __future__ import annotations

import math

import pytest

from mlperf_stats.errors import InputError, NoReferenceError, RoundUnknownError, UnknownBenchmarkError
from mlperf_stats.rules.normalise import normalise, reference, references

# Median P100 minutes of the reference, reference_results.md of the v0.5 reference repository.
PUBLISHED = {
    "deepspeech2": 6873.6,
    "maskrcnn": 4999.5,
    "minigo": 4388.7,
    "ncf": 46.7,
    "resnet": 8831.3,
    "transformer": 1869.8,
}


def test_published_references() -> None:
    assert references("v0.5") == PUBLISHED
    assert references("0.6") == {}
    assert reference("0.5", "mask") == 4999.5


def test_normalised_results_grow_with_speed() -> None:
    assert normalise(137.80022382541233, reference("0.5", "resnet")) == pytest.approx(64.0877, abs=1e-4)
    assert normalise(10.0, 10.0) == 1.0


def test_named_references_go_first() -> None:
    assert reference("0.5", "resnet", {"resnet": 100.0}) == 100.0
    assert reference("5.0", "bert", {"bert": 50.0}) == 50.0
    assert reference("0.6", "mask", {"maskrcnn": 70.0}) == 70.0
    assert reference("local", "digits", {"digits": 3.0}) == 3.0
    assert reference("0.5", "ncf", {"bert": 50.0}) == 46.7


def test_no_reference_says_what_to_do() -> None:
    with pytest.raises(NoReferenceError, match=r"round 0\.5 has no reference result for ssd; name one"):
        reference("0.5", "ssd")
    with pytest.raises(NoReferenceError, match=r"resnet \(published for round 0\.5 only\); name one"):
        reference("4.0", "resnet")


def test_input_errors() -> None:
    with pytest.raises(UnknownBenchmarkError):
        reference("0.5", "bert")
    with pytest.raises(RoundUnknownError):
        reference("9.9", "bert")
    for minutes in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match=r"score: .* minutes is not a positive time"):
            normalise(minutes, 1.0)
        with pytest.raises(InputError, match=r"reference result: .* minutes is not a positive time"):
            normalise(1.0, minutes)
        with pytest.raises(InputError, match="reference named for bert: "):
            reference("5.0", "bert", {"bert": minutes})
