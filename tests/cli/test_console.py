"""Nothing from a log reaches the terminal raw, and tables fit or stay plain."""

from __future__ import annotations

import io
import re
from fnmatch import fnmatchcase

import pytest

from mlperf_stats.cli.console import print_lines, print_notes, print_table
from mlperf_stats.cli.layout import Column
from mlperf_stats.text.names import clean, shorten_id, shorten_ids

HOSTILE = "evil\n\x1b[31mred\x1b]0;title\x07 \u202etxt [bold]markup[/bold] [/nonsense]"

COLUMNS = (
    Column("Result", lambda row: row["result_id"], is_id=True),
    Column("Score", lambda row: row["score"], justify="right"),
    Column("Warnings", lambda row: row["warnings"], wraps=True),
)
LONG_ID = "5.0/Some-Submitter-GmbH/AS-A126GS-TNBR_8xB200-SXM-180GB_pytorch-and-more/llama2_70b_lora"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(rows: list[dict[str, str]], out: io.StringIO) -> str:
    print_table(COLUMNS, rows, out)
    return out.getvalue()


def without_style(text: str) -> str:
    """Rich's own bold and reset sequences taken out; anything else stays to be found."""
    return re.sub("\x1b\\[[01]m", "", text)


@pytest.mark.parametrize("raw", ["\n", "\r", "\x1b", "\x07", "\x9b", "\u202e", "\u2028", "\x00"])
def test_clean_shows_what_could_steer_a_terminal(raw: str) -> None:
    assert raw not in clean(f"a{raw}b")
    assert clean(f"a{raw}b") == f"a{raw.encode('unicode_escape').decode()}b"


def test_clean_leaves_ordinary_text_alone() -> None:
    text = "IBM+CoreWeave (TM) × 8\u00a0GPUs, 系统 – ∞"
    assert clean(text) == text


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["piped", "terminal"])
def test_hostile_names_are_neutralised_in_tables(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = without_style(printed([{"result_id": "x", "score": "1", "warnings": HOSTILE}], out))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[bold]markup[/bold] [/nonsense]" in text
    assert "evil\\n\\x1b[31mred" in text


def test_piped_table_is_plain_and_uncut() -> None:
    text = printed([{"result_id": LONG_ID, "score": "13.42", "warnings": "a-code b-code"}], io.StringIO())
    header, row = text.splitlines()
    assert row == f"{LONG_ID}  13.42  a-code b-code"
    assert header.split() == ["Result", "Score", "Warnings"]
    assert header.index("Score") == len(LONG_ID) + 2


def test_piped_columns_align_under_wide_characters() -> None:
    rows = [
        {"result_id": "系统", "score": "1", "warnings": ""},
        {"result_id": "abcd", "score": "1", "warnings": ""},
    ]
    _, first, second = printed(rows, io.StringIO()).splitlines()
    # Two wide characters take the four cells of "abcd".
    assert first.removeprefix("系统") == second.removeprefix("abcd")


@pytest.mark.parametrize("width", [60, 100])
def test_terminal_table_fits_and_shortens_the_id(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [{"result_id": LONG_ID, "score": "13.42", "warnings": "unknown-absent-runs mixed-gbs"}]
    text = without_style(printed(rows, Terminal()))
    assert max(map(len, text.splitlines())) <= width
    assert "…" in text
    assert "unknown-absent-runs" in text
    assert "13.42" in text


def test_wide_terminal_shows_the_whole_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert LONG_ID in printed([{"result_id": LONG_ID, "score": "1", "warnings": ""}], Terminal())


def test_no_colour_codes_when_piped_even_if_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in printed([{"result_id": "x", "score": "1", "warnings": ""}], io.StringIO())


def test_shorten_id_cuts_the_longest_parts_in_the_middle() -> None:
    short = shorten_id(LONG_ID, 48)
    assert len(short) == 48
    parts = short.split("/")
    assert parts[0] == "5.0"
    assert parts[3] == "llama2_70b_lora"
    assert parts[2].startswith("AS-A")
    assert parts[2].endswith("more")


def test_shorten_id_leaves_what_fits_and_stops_at_the_bone() -> None:
    assert shorten_id("5.0/a/b/bert", 20) == "5.0/a/b/bert"
    assert shorten_id("5.0/abcdefgh/ijklmnop/bert", 1) == "5.0/ab…h/ij…p/bert"


def test_shortened_ids_stay_apart_and_read_back_as_globs() -> None:
    systems = [f"tyche_ngpu{number}_ngc25.04_pytorch" for number in (8, 64, 512)]
    ids = [f"5.0/NVIDIA/{system}/bert" for system in systems]
    labels = shorten_ids(ids, 32)
    assert len(set(labels.values())) == 3
    for name, label in labels.items():
        assert len(label) <= 32
        assert [other for other in ids if fnmatchcase(other, label.replace("…", "*"))] == [name]


def test_an_id_that_cannot_be_told_apart_stays_whole() -> None:
    """Both ends and every window of eight are shared: only the length differs."""
    ids = [f"5.0/a/{'x' * length}/bert" for length in (30, 31)]
    assert set(shorten_ids(ids, 20).values()) == set(ids)


def test_columns_leave_before_codes_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    columns = (*COLUMNS[:2], Column("Level", lambda _: "97.9%", leaves=1), COLUMNS[2])
    rows = [{"result_id": LONG_ID, "score": "13.42", "warnings": "one-convergence mixed-gbs"}]
    out = Terminal()
    print_table(columns, rows, out)
    text = without_style(out.getvalue())
    assert "97.9%" not in text
    assert "Columns left out at 60 characters: Level." in text
    assert "one-convergence" in text
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("width", [80, 60])
def test_two_columns_of_ids_are_shortened_before_columns_leave(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = (
        Column("A", lambda row: row["a"], is_id=True, names_system=True),
        Column("B", lambda row: row["b"], is_id=True, names_system=True),
        Column("Interval", lambda _: "0.8749 – 1.001", justify="right"),
        Column("p", lambda _: "0.00076", justify="right", leaves=2),
        Column("Within 2%", lambda _: "yes", leaves=1),
    )
    rows = [{"a": "5.0/Supermicro/SYS-821GE-TNHR", "b": "5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09"}]
    out = Terminal()
    print_table(columns, rows, out)
    text = without_style(out.getvalue())
    assert max(map(len, text.splitlines())) <= width
    assert text.count("…") >= 2
    assert "0.00076" in text
    # 16 and 16 for the ids, 14, 7 and 9 with four gaps are 70.
    assert ("yes" in text) is (width == 80)


def test_ids_are_cut_to_the_bone_where_nothing_more_can_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    print_table(COLUMNS[:2], [{"result_id": "5.0/Supermicro/SYS-821GE-TNHR/bert", "score": "13.42"}], out)
    *_, row = without_style(out.getvalue()).splitlines()
    assert (len(row), row.count("…"), row.endswith("  13.42")) == (30, 2, True)


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("", 100), ("0", 100), ("wide", 100)])
def test_notes_wrap_with_a_hanging_indent_where_piped(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    note = f"Source: {', '.join(f'5.0/a/system-{number}/bert' for number in range(12))}"
    out = io.StringIO()
    print_notes([note, "short"], out)
    first, *more, last = out.getvalue().splitlines()
    assert width - 25 < len(first) <= width
    assert all(line.startswith("  5.0/") and len(line) <= width for line in more)
    assert " ".join(line.strip() for line in [first, *more]) == note
    assert last == "short"


def test_lines_wrap_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    note = "one-convergence-point (55): all runs converged at one evaluation"
    terminal, pipe = Terminal(), io.StringIO()
    print_lines([note], terminal)
    print_lines([note], pipe)
    assert pipe.getvalue() == f"{note}\n"
    assert max(map(len, terminal.getvalue().splitlines())) <= 40
    assert " ".join(terminal.getvalue().split()) == note


def test_no_code_in_a_cell_is_longer_than_a_word_that_stays_whole() -> None:
    from mlperf_stats.cli.layout import WHOLE_WORD
    from mlperf_stats.explanations import catalogue

    checks_alone = {"converges-faster-than-reference", "converges-faster-than-peers"}
    assert max(map(len, set(catalogue()) - checks_alone)) <= WHOLE_WORD


def test_an_id_that_stays_whole_does_not_widen_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends and every window are shared, so that it is folded; 60 hold a short id and the figure."""
    monkeypatch.setenv("COLUMNS", "60")
    ids = [f"5.0/a/{'x' * length}/bert" for length in (80, 81)]
    text = without_style(
        printed([{"result_id": name, "score": "1", "warnings": ""} for name in ids], Terminal())
    )
    assert max(map(len, text.splitlines())) <= 60
