"""One seed per run, derived from what the run is, or read from a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlperf_runners.errors import CampaignError

SEED_BITS = 48
"""Seeds are exact as floating-point numbers too, and two of 1 000 coincide once in 5·10⁸ campaigns."""


def run_seed(campaign: str, workload: str, variant: str, index: int) -> int:
    """The seed of run ``index``: the first 48 bits of SHA-256 over what identifies the run."""
    identity = "\0".join((campaign, workload, variant, str(index)))
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[: SEED_BITS // 8], "big")


def read_seeds(path: Path) -> tuple[int, ...]:
    """Seeds from a text file, one whole number per line; ``#`` starts a comment.

    Raises:
        CampaignError: the file cannot be read, holds something else, or a seed twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read ({error.strerror}); name a file of seeds") from error
    except UnicodeDecodeError as error:
        raise CampaignError(f"{path}: is no text ({error}); give one whole number per line") from error
    seeds: dict[int, int] = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if not text.isdecimal() or int(text) >= 1 << 63:
            raise CampaignError(f"{path}:{number}: {text[:40]!r} is no seed; give whole numbers below 2^63")
        seed = int(text)
        if seed in seeds:
            raise CampaignError(
                f"{path}:{number}: seed {seed} stands in line {seeds[seed]} already; two runs with one "
                "seed are one run counted twice, remove it"
            )
        seeds[seed] = number
    if not seeds:
        raise CampaignError(f"{path}: holds no seed; give one whole number per line")
    return tuple(seeds)
