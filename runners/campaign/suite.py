"""A suite: one campaign per workload, in folders below one that shows all their results together.

suite.json                          which workloads, in which mode
<workload>/                         its campaign
results/<system>/<benchmark>/       of all of them: one submission
systems/<system>.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from mlperf_runners.campaign.files import write_durably
from mlperf_runners.errors import CampaignChangedError, CampaignError

FILE_NAME = "suite.json"


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a suite consists of so far; how each part is run stands in the part's own plan."""

    mode: Literal["mini", "full"]
    workloads: tuple[str, ...]


def check_no_suite(root: Path) -> None:
    """See that ``root`` can be a campaign of one workload.

    Raises:
        CampaignError: it is a suite.
    """
    if (root / FILE_NAME).exists():
        raise CampaignError(f"{root} is a suite of several workloads; choose another --campaign for one")


def join_suite(root: Path, asked: Suite) -> None:
    """Write down what the suite consists of; workloads that were not part of it join those that were.

    Raises:
        CampaignError: the folder holds a campaign of one workload, or ``suite.json`` cannot be read.
        CampaignChangedError: it is a suite of the other mode.
    """
    path = root / FILE_NAME
    if (root / "campaign.json").exists():
        raise CampaignError(f"{root} is a campaign of one workload; choose another --campaign for a suite")
    try:
        before = msgspec.json.decode(path.read_bytes(), type=Suite)
    except FileNotFoundError:
        before = Suite(asked.mode, ())
    except (OSError, msgspec.DecodeError) as error:
        raise CampaignError(f"{path}: not a readable suite ({error})") from error
    if before.mode != asked.mode:
        raise CampaignChangedError(
            f"{root} is a suite in {before.mode} mode; a submission cannot mix modes, so choose another "
            "--campaign"
        )
    joined = Suite(asked.mode, tuple(dict.fromkeys((*before.workloads, *asked.workloads))))
    if joined != before:
        write_durably(path, msgspec.json.format(msgspec.json.encode(joined), indent=2) + b"\n")
