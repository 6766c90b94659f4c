"""What the address of a page asks for, and what of it there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    Asked = Mapping[str, list[str]]

_LABELLED = ("columns",)
"""Choices that stand in the address by other words than in the session's state."""


def asked() -> Asked:
    """The values that the address asks for, by name."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def address() -> str:
    """Where this view is to be found again."""
    query = urlencode(asked(), doseq=True)
    return f"{st.context.url or ''}{'?' if query else ''}{query}"


def not_there(before: Asked) -> list[str]:
    """What the address asked for when the page began and no choice on it has, such as ``round 9.9``.

    Streamlit takes such values out of the address without a word.
    """
    found = []
    for name, values in before.items():
        kept, state = st.query_params.get_all(name), st.session_state.get(name)
        if name in _LABELLED or name not in st.session_state or isinstance(state, bool):
            continue
        lost = [value for value in values if value and value not in kept and not _chosen(value, state)]
        found += [f"{name.replace('-', ' ')} {value}" for value in lost]
    return found


def _chosen(value: str, state: Any) -> bool:
    if isinstance(state, float | int):
        return value.replace(".", "", 1).isdecimal() and float(value) == state
    return value in state if isinstance(state, list) else value == state
