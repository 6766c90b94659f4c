"""Tables on narrow terminals: what is cut, what leaves, and when rows take several lines."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest

from mlperf_stats.cli.layout import Column, lay_out

OnTerminal = Callable[..., list[str]]
PAIR = ("5.0/ASUSTeK/ESC_N8_E11", "5.0/QCT/D74H-7U")
LONG = "5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09"


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> OnTerminal:
    """Run ``mlperf-stats`` on a terminal so many characters wide; the lines that it prints, unstyled."""
    from mlperf_stats.cli.app import app

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def run(width: int, *arguments: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        out = Terminal()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            app(arguments, standalone_mode=False)
        return [re.sub("\x1b\\[[0-9;]*m", "", line).rstrip() for line in out.getvalue().splitlines()]

    return run


def fixed(header: str, text: str, **options: object) -> Column:
    return Column(header, lambda _: text, **options)  # type: ignore[arg-type]


def stacks(columns: tuple[Column, ...], width: int) -> tuple[list[list[int]], list[int], list[str]]:
    found = lay_out(columns, [[column.text({}) for column in columns]], width)
    return found.stacks, found.widths, found.left_out


COLUMNS = (
    fixed("A", "1234567890"),
    fixed("B", "12345", under="A"),
    fixed("D", "123456"),
    fixed("C", "12345678", under="D"),
    fixed("E", "123456789012", leaves=1, under="D"),
)


def test_columns_leave_before_rows_take_several_lines() -> None:
    # 10, 5, 6, 8 and 12 with four gaps are 49; without E and its gap 35.
    assert stacks(COLUMNS, 49) == ([[0], [1], [2], [3], [4]], [10, 5, 6, 8, 12], [])
    assert stacks(COLUMNS, 48) == ([[0], [1], [2], [3]], [10, 5, 6, 8], ["E"])
    assert stacks(COLUMNS, 35) == ([[0], [1], [2], [3]], [10, 5, 6, 8], ["E"])


def test_headers_are_wrapped_before_columns_leave() -> None:
    columns = (fixed("Runs per system", "121"), fixed("Power", "90%", leaves=1))
    # "system" and "Power" with a gap are 13.
    assert stacks(columns, 22) == ([[0], [1]], [15, 5], [])
    assert stacks(columns, 13) == ([[0], [1]], [6, 5], [])
    assert stacks(columns, 12) == ([[0]], [12], ["Power"])


def test_what_left_comes_back_where_lines_make_room() -> None:
    # A above B, and C, D and E: 10, 12 and a gap; without E 10, 8 and a gap.
    assert stacks(COLUMNS, 34) == ([[0, 1], [2, 3, 4]], [10, 12], [])
    assert stacks(COLUMNS, 24) == ([[0, 1], [2, 3, 4]], [10, 12], [])
    assert stacks(COLUMNS, 23) == ([[0, 1], [2, 3]], [10, 8], ["E"])
    assert stacks(COLUMNS, 5) == ([[0, 1], [2, 3]], [10, 8], ["E"])


def test_a_column_that_makes_no_room_by_leaving_stays() -> None:
    columns = (
        fixed("A", "1234567890"),
        fixed("B", "123", leaves=1, under="A"),
        fixed("C", "123"),
        fixed("D", "1234567890", under="C"),
    )
    # Side by side 10, 3, 10 and two gaps are needed without B; stacked, A is wider than B anyway.
    assert stacks(columns, 27) == ([[0], [2], [3]], [10, 3, 10], ["B"])
    assert stacks(columns, 26) == ([[0, 1], [2, 3]], [10, 10], [])
    assert stacks(columns, 21) == ([[0, 1], [2, 3]], [10, 10], [])


@pytest.mark.parametrize("names", [PAIR, (f"{PAIR[0]}/bert", f"{PAIR[1]}/bert", f"{LONG}/bert")])
def test_compare_says_p_and_equality_at_80(on_terminal: OnTerminal, names: tuple[str, ...]) -> None:
    lines = on_terminal(80, "compare", *names)
    assert max(map(len, lines)) <= 80
    header = " ".join(lines[: next(i for i, line in enumerate(lines) if line.startswith("──"))]).split()
    assert {"A/B", "Interval", "p", "Within", "2%"} <= set(header)


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "detect", "--benchmark", "bert", "--difference", "3%"),
        ("plan", "cost", "--benchmark", "bert", "--half-width", "5%", "--minutes", "30"),
        ("variance", "--round", "5.0", "--division", "closed"),
        ("rcp", f"{PAIR[1]}/bert"),
        ("show", f"{PAIR[1]}/bert"),
        ("scale", "--round", "5.0", "--benchmark", "bert", "--show", "laws"),
        ("run", "--list"),
        ("explain", "mixed-gbs"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_tables_fit_80(on_terminal: OnTerminal, arguments: tuple[str, ...]) -> None:
    assert max(map(len, on_terminal(80, *arguments))) <= 80


def test_paragraphs_are_wrapped_once(on_terminal: OnTerminal) -> None:
    lines = on_terminal(60, "explain", "mixed-gbs")
    paragraph = lines[lines.index("", 1) + 1 :]
    paragraph = paragraph[: paragraph.index("")]
    # Only the last line of a paragraph has room for the next one's first word.
    assert all(len(f"{line} {after.split()[0]}") > 60 for line, after in pairwise(paragraph))


def test_compare_is_one_line_a_pair_where_that_fits(on_terminal: OnTerminal) -> None:
    wide, narrow = on_terminal(140, "compare", *PAIR), on_terminal(80, "compare", *PAIR)
    row = next(line for line in wide if line.startswith("dlrm_dcnv2"))
    at = next(i for i, line in enumerate(narrow) if line.startswith("dlrm_dcnv2"))
    # The same words, on three lines.
    assert sorted(row.split()) == sorted(" ".join(narrow[at : at + 3]).split())
    assert narrow[at + 3] == ""
