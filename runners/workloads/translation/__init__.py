"""What both translation benchmarks share: settings, text, the generated language, beam search, the task."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings

FILES = ("train.en", "train.de", "newstest2014.en", "newstest2014.de")
"""Of the dataset: one sentence per line, translations of each other."""


class TranslationSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a translator."""

    layers: int
    """Of the encoder, and of the decoder."""
    width: int
    dropout: float
    learning_rate: float
    warmup_steps: int
    beta_1: float = 0.9
    beta_2: float
    epsilon: float
    label_smoothing: float = 0.1
    vocabulary: int
    longest: int
    """Pieces; longer training sentences are left out."""
    beams: int
    length_penalty: float = 0.6
    extra_length: int = 50
    """How much longer than its source a translation may be, in pieces."""
    sentences: int = 3000
    """Of the generated language."""
    eval_sentences: int = 150


def impossible(settings: TranslationSettings) -> str | None:
    """What is impossible about the shared settings, or None."""
    if min(settings.layers, settings.width, settings.beams, settings.warmup_steps) < 1:
        return "layers, width, beams and warmup_steps must be positive"
    for name in ("dropout", "label_smoothing", "beta_1", "beta_2"):
        if not 0 <= getattr(settings, name) < 1:
            return f"{name} must be from 0 to below 1"
    if min(settings.sentences, settings.eval_sentences) < 1:
        return "sentences and eval_sentences must be positive"
    return None
