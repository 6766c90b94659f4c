"""Speech recognition: DeepSpeech2 on LibriSpeech, to a word error rate."""

from __future__ import annotations

from mlperf_runners.workloads.workload import Settings, Workload

TRAIN, EVAL = "train-*", "dev-clean"
"""Names of LibriSpeech's parts."""
FEWEST_SAMPLES = 160
"""Of a window: its spectrum has to be as wide as the two convolutions are."""


class DeepSpeechSettings(Settings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of DeepSpeech2; ``batch_size`` counts utterances."""

    layers: int = 3
    """Bidirectional GRU layers."""
    width: int = 2560
    channels: int = 32
    """Of both convolutions."""
    sample_rate: int = 16_000
    window_seconds: float = 0.02
    stride_seconds: float = 0.01
    learning_rate: float = 1e-4
    momentum: float = 0.9
    anneal: float = 1.1
    """Divisor of the learning rate after every epoch."""
    gradient_limit: float = 400.0
    """Norm to which the gradient is cut."""
    beams: int = 1
    """Prefixes that decoding follows; 1: the best symbol of every frame."""
    loader_processes: int = 4
    """That read and transform recordings; 0: the training process does."""
    utterances: int = 400
    """Of the generated language."""
    eval_utterances: int = 80


def _impossible(settings: DeepSpeechSettings) -> str | None:
    if min(settings.layers, settings.width, settings.channels, settings.beams) < 1:
        return "layers, width, channels and beams must be positive"
    if settings.stride_seconds <= 0 or settings.sample_rate * settings.window_seconds < FEWEST_SAMPLES:
        return (
            f"stride_seconds must be positive, and a window of window_seconds at sample_rate at least "
            f"{FEWEST_SAMPLES} samples long"
        )
    if settings.sample_rate * settings.stride_seconds < 1:
        return "stride_seconds is shorter than one sample"
    if settings.gradient_limit <= 0 or settings.anneal < 1 or not 0 < settings.momentum < 1:
        return "gradient_limit must be positive, anneal at least 1, momentum above 0 and below 1"
    if settings.loader_processes < 0 or min(settings.utterances, settings.eval_utterances) < 1:
        return "loader_processes must be 0 or more, utterances and eval_utterances positive"
    return None


WORKLOAD = Workload(
    name="deepspeech2",
    brief="Speech recognition, DeepSpeech2 on LibriSpeech",
    benchmark="deepspeech2",
    metric="word error rate",
    official_runs=10,
    round="0.5",
    log_rules=None,
    mini=DeepSpeechSettings(
        target=0.15,
        batch_size=16,
        max_epochs=30,
        evaluate_every=0.2,
        first_evaluation=3,
        layers=2,
        width=48,
        channels=4,
        sample_rate=2000,
        window_seconds=0.08,
        stride_seconds=0.02,
        learning_rate=0.02,
        anneal=1.0,
        gradient_limit=20.0,
        beams=4,
        loader_processes=0,
    ),
    full=DeepSpeechSettings(target=0.23, batch_size=8, max_epochs=10, evaluate_every=1),
    mini_seconds=(12, 24),
    task="mlperf_runners.workloads.deepspeech2.task:DeepSpeechTask",
    dataset=(f"{TRAIN}/*/*/*.trans.txt", f"{EVAL}/*/*/*.trans.txt"),
    obtain=(
        "unpack LibriSpeech's train-clean-100, train-clean-360, train-other-500 and dev-clean from "
        "openslr.org/12 there; every train-* folder that is found is trained on"
    ),
    check_settings=_impossible,
    lower_is_better=True,
)
