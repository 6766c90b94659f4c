"""Who can play Go here, and matches between two players with colours exchanged from game to game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pyspiel

from mlperf_runners.workloads.minigo.board import BLACK, Position, Rules
from mlperf_runners.workloads.minigo.search import Evaluator, Ints, search

RandomOf = Callable[[int], np.random.Generator]
"""The random stream of a game, by its number."""
_REFERENCE_EXPLORATION = 1.4
_REFERENCE_MEMORY_MB = 64


class Player(Protocol):
    """Chooses moves in many games at once."""

    def moves(self, games: Sequence[int], positions: Sequence[Position]) -> list[int]:
        """A move in each of these games, of which none is over."""


class SearchPlayer:
    """The most visited move of a tree search; the first few moves are drawn by visits."""

    def __init__(
        self,
        rules: Rules,
        evaluate: Evaluator,
        readouts: int,
        exploration: float,
        tempered_moves: int,
        random_of: RandomOf,
    ) -> None:
        self._rules = rules
        self._evaluate = evaluate
        self._readouts = readouts
        self._exploration = exploration
        self._tempered_moves = tempered_moves
        self._random_of = random_of
        self._random: dict[int, np.random.Generator] = {}

    def moves(self, games: Sequence[int], positions: Sequence[Position]) -> list[int]:
        found = search(positions, self._evaluate, self._rules.moves, self._readouts, self._exploration)
        return [
            chosen(visits, position, self._tempered_moves, self._stream(game))
            for game, position, visits in zip(games, positions, found.visits, strict=True)
        ]

    def _stream(self, game: int) -> np.random.Generator:
        if game not in self._random:
            self._random[game] = self._random_of(game)
        return self._random[game]


class ReferencePlayer:
    """Tree search without a network: each playout is one random game to the end. It never changes."""

    def __init__(self, rules: Rules, playouts: int, random_of: RandomOf) -> None:
        self._rules = rules
        self._playouts = playouts
        self._random_of = random_of
        self._bots: dict[int, pyspiel.Bot] = {}

    def moves(self, games: Sequence[int], positions: Sequence[Position]) -> list[int]:
        return [
            int(self._bot(game).step(position.state)) for game, position in zip(games, positions, strict=True)
        ]

    def _bot(self, game: int) -> pyspiel.Bot:
        if game not in self._bots:
            seeds = self._random_of(game).integers(1, 2**31, 2).tolist()
            playout = pyspiel.RandomRolloutEvaluator(1, seeds[0])
            self._bots[game] = pyspiel.MCTSBot(
                self._rules.game, playout, _REFERENCE_EXPLORATION, self._playouts, _REFERENCE_MEMORY_MB,
                False, seeds[1], False,
            )  # fmt: skip
        return self._bots[game]


def chosen(visits: Ints, position: Position, tempered_moves: int, random: np.random.Generator) -> int:
    """A move by its visits: drawn early in the game, afterwards the most visited one."""
    if position.state.move_number() < tempered_moves:
        return int(random.choice(len(visits), p=visits / visits.sum()))
    return int(visits.argmax())


def match(rules: Rules, challenger: Player, other: Player, games: Sequence[int]) -> list[float]:
    """What the challenger scores in each game: 1, 0, or ½. In games of even number it has Black."""
    positions = {game: rules.start() for game in games}
    scores: dict[int, float] = {}
    while positions:
        for player, is_challenger in ((challenger, True), (other, False)):
            due = [game for game, at in positions.items() if _has_challenger(game, at) == is_challenger]
            if not due:
                continue
            for game, move in zip(due, player.moves(due, [positions[game] for game in due]), strict=True):
                position = positions[game].after(move)
                positions[game] = position
                if position.is_over:
                    won = position.black_wins
                    scores[game] = won if game % 2 == 0 else 1 - won
                    del positions[game]
    return [scores[game] for game in games]


def _has_challenger(game: int, position: Position) -> bool:
    return (position.to_move == BLACK) == (game % 2 == 0)
