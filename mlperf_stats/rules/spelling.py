"""Divisions and availability categories as people spell them, reduced to the rules' vocabulary.

Published system descriptions write ``close`` and ``Closed``; ``onprem``, ``on-premise``, ``Cloud`` or
``Available on-premise``; ``RDI`` or ``research``. Whoever calls keeps what was filed.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"[a-z]+")
_NEGATIONS = frozenset({"not", "no", "non", "un"})
_CLOSED = frozenset({"closed", "close"})
_OPEN = frozenset({"open"})
_PREVIEW = frozenset({"preview"})
_RESEARCH = frozenset({"research", "rdi", "rdo", "internal", "development"})
_AVAILABLE = frozenset(
    {"available", "cloud", "onprem", "onpremise", "onpremises", "prem", "premise", "premises"}
)


def normalise_division(text: str) -> str:
    """``closed``, ``open``, or empty when the text does not say."""
    words = _words(text)
    closed, opened = bool(words & _CLOSED), bool(words & _OPEN)
    if closed == opened:
        return ""
    return "closed" if closed else "open"


def normalise_availability(text: str) -> str:
    """``available``, ``preview``, ``research``, or empty when the text does not say.

    Cloud and on-premise are kinds of available, unless the text calls the system a preview or research.
    """
    words = _words(text)
    for category, spellings in (("preview", _PREVIEW), ("research", _RESEARCH), ("available", _AVAILABLE)):
        if words & spellings:
            return category
    return ""


def _words(text: str) -> frozenset[str]:
    """The words of a text in lower case; none if it negates something."""
    words = frozenset(_WORDS.findall(text.lower()))
    return frozenset() if words & _NEGATIONS else words
