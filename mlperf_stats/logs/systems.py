"""System descriptions: ``systems/<system>.json``, v0.5's ``entry.json``, and what was filed instead.

Published files misspell keys, write numbers as text, leave trailing commas, or are no JSON at all
(v0.6 has files of ``key: {"value": …}`` lines). Spelling of division and availability is kept as
filed here; the rules know what it means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from mlperf_stats.logs.marks import UndecodableError, as_count, decode_literal, short_text
from mlperf_stats.model import Problem, System

MAX_DESCRIPTION_BYTES = 1 << 20
_MAX_KEY_LINES = 1_000
_MAX_TEXT = 300
_MISSPELLED = {"divison": "division", "sumitter": "submitter", "system-type": "system_type"}
_LINE = re.compile(r"^(\w+) ?: (\{.*\})\s*$", re.MULTILINE)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def read_system(data: bytes, path: str) -> System:
    """Read one system description. Never raises: what is wrong becomes a problem of the system."""
    if len(data) > MAX_DESCRIPTION_BYTES:
        detail = f"{len(data)} bytes are no description; published ones have a few kB"
        return System(path, problems=(Problem("system-unreadable", detail),))
    fields, problems = _fields(data.decode("utf-8-sig", "replace"))
    nodes = fields.get("nodes")
    if isinstance(nodes, str):
        nodes = _literal(nodes)
    if isinstance(nodes, dict):
        nodes = [nodes]
    if isinstance(nodes, list) and nodes and all(isinstance(node, Mapping) for node in nodes):
        system = _from_node_list(fields, nodes, path)
    else:
        system = _from_flat_fields(fields, path, problems)
    return replace(system, problems=tuple(problems))


def _fields(text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The description as a flat mapping with canonical keys."""
    problems: list[Problem] = []
    try:
        decoded: Any = json.loads(text)
    except (ValueError, RecursionError):
        decoded = _decode_leniently(text)
        if decoded:
            problems.append(Problem("system-not-json", "read as the key-value text that it is"))
        else:
            problems.append(Problem("system-unreadable", "neither JSON nor key: value lines"))
    if not isinstance(decoded, dict):
        return {}, [*problems, Problem("system-unreadable", "not an object")]
    fields = {_canonical(key): value for key, value in decoded.items()}
    misspelled = [str(key) for key in decoded if str(key) in _MISSPELLED or " " in str(key)]
    if misspelled:
        problems.append(Problem("system-key-misspelled", short_text(", ".join(misspelled))))
    return fields, problems


def _canonical(key: Any) -> str:
    text = str(key).strip().lower()
    return _MISSPELLED.get(text, text.replace(" ", "_"))


def _decode_leniently(text: str) -> dict[str, Any]:
    try:
        decoded = json.loads(_TRAILING_COMMA.sub(r"\1", text), strict=False)
    except (ValueError, RecursionError):
        decoded = _literal(text) or _key_lines(text)
    return decoded if isinstance(decoded, dict) else {}


def _key_lines(text: str) -> dict[str, Any]:
    """v0.6: one ``key: {"value": …}`` per line, the hardware inside ``entry`` as a Python literal."""
    fields: dict[str, Any] = {}
    for line in islice(_LINE.finditer(text), _MAX_KEY_LINES):
        key, value = line.groups()
        item = _literal(value.replace("null", "None"))
        if isinstance(item, dict) and "value" in item:
            fields[key] = item["value"]
    entry = _literal(fields.pop("entry", ""))
    if isinstance(entry, dict):
        fields = {**entry, **fields}
    if "platform" in fields:
        fields.setdefault("system_name", fields["platform"])
    return fields


def _literal(text: Any) -> Any:
    try:
        return decode_literal(text) if isinstance(text, str) else None
    except UndecodableError:
        return None


def _from_flat_fields(fields: dict[str, Any], path: str, problems: list[Problem]) -> System:
    nodes = _count(fields.get("number_of_nodes"))
    per_node = _count(fields.get("accelerators_per_node"))
    hosts_per_node = _count(fields.get("host_processors_per_node"))
    if fields and (nodes is None or per_node is None):
        missing = "number_of_nodes" if nodes is None else "accelerators_per_node"
        problems.append(Problem("system-count-missing", f"{missing} is missing or no number"))
    return System(
        path=path,
        name=_text(fields.get("system_name")),
        division_as_filed=_text(fields.get("division")),
        availability_as_filed=_text(fields.get("status")),
        accelerator=_text(fields.get("accelerator_model_name")),
        accelerators=_product(nodes, per_node),
        nodes=nodes,
        accelerators_per_node=per_node,
        host_processor=_text(fields.get("host_processor_model_name")),
        host_processors=_product(nodes, hosts_per_node),
        framework=_text(fields.get("framework") or fields.get("framework_name")),
    )


def _from_node_list(fields: dict[str, Any], nodes: list[Mapping[str, Any]], path: str) -> System:
    """v0.5 and some v0.6 descriptions list node types, each with a number of nodes."""
    counts = [_count(node.get("num_nodes")) for node in nodes]
    per_node = [_count(node.get("num_accelerators")) for node in nodes]
    totals = [_product(count, each) for count, each in zip(counts, per_node, strict=True)]
    return System(
        path=path,
        name=_text(fields.get("system_name") or fields.get("hardware")),
        division_as_filed=_text(fields.get("division")),
        availability_as_filed=_text(fields.get("status")),
        accelerator=_text(nodes[0].get("accelerator")),
        accelerators=_total(totals),
        nodes=_total(counts),
        accelerators_per_node=per_node[0] if len(nodes) == 1 else None,
        host_processor=_text(nodes[0].get("cpu")),
        framework=_text(fields.get("framework")),
    )


def _text(value: Any) -> str:
    """Text of a scalar, its white space made single spaces."""
    if not isinstance(value, str | int | float):
        return ""
    return short_text(" ".join(short_text(value, _MAX_TEXT * 10).split()), _MAX_TEXT)


def _count(value: Any) -> int | None:
    count = as_count(value)
    return count if count is not None and 0 <= count < 10**9 else None


def _product(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right


def _total(values: list[int | None]) -> int | None:
    return None if any(value is None for value in values) else sum(value or 0 for value in values)
