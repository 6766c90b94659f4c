"""What a report consists of, before it is HTML or Markdown. All texts are plain: the writers escape them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt


WIDEST_UPRIGHT = 11
"""Columns that a page of A4 has room for."""


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

    @property
    def wide(self) -> bool:
        """Whether it takes paper across."""
        return len(self.columns) > WIDEST_UPRIGHT


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
        return sum(isinstance(block, Figure) for block in self._blocks())

    @property
    def wide(self) -> bool:
        """Whether one of its tables takes paper across."""
        return any(isinstance(block, Table) and block.wide for block in self._blocks())

    def _blocks(self) -> Iterator[Block]:
        yield from self.introduction
        for section in self.sections:
            yield from section.blocks
