"""Positions of Go. OpenSpiel knows the rules; here is what the network sees of a position.

Moves are numbered row by row from a1, the last number is the pass. Scoring is by area, two passes or
twice as many moves as points end a game.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyspiel
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BLACK, WHITE = 0, 1


class Rules:
    """One size of board and one komi."""

    def __init__(self, size: int, komi: float, history: int) -> None:
        self.size = size
        self.points = size * size
        self.moves = self.points + 1
        self.planes = 2 * history + 1
        self._history = history
        self.game = pyspiel.load_game("go", {"board_size": size, "komi": float(komi)})

    def start(self) -> Position:
        """The empty board, Black to move."""
        state = self.game.new_initial_state()
        empty = np.zeros(2 * self.points, np.float32)
        return Position(self, state, [empty] * self._history)


class Position:
    """A position with the boards that led to it."""

    __slots__ = ("_boards", "_rules", "state")

    def __init__(self, rules: Rules, state: pyspiel.State, boards: list[Floats]) -> None:
        self._rules = rules
        self.state = state
        self._boards = boards

    @property
    def to_move(self) -> int:
        """BLACK or WHITE; undefined where the game is over."""
        return int(self.state.current_player())

    @property
    def is_over(self) -> bool:
        return bool(self.state.is_terminal())

    @property
    def black_wins(self) -> float:
        """1, 0, or ½ for a game that repeats a position; only where it is over."""
        return float(self.state.returns()[BLACK] + 1) / 2

    def after(self, move: int) -> Position:
        """The position after a legal move."""
        state = self.state.clone()
        state.apply_action(move)
        board = np.array(state.observation_tensor(BLACK), np.float32)[: 2 * self._rules.points]
        return Position(self._rules, state, [board, *self._boards[:-1]])

    def legal_moves(self) -> list[int]:
        """Moves that the rules allow, the pass among them; none where the game is over."""
        return list(self.state.legal_actions())


def features(positions: Sequence[Position]) -> Floats:
    """What the network sees: shape (positions, planes, points).

    For each board, the latest first, stones of the player to move and of the other one; then whether
    Black is to move. Source: Silver et al., Mastering the game of Go without human knowledge, 2017.
    """
    boards = np.array([position._boards for position in positions])
    count, history, _ = boards.shape
    stones = boards.reshape(count, history, 2, -1)
    black = np.array([position.to_move == BLACK for position in positions])
    # White sees the board with colours exchanged.
    own_first = np.where(black[:, None, None, None], stones, stones[:, :, ::-1])
    turn = np.broadcast_to(black[:, None, None], (count, 1, stones.shape[3]))
    planes = own_first.reshape(count, 2 * history, -1)
    return np.concatenate((planes, turn.astype(np.float32)), axis=1)


def symmetries(size: int) -> NDArray[np.int64]:
    """The eight symmetries of the board, shape (8, points + 1): which move each move comes from."""
    board = np.arange(size * size).reshape(size, size)
    turned = [np.rot90(board, quarter) for quarter in range(4)]
    every = [side.ravel() for one in turned for side in (one, one.T)]
    return np.array([np.append(points, size * size) for points in every])
