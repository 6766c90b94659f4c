"""Reinforcement learning: Minigo, a policy and value network that learns Go from games against itself."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings, Workload


class MinigoSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of Minigo. An epoch is a generation: self-play, then training on the latest games."""

    board_size: int = 9
    komi: float = 7.5
    history: int = 8
    """Boards that the network sees: the present one and those before."""
    width: int = 32
    """Channels of the residual tower."""
    blocks: int = 9
    value_width: int = 64
    """Width of the value head's hidden layer."""
    games: int = 2000
    """Of self-play, per generation."""
    readouts: int = 200
    """Playouts of the tree search per move."""
    exploration: float = 1.5
    """Factor of the prior in the search (c_puct)."""
    noise_share: float = 0.25
    """Of Dirichlet noise in the prior at the root, in self-play."""
    noise_alpha: float = 0.12
    tempered_moves: int = 10
    """First moves of a game of self-play that are drawn by visits; later ones are the most visited."""
    resign_below: float = -0.9
    """Value of the search at which a game of self-play is given up; −1 never."""
    resign_off_share: float = 0.1
    """Games of self-play that are played to the end all the same."""
    gate_games: int = 200
    """Between a new network and the best one so far, before each generation but the first."""
    gate_share: float = 0.55
    """Share of them that makes the new network the best one."""
    window: int = 10
    """Generations whose positions are trained on."""
    steps: int = 1000
    """Of training, per generation."""
    learning_rate: float = 0.01
    drop_steps: tuple[int, ...] = (400_000, 600_000)
    """Steps at which the learning rate drops to a tenth."""
    momentum: float = 0.9
    weight_decay: float = 1e-4
    eval_games: int = 100
    """Against the reference player, mini mode only."""
    reference_playouts: int = 64
    """Of the reference player, per move."""


def _impossible(settings: MinigoSettings) -> str | None:
    if not 2 <= settings.board_size <= 19:
        return f"board_size must be from 2 to 19, not {settings.board_size}"
    counts = ("history", "width", "value_width", "games", "readouts", "gate_games", "window", "steps")
    for name in (*counts, "eval_games", "reference_playouts"):
        if getattr(settings, name) < 1:
            return f"{name} must be positive"
    if settings.blocks < 0 or settings.tempered_moves < 0:
        return "blocks and tempered_moves must be 0 or more"
    for name in ("noise_share", "resign_off_share", "gate_share"):
        if not 0 <= getattr(settings, name) <= 1:
            return f"{name} must be from 0 to 1"
    if settings.noise_alpha <= 0 or not -1 <= settings.resign_below < 0:
        return "noise_alpha must be positive, resign_below from −1 to below 0"
    return None


WORKLOAD = Workload(
    name="minigo",
    brief="Reinforcement learning, Minigo on a 9 × 9 board",
    benchmark="minigo",
    metric="success rate",
    official_runs=10,
    round="0.7",
    log_rules="0.7.0",
    mini=MinigoSettings(
        target=0.7,
        batch_size=128,
        max_epochs=20,
        evaluate_every=1,
        board_size=5,
        komi=11.5,
        history=2,
        width=32,
        blocks=1,
        value_width=32,
        games=48,
        readouts=16,
        noise_alpha=0.4,
        tempered_moves=6,
        gate_games=16,
        window=6,
        steps=100,
        learning_rate=0.05,
        drop_steps=(),
        eval_games=40,
        reference_playouts=24,
    ),
    full=MinigoSettings(target=0.4, batch_size=2048, max_epochs=1000, evaluate_every=1),
    mini_seconds=(24, 75),
    task="mlperf_runners.workloads.minigo.task:MinigoTask",
    dataset=("*.sgf",),
    obtain="put games of professionals on a 9 × 9 board there, one SGF file each",
    check_settings=_impossible,
)
