"""What deserves a look? — evidence that only shows beside other runs, other results, or the clock.

Three questions are put as tests, with one family-wise error over all of them: do runs drift over the order
of launch, does a result converge faster than its peers differ among themselves, and faster than the
reference. Everything else is evidence to look at, without a claim of significance.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from mlperf_stats.analysis.check_findings import Finding, Severity, Suspicion
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.spread import log_minutes, log_rates
from mlperf_stats.errors import InputError, NoReferenceError, RoundUnknownError, UnknownBenchmarkError
from mlperf_stats.rules.suite import ConvergenceRule

_FEWEST_PEERS = 4
_DRIFT_MATTERS = 0.01
"""A drift below this between the halves of a set moves its mean by less than half a percent."""
_SLOWER = "a machine that heats up or fills up"
_FASTER = "caches that fill, clocks that rise or other users who leave"
_SLOW_FACTOR = 1.02
"""A run this much slower per unit of convergence than its set's median is named …"""
_SLOW_DEVIATIONS = 8.0
"""… if it is also that many robust deviations off."""
_LATE_MS = 1_000.0
"""Evaluations stamped later than this after run_stop, which stands behind them in the log."""
_ROOM = 0.9
"""A pause this long, in typical run times, had room for a run …"""
_TIGHT = 0.2
"""… if other pauses take at most this much."""
_REGULAR = 1e-3
"""Chance, under the peers' frequencies, below which equal convergence of all runs is named."""


def suspicions(sets: Sequence[RunSet]) -> Iterator[Suspicion]:
    """One test per question and result where it can be put."""
    cells = _cells(sets)
    for entry in sets:
        yield from _drift(entry)
        yield from _faster_than_peers(entry, cells)
        yield from _faster_than_reference(entry)


def _cells(sets: Sequence[RunSet]) -> Mapping[object, list[RunSet]]:
    cells: dict[object, list[RunSet]] = {}
    for entry in sets:
        if entry.cell is not None and entry.points:
            cells.setdefault(entry.cell, []).append(entry)
    return cells


def _peers(entry: RunSet, cells: Mapping[object, list[RunSet]]) -> list[RunSet]:
    """Other results of the cell that share no run with this one."""
    own = {run.identity for run in entry.present}
    return [
        other
        for other in cells.get(entry.cell, [])
        if other is not entry and own.isdisjoint(run.identity for run in other.present)
    ]


def _drift(entry: RunSet) -> Iterator[Suspicion]:
    from mlperf_stats.stats.screening import trend_p_value

    rates = log_rates(entry)
    what = "time per unit of convergence" if rates else "time to train"
    rates = rates or log_minutes(entry)
    started = [run.start_ms for run in entry.converged]
    if len(rates) < 5 or len(set(started)) < len(rates) or None in started:
        return
    ordered = [rate for _, rate in sorted(zip(started, rates, strict=True), key=lambda pair: pair[0] or 0.0)]
    half = len(ordered) // 2
    change = math.expm1(statistics.fmean(ordered[-half:]) - statistics.fmean(ordered[:half]))
    rises = change > 0
    yield Suspicion(
        entry.result.result_id,
        "drift",
        f"{what} {'rises' if rises else 'falls'} over the order of launch: the later half is "
        f"{abs(change):.2%} {'slower' if rises else 'faster'}",
        f"Look for {_SLOWER if rises else _FASTER}; runs are not repetitions of one experiment.",
        trend_p_value(ordered),
        abs(change),
        abs(change) >= _DRIFT_MATTERS,
    )


def _faster_than_peers(entry: RunSet, cells: Mapping[object, list[RunSet]]) -> Iterator[Suspicion]:
    from mlperf_stats.stats.screening import low_among_peers_p_value

    peers = _peers(entry, cells)
    if entry.cell is None or not entry.points or len(peers) < _FEWEST_PEERS:
        return
    ratio = math.exp(_mean_log(entry.points) - statistics.median(_mean_log(p.points) for p in peers)) - 1
    yield Suspicion(
        entry.result.result_id,
        "converges-faster-than-peers",
        f"converges {ratio:+.1%} against the median of {len(peers)} other results at batch size {entry.gbs}",
        "Compare hyperparameters, data order and the unit in which the logs count.",
        low_among_peers_p_value(entry.points, [peer.points for peer in peers]),
    )


def _mean_log(points: Sequence[float]) -> float:
    return statistics.fmean(math.log(point) for point in points)


def _faster_than_reference(entry: RunSet) -> Iterator[Suspicion]:
    from mlperf_stats.analysis.rcp import convergence_points
    from mlperf_stats.rules.rcp import exact_p_value
    from mlperf_stats.rules.rcp_data import reference_set

    if entry.result.division == "open" or not entry.present:
        return
    try:
        references = reference_set(entry.result.round, entry.result.benchmark)
        points, gbs = convergence_points(entry.present, references)
        p_value = exact_p_value(points, gbs, references)
    except (NoReferenceError, RoundUnknownError, UnknownBenchmarkError, InputError):
        # Nothing to compare with; what is wrong with the runs themselves is found by the rules.
        return
    if p_value is not None:
        yield Suspicion(
            entry.result.result_id,
            "converges-faster-than-reference",
            f"converges faster than the reference at batch size {gbs} (exact rank test)",
            "Ask for reference points of the same hyperparameters.",
            p_value,
        )


def looks(sets: Sequence[RunSet], late_evaluations: Mapping[str, float]) -> Iterator[Finding]:
    """Evidence without a claim.

    ``late_evaluations``: by path of run, from :func:`mlperf_stats.store.queries.late_evaluations`.
    """
    cells = _cells(sets)
    for entry in sets:
        yield from _slow_runs(entry)
        yield from _one_point(entry, cells)
        yield from _overlaps(entry)
        yield from _pauses(entry)
        yield from _clocks(entry, late_evaluations)


def _slow_runs(entry: RunSet) -> Iterator[Finding]:
    rates = log_rates(entry)
    if len(rates) < 4:
        return
    middle = statistics.median(rates)
    scale = 1.4826 * statistics.median(abs(rate - middle) for rate in rates)
    for run, rate in zip(entry.converged, rates, strict=True):
        if rate - middle > max(math.log(_SLOW_FACTOR), _SLOW_DEVIATIONS * scale):
            yield Finding(
                entry.result.result_id, Severity.LOOK, "slow-run",
                f"{_name(run.path)} took {math.expm1(rate - middle):+.1%} per unit of convergence against "
                "the median of its set",
                "Look for contention, a restart or a checkpoint in this run.",
                size=rate - middle,
            )  # fmt: skip


def _one_point(entry: RunSet, cells: Mapping[object, list[RunSet]]) -> Iterator[Finding]:
    """All runs at one convergence point, where peers' runs are spread over many."""
    peers = _peers(entry, cells)
    if len(entry.points) < 5 or len(set(entry.points)) > 1 or len(peers) < _FEWEST_PEERS:
        return
    known = Counter(point for peer in peers for point in peer.points)
    total = known.total() + 1
    chance = math.fsum((number / total) ** len(entry.points) for number in known.values())
    if chance < _REGULAR:
        yield Finding(
            entry.result.result_id, Severity.LOOK, "regular-convergence",
            f"all {len(entry.points)} runs converge at {entry.points[0]:.7g}; runs of {len(peers)} peers "
            f"take {len(known)} points, which makes that a chance of {chance:.1g}",
            "See whether the logs hold planned or real progress.",
            size=-math.log(chance),
        )  # fmt: skip


def _timeline(entry: RunSet) -> list[tuple[float, float]]:
    """(start, stop) of runs with both marks, by start."""
    return sorted(
        (run.start_ms, run.stop_ms)
        for run in entry.present
        if run.start_ms is not None and run.stop_ms is not None and run.stop_ms > run.start_ms
    )


def _overlaps(entry: RunSet) -> Iterator[Finding]:
    times = _timeline(entry)
    latest, number = -math.inf, 0
    for start, stop in times:
        number += start < latest
        latest = max(latest, stop)
    if number:
        yield Finding(
            entry.result.result_id, Severity.NOTE, "overlapping-runs",
            f"{number} of {len(times)} runs started before an earlier one stopped",
            "Fine on separate machines; on one machine they contend.",
        )  # fmt: skip


def _pauses(entry: RunSet) -> Iterator[Finding]:
    """Pauses that had room for runs nobody filed, in a set that otherwise ran back to back."""
    times = _timeline(entry)
    if len(times) < 4:
        return
    pauses = [after[0] - before[1] for before, after in pairwise(times)]
    typical = statistics.median(stop - start for start, stop in times)
    long = [pause for pause in pauses if pause > _ROOM * typical]
    short = [pause for pause in pauses if 0 <= pause <= _TIGHT * typical]
    if long and len(short) >= 2 and len(long) + len(short) == len(pauses):
        room = sum(math.floor(pause / typical + 1 - _ROOM) for pause in long)
        yield Finding(
            entry.result.result_id, Severity.LOOK, "launch-gap",
            f"runs follow each other closely except for {len(long)} pauses with room for {room} more runs",
            "Ask for all launches: of more than N, the rules take the window with the median score.",
            size=room,
        )  # fmt: skip


def _clocks(entry: RunSet, late: Mapping[str, float]) -> Iterator[Finding]:
    if entry.rules.convergence is ConvergenceRule.FIRST_PASSING:
        return  # evaluation is off the clock there
    found = {run.path: late[run.path] for run in entry.present if late.get(run.path, 0.0) > _LATE_MS}
    if found:
        path, worst = max(found.items(), key=lambda item: item[1])
        yield Finding(
            entry.result.result_id, Severity.LOOK, "clocks-disagree",
            f"{len(found)} of {len(entry.present)} runs log evaluations before run_stop that are stamped "
            f"after it, by up to {worst / 1000:.3g} s ({_name(path)})",
            "The clocks of the processes differ: times to train may be off by as much.",
            size=worst,
        )  # fmt: skip


def shared_runs(
    identical: Iterable[Sequence[tuple[str, str]]],
    edited: Iterable[Sequence[tuple[str, str]]],
    checked: Collection[str],
) -> Iterator[Finding]:
    """Runs that several results hold, one finding per pair of results, one of them ``checked``.

    ``identical`` and ``edited``: places (result id, path) of one run, by content or by its marks.
    """
    advice = "Logs filed twice are one experiment, and one of the systems is not the one that ran it."
    for code, groups, what in (
        ("duplicate-runs", identical, "are byte-identical to those of"),
        ("same-run-edited", edited, "start and stop at the same millisecond, with other content, as in"),
    ):
        for (one, other), number in _pairs(groups, checked).items():
            if one == other:
                yield Finding(
                    one, Severity.LOOK, code,
                    f"{number} pairs of its run files start and stop at the same millisecond",
                    "One run seems to be filed twice, with changes.",
                    size=number,
                )  # fmt: skip
                continue
            same = one.split("/")[1] == other.split("/")[1]
            whose = "the same submitter" if same else "another submitter"
            sentence = f"{number} run files {what} {other}, of {whose}"
            # Another submitter's logs come before one's own.
            yield Finding(one, Severity.LOOK, code, sentence, advice, size=number + (0 if same else 1e6))


def _pairs(groups: Iterable[Sequence[tuple[str, str]]], checked: Collection[str]) -> Counter[tuple[str, str]]:
    """How many runs each pair of results shares; a result is paired with itself if only it holds a run."""
    pairs: Counter[tuple[str, str]] = Counter()
    for places in groups:
        holders = sorted({result_id for result_id, _ in places}, key=lambda name: (name not in checked, name))
        if len(holders) == 1:
            pairs.update((name, name) for name in holders if name in checked)
        pairs.update(
            (one, other) for i, one in enumerate(holders) if one in checked for other in holders[i + 1 :]
        )
    return pairs


def _name(path: str) -> str:
    return path.rpartition("/")[2]
