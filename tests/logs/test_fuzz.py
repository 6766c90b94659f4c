"""Damaged logs and descriptions: no exception escapes, no run is lost. ``make fuzz`` tries more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fuzzing import Corpus, Fuzzer, made_up_corpus, published_corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from madeup_logs import log, run_lines

from mlperf_stats.logs.layout import Layout
from mlperf_stats.logs.runs import read_run
from mlperf_stats.logs.systems import read_system

SHARES = 4
"""The cases are shared out over so many tests, which run in parallel."""


@pytest.fixture(scope="module")
def corpus(packs: Callable[[str], Path]) -> Corpus:
    return made_up_corpus() + published_corpus((packs(name) for name in ("0.5", "0.6", "4.0")), per_round=6)


@pytest.mark.parametrize("share", range(SHARES))
def test_damaged_published_logs(share: int, corpus: Corpus) -> None:
    fuzzer = Fuzzer(corpus, seed=1)
    fuzzer.run(range(share, 20_000, SHARES))
    assert fuzzer.outcomes.total() == 20_000 // SHARES
    # The damage is neither so light nor so heavy that only one path through the reader is tried.
    assert {"run: converged", "run: incomplete", "run: unreadable", "file: whole"} <= set(fuzzer.outcomes)


def test_damaged_made_up_logs() -> None:
    fuzzer = Fuzzer(made_up_corpus(), seed=2)
    fuzzer.run(range(2_000))
    assert fuzzer.outcomes.total() == 2_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(value=json_values, metadata=json_values, time_ms=json_values)
def test_marks_with_values_of_any_type(value: object, metadata: object, time_ms: object) -> None:
    import json

    from fuzzing import check_run

    marks = [
        f":::MLLOG {json.dumps({'key': key, 'value': value, 'metadata': metadata, 'time_ms': time_ms})}"
        for key in ("eval_accuracy", "seed", "global_batch_size", "submission_benchmark", "train_samples")
    ]
    lines = run_lines(10.0)
    data = log([*lines[:6], *marks, *lines[6:]])
    run = read_run(data, "r")
    check_run(run, data)
    assert run.minutes == 10.0


@settings(max_examples=150, deadline=None)
@given(
    fields=st.dictionaries(
        st.sampled_from(["division", "nodes", "number_of_nodes", "status", "x"]), json_values
    )
)
def test_descriptions_with_values_of_any_type(fields: dict[str, object]) -> None:
    import json

    from fuzzing import check_system

    check_system(read_system(json.dumps(fields).encode(), "s"))
    check_system(read_system(repr(fields).encode("utf-8", "surrogatepass"), "s"))


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            ["results", "systems", "v5.0", "v0.5.0", "power", "result_1.txt", "x.json", "entry.json"]
        )
        | st.text(st.characters(blacklist_characters="/"), min_size=1, max_size=4),
        min_size=1,
        max_size=9,
    ),
    round_given=st.sampled_from(["5.0", "0.5"]),
)
def test_paths_of_any_shape_have_a_place_or_none(parts: list[str], round_given: str) -> None:
    place = Layout(("a", "b"), round_given).place("/".join(parts))
    if place is not None:
        place.path.encode()
        assert place.submission.round == round_given
        assert place.submission.submitter
