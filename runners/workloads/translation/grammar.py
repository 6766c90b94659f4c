"""A made-up pair of languages, small enough to be learnt in seconds.

The target language has words of its own, puts adjectives after nouns and the verb last, and its
articles agree with the noun's gender: translating needs order, agreement and a lexicon.
"""

from __future__ import annotations

import numpy as np

Pair = tuple[str, str]

NOUNS, ADJECTIVES, VERBS, PREPOSITIONS = 40, 20, 20, 4
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class Grammar:
    """Draws sentences with their translations."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        words = _words(random, 2 * (NOUNS + ADJECTIVES + VERBS + PREPOSITIONS))
        self._nouns = [(words.pop(), words.pop(), int(random.integers(2))) for _ in range(NOUNS)]
        self._adjectives = [(words.pop(), words.pop()) for _ in range(ADJECTIVES)]
        self._verbs = [(words.pop(), words.pop()) for _ in range(VERBS)]
        self._prepositions = [(words.pop(), words.pop()) for _ in range(PREPOSITIONS)]

    def pairs(self, count: int) -> list[Pair]:
        """So many sentences, no source twice."""
        found: dict[str, str] = {}
        while len(found) < count:
            source, target = self._sentence()
            found.setdefault(source, target)
        return list(found.items())

    def _sentence(self) -> Pair:
        subject, subject_there = self._noun_phrase()
        verb, verb_there = self._one_of(self._verbs)
        thing, thing_there = self._noun_phrase()
        source, target = [subject, verb, thing], [subject_there, thing_there]
        if self._random.random() < 0.4:
            preposition, preposition_there = self._one_of(self._prepositions)
            place, place_there = self._noun_phrase()
            source += [preposition, place]
            target += [place_there, preposition_there]
        return " ".join(source), " ".join([*target, verb_there])

    def _noun_phrase(self) -> Pair:
        noun, noun_there, gender = self._nouns[self._random.integers(NOUNS)]
        chosen = [self._one_of(self._adjectives) for _ in range(self._random.integers(3))]
        article = ("ra", "ro")[gender]
        source = " ".join(["the", *(word for word, _ in chosen), noun])
        return source, " ".join([article, noun_there, *(word for _, word in chosen)])

    def _one_of(self, entries: list[Pair]) -> Pair:
        return entries[self._random.integers(len(entries))]


def _words(random: np.random.Generator, count: int) -> list[str]:
    """Different words of two or three syllables."""
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = (
            _CONSONANTS[random.integers(len(_CONSONANTS))] + _VOWELS[random.integers(len(_VOWELS))]
            for _ in range(random.integers(2, 4))
        )
        words.setdefault("".join(syllables))
    return list(words)
