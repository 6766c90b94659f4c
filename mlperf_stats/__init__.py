"""Statistics for MLPerf Training results. Importing it is cheap: what is heavy loads when used.

import mlperf_stats as ms

table = ms.published().filter(round="5.0", benchmark="bert")
table.to_frame()[["result_id", "score_minutes", "median_low", "median_high"]]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlperf_stats.api import (
        check,
        combine,
        compare,
        history,
        plan_audit,
        plan_cost,
        plan_detect,
        plan_valid,
        plan_width,
        profile,
        published,
        rcp,
        results,
        scale,
        scale_curve,
        scale_differences,
        scale_parts,
        show,
        spread,
    )

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "check",
    "combine",
    "compare",
    "history",
    "plan_audit",
    "plan_cost",
    "plan_detect",
    "plan_valid",
    "plan_width",
    "profile",
    "published",
    "rcp",
    "results",
    "scale",
    "scale_curve",
    "scale_differences",
    "scale_parts",
    "show",
    "spread",
]

# The package of the snapshot shares its name with the function. Importing it binds that name here,
# once: after this it cannot happen at a later time and hide the function.
import_module("mlperf_stats.published")
del globals()["published"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("mlperf_stats.api"), name)
    raise AttributeError(f"module 'mlperf_stats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
