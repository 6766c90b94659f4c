"""Interactions of users with items: read from MovieLens or generated, and split leave-one-out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.workloads.ncf import MOST_TAKEN

Ints = NDArray[np.int64]

LATENT = 6
"""Dimensions of taste in generated data."""


@dataclass(frozen=True)
class Interactions:
    """Who used what, without the last item of every user, which is held out for evaluation."""

    users: int
    items: int
    train_users: Ints
    """Shape (interactions,)."""
    train_items: Ints
    held_out: Ints
    """Shape (users,): the item that each user took last."""
    known: Ints
    """Sorted codes ``user · items + item`` of all interactions, held-out ones included."""

    def is_known(self, users: Ints, items: Ints) -> NDArray[np.bool_]:
        """Whether the user has taken the item, in training or held out."""
        codes = users * self.items + items
        at = np.minimum(np.searchsorted(self.known, codes), len(self.known) - 1)
        return np.asarray(self.known[at] == codes)

    def negatives(self, users: Ints, random: np.random.Generator) -> Ints:
        """For every user in ``users`` an item that is none of those they are trained on.

        Drawn uniformly, drawn again where it hit one of them. The held-out item is drawn as often as any
        other: that it alone never came up would tell the model which one it is.
        """
        drawn = random.integers(0, self.items, len(users))
        again = np.flatnonzero(self._is_trained(users, drawn))
        while len(again):
            drawn[again] = random.integers(0, self.items, len(again))
            again = again[self._is_trained(users[again], drawn[again])]
        return drawn

    def _is_trained(self, users: Ints, items: Ints) -> NDArray[np.bool_]:
        trained: NDArray[np.bool_] = self.is_known(users, items) & (items != self.held_out[users])
        return trained

    def candidates(self, negatives: int, random: np.random.Generator) -> Ints:
        """Shape (users, 1 + negatives): the held-out item first, then distinct items never taken.

        Raises:
            DatasetMissingError: a user has taken so many items that not enough are left.
        """
        counts = np.bincount(self.known // self.items, minlength=self.users)
        if self.items - counts.max() < negatives:
            raise DatasetMissingError(
                f"a user knows {counts.max()} of {self.items} items, which leaves fewer than {negatives} "
                "to compare with; lower eval_negatives or use the whole dataset"
            )
        table = np.empty((self.users, 1 + negatives), np.int64)
        table[:, 0] = self.held_out
        for user in range(self.users):
            free = np.ones(self.items, bool)
            mine = self.known[np.searchsorted(self.known, user * self.items) :][: counts[user]]
            free[mine - user * self.items] = False
            table[user, 1:] = random.choice(np.flatnonzero(free), negatives, replace=False)
        return table


def read_movielens(folder: Path) -> Interactions:
    """``ratings.csv`` with the columns userId, movieId, rating, timestamp: every rating counts.

    Raises:
        DatasetMissingError: the file does not have these columns.
    """
    import pandas as pd

    path = folder / "ratings.csv"
    try:
        table = pd.read_csv(path, usecols=["userId", "movieId", "timestamp"])
    except ValueError as error:
        raise DatasetMissingError(
            f"{path}: {error}; it needs the columns userId,movieId,rating,timestamp of MovieLens"
        ) from error
    table = table.drop_duplicates(["userId", "movieId"]).sort_values(["userId", "timestamp"], kind="stable")
    users = pd.factorize(table["userId"], sort=True)[0].astype(np.int64)
    items = pd.factorize(table["movieId"], sort=True)[0].astype(np.int64)
    return split_last(users, items)


def generate(users: int, items: int, seed: int) -> Interactions:
    """Interactions that follow latent tastes and popularity: 10 to ``MOST_TAKEN`` per user.

    Items are chosen by Gumbel noise on the affinity, which draws without replacement.
    """
    random = np.random.default_rng(seed)
    taste = random.normal(size=(users, LATENT))
    features = random.normal(size=(items, LATENT))
    popularity = random.normal(scale=0.5, size=items)
    affinity = 1.2 * taste @ features.T + popularity + random.gumbel(size=(users, items))
    counts = random.integers(10, MOST_TAKEN + 1, users)
    ranked = np.argsort(-affinity, axis=1)[:, :MOST_TAKEN]
    taken = [random.permutation(ranked[user, :count]) for user, count in enumerate(counts)]
    return split_last(np.repeat(np.arange(users), counts), np.concatenate(taken))


def split_last(users: Ints, items: Ints) -> Interactions:
    """Hold out the last item of every user; the interactions are ordered by user, then by time."""
    total_users, total_items = int(users.max()) + 1, int(items.max()) + 1
    is_last = np.append(users[1:] != users[:-1], True)
    return Interactions(
        users=total_users,
        items=total_items,
        train_users=users[~is_last],
        train_items=items[~is_last],
        held_out=items[is_last],
        known=np.sort(users * total_items + items),
    )
