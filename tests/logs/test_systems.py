"""System descriptions in all the shapes that were filed."""

from __future__ import annotations

import json

import pytest
from madeup_logs import system_fields, system_json

from mlperf_stats.logs.systems import read_system
from mlperf_stats.model import System


def codes(system: System) -> list[str]:
    return [problem.code for problem in system.problems]


def test_a_sound_description() -> None:
    system = read_system(system_json(), "ACME/systems/acme_x8.json")
    assert system == System(
        path="ACME/systems/acme_x8.json",
        name="acme_x8",
        division_as_filed="closed",
        availability_as_filed="onprem",
        accelerator="ACME-A100",
        accelerators=16,
        nodes=2,
        accelerators_per_node=8,
        host_processor="ACME Zeta",
        host_processors=4,
        framework="PyTorch 2.1",
    )


def test_byte_order_mark_is_no_problem() -> None:
    assert read_system(b"\xef\xbb\xbf" + system_json(), "s").problems == ()


@pytest.mark.parametrize("key", ["divison", "Division", "division "])
def test_misspelled_keys_are_understood(key: str) -> None:
    system = read_system(system_json(division=None, **{key: "open"}), "s")
    assert system.division_as_filed == "open"


def test_misspelled_keys_are_noted() -> None:
    assert codes(read_system(system_json(division=None, divison="open"), "s")) == ["system-key-misspelled"]
    fields = {name.replace("_", " "): value for name, value in system_fields().items()}
    system = read_system(json.dumps(fields).encode(), "s")
    assert (system.accelerators, codes(system)) == (16, ["system-key-misspelled"])


@pytest.mark.parametrize("missing", ["number_of_nodes", "accelerators_per_node"])
def test_missing_counts_are_noted_and_nothing_is_guessed(missing: str) -> None:
    system = read_system(system_json(**{missing: None}), "s")
    assert system.accelerators is None
    assert codes(system) == ["system-count-missing"]
    assert missing in system.problems[0].detail


@pytest.mark.parametrize("count", ["", "two", -1, 1.5, 1e30, None, [], {}, True, float("nan")])
def test_counts_that_are_no_counts(count: object) -> None:
    system = read_system(system_json(number_of_nodes=count), "s")
    assert (system.nodes, system.accelerators) == (None, None)


def test_trailing_commas_are_forgiven_and_noted() -> None:
    text = system_json().decode().rstrip().rstrip("}").rstrip() + ",\n}"
    system = read_system(text.encode(), "s")
    assert (system.accelerators, codes(system)) == (16, ["system-not-json"])


def test_python_representation_is_understood() -> None:
    system = read_system(repr(system_fields()).encode(), "s")
    assert (system.accelerators, codes(system)) == (16, ["system-not-json"])


def test_v06_key_lines() -> None:
    """v0.6 entries filed log lines without their token, the hardware as a Python literal inside."""
    node = {"num_nodes": "4", "cpu": "Zeta", "num_accelerators": "8", "accelerator": "V100"}
    entry = {"hardware": "n1", "framework": "TF 1.14", "nodes": [node]}
    lines = [
        'submission_org : {"value": "ACME", "metadata": {}}',
        'submission_division : {"value": "closed", "metadata": null}',
        'division : {"value": "closed", "metadata": {}}',
        'platform : {"value": "4xn1", "metadata": {}}',
        f"entry : {json.dumps({'value': str(entry), 'metadata': {}})}",
    ]
    system = read_system("\n".join(lines).encode(), "s")
    assert (system.name, system.division_as_filed, system.framework) == ("4xn1", "closed", "TF 1.14")
    assert (system.accelerator, system.accelerators, system.nodes) == ("V100", 32, 4)
    assert codes(system) == ["system-not-json"]


def test_v05_entry_lists_nodes() -> None:
    entry = {
        "division": "closed",
        "status": "cloud",
        "hardware": "DGX-1",
        "framework": "MXNet",
        "nodes": [
            {"num_nodes": "2", "cpu": "Zeta", "num_accelerators": "8", "accelerator": "V100"},
            {"num_nodes": 1, "cpu": "Zeta", "num_accelerators": 4, "accelerator": "V100"},
        ],
    }
    system = read_system(json.dumps(entry).encode(), "entry.json")
    assert (system.name, system.accelerators, system.nodes) == ("DGX-1", 20, 3)
    assert system.accelerators_per_node is None
    single = read_system(json.dumps({**entry, "nodes": entry["nodes"][0]}).encode(), "entry.json")
    assert (single.accelerators, single.accelerators_per_node) == (16, 8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing of use",
        b"[1, 2, 3]",
        b'"text"',
        b"null",
        b"\xff\xfe{\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"(" * 100_000,
        b"\x00" * 1000,
    ],
)
def test_what_is_no_description_is_noted(data: bytes) -> None:
    system = read_system(data, "s")
    assert system.path == "s"
    assert system.accelerators is None
    assert "system-unreadable" in codes(system)


def test_odd_values_become_bounded_text() -> None:
    system = read_system(system_json(system_name="a\n\tb" + "x" * 9999, accelerator_model_name=["A"]), "s")
    assert system.name.startswith("a bxxx")
    assert len(system.name) <= 300
    assert system.accelerator == ""
