"""Utterances of a made-up language in which every letter is a tone, written in LibriSpeech's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

LETTERS = "ABCDEFGHIJKL"
WORDS = 40
SPEAKERS = 4
LOWEST, HIGHEST = 150.0, 850.0
"""Hertz of the first and the last letter."""
_LETTER_SECONDS, _PAUSE_SECONDS = (0.08, 0.14), (0.08, 0.16)
_NOISE = 0.15
"""Deviation of the noise; tones have an amplitude of about ½."""

Floats = NDArray[np.float32]


def write_corpus(folder: Path, parts: dict[str, int], sample_rate: int, seed: int) -> None:
    """Write so many utterances into every part; speakers differ in pitch."""
    random = np.random.default_rng(seed)
    lexicon = _lexicon(random)
    pitches = np.exp(random.normal(0, 0.02, SPEAKERS))
    for part, count in parts.items():
        for speaker, pitch in enumerate(pitches.tolist(), 1):
            name = f"{speaker}-{speaker}00"
            chapter = folder / part / str(speaker) / f"{speaker}00"
            chapter.mkdir(parents=True)
            lines = []
            for number in range(speaker - 1, count, SPEAKERS):
                words = " ".join(random.choice(lexicon, random.integers(2, 5)))
                samples = spoken(words, pitch, sample_rate, random)
                soundfile.write(chapter / f"{name}-{number:04}.flac", samples, sample_rate, "PCM_16")
                lines.append(f"{name}-{number:04} {words}\n")
            (chapter / f"{name}.trans.txt").write_text("".join(lines), encoding="utf-8")


def spoken(words: str, pitch: float, sample_rate: int, random: np.random.Generator) -> Floats:
    """The words as tones with pauses between them, some letters longer than others, and noise."""
    parts = [_silence(sample_rate, random)]
    for symbol in words:
        if symbol == " ":
            parts.append(_silence(sample_rate, random))
        else:
            hertz = LOWEST * (HIGHEST / LOWEST) ** (LETTERS.index(symbol) / (len(LETTERS) - 1))
            parts.append(_tone(hertz * pitch * random.normal(1, 0.01), sample_rate, random))
    parts.append(_silence(sample_rate, random))
    samples = np.concatenate(parts)
    return np.clip(samples + random.normal(0, _NOISE, len(samples)), -1, 1).astype(np.float32)


def _tone(hertz: float, sample_rate: int, random: np.random.Generator) -> NDArray[np.float64]:
    times = np.arange(round(random.uniform(*_LETTER_SECONDS) * sample_rate)) / sample_rate
    swelling = np.sin(np.pi * np.linspace(0, 1, len(times))) ** 0.5
    wave = np.sin(2 * np.pi * hertz * times + random.uniform(0, 2 * np.pi))
    return np.asarray(random.uniform(0.3, 0.7) * swelling * wave)


def _silence(sample_rate: int, random: np.random.Generator) -> NDArray[np.float64]:
    return np.zeros(round(random.uniform(*_PAUSE_SECONDS) * sample_rate))


def _lexicon(random: np.random.Generator) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < WORDS:
        words.setdefault("".join(random.choice(list(LETTERS), random.integers(2, 6))))
    return list(words)
