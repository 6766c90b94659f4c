"""Statistics for MLPerf Training results. Importing it is cheap: what is heavy loads when used."""

from __future__ import annotations

__version__ = "0.1.0"
