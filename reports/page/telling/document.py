"""What a telling of the month is made of: sections with sentences, tables and charts. Texts are not escaped yet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reports.ledger import LedgerRow
from reports.page.figures.pictures import Picture
from usage.names import ProviderName


class Direction(StrEnum):
    """Where a cost went."""

    RISE = "rise"
    LEVEL = "level"
    FALL = "fall"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    text: str
    is_name: bool = False
    """Other people's text: in any script, of any length."""
    provider: ProviderName | None = None
    """Whose colour stands before it."""
    share: Decimal | None = None
    """Length of the bar below it, of 1."""
    detail: str = ""
    """Small, behind the text."""
    url: str = ""
    language: str = ""
    """Where it is another one than the page's."""
    is_strong: bool = False


def row_cell(row: LedgerRow) -> Cell:
    """The cell that names a row. A colour alone would not tell whose it is."""
    return Cell(row.title, is_name=True, provider=row.provider, detail=row.provider.label, url=row.url)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    text: str
    is_figure: bool = True
    is_minor: bool = False
    """Left out where there is no room."""
    provider: ProviderName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first cell of each row is its head."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    more: tuple[tuple[Cell, ...], ...] = ()
    """Rows that are folded away: the last of `rows` is their sum."""
    more_caption: str = ""
    is_folded: bool = False
    """Whether all of it is: a chart above it tells the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page."""

    key: str
    """Its anchor."""
    heading: str
    sentences: tuple[str, ...] = ()
    picture: Picture | None = None
    legend: tuple[ProviderName, ...] = ()
    table: Table | None = None
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One month, told in one language."""

    language: str
    title: str
    subtitle: str
    state: str
    """How far the month has come, in a word."""
    state_key: str
    total: str
    total_second: str
    """In the second currency; empty where there is none."""
    total_label: str
    change: str
    """Against the month before, in a sentence."""
    direction: Direction | None
    """None where there is nothing to compare with."""
    facts: tuple[tuple[str, str], ...]
    """Label and figure."""
    notice: str
    """What to know first; empty where nothing is missing."""
    proof: str
    """In one line."""
    sections: tuple[Section, ...]
    footer: str
    made: str
    """When the page was made: the one thing on it that another day changes by itself."""
    url: str
    """Of *Usages*."""
    url_label: str
