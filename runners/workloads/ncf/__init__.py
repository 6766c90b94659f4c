"""Recommendation: NeuMF on MovieLens ml-20m, to a hit rate at 10."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings, Workload

MOST_TAKEN = 30
"""Items of a generated user."""


class NcfSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of NeuMF."""

    gmf_width: int = 64
    mlp_widths: tuple[int, ...] = (256, 256, 128, 64)
    """Widths of the layers; the first is both embeddings together."""
    learning_rate: float = 5e-4
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    train_negatives: int = 4
    """Items drawn per positive, anew in every epoch."""
    eval_negatives: int = 999
    users: int = 2000
    """Of the generated data; the real ones bring their own."""
    items: int = 1000


def _impossible(settings: NcfSettings) -> str | None:
    if len(settings.mlp_widths) < 2 or settings.mlp_widths[0] % 2 or min(settings.mlp_widths) < 1:
        return "mlp_widths needs at least two positive widths, the first of them even"
    if min(settings.gmf_width, settings.train_negatives, settings.users) < 1:
        return "gmf_width, train_negatives and users must be positive"
    if max(settings.beta_1, settings.beta_2) >= 1:
        return "beta_1 and beta_2 must be below 1"
    if settings.items < MOST_TAKEN:
        return f"items must be at least {MOST_TAKEN}, which is what a generated user may take"
    if settings.eval_negatives < 10:
        return f"with {settings.eval_negatives} negatives every item is among the first 10; use more"
    return None


WORKLOAD = Workload(
    name="ncf",
    brief="Recommendation, NeuMF on MovieLens ml-20m",
    benchmark="ncf",
    metric="HR@10",
    official_runs=100,
    round="0.5",
    log_rules=None,
    mini=NcfSettings(
        target=0.7,
        batch_size=256,
        max_epochs=8,
        evaluate_every=0.025,
        first_evaluation=1.3,
        gmf_width=16,
        mlp_widths=(64, 64, 32, 16),
        learning_rate=2e-3,
        eval_negatives=99,
    ),
    full=NcfSettings(target=0.635, batch_size=2048, max_epochs=20, evaluate_every=1),
    mini_seconds=(10, 14),
    task="mlperf_runners.workloads.ncf.task:NcfTask",
    dataset=("ratings.csv",),
    obtain="unpack MovieLens ml-20m.zip from grouplens.org",
    check_settings=_impossible,
)
