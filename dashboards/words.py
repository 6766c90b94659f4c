"""Text from logs inside labels that Streamlit reads as Markdown."""

from __future__ import annotations

import string

from mlperf_stats.text.names import clean

_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in string.punctuation})
_LINKED = ("://", "www.", "@")
_JOINER = "\u2060"
"""Word joiner: has no width, and ends what would be read as an address."""


def plain(text: object) -> str:
    """``text`` so that Markdown shows it letter by letter, on one line, without links, images or maths.

    Headings, captions, labels and messages take Markdown; tables, ``st.text`` and options of a select box
    do not and need none of this.
    """
    shown = clean(str(text))
    for sign in _LINKED:
        shown = shown.replace(sign, f"{sign[0]}{_JOINER}{sign[1:]}" if len(sign) > 1 else sign + _JOINER)
    return shown.translate(_SIGNS)
