"""Warnings below and inside tables."""

from mlperf_stats.text.warnings import FOOTNOTE_ONLY, codes_of, warning_cell, warning_notes

__all__ = ["FOOTNOTE_ONLY", "codes_of", "warning_cell", "warning_notes"]
