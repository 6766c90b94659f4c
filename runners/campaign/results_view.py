"""The campaign's runs in the layout of a results repository, for ``mlperf-stats ingest``.

``results/<system>/<benchmark>/result_<index>.txt`` beside ``systems/<system>.json``: links to the logs
of the attempts that count, so that nothing has to know what an attempt is to read a campaign.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from mlperf_runners.campaign.environment import processors
from mlperf_runners.campaign.files import link_or_copy, sync_folder, write_durably
from mlperf_runners.campaign.folder import Attempt
from mlperf_runners.campaign.plan import Plan
from mlperf_runners.workloads.registry import workload

_RESULT = re.compile(r"result_\d+\.txt|\.result_\d+\.txt-.*")
"""A run's log, or what an interrupted session left of one."""


def publish(root: Path, plan: Plan, benchmark: str, attempts: list[Attempt]) -> None:
    """Show the logs of these attempts, and no others, as results in ``root``."""
    for variant in range(len(plan.variants)):
        system = plan.system_folder(variant)
        folder = root / "results" / system / benchmark
        own = [attempt for attempt in attempts if plan.variant_of(attempt.index) == variant]
        if own or folder.exists():
            _show(folder, own)
            describe_system(root / "systems", plan, variant, system)


def _show(folder: Path, attempts: list[Attempt]) -> None:
    files = {f"result_{attempt.index}.txt": attempt for attempt in attempts}
    folder.mkdir(parents=True, exist_ok=True)
    for path in list(folder.iterdir()):
        # Whatever else stands there, such as a scaling.json, is the user's.
        if _RESULT.fullmatch(path.name) and path.name not in files:
            path.unlink()
    for name, attempt in files.items():
        link_or_copy(attempt.log, folder / name)
    sync_folder(folder)


def describe_system(folder: Path, plan: Plan, variant: int, name: str) -> None:
    """Write ``<name>.json``, the system description, into ``folder`` unless it is there."""
    path = folder / f"{name}.json"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    description = system_description(plan, variant, name)
    write_durably(path, msgspec.json.format(msgspec.json.encode(description), indent=2) + b"\n")


def system_description(plan: Plan, variant: int, name: str) -> dict[str, Any]:
    """The fields of a system description that are known of the machine."""
    chosen = workload(plan.workload)
    settings = chosen.decode(plan.variants[variant].settings)
    environment, launch = plan.environment, plan.launch
    gpus = environment["gpus"]
    sockets, cores = processors()
    return {
        "submitter": plan.name,
        "division": chosen.division(settings, plan.mode),
        "status": "Research, Development, or Internal (RDI)",
        "system_name": name,
        "number_of_nodes": str(launch.nodes),
        "host_processors_per_node": str(sockets),
        "host_processor_model_name": environment["cpu"],
        "host_processor_core_count": str(cores),
        "accelerators_per_node": str(launch.processes if gpus else 0),
        "accelerator_model_name": gpus[0] if gpus else "",
        "framework": f"PyTorch {environment['packages'].get('torch', '')}".strip(),
        "other_software_stack": f"Python {environment['python']}",
        "hw_notes": "",
        "sw_notes": "unverified; not an official MLPerf result",
    }
