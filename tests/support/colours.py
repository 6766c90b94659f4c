"""Colours in numbers: luminance and contrast as WCAG 2.2 defines them."""

from __future__ import annotations


def dot(row: tuple[float, ...], values: tuple[float, ...]) -> float:
    return sum(one * other for one, other in zip(row, values, strict=True))


def linear(colour: str) -> tuple[float, float, float]:
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return red, green, blue


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    return dot((0.2126, 0.7152, 0.0722), linear(colour))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
