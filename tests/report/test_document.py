"""The writers: one document, two forms, the same words; texts stay texts."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hostile_texts import HOSTILE_TEXTS, Markup
from markdown_it import MarkdownIt

from mlperf_stats.charts.results import results_chart
from mlperf_stats.errors import InputError
from mlperf_stats.report import html
from mlperf_stats.report.document import Column, Document, Facts, Figure, Paragraph, Section, Table
from mlperf_stats.report.html import html_page
from mlperf_stats.report.markdown import markdown_text
from mlperf_stats.text.names import clean

OWN_TOKENS = {"heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}
OWN_TOKENS |= {"strong", "em", "inline", "text", "text_special", "hr"}


def document_of(text: str) -> Document:
    """A document in which every place for text holds the same."""
    table = Table(text, (Column(text), Column("Minutes", right=True)), ((text, text), (text, "1.0")))
    blocks = (Paragraph(text), Facts(((text, text),)), table)
    return Document(text, blocks, (Section(text, blocks), Section(text, ())), (text,))


PLACES = 2 + 2 * (1 + 2 + 1 + 1 + 3) + 2 + 1 + 2
"""Texts in the HTML of :func:`document_of`: title twice, blocks twice, headings, foot, contents."""


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_html_shows_texts_and_nothing_else(name: str) -> None:
    text = HOSTILE_TEXTS[name]
    harmless, hostile = Markup(html_page(document_of("harmless"))), Markup(html_page(document_of(text)))
    assert hostile.tags == harmless.tags
    assert hostile.attributes == harmless.attributes
    assert hostile.text.count(clean(text)) == PLACES == harmless.text.count("harmless")


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_markdown_shows_texts_and_nothing_else(name: str) -> None:
    """Read by a parser that lets raw HTML pass, with tables and strikethrough."""
    text = HOSTILE_TEXTS[name]
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    harmless, hostile = (
        [
            token
            for top in parser.parse(markdown_text(document_of(said)))
            for token in [top, *(top.children or ())]
        ]
        for said in ("harmless", text)
    )
    kinds = [token.type for token in hostile if token.type not in ("text", "text_special")]
    assert kinds == [token.type for token in harmless if token.type not in ("text", "text_special")]
    assert {kind.removesuffix("_open").removesuffix("_close") for kind in kinds} <= OWN_TOKENS
    inline = [token for token in hostile if token.type == "inline"]
    shown = ["".join(child.content for child in token.children or ()) for token in inline]
    assert any(clean(text).strip() in one for one in shown)


def test_page_can_do_nothing() -> None:
    page = Markup(html_page(document_of("text")))
    assert page.scripts == []
    (policy,) = (value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert [value for _, name, value in page.attributes if name in ("href", "src")] == ["#part-1", "#part-2"]


def test_pictures_are_inside_and_reported(snapshot_row: dict[str, Any]) -> None:
    figure = Figure(lambda: results_chart([snapshot_row]), 'a "picture" & <more>')
    document = Document("t", (figure,), (Section("s", (figure,)),), ())
    drawn: list[tuple[int, int]] = []
    page = html_page(document, lambda done, total: drawn.append((done, total)))
    assert drawn == [(1, 2), (2, 2)]
    found = Markup(page)
    assert found.tags.count("svg") == 2
    assert [value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")] == [
        'a "picture" & <more>'
    ] * 2
    # Pictures stand side by side in one page: nothing in them may go by a name.
    assert not [
        value for _, name, value in found.attributes if name == "id" and not value.startswith("part-")
    ]
    assert '*Picture: a "picture" &amp; &lt;more&gt;*' in markdown_text(document)


def test_markdown_draws_nothing() -> None:
    def draw() -> Any:
        raise AssertionError("Markdown shows no pictures")

    assert "*Picture: words*" in markdown_text(Document("t", (Figure(draw, "words"),), (), ()))


@pytest.mark.parametrize("library", ["jinja2", "altair"])
def test_missing_library_is_named(
    library: str, snapshot_row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = Figure(lambda: results_chart([snapshot_row]), "words")
    html._template.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"need {library}, .* pip install 'mlperf-stats\[charts\]'"):
        html_page(Document("t", (figure,), (), ()))
    html._template.cache_clear()


def test_a_table_of_many_columns_takes_paper_across() -> None:
    for number, across in ((11, False), (12, True)):
        table = Table("t", (Column("c"),) * number, ((("x",) * number),))
        page = html_page(Document("t", (), (Section("s", (table,)),), ()))
        assert ("size: A4 landscape;" in page) is across
