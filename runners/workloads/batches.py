"""Batches of items of like lengths."""

from __future__ import annotations

import numpy as np


def like_lengths(lengths: np.ndarray, most: int) -> list[np.ndarray]:
    """Numbers of items, from short to long, in batches of at most ``most`` and about equally many.

    ``lengths``: shape (items,).
    """
    order = np.argsort(lengths, kind="stable")
    return np.array_split(order, -(-len(order) // most))
