"""Warning codes that scores carry; the catalogue of explanations says what each means to a reader.

``invalid-…`` and ``unknown-…`` say why there is no score; the others stand beside a score.
"""

from __future__ import annotations

EXTRA_RUNS = "extra-runs"
"""More runs were filed than N; the score uses all of them, as the official tool does."""

INVALID_NONCONVERGED = "invalid-nonconverged"
"""More runs missed the target than the rules forgive."""

INVALID_TOO_FEW_RUNS = "invalid-too-few-runs"
"""Nothing is left after dropping, or fewer than 50 ncf runs were started."""

LAUNCH_ORDER_UNKNOWN = "launch-order-unknown"
"""The rule needs the order of launch and some start times are missing; the order given was used."""

NONCONVERGED_DROPPED = "nonconverged-dropped"
"""Runs that missed the target were dropped as the slowest, as the rules allow."""

RUN_WITHOUT_TIME = "run-without-time"
"""A run says that it converged and has no usable time; it was counted as non-converged."""

TOO_FEW_RUNS = "too-few-runs"
"""Fewer runs were filed than N; the score uses those, as the official tool does."""

UNKNOWN_ABSENT_RUNS = "unknown-absent-runs"
"""Run files were published but are not at hand, so the score cannot be recomputed."""
