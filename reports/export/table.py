"""A table to be written to a file: its columns, and lines that can be gone through more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Generic, TypeVar

Line = TypeVar("Line")
Value = str | date | datetime | Decimal | int | None


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    """Anybody's text."""
    DAY = auto()
    """A UTC day."""
    INSTANT = auto()
    """A UTC moment, to the second."""
    AMOUNT = auto()
    """An exact decimal."""
    COUNT = auto()
    """A whole number."""


@dataclass(frozen=True)
class Column(Generic[Line]):
    """One column."""

    name: str
    kind: Kind
    value: Callable[[Line], Value]
    """The cell of a line, of the column's kind; None where it stays empty."""
    unit: str = ""
    """What its numbers count, such as `USD`."""


@dataclass(frozen=True)
class Table(Generic[Line]):
    """Columns and lines."""

    columns: tuple[Column[Line], ...]
    lines: Iterable[Line]
    """They can be gone through more than once."""


def sound(text: str) -> str:
    """The text with a mark in place of halves of surrogate pairs, which no file can hold."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
