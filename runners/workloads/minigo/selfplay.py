"""Games of a network against itself, and what is learnt from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mlperf_runners.workloads.minigo import MinigoSettings
from mlperf_runners.workloads.minigo.board import BLACK, Floats, Position, Rules, features
from mlperf_runners.workloads.minigo.players import RandomOf, chosen
from mlperf_runners.workloads.minigo.search import Evaluator, search

GAMES_AT_ONCE = 256
"""More would hardly be faster, and their trees take memory."""


@dataclass(frozen=True)
class Examples:
    """Positions with what the search made of them and how their games ended."""

    features: NDArray[np.uint8]
    """Shape (positions, planes, points)."""
    policies: Floats
    """Shares of the visits, shape (positions, moves)."""
    outcomes: Floats
    """1 where the player to move won, −1 where they lost, shape (positions,)."""

    def __len__(self) -> int:
        return len(self.outcomes)

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """All of them, in their order."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.policies for part in parts]),
            np.concatenate([part.outcomes for part in parts]),
        )


class _Game:
    """One game under way and what was noted of it."""

    def __init__(self, rules: Rules, random: np.random.Generator, settings: MinigoSettings) -> None:
        self.position = rules.start()
        self.random = random
        self.may_resign = random.random() >= settings.resign_off_share
        self.black_wins: float | None = None
        self._features: list[Floats] = []
        self._policies: list[Floats] = []
        self._turns: list[int] = []

    def note(self, seen: Floats, shares: Floats) -> None:
        """Note the position before its move."""
        self._features.append(seen)
        self._policies.append(shares)
        self._turns.append(self.position.to_move)

    def examples(self) -> Examples:
        assert self.black_wins is not None
        for_black = 2 * self.black_wins - 1
        signs = np.where(np.array(self._turns) == BLACK, 1, -1)
        return Examples(
            np.array(self._features, np.uint8),
            np.array(self._policies, np.float32),
            (for_black * signs).astype(np.float32),
        )


def self_play(
    rules: Rules, evaluate: Evaluator, settings: MinigoSettings, games: Sequence[int], random_of: RandomOf
) -> list[Examples]:
    """Play the games of these numbers, many side by side; the examples of each."""
    waiting = iter(games)
    playing: dict[int, _Game] = {}
    found: dict[int, Examples] = {}
    while len(found) < len(games):
        for number in islice(waiting, GAMES_AT_ONCE - len(playing)):
            playing[number] = _Game(rules, random_of(number), settings)
        _play_move(rules, evaluate, settings, list(playing.values()))
        for number in [number for number, game in playing.items() if game.black_wins is not None]:
            found[number] = playing.pop(number).examples()
    return [found[number] for number in games]


def _play_move(rules: Rules, evaluate: Evaluator, settings: MinigoSettings, games: Sequence[_Game]) -> None:
    positions: list[Position] = [game.position for game in games]
    found = search(
        positions,
        evaluate,
        rules.moves,
        settings.readouts,
        settings.exploration,
        _noise(games, settings.noise_alpha),
        settings.noise_share,
    )
    seen = features(positions)
    for number, game in enumerate(games):
        visits = found.visits[number]
        game.note(seen[number], (visits / visits.sum()).astype(np.float32))
        if game.may_resign and found.values[number] < settings.resign_below:
            game.black_wins = 0.0 if game.position.to_move == BLACK else 1.0
            continue
        game.position = game.position.after(
            chosen(visits, game.position, settings.tempered_moves, game.random)
        )
        if game.position.is_over:
            game.black_wins = game.position.black_wins


def _noise(games: Sequence[_Game], alpha: float) -> Callable[[int, int], Floats]:
    """Dirichlet noise from the stream of each game."""
    return lambda game, legal: games[game].random.dirichlet(np.full(legal, alpha)).astype(np.float32)
