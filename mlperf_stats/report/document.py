"""What a report consists of, before it is HTML or Markdown. All texts are plain: the writers escape them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and what there is to say of each."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    header: str
    right: bool = False
    """Figures stand at the right."""
    long: bool = False
    """Texts of several words, which on paper keep some width."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headers."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, with the words that stand for it where pictures are not shown."""

    draw: Callable[[], alt.LayerChart]
    """Called only by writers that show pictures."""
    description: str


Block = Paragraph | Facts | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A part under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report."""

    title: str
    introduction: tuple[Block, ...]
    sections: tuple[Section, ...]
    disclosures: tuple[str, ...]
    """Sentences at the foot that the rules on talking about results or honesty ask for."""

    def figures(self) -> int:
        """How many pictures there are."""
        blocks = [*self.introduction, *(block for section in self.sections for block in section.blocks)]
        return sum(isinstance(block, Figure) for block in blocks)
