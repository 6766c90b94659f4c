"""Translation: Transformer (big) on WMT17 English to German, to a BLEU score."""

from __future__ import annotations

from mlperf_runners.workloads.translation import FILES, TranslationSettings, impossible
from mlperf_runners.workloads.workload import Workload


class TransformerSettings(TranslationSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the Transformer; ``batch_size`` counts target tokens."""

    layers: int = 6
    width: int = 1024
    heads: int = 16
    inner_width: int = 4096
    dropout: float = 0.1
    learning_rate: float = 2.0
    """Factor before width^-½ · min(step^-½, step · warmup_steps^-1½)."""
    warmup_steps: int = 16_000
    beta_2: float = 0.997
    epsilon: float = 1e-9
    vocabulary: int = 32_768
    longest: int = 256
    beams: int = 4


def _impossible(settings: TransformerSettings) -> str | None:
    if min(settings.heads, settings.inner_width) < 1:
        return "heads and inner_width must be positive"
    if settings.width % (2 * settings.heads):
        return f"width {settings.width} must be a multiple of twice the {settings.heads} heads"
    if settings.batch_size < settings.longest:
        return f"batch_size {settings.batch_size} tokens cannot hold a sentence of {settings.longest}"
    return impossible(settings)


WORKLOAD = Workload(
    name="transformer",
    brief="Translation, Transformer big on WMT17 English-German",
    benchmark="transformer",
    metric="BLEU / 100",
    official_runs=10,
    round="0.7",
    log_rules="0.7.0",
    mini=TransformerSettings(
        target=0.8,
        batch_size=768,
        max_epochs=30,
        evaluate_every=0.25,
        first_evaluation=5,
        layers=2,
        width=64,
        heads=4,
        inner_width=128,
        learning_rate=2.0,
        warmup_steps=200,
        vocabulary=256,
        longest=48,
        extra_length=8,
    ),
    full=TransformerSettings(target=0.25, batch_size=4096, max_epochs=30, evaluate_every=1),
    mini_seconds=(34, 44),
    task="mlperf_runners.workloads.transformer.task:TransformerTask",
    dataset=FILES,
    obtain="take them from the WMT17 and newstest2014 downloads of statmt.org, one sentence per line",
    check_settings=_impossible,
)
