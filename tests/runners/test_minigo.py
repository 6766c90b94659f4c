"""Minigo: what the network sees, the search against a plain one, matches, self-play, SGF files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.minigo import WORKLOAD, MinigoSettings, selfplay
from mlperf_runners.workloads.minigo.board import BLACK, WHITE, Floats, Position, Rules, features, symmetries
from mlperf_runners.workloads.minigo.players import ReferencePlayer, SearchPlayer, match
from mlperf_runners.workloads.minigo.search import search
from mlperf_runners.workloads.minigo.selfplay import Examples, self_play
from mlperf_runners.workloads.minigo.sgf import read_games

RULES = Rules(5, 6.5, 2)
PASS = 25
TINY = {
    "games": 4,
    "readouts": 4,
    "width": 4,
    "blocks": 1,
    "gate_games": 2,
    "eval_games": 4,
    "reference_playouts": 2,
    "batch_size": 32,
    "steps": 12,
}


def at(*moves: int) -> Position:
    position = RULES.start()
    for move in moves:
        position = position.after(move)
    return position


def made_up(positions: Sequence[Position]) -> tuple[Floats, Floats]:
    """Priors and values that look at random but depend on the position alone."""
    rows = [
        np.random.default_rng(np.frombuffer(features([position]).tobytes(), np.uint32))
        for position in positions
    ]
    logits = np.array([row.normal(size=RULES.moves) for row in rows], np.float32)
    return logits, np.array([row.uniform(-1, 1) for row in rows], np.float32)


def task_of(mode: str = "mini", seed: int = 3, **changes: Any) -> Any:
    context = Context.start(seed, "cpu", 1)
    task = WORKLOAD.create(WORKLOAD.changed(mode, {**TINY, **changes}), mode, context)
    task.load_data()
    return task


# ---------------------------------------------------------------- the board


def test_the_network_sees_its_own_stones_first_and_the_board_before() -> None:
    seen = features([at(7, 11, 3)])[0]
    assert seen.shape == (5, 25)
    own, other, own_before, other_before, turn = (np.flatnonzero(plane).tolist() for plane in seen)
    assert (own, other) == ([11], [3, 7])
    assert (own_before, other_before) == ([11], [7])
    assert turn == []
    assert features([at(7, 11)])[0][4].tolist() == [1.0] * 25


def test_stones_that_are_taken_leave_the_board() -> None:
    """White in the corner a1 is taken by Black on a2 and b1."""
    seen = features([at(5, 0, 1)])[0]
    assert np.flatnonzero(seen[0]).tolist() == []
    assert np.flatnonzero(seen[1]).tolist() == [1, 5]


def test_a_turned_game_looks_like_the_game_turned() -> None:
    moves = [7, 11, 3, 20, PASS]
    plain = features([at(*moves)])[0]
    every = symmetries(5)
    assert len({tuple(row) for row in every.tolist()}) == 8
    for origins in every:
        moved = np.argsort(origins)
        turned = features([at(*(int(moved[move]) for move in moves))])[0]
        assert np.array_equal(turned, plain[:, origins[:-1]])


# ---------------------------------------------------------------- search


def plain_search(root: Position, readouts: int, exploration: float) -> list[int]:
    """The same rule for one tree, written down straight: a dictionary of nodes by their moves."""
    nodes: dict[tuple[int, ...], dict[str, Any]] = {}

    def node(moves: tuple[int, ...], position: Position) -> float:
        (logits,), (value,) = made_up([position])
        legal = position.legal_moves()
        weights = np.exp(logits[legal])
        prior = dict(zip(legal, weights / weights.sum(), strict=True))
        nodes[moves] = {"prior": prior, "n": dict.fromkeys(legal, 0), "w": dict.fromkeys(legal, 0.0)}
        return float(value)

    def playout(moves: tuple[int, ...], position: Position) -> float:
        """Value for the player to move."""
        if position.is_over:
            won = position.black_wins if position.to_move == BLACK else 1 - position.black_wins
            return 2 * won - 1
        if moves not in nodes:
            return node(moves, position)
        here = nodes[moves]
        total = 1 + sum(here["n"].values())

        def score(move: int) -> float:
            count = here["n"][move]
            mean = here["w"][move] / count if count else 0.0
            return mean + exploration * here["prior"][move] * math.sqrt(total) / (1 + count)

        move = max(here["n"], key=score)
        after = position.after(move)
        if after.is_over:
            won = after.black_wins if position.to_move == BLACK else 1 - after.black_wins
            value = 2 * won - 1
        else:
            value = -playout((*moves, move), after)
        here["n"][move] += 1
        here["w"][move] += value
        return value

    node((), root)
    for _ in range(readouts):
        playout((), root)
    return [nodes[()]["n"].get(move, 0) for move in range(RULES.moves)]


def test_many_trees_at_once_grow_like_one_alone() -> None:
    # The second is one pass from its end, so that playouts meet finished games.
    roots = [at(), at(12, PASS), at(7, 11, 3, 20), at(0, 24, 1)]
    found = search(roots, made_up, RULES.moves, 60, 1.5)
    for root, visits in zip(roots, found.visits.tolist(), strict=True):
        assert visits == plain_search(root, 60, 1.5)
        assert sum(visits) == 60


def test_a_pass_that_wins_is_found() -> None:
    """After Black's pass White has won by the komi if it passes too."""
    (visits,) = search([at(PASS)], lambda p: (np.zeros((len(p), 26)), np.zeros(len(p))), 26, 200, 1.5).visits
    assert visits.argmax() == PASS


def test_noise_moves_only_the_roots_and_only_to_legal_moves() -> None:
    roots = [at(), at(12)]

    def noise(game: int, legal: int) -> Floats:
        weights = np.zeros(legal, np.float32)
        weights[-1] = 1
        return weights

    found = search(roots, made_up, RULES.moves, 1, 1.5, noise, 1.0)
    assert found.visits.argmax(1).tolist() == [PASS, PASS]


# ---------------------------------------------------------------- matches


class Passing:
    def moves(self, games: Sequence[int], positions: Sequence[Position]) -> list[int]:
        return [PASS] * len(games)


def test_colours_alternate_from_game_to_game() -> None:
    """Two passes on the empty board: White wins by the komi."""
    assert match(RULES, Passing(), Passing(), range(4)) == [0, 1, 0, 1]
    assert match(RULES, Passing(), Passing(), [3, 0]) == [1, 0]


def test_the_reference_player_is_the_same_in_every_match_and_beats_who_passes() -> None:
    def reference() -> ReferencePlayer:
        return ReferencePlayer(RULES, 16, lambda game: np.random.default_rng([1, game]))

    player = SearchPlayer(RULES, made_up, 4, 1.5, 0, np.random.default_rng)
    once, again = (match(RULES, player, reference(), range(6)) for _ in range(2))
    assert once == again
    assert sum(match(RULES, reference(), Passing(), range(6))) == 6


# ---------------------------------------------------------------- self-play


def settings(**changes: Any) -> MinigoSettings:
    found = WORKLOAD.changed("mini", {**TINY, **changes})
    assert isinstance(found, MinigoSettings)
    return found


def played(evaluate: Any = made_up, **changes: Any) -> list[Examples]:
    return self_play(RULES, evaluate, settings(**changes), range(4), np.random.default_rng)


def test_examples_say_who_won_from_the_side_of_the_player_to_move() -> None:
    for game in played(resign_below=-1):
        turns = game.features[:, -1, 0]
        assert turns.tolist() == [1 - ply % 2 for ply in range(len(game))]
        black = np.where(turns == 1, game.outcomes, -game.outcomes)
        assert len(set(black.tolist())) == 1
        assert np.allclose(game.policies.sum(1), 1)


def test_a_lost_game_is_given_up_unless_it_is_to_be_seen_to_its_end() -> None:
    def lost(positions: Sequence[Position]) -> tuple[Floats, Floats]:
        """Black sees no chance."""
        values = [-1.0 if position.to_move == BLACK else 1.0 for position in positions]
        return np.zeros((len(positions), 26), np.float32), np.array(values, np.float32)

    short = played(lost, resign_below=-0.9, resign_off_share=0)
    assert [game.outcomes.tolist() for game in short] == [[-1.0]] * 4
    assert min(map(len, played(lost, resign_below=-0.9, resign_off_share=1))) > 1


def test_games_depend_on_their_number_alone_and_not_on_their_company(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = played()
    monkeypatch.setattr(selfplay, "GAMES_AT_ONCE", 3)
    for one, other in zip(together, played(), strict=True):
        assert np.array_equal(one.features, other.features)
    (alone,) = self_play(RULES, made_up, settings(), [2], np.random.default_rng)
    assert np.array_equal(alone.features, together[2].features)
    assert np.array_equal(alone.policies, together[2].policies)


def test_a_new_network_plays_on_only_if_it_wins_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(gate_share=0.55, games=2, readouts=2)
    shares = iter([0.54, 0.55])
    monkeypatch.setattr(task, "_share_of", lambda *_: next(shares))
    first = task._best
    next(task.batches(1))
    assert task._best is first
    next(task.batches(2))
    assert task._best is not first
    for mine, theirs in zip(task._best.parameters(), task._network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert not task._best.training
    assert task._network.training


def test_only_the_latest_generations_are_trained_on() -> None:
    task = task_of(window=2, games=2, readouts=2)
    generations = []
    for epoch in range(3):
        next(task.batches(epoch))
        generations.append(task._window[-1])
    assert list(task._window) == generations[1:]


# ---------------------------------------------------------------- games of professionals


GAME = "(;FF[4]GM[1]SZ[9]KM[7.5]PB[a \\] b]C[;B[aa\\]];B[cc];W[gg](;B[ai]C[lower left];W[])(;B[bb]))"


def foreseen(folder: Path) -> list[tuple[Position, int]]:
    return read_games(folder, Rules(9, 7.5, 8))


def test_the_main_line_of_a_game_is_read(tmp_path: Path) -> None:
    (tmp_path / "1.sgf").write_text(GAME)
    (tmp_path / "2.sgf").write_text("(;SZ[19];B[dd])")
    (tmp_path / "3.sgf").write_text("(;SZ[9]AB[cc][gg];W[ee])")
    found = foreseen(tmp_path)
    # c7, g3, a1 and a pass, counted from a1 row by row.
    assert [move for _, move in found] == [6 * 9 + 2, 2 * 9 + 6, 0, 81]
    assert [position.to_move for position, _ in found] == [BLACK, WHITE, BLACK, WHITE]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(;SZ[9];B[cc];W[cc])", r"1\.sgf: move 2, W\[cc\], is not possible"),
        ("(;SZ[9];B[cc];B[dd])", "move 2, B"),
        ("(;SZ[9];B[zz])", "'zz' is no point of a 9 × 9 board"),
        ("no game at all", "is no game in SGF"),
        ("(;SZ[19];B[cc])", "no game on a 9 × 9 board"),
    ],
)
def test_bad_files_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "1.sgf").write_text(text)
    with pytest.raises(DatasetMissingError, match=words):
        foreseen(tmp_path)


@pytest.fixture
def sgf(tmp_path: Path) -> Path:
    """Three games of 20 moves each, drawn at random."""
    random = np.random.default_rng(0)
    for number in range(3):
        position = Rules(9, 7.5, 1).start()
        words = []
        for ply in range(20):
            move = int(random.choice(position.legal_moves()[:-1]))
            row, column = divmod(move, 9)
            words.append(f";{'BW'[ply % 2]}[{chr(97 + column)}{chr(97 + 8 - row)}]")
            position = position.after(move)
        (tmp_path / f"{number}.sgf").write_text(f"(;GM[1]SZ[9]{''.join(words)})")
    return tmp_path


def test_full_mode_learns_and_counts_the_moves_it_foresees(sgf: Path) -> None:
    task = task_of("full", data=str(sgf), learning_rate=0.05)
    assert task.eval_samples == 60
    losses = []
    task.model.train()
    for seen, policies, outcomes in task.batches(0):
        assert seen.shape == (32, 17, 81)
        assert policies.shape == (32, 82)
        losses.append(task.train_step((seen, policies, outcomes)).item())
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    task.model.eval()
    with torch.no_grad():
        measured = task.evaluate()
        hits = 0
        for position, move in read_games(sgf, Rules(9, 7.5, 8)):
            logits = task.model(torch.from_numpy(features([position])))[0][0]
            hits += max(position.legal_moves(), key=lambda legal: logits[legal].item()) == move
    assert measured == hits / 60
