"""Printed text as sentences, however it was wrapped."""

from __future__ import annotations


def unwrapped(text: str) -> str:
    """``text`` with every run of blanks and line breaks as one blank."""
    return " ".join(text.split())
