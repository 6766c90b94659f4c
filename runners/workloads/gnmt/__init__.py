"""Translation: GNMT on WMT16 English to German, to a BLEU score."""

from __future__ import annotations

from mlperf_runners.workloads.translation import FILES, TranslationSettings, impossible
from mlperf_runners.workloads.workload import Workload


class GnmtSettings(TranslationSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of GNMT; ``batch_size`` counts sentences."""

    layers: int = 4
    width: int = 1024
    dropout: float = 0.2
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    """Over which the learning rate rises exponentially from a hundredth."""
    remain_share: float = 0.666
    """Share of the longest possible training before the learning rate begins to fall."""
    decay_steps: int = 4
    """How often it falls then, at equal distances."""
    decay_factor: float = 0.5
    beta_2: float = 0.999
    epsilon: float = 1e-8
    gradient_limit: float = 5.0
    """Norm to which the gradient of the loss per sentence is cut."""
    vocabulary: int = 32_000
    longest: int = 50
    beams: int = 5
    coverage_penalty: float = 0.1


def _impossible(settings: GnmtSettings) -> str | None:
    if settings.layers < 2:
        return "layers must be at least 2: the first of the encoder is bidirectional, the others are not"
    if settings.decay_steps < 1 or settings.decay_factor <= 0 or settings.gradient_limit <= 0:
        return "decay_steps, decay_factor and gradient_limit must be positive"
    if not 0 <= settings.remain_share <= 1:
        return "remain_share must be from 0 to 1"
    return impossible(settings)


WORKLOAD = Workload(
    name="gnmt",
    brief="Translation, GNMT on WMT16 English-German",
    benchmark="gnmt",
    metric="BLEU / 100",
    official_runs=10,
    round="0.7",
    log_rules="0.7.0",
    mini=GnmtSettings(
        target=0.8,
        batch_size=64,
        max_epochs=30,
        evaluate_every=0.1,
        first_evaluation=3.6,
        layers=3,
        width=64,
        dropout=0.1,
        learning_rate=8e-3,
        warmup_steps=50,
        vocabulary=256,
        longest=48,
        extra_length=8,
    ),
    full=GnmtSettings(target=0.24, batch_size=128, max_epochs=8, evaluate_every=1),
    mini_seconds=(23, 34),
    task="mlperf_runners.workloads.gnmt.task:GnmtTask",
    dataset=FILES,
    obtain="take them from the WMT16 and newstest2014 downloads of statmt.org, one sentence per line",
    check_settings=_impossible,
)
