"""Batches of items of like lengths."""

from __future__ import annotations

import numpy as np

from mlperf_runners.errors import SettingsError


def like_lengths(lengths: np.ndarray, most: int, processes: int = 1) -> list[np.ndarray]:
    """Numbers of items, from short to long, in batches of at most ``most`` and about equally many.

    Every batch has an item for each of ``processes``; only where that cannot be otherwise, as with 9 items
    in batches of at most 2 for 2 processes, some batches have more than ``most``.

    ``lengths``: shape (items,).

    Raises:
        SettingsError: there are fewer items than processes.
    """
    if len(lengths) < processes:
        raise SettingsError(
            f"{len(lengths)} items cannot be shared by {processes} processes; "
            "take fewer processes or more data"
        )
    order = np.argsort(lengths, kind="stable")
    return np.array_split(order, min(-(-len(order) // most), len(order) // processes))
