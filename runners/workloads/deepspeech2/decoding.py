"""From the probabilities of symbols in every frame to a text.

An alignment gives every frame a symbol or the blank; the text is what is left when repeats are merged and
blanks taken out. Source: Graves et al., Connectionist Temporal Classification, ICML 2006; the beam search
over prefixes is that of Hannun et al., First-Pass Large Vocabulary Continuous Speech Recognition, 2014,
without a language model.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from mlperf_runners.workloads.deepspeech2.symbols import BLANK

NEGLIGIBLE = -25.0
"""Symbols with a lower log-probability in a frame are not tried there."""
_NEVER = -math.inf
Text = tuple[int, ...]


def best_path(log_probabilities: NDArray[np.float32]) -> Text:
    """The text of the likeliest alignment; ``log_probabilities``: shape (frames, symbols)."""
    symbols = log_probabilities.argmax(1).tolist()
    return tuple(symbol for symbol, _ in groupby(symbols) if symbol != BLANK)


def beam_search(log_probabilities: NDArray[np.float32], beams: int) -> Text:
    """The likeliest text over all its alignments, following the ``beams`` likeliest prefixes.

    ``log_probabilities``: shape (frames, symbols).
    """
    # Of every prefix the log-probability of alignments that end with a blank, and of the others.
    likely: dict[Text, tuple[float, float]] = {(): (0.0, _NEVER)}
    for frame in log_probabilities.tolist():
        tried = [
            (symbol, value) for symbol, value in enumerate(frame) if value > NEGLIGIBLE and symbol != BLANK
        ]
        after: defaultdict[Text, list[float]] = defaultdict(lambda: [_NEVER, _NEVER])
        for prefix, (blank, symbol_last) in likely.items():
            either = _sum(blank, symbol_last)
            same = after[prefix]
            same[0] = _sum(same[0], either + frame[BLANK])
            last = prefix[-1] if prefix else BLANK
            for symbol, value in tried:
                longer = after[(*prefix, symbol)]
                if symbol == last:
                    same[1] = _sum(same[1], symbol_last + value)
                    longer[1] = _sum(longer[1], blank + value)
                else:
                    longer[1] = _sum(longer[1], either + value)
        best = sorted(after, key=lambda prefix: -_sum(*after[prefix]))[:beams]
        likely = {prefix: (after[prefix][0], after[prefix][1]) for prefix in best}
    return max(likely, key=lambda prefix: _sum(*likely[prefix]))


def _sum(one: float, other: float) -> float:
    """Logarithm of the sum of two numbers whose logarithms are given."""
    high, low = (one, other) if one > other else (other, one)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))
