"""Stopping rules on made-up times: what they see, when they stop, what they foretell."""

from __future__ import annotations

import io
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mlperf_runners.campaign.folder import Attempt, RunResult
from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant
from mlperf_runners.dispatch.dispatcher import Finished
from mlperf_runners.dispatch.progress import Progress
from mlperf_runners.dispatch.stopping import Verdict, stopping_rule
from mlperf_stats.stats.sequential import Anytime, Comparison, SequentialRule, Width

RESULT = RunResult("converged", 1, 1.0, 0.7, 2.0, 100, 60.0, 60.0, 0.0, False)


def plan(stopping: Stopping, *variants: str) -> Plan:
    labels = variants or ("",)
    return Plan(
        "c", "ncf", "mini", tuple(Variant(label, {}) for label in labels), stopping, Launch(), "box", {}
    )


def results(minutes: list[float]) -> list[RunResult]:
    """Infinite minutes: a run that missed the target."""
    return [
        msgspec.structs.replace(
            RESULT,
            minutes=time if math.isfinite(time) else 9.0,
            status="converged" if math.isfinite(time) else "not_converged",
        )
        for time in minutes
    ]


def judged(rule_plan: Plan, minutes: list[float]) -> list[Verdict]:
    """Verdicts after 0, 1, 2, … runs, up to the one that stops."""
    rule = stopping_rule(rule_plan)
    verdicts = []
    for count in range(len(minutes) + 1):
        verdicts.append(rule.judge(results(minutes[:count])))
        if verdicts[-1].enough:
            break
    return verdicts


TIMES = np.exp(np.random.default_rng(3).normal(0, 0.1, 60)).tolist()


def test_a_fixed_number_of_runs() -> None:
    verdicts = judged(plan(Stopping("fixed", 3)), [3.0, 1.0, math.inf])
    assert [verdict.runs_left for verdict in verdicts] == [3, 2, 1, 0]
    assert [verdict.enough for verdict in verdicts] == [False, False, False, True]
    interval = verdicts[-1].interval
    assert interval is not None
    assert (interval.estimate, interval.estimand) == (3.0, "median")


def test_the_width_rule_is_that_of_the_statistics_room() -> None:
    verdicts = judged(plan(Stopping("width", 60, half_width=0.08)), TIMES)
    rule = SequentialRule(Width(0.08), Anytime(20, last_run=60), maximum=60)
    decisions = [rule.update(time) for time in TIMES[: len(verdicts) - 1]]
    assert [verdict.interval for verdict in verdicts[1:]] == [decision.interval for decision in decisions]
    assert [decision.stop for decision in decisions] == [False] * (len(decisions) - 1) + [True]
    assert 5 < len(decisions) < 60


def test_what_is_left_is_foretold_exactly_where_runs_repeat_themselves() -> None:
    verdicts = judged(plan(Stopping("width", 60, half_width=0.1)), [1.0, 1.2, 0.9, 1.1] * 15)
    needed = len(verdicts) - 1
    assert 8 < needed < 60
    assert [verdict.runs_left for verdict in verdicts[:3]] == [None, None, None]
    assert [verdict.runs_left for verdict in verdicts[4::4]] == list(range(needed - 4, -1, -4))[: needed // 4]


def test_resuming_judges_all_at_once_as_one_by_one() -> None:
    wish = plan(Stopping("width", 60, half_width=0.08))
    one_by_one = judged(wish, TIMES)
    at_once = stopping_rule(wish).judge(results(TIMES[: len(one_by_one) - 1]))
    assert at_once == one_by_one[-1]
    # Runs that finished after the deciding one change nothing.
    later = stopping_rule(wish).judge(results(TIMES[: len(one_by_one) + 3]))
    assert later == one_by_one[-1]


def test_variants_are_told_apart_by_their_turn() -> None:
    """A B B A: the second variant takes half as long again."""
    wish = plan(Stopping("comparison", 40), "base", "slow")
    minutes = [time * (1.5 if wish.variant_of(index) else 1.0) for index, time in enumerate(TIMES)]
    verdicts = judged(wish, minutes)
    assert verdicts[-1].enough
    assert "base is faster: the ratio lies" in verdicts[-1].reason
    interval = verdicts[-1].interval
    assert interval is not None
    assert interval.low < 1 / 1.5 < interval.high < 1
    rule = SequentialRule(Comparison(), Anytime(20, last_run=40), maximum=40)
    for index, time in enumerate(minutes[: len(verdicts) - 1]):
        decision = rule.update(time, variant="ab"[wish.variant_of(index)])  # type: ignore[arg-type]
    assert decision.interval == interval


def test_the_end_says_what_the_interval_of_a_comparison_is() -> None:
    wish = plan(Stopping("comparison", 40), "base", "slow")
    minutes = [time * (1.5 if wish.variant_of(index) else 1.0) for index, time in enumerate(TIMES)]
    lines = Finished(results(minutes), judged(wish, minutes)[-1]).lines()
    assert lines[1].startswith("Ratio of geometric means 0.")
    assert "of pairs of runs" in lines[2]
    assert "'mlperf-stats compare' gives another" in lines[2]
    of_one = Finished(results(TIMES), judged(plan(Stopping("width", 60, half_width=0.08)), TIMES)[-1]).lines()
    assert of_one[1].startswith("Geometric mean ")
    assert len(of_one) == 2


def test_names_of_variants_are_printed_as_they_are() -> None:
    wish = plan(Stopping("comparison", 40), "variant b tuned", "variant a as it was")
    minutes = [time * (1.5 if wish.variant_of(index) else 1.0) for index, time in enumerate(TIMES)]
    assert judged(wish, minutes)[-1].reason.startswith("variant b tuned is faster: the ratio lies")


def test_a_rule_ends_at_the_largest_number_of_runs() -> None:
    verdicts = judged(plan(Stopping("width", 5, half_width=0.001)), TIMES)
    assert len(verdicts) - 1 == 5
    assert "largest number" in verdicts[-1].reason


def test_runs_that_miss_leave_the_median_bounded() -> None:
    minutes = [time if number % 10 else math.inf for number, time in enumerate(TIMES, 1)]
    mean = judged(plan(Stopping("width", 60, half_width=0.2)), minutes)
    median = judged(plan(Stopping("width", 60, half_width=0.2, estimand="median")), minutes)
    assert "largest number" in mean[-1].reason or len(mean) < 11
    assert "half-width" in median[-1].reason


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_terminal_shows_runs_quality_interval_and_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = Terminal()
    progress = Progress("HR@10", lambda index: 0.7, out)
    attempt = Attempt(4, 1, tmp_path)
    evaluation = '{"namespace": "", "time_ms": 2, "event_type": "POINT_IN_TIME", "key": "eval_accuracy", '
    attempt.log.write_text(f':::MLLOG {evaluation}"value": 0.6543, "metadata": {{"epoch_num": 1}}}}\n')
    verdict = judged(plan(Stopping("fixed", 8)), [3.0, 1.0, 2.0, 2.5])[4]
    progress.show(results([1.0] * 4), verdict, [attempt, Attempt(5, 1, tmp_path / "none")])
    line = out.getvalue().rpartition("\x1b[K")[2]
    assert line == (
        "4 of 8 runs · minutes 2.25 (1 – 3) · run 4 HR@10 0.6543 of 0.7 · run 5 starts · about 4 more"
    )


def test_a_pipe_gets_one_line_per_run_and_no_escapes() -> None:
    out = io.StringIO()
    progress = Progress("HR@10", lambda index: 0.7, out)
    progress.show([], Verdict(False, "x"), [])
    progress.finished(Attempt(0, 1, Path()), msgspec.structs.replace(RESULT, contended=True))
    progress.died(Attempt(1, 2, Path()), "died (SIGKILL)", "bad \x1b[31m words")
    lines = out.getvalue().splitlines()
    assert lines[0].startswith(
        "run 0: converged, HR@10 0.7000 after 2 epochs, 1.000 min; the machine was busy"
    )
    assert lines[1] == "run 1, attempt 2: died (SIGKILL): bad \\x1b[31m words"
