"""Columns of plans: how many runs are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_dashboards.parts.columns import ColumnText

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH_COLUMNS: Mapping[str, ColumnText] = {
    "estimand": ColumnText("Interval for", "What is estimated."),
    "half_width": ColumnText("Half-width", "As asked for.", "percent"),
    "assurance": ColumnText("Assurance", "Probability that it turns out so narrow.", "percent"),
    "runs": ColumnText("Runs needed", "The fewest; empty where hundreds do not suffice.", "whole"),
    "official_runs": ColumnText("Official runs", "That the rules ask for.", "whole"),
    "official_half_width": ColumnText("Their half-width", "Of the official number.", "percent"),
}
DETECT_COLUMNS: Mapping[str, ColumnText] = {
    "basis": ColumnText("Compared", "Raw times, or times per unit of training."),
    "test": ColumnText("Test", "By which the difference is to be shown."),
    "difference": ColumnText("Difference", "True difference of the times.", "percent"),
    "margin": ColumnText("Margin", "Within which equality is to be shown.", "percent"),
    "power": ColumnText("Power", "Probability of showing it.", "percent"),
    "spread": ColumnText("Spread", "Standard deviation of one run, of the typical result.", "percent"),
    "spread_high": ColumnText("one in ten", "The same of the noisiest in ten, which decide.", "percent"),
    "runs_per_system": ColumnText("Runs per system", "The fewest of each of the two.", "whole"),
    "official_runs": ColumnText("Official runs", "That the rules ask for.", "whole"),
    "official_power": ColumnText("Their power", "Of the official number.", "percent"),
}
VALID_COLUMNS: Mapping[str, ColumnText] = {
    "runs": ColumnText("Runs", "That are filed.", "whole"),
    "forgiven": ColumnText("Forgiven", "That may miss the target.", "whole"),
    "failure_rate": ColumnText("A run fails", "Probability.", "percent"),
    "invalid": ColumnText("Invalid", "Probability of an invalid result.", "percent"),
    "invalid_low": ColumnText("from", "At the lower end of the failure rate.", "percent"),
    "invalid_high": ColumnText("to", "At its upper end.", "percent"),
    "invalid_predicted": ColumnText("Predicted", "With the rate's uncertainty averaged over.", "percent"),
    "launches": ColumnText("Launches", "For a result that is valid with 95 %.", "whole"),
    "launches_high": ColumnText("at most", "At the upper end of the failure rate.", "whole"),
}
COST_COLUMNS: Mapping[str, ColumnText] = {
    "runs": ColumnText("Runs", "Of the result.", "whole"),
    "launches": ColumnText("Launches", "So that it is valid with 95 %.", "whole"),
    "valid": ColumnText("Valid", "Probability.", "percent"),
    "narrow": ColumnText("Narrow", "Probability of a half-width as wanted.", "percent"),
    "half_width": ColumnText("Half-width", "With the assurance asked for.", "percent"),
    "hours": ColumnText("Hours", "Of all launches, one after the other.", "number"),
    "accelerator_hours": ColumnText("Accelerator hours", "Of all launches.", "number"),
    "money": ColumnText("Money", "At the price that was given.", "number"),
    "enough": ColumnText("Enough", "Valid and narrow with the probabilities asked for."),
}
AUDIT_COLUMNS: Mapping[str, ColumnText] = {
    "benchmark": ColumnText("Benchmark", "Of the closed division."),
    "rounds": ColumnText("Rounds", "With the same workload.", "codes"),
    "sets": ColumnText("Results", "With three converged runs or more.", "whole"),
    "official_runs": ColumnText("Official runs", "That the rules ask for.", "whole"),
    "standard_deviation": ColumnText("One run ±", "Within the typical result.", "percent"),
    "half_width_typical": ColumnText("Half-width", "Of the typical result.", "percent"),
    "half_width_assured": ColumnText("assured", "That four of five results keep.", "percent"),
    "rule": ColumnText("Rule of thumb", "As published.", "percent"),
    "sets_within_rule": ColumnText("Within", "Share of results whose own interval keeps it.", "percent"),
    "runs_for_2_5_percent": ColumnText("±2.5 % takes", "Runs.", "whole"),
    "runs_for_5_percent": ColumnText("±5 % takes", "Runs.", "whole"),
}
CURVE_COLUMNS: Mapping[str, ColumnText] = {
    "runs": ColumnText("Runs", "Number of runs.", "whole"),
    "expected_score": ColumnText("Expected score", "Half-width.", "percent"),
    "geometric_mean": ColumnText("Geometric mean", "Half-width.", "percent"),
    "median": ColumnText("Median", "Half-width; empty where so few runs have no interval.", "percent"),
    "controlled": ColumnText("Controlled", "Half-width, borrowing from other results.", "percent"),
}
