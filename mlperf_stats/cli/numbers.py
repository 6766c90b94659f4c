"""Figures as people read them."""

from mlperf_stats.text.numbers import SIGNIFICANT_DIGITS, count, interval, minutes, percent, progress

__all__ = ["SIGNIFICANT_DIGITS", "count", "interval", "minutes", "percent", "progress"]
