"""A document as Markdown: the same words and tables, and for each picture the words that stand for it."""

from __future__ import annotations

from mlperf_stats.report.document import Block, Document, Facts, Figure, Paragraph, Table
from mlperf_stats.text.markup import markdown


def markdown_text(document: Document) -> str:
    """The document as Markdown with pipe tables."""
    parts = [f"# {markdown(document.title)}"]
    parts += [_block(block) for block in document.introduction]
    for section in document.sections:
        parts.append(f"## {markdown(section.title)}")
        parts += [_block(block) for block in section.blocks]
    parts.append("---")
    parts += [markdown(sentence) for sentence in document.disclosures]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _line(text)
        case Facts(items):
            return "\n".join(f"- {markdown(term)}: {markdown(text)}" for term, text in items)
        case Figure(_, description):
            return f"*Picture: {markdown(description)}*"
        case Table():
            return _table(block)


def _line(text: str) -> str:
    """A paragraph; what would make a heading, a list or a quotation of it is escaped."""
    escaped = markdown(text)
    return f"\\{escaped}" if escaped.startswith(("#", "-", "+", "=")) else escaped


def _table(table: Table) -> str:
    rules = ["---:" if column.right else "---" for column in table.columns]
    lines = [[markdown(column.header) for column in table.columns], rules]
    lines += [[markdown(cell) for cell in row] for row in table.rows]
    return f"**{markdown(table.caption)}**\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
