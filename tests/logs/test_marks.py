"""Decoding of logged objects and scalars: strict where it can be, lenient where logs are not."""

from __future__ import annotations

import pytest

from mlperf_stats.logs.marks import MAX_OBJECT_BYTES, UndecodableError, as_count, as_number, decode_object


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        (b' {"key": "seed", "value": 1}', {"key": "seed", "value": 1}),
        (b'{"value": 1} and prose after it', {"value": 1}),
        (b'{"value": "tab\there"}', {"value": "tab\there"}),
        (
            b"{'key': 'run_stop', 'metadata': {'status': 'success'}}",
            {"key": "run_stop", "metadata": {"status": "success"}},
        ),
        (b"{'value': null}", {"value": None}),
        (b"{'value': True}", {"value": True}),
        (b'{"seed": 123456789012345678901234567890}', {"seed": 123456789012345678901234567890}),
    ],
)
def test_decodes_what_can_be_read_without_guessing(raw: bytes, decoded: dict[str, object]) -> None:
    assert decode_object(raw) == decoded


def test_decodes_not_a_number_as_a_value_that_is_no_number() -> None:
    fields = decode_object(b'{"value": NaN, "metadata": {"a": Infinity, "b": -Infinity}}')
    assert as_number(fields["value"]) is None
    assert as_number(fields["metadata"]["a"]) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b'{"key": "run_st',
        b"[1, 2]",
        b'"text"',
        b"{open('x')}",
        b"{" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"{'a': " + b"-" * 100_000 + b"1}",
    ],
)
def test_refuses_everything_else_with_one_exception(raw: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode_object(raw)


def test_objects_beyond_the_size_limit_are_not_decoded() -> None:
    with pytest.raises(UndecodableError):
        decode_object(b'{"value": "' + b"x" * MAX_OBJECT_BYTES + b'"}')


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (0.5, 0.5),
        ("0.75", 0.75),
        (" 7 ", 7.0),
        (True, None),
        (None, None),
        ("", None),
        ("seven", None),
        (float("nan"), None),
        ("inf", None),
        (10**400, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_as_number_takes_finite_numbers_and_their_spellings(value: object, number: float | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "count"),
    [(256, 256), ("256", 256), (256.0, 256), (1.5, None), (2**63, None), (1e300, None), (None, None)],
)
def test_as_count_takes_whole_numbers_that_a_database_can_hold(value: object, count: int | None) -> None:
    assert as_count(value) == count
