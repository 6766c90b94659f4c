"""Tree search guided by the network, in many games at once so that it sees whole batches.

Every game has a tree of its own; a playout goes down all trees together and evaluates their new leaves in
one forward pass. Source of the rule by which it goes down: Silver et al. 2017 (PUCT).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlperf_runners.workloads.minigo.board import BLACK, Floats, Position

Ints = NDArray[np.int64]
ILLEGAL = -1e9


class Evaluator(Protocol):
    """Priors and values of positions that are not over."""

    def __call__(self, positions: Sequence[Position]) -> tuple[Floats, Floats]:
        """Logits of shape (positions, moves) and values, for the player to move, of shape (positions,)."""


@dataclass(frozen=True)
class Searched:
    """What the playouts found at the roots."""

    visits: Ints
    """Shape (games, moves)."""
    values: Floats
    """For the player to move, shape (games,)."""


def search(
    roots: Sequence[Position],
    evaluate: Evaluator,
    moves: int,
    readouts: int,
    exploration: float,
    noise: Callable[[int, int], Floats] | None = None,
    noise_share: float = 0.0,
) -> Searched:
    """``readouts`` playouts from every root; no root is a finished game.

    ``noise(game, legal)`` is mixed into the prior of that root's ``legal`` moves.
    """
    forest = _Forest(roots, evaluate, moves, readouts, exploration)
    if noise is not None:
        forest.mix(noise, noise_share)
    for _ in range(readouts):
        forest.playout()
    visits = forest.visits[:, 0]
    totals = forest.totals[:, 0].sum(1)
    return Searched(visits, (totals / visits.sum(1)).astype(np.float32))


class _Forest:
    """Trees of several games as arrays over (game, node, move); node 0 is the root."""

    def __init__(
        self, roots: Sequence[Position], evaluate: Evaluator, moves: int, readouts: int, exploration: float
    ) -> None:
        shape = (len(roots), readouts + 1, moves)
        self._evaluate = evaluate
        self._exploration = exploration
        self._priors = np.zeros(shape, np.float32)
        self._barred = np.full(shape, ILLEGAL, np.float32)
        self._child = np.full(shape, -1, np.int64)
        self.visits = np.zeros(shape, np.int64)
        self.totals = np.zeros(shape, np.float32)
        """Sums of values for the player who moves."""
        self._nodes: list[list[Position]] = [[] for _ in roots]
        self._add(list(range(len(roots))), list(roots))

    def mix(self, noise: Callable[[int, int], Floats], share: float) -> None:
        """Mix noise into the priors of the roots."""
        for game in range(len(self._nodes)):
            legal = np.flatnonzero(self._barred[game, 0] == 0)
            mixed = (1 - share) * self._priors[game, 0, legal] + share * noise(game, len(legal))
            self._priors[game, 0, legal] = mixed

    def playout(self) -> None:
        """One descent, leaf and ascent in every tree."""
        path, games, nodes, moves = self._descend()
        leaves = [
            self._nodes[game][node].after(move)
            for game, node, move in zip(games.tolist(), nodes.tolist(), moves.tolist(), strict=True)
        ]
        values = np.empty(len(leaves), np.float32)
        open_leaves = [number for number, leaf in enumerate(leaves) if not leaf.is_over]
        if open_leaves:
            where = games[open_leaves]
            self._child[where, nodes[open_leaves], moves[open_leaves]] = [
                len(self._nodes[game]) for game in where.tolist()
            ]
            values[open_leaves] = self._add(where.tolist(), [leaves[number] for number in open_leaves])
        # From here on: for the player whose move led to the leaf.
        values = -values
        for number, leaf in enumerate(leaves):
            if leaf.is_over:
                was_black = self._nodes[games[number]][nodes[number]].to_move == BLACK
                won = leaf.black_wins if was_black else 1 - leaf.black_wins
                values[number] = 2 * won - 1
        self._ascend(path, games, values)

    def _descend(self) -> tuple[list[tuple[Ints, Ints, Ints]], Ints, Ints, Ints]:
        """The steps of all games, and for each game the edge at which its tree ends, by game."""
        games = np.arange(len(self._nodes))
        nodes = np.zeros(len(games), np.int64)
        last_nodes, last_moves = nodes.copy(), nodes.copy()
        path = []
        while len(games):
            moves = self._best(games, nodes)
            path.append((games, nodes, moves))
            last_nodes[games], last_moves[games] = nodes, moves
            below = self._child[games, nodes, moves]
            # An edge to a finished game has no node below it: it is seen anew each time.
            inside = below >= 0
            games, nodes = games[inside], below[inside]
        return path, np.arange(len(self._nodes)), last_nodes, last_moves

    def _best(self, games: Ints, nodes: Ints) -> Ints:
        visits = self.visits[games, nodes]
        means = self.totals[games, nodes] / np.maximum(visits, 1)
        # The node's own evaluation is a visit too; without it the first descent would ignore the prior.
        pull = np.sqrt(1 + visits.sum(1, keepdims=True))
        bonus = self._exploration * self._priors[games, nodes] * pull / (1 + visits)
        return np.asarray((means + bonus + self._barred[games, nodes]).argmax(1))

    def _add(self, games: list[int], positions: list[Position]) -> Floats:
        """Make positions the newest nodes of these games; their values for the player to move."""
        logits, values = self._evaluate(positions)
        for game, position, row in zip(games, positions, logits, strict=True):
            node = len(self._nodes[game])
            legal = position.legal_moves()
            weights = np.exp(row[legal] - row[legal].max())
            self._priors[game, node, legal] = weights / weights.sum()
            self._barred[game, node, legal] = 0
            self._nodes[game].append(position)
        return values

    def _ascend(self, path: list[tuple[Ints, Ints, Ints]], games: Ints, values: Floats) -> None:
        depths = np.zeros(len(games), np.int64)
        for depth, (there, _, _) in enumerate(path):
            depths[there] = depth
        for depth, (there, nodes, moves) in enumerate(path):
            sign = 1 - 2 * ((depths[there] - depth) % 2)
            self.visits[there, nodes, moves] += 1
            self.totals[there, nodes, moves] += sign * values[there]
