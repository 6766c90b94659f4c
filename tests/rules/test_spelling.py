"""Spellings of division and availability, among them all that the published rounds hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_stats.rules.spelling import normalise_availability, normalise_division

_FIELD = re.compile(
    rb"^\s*[\"']?(division|status)[\"']?\s*:\s*(?:\{[\"']value[\"']\s*:\s*)?[\"']([^\"']*)", re.M
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("closed", "closed"),
        ("Closed", "closed"),
        ("close", "closed"),
        (" CLOSED division ", "closed"),
        ("open", "open"),
        ("Open", "open"),
        ("", ""),
        ("n/a", ""),
        ("not closed", ""),
        ("open or closed", ""),
        ("disclosed", ""),
    ],
)
def test_divisions(text: str, expected: str) -> None:
    assert normalise_division(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("available", "available"),
        ("Available", "available"),
        ("cloud", "available"),
        ("Cloud", "available"),
        ("onprem", "available"),
        ("on-prem", "available"),
        ("on_prem", "available"),
        ("on-premise", "available"),
        ("On-Premises", "available"),
        ("on premise", "available"),
        ("Available on-premise", "available"),
        ("Available cloud", "available"),
        ("preview", "preview"),
        ("Preview (cloud)", "preview"),
        ("research", "research"),
        ("RDI", "research"),
        ("Research, Development, or Internal (RDI)", "research"),
        ("internal on-prem", "research"),
        ("", ""),
        ("unavailable", ""),
        ("not available", ""),
        ("1.0", ""),
    ],
)
def test_availabilities(text: str, expected: str) -> None:
    assert normalise_availability(text) == expected


@pytest.mark.parametrize("round_name", ["0.6", "1.0", "4.0"])
def test_every_published_description_is_understood(packs: Callable[[str], Path], round_name: str) -> None:
    """No division or status that was filed in these rounds is left empty."""
    seen = 0
    for path in packs(round_name).glob("*/systems/*.json"):
        for key, text in _FIELD.findall(path.read_bytes()):
            normalise = normalise_division if key == b"division" else normalise_availability
            assert normalise(text.decode()), (path, key, text)
            seen += 1
    assert seen > 10
