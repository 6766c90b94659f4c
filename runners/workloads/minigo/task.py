"""Training and evaluation of Minigo: an epoch is a generation of self-play and the training on it."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlperf_logging.mllog import constants as keys
from torch.nn.functional import cross_entropy, mse_loss

from mlperf_runners.training.context import Context
from mlperf_runners.workloads.minigo import MinigoSettings
from mlperf_runners.workloads.minigo.board import Floats, Position, Rules, features, symmetries
from mlperf_runners.workloads.minigo.model import PolicyValueNet
from mlperf_runners.workloads.minigo.players import ReferencePlayer, SearchPlayer, match
from mlperf_runners.workloads.minigo.search import ILLEGAL, Evaluator
from mlperf_runners.workloads.minigo.selfplay import Examples, self_play
from mlperf_runners.workloads.minigo.sgf import Foreseen, read_games

POSITIONS_AT_ONCE = 1024
GATE_TEMPERED_MOVES = 4
"""Two networks that always chose their best moves would play the same game again and again."""
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Features, shares of the visits, outcomes."""


class MinigoTask:
    """Policy and value network with momentum SGD on games of the best network so far."""

    def __init__(self, settings: MinigoSettings, mode: str, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._foresees = mode == "full"
        self._rules = Rules(settings.board_size, settings.komi, settings.history)
        self._symmetries = symmetries(settings.board_size)
        self._network = PolicyValueNet(
            settings.board_size, self._rules.planes, settings.width, settings.blocks, settings.value_width
        )
        self.model: torch.nn.Module = context.data_parallel(self._network)
        self._best = self._copy()
        self._optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self._window: deque[Examples] = deque(maxlen=settings.window)
        self._steps = 0
        self.train_samples = settings.steps * settings.batch_size
        self.steps_per_epoch = settings.steps

    def load_data(self) -> None:
        """Read the games of professionals; games to train on are yet to be played."""
        if self._foresees:
            self._professional = read_games(Path(self._settings.data), self._rules)
        self.eval_samples = len(self._professional) if self._foresees else self._settings.eval_games

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Play a generation of games, then draw positions of the latest generations, turned at random."""
        if epoch:
            self._gate(epoch)
        self._window.append(self._generation(epoch))
        pool = Examples.joined(self._window)
        random = self._context.random("positions", epoch)
        for _ in range(self.steps_per_epoch):
            rows = random.integers(0, len(pool), self._settings.batch_size)
            turns = self._symmetries[random.integers(0, len(self._symmetries), len(rows))]
            mine = self._context.share(np.arange(len(rows)))
            yield self._batch(pool, rows[mine], turns[mine])

    def train_step(self, batch: Batch) -> torch.Tensor:
        """One step of SGD on the cross-entropy with the visits and the squared error of the value."""
        seen, policies, outcomes = batch
        self._set_learning_rate()
        self._optimizer.zero_grad(set_to_none=True)
        with self._context.autocast(self._settings.precision):
            logits, values = self.model(seen)
        loss = cross_entropy(logits.float(), policies) + mse_loss(values.float(), outcomes)
        loss.backward()
        self._optimizer.step()
        self._steps += 1
        return loss.detach()

    def evaluate(self) -> float:
        """Share of the professionals' moves that are the policy's first choice, or of games won."""
        return self._foreseen() if self._foresees else self._won()

    def hyperparameters(self) -> Mapping[str, Any]:
        """Official keys of Minigo."""
        settings = self._settings
        return {
            keys.OPT_NAME: keys.SGD,
            "train_batch_size": settings.batch_size,
            "lr_boundaries": list(settings.drop_steps),
            "lr_rates": [settings.learning_rate * 0.1**drop for drop in range(len(settings.drop_steps) + 1)],
            "actual_selfplay_games_per_generation": settings.games,
            "min_selfplay_games_per_generation": settings.games,
        }

    def _generation(self, epoch: int) -> Examples:
        """The games of a generation, each process plays its share of them."""
        mine = self._context.share(range(self._settings.games))
        played = self_play(
            self._rules,
            self._evaluator(self._best),
            self._settings,
            mine,
            lambda game: self._context.random("self-play", epoch, game),
        )
        return Examples.joined(self._context.gathered(played))

    def _gate(self, epoch: int) -> None:
        """Let the trained network play for the next games if it beats the one that did so far."""
        settings = self._settings
        self._context.same_buffers(self._network)
        self._network.eval()
        new, old = (
            self._player(network, GATE_TEMPERED_MOVES, lambda game: self._context.random("gate", epoch, game))
            for network in (self._network, self._best)
        )
        if self._share_of(new, old, settings.gate_games) >= settings.gate_share:
            self._best = self._copy()
        self._network.train()

    def _won(self) -> float:
        """Share of the games against the reference player, the same player in every evaluation."""
        player = self._player(self._network, 0, lambda game: self._context.random("evaluation", game))
        return self._share_of(player, self._reference(), self._settings.eval_games)

    def _reference(self) -> ReferencePlayer:
        settings = self._settings
        return ReferencePlayer(
            self._rules,
            settings.reference_playouts,
            lambda game: np.random.default_rng([settings.data_seed, game]),
        )

    def _share_of(self, challenger: Any, other: Any, games: int) -> float:
        mine: Sequence[int] = self._context.share(range(games))
        scores = match(self._rules, challenger, other, mine)
        return self._context.sums(sum(scores))[0] / games

    def _foreseen(self) -> float:
        mine: Sequence[Foreseen] = self._context.share(self._professional)
        evaluate = self._evaluator(self._network)
        hits = 0
        for first in range(0, len(mine), POSITIONS_AT_ONCE):
            part = mine[first : first + POSITIONS_AT_ONCE]
            logits, _ = evaluate([position for position, _ in part])
            for row, (position, move) in zip(logits, part, strict=True):
                allowed = np.full(len(row), ILLEGAL, np.float32)
                allowed[position.legal_moves()] = 0
                hits += int((row + allowed).argmax()) == move
        return self._context.sums(hits)[0] / self.eval_samples

    def _player(
        self, network: torch.nn.Module, tempered_moves: int, random_of: Callable[[int], np.random.Generator]
    ) -> SearchPlayer:
        settings = self._settings
        return SearchPlayer(
            self._rules,
            self._evaluator(network),
            settings.readouts,
            settings.exploration,
            tempered_moves,
            random_of,
        )

    def _evaluator(self, network: torch.nn.Module) -> Evaluator:
        """A network, in evaluation mode, as the search wants it."""

        def evaluate(positions: Sequence[Position]) -> tuple[Floats, Floats]:
            seen = torch.from_numpy(features(positions)).to(self._context.device)
            with torch.no_grad(), self._context.autocast(self._settings.precision):
                logits, values = network(seen)
            return logits.float().cpu().numpy(), values.float().cpu().numpy()

        return evaluate

    def _copy(self) -> torch.nn.Module:
        return copy.deepcopy(self._network).eval()

    def _batch(self, pool: Examples, rows: Any, turns: Any) -> Batch:
        device = self._context.device
        seen = np.take_along_axis(pool.features[rows], turns[:, None, :-1], axis=2)
        policies = np.take_along_axis(pool.policies[rows], turns, axis=1)
        outcomes = pool.outcomes[rows]
        return (
            torch.from_numpy(seen).to(device, torch.float32),
            torch.from_numpy(policies).to(device),
            torch.from_numpy(outcomes).to(device),
        )

    def _set_learning_rate(self) -> None:
        drops = sum(self._steps >= step for step in self._settings.drop_steps)
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * 0.1**drops
