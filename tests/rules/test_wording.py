"""The sentences say what the rules want said, whoever combines or compares."""

from __future__ import annotations

import pytest

from mlperf_stats.errors import InputError
from mlperf_stats.rules import wording
from mlperf_stats.rules.wording import composite_disclosure, differing_facts


def test_labels_name_what_the_messaging_rules_ask_for() -> None:
    assert "trademark of the MLCommons" in wording.TRADEMARK
    assert "neither affiliated" in wording.TRADEMARK
    assert wording.UNVERIFIED.startswith("Unverified")
    assert wording.DERIVED.startswith("Derived metric")
    for label in ("not sanctioned", "not an official or verified MLPerf result"):
        assert label in wording.COMPOSITE


def test_composites_say_how_they_were_made() -> None:
    text = composite_disclosure(["bert", "resnet"])
    assert text.startswith(
        "Weighted geometric mean of results of one submission, equal weights: bert, resnet."
    )
    assert text.endswith(wording.COMPOSITE)
    assert "weights: bert 0.25, resnet 0.75." in composite_disclosure(["bert", "resnet"], [1, 3])


def test_composites_refuse_what_they_cannot_describe() -> None:
    with pytest.raises(InputError, match="at least one benchmark"):
        composite_disclosure([])
    for weights in ([1.0], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(InputError, match="2 benchmarks need as many positive weights"):
            composite_disclosure(["bert", "resnet"], weights)


def test_differences_between_compared_results_are_named() -> None:
    facts: list[tuple[str, list[object]]] = [
        ("round", ["4.0", "5.0"]),
        ("division", ["closed", "closed"]),
        ("accelerators", [8, ""]),
    ]
    assert differing_facts(facts) == (
        "The compared results differ in round (4.0 / 5.0), accelerators (8 / not stated)."
    )
    assert differing_facts(facts[1:2]) == ""
