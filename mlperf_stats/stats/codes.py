"""Warning codes of the statistics room. They are part of every answer and never change.

What each means and what to do about it is explained in the package's catalogue of codes.
"""

from __future__ import annotations

LEVEL_NOT_ATTAINED = "level-not-attained"
"""No interval of the method reaches the level; the widest is given with the level it attains."""

SINGLE_RUN = "single-run"
"""One run says nothing of the spread: the interval is unbounded."""

TIED_RUNS = "tied-runs"
"""Some values are equal: the law has atoms."""

ZERO_VARIANCE = "zero-variance"
"""All values are equal, to the resolution of clock or grid: the width of 0 proves nothing."""

BOOTSTRAP_FEW_RUNS = "bootstrap-few-runs"
"""Resampling so few runs understates the spread: means are covered less often than stated."""

BCA_DEGENERATE = "bca-degenerate"
"""Ties leave the jackknife without variance: BCa corrects for bias only."""

CENSORED_RUNS = "censored-runs"
"""Some runs did not converge; they enter as longer than they were let run."""

ALL_CENSORED = "all-censored"
"""No run converged: there is a lower bound and nothing else."""

MEDIAN_NOT_REACHED = "median-not-reached"
"""Fewer than half of the runs are known to converge: the median has no finite estimate."""

SPREAD_NOT_IDENTIFIED = "spread-not-identified"
"""All runs agree with one value: the fit cannot tell how much they vary."""

ONE_CONVERGENCE_POINT = "one-convergence-point"
"""All runs converged at the same evaluation, so their times hide most of the run-to-run variation."""

OUTLYING_THROUGHPUT = "outlying-throughput"
"""At a fixed convergence point the set's times vary far more than those of other sets."""

OUTLYING_CONVERGENCE = "outlying-convergence"
"""The set converges earlier or later than others that should share its law."""

CONVERGENCE_UNIT_DOUBTFUL = "convergence-unit-doubtful"
"""So much earlier or later that its log probably counts in another unit."""

CONVERGENCE_CONSTANT = "convergence-constant"
"""All runs log one convergence point while their times differ as much as convergence does: it is not it."""

CONVERGENCE_UNKNOWN = "convergence-unknown"
"""Some run has no convergence point: nothing can be borrowed for convergence."""

NO_PEERS = "no-peers"
"""No other set says anything of this one's convergence; the interval rests on own runs."""

FEW_PEERS = "few-peers"
"""At most one other set has the same batch size; the rest is inferred from other sizes and rounds."""

PEERS_LEFT_OUT = "peers-left-out"
"""Some other sets lend nothing, because their convergence cannot be compared."""

SCATTER_UNKNOWN = "scatter-unknown"
"""Two sizes and nothing to borrow from: how far machines lie off the law is not known."""

CRITICAL_SIZE_OPEN = "critical-size-open"
"""The sizes at hand do not show where work begins to grow with size; a limit of it is 0 or ∞."""
