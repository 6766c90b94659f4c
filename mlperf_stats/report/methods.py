"""What the names of methods mean, a sentence each."""

from __future__ import annotations

METHODS = {
    "order-statistics": (
        "The interval lies between two of the ordered times and is exact for any law. Few runs attain less "
        "than the level asked for; the column Level says what they attain."
    ),
    "censored-order-statistics": (
        "The same, with runs that missed the target counted as slower than all others."
    ),
    "t-log": "Student's t of the logarithms of the times.",
    "lognormal-pivot": (
        "Student's t of the logarithms of the times, moved to the mean the score takes: fewer than 20 runs."
    ),
    "l-statistic": (
        "The unbiased estimate of the score and its own error, whatever the law: 20 runs or more."
    ),
    "tied-convergence": (
        "All runs converged at one evaluation; what one evaluation more or less would change is allowed for."
    ),
    "controlled": (
        "Convergence is shared with results of the same benchmark and batch size, speed is the result's own; "
        "the own share says how much of the information is the result's."
    ),
    "moderated-t-log": (
        "Student's t of the logarithms with the spread of other results: convergence points are not known."
    ),
}
"""Name of the method → sentence, in the order of a report."""
