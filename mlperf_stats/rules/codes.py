"""Warning codes of the rules room and what each means to the reader of a result.

``invalid-…`` and ``unknown-…`` say why there is no score; the others stand beside a score.
"""

from __future__ import annotations

EXTRA_RUNS = "extra-runs"
INVALID_NONCONVERGED = "invalid-nonconverged"
INVALID_TOO_FEW_RUNS = "invalid-too-few-runs"
LAUNCH_ORDER_UNKNOWN = "launch-order-unknown"
NONCONVERGED_DROPPED = "nonconverged-dropped"
RUN_WITHOUT_TIME = "run-without-time"
TOO_FEW_RUNS = "too-few-runs"
UNKNOWN_ABSENT_RUNS = "unknown-absent-runs"

MEANINGS: dict[str, str] = {
    EXTRA_RUNS: (
        "More run files were filed than the benchmark asks for. The score uses all of them, as the "
        "official tool does; the rules want N chosen by the window rule (rules.selection)."
    ),
    INVALID_NONCONVERGED: (
        "More runs missed the quality target than the rules forgive (one; four for unet3d), so there is "
        "no score. Repeat the whole set of runs."
    ),
    INVALID_TOO_FEW_RUNS: (
        "After dropping the fastest and the slowest runs none is left, so there is no score. "
        "Measure more runs."
    ),
    LAUNCH_ORDER_UNKNOWN: (
        "The rule depends on the order of launch and some runs have no start time; the order of the "
        "files was used instead."
    ),
    NONCONVERGED_DROPPED: (
        "At least one run missed the quality target and was dropped as the slowest, which the rules allow."
    ),
    RUN_WITHOUT_TIME: (
        "A run says that it converged but has no usable time to train; it was counted as non-converged."
    ),
    TOO_FEW_RUNS: (
        "Fewer runs were filed than the benchmark asks for. The score is computed from what is there; "
        "as a new submission it would be refused."
    ),
    UNKNOWN_ABSENT_RUNS: (
        "Some run files were published but are not at hand, so the score cannot be recomputed. "
        "That says nothing about the result's validity."
    ),
}
