"""The table that every analytics endpoint answers with. Columns are known by name and unit, never by position.

The names of the measures are published nowhere. Seen in real answers: `total_usage` (credits), `total_cost` (usd),
`total_minutes` (min), `usage_count` (no unit), and in newer ones `total_charge_count` and `api_key_name`. A measure is
first looked for under that name, then by its unit. One that several columns could be is left out, and said: it must
not take the others with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from typing import Final

from providers.elevenlabs.endpoints import CURRENCY, Report
from providers.shared.amounts import believable_amount
from providers.shared.answers import ApiModel
from usage.errors import ContractError
from usage.language.saying import listed, say, together
from usage.language.sentence import Sentence
from usage.peers.contract import unexpected

CURRENCIES: Final = frozenset({"usd", "eur", "inr", "pln", "gbp"})
_NO_CURRENCY: Final = frozenset({"min"})
"""Units of three letters that are none."""
_LABEL: Final = re.compile(r"\w+_(label|name)")
"""Display names stand beside ids; which ones is not published."""
_SHOWN: Final = 20
"""Columns that a sentence lists at most."""
_MOST: Final = 10**16
"""A larger number of requests is none."""
_MILLISECONDS: Final = Decimal(10**11)
"""Instants since 1970 from here on are milliseconds: in seconds this is the year 5138."""


class Measure(Enum):
    """A measure of a table."""

    MONEY = auto()
    CREDITS = auto()
    MINUTES = auto()
    REQUESTS = auto()
    QUANTITY = auto()

    @property
    def sentence(self) -> Sentence:
        """What sentences call it."""
        match self:
            case Measure.MONEY:
                return say("the amount")
            case Measure.CREDITS:
                return say("the credits")
            case Measure.MINUTES:
                return say("the minutes")
            case Measure.REQUESTS:
                return say("the requests")
            case Measure.QUANTITY:
                return say("the quantity")


class Table(ApiModel):
    """One answer; all four lists are promised. Rows, and cells of columns that nobody reads, may be
    anything: an odd one costs itself alone."""

    columns: list[str]
    column_types: list[str]
    column_units: list[str | None]
    rows: list[object]


@dataclass(frozen=True, slots=True)
class Layout:
    """At which place of a row each meaning stands; None: the table does not have it."""

    width: int
    time: int
    dimensions: tuple[tuple[str, int], ...]
    """Names that were grouped by, each with its place. The currency is there where the answer has it."""
    key_label: int | None
    money: int | None
    unit: str
    """Currency of the money column, in small letters; empty where the column does not tell."""
    credits: int | None
    minutes: int | None
    requests: int | None
    quantity: int | None
    """What is charged for; what it counts depends on the kind of charge."""
    doubts: tuple[Doubt, ...] = ()
    new: tuple[str, ...] = ()
    """Names of columns that are not known here."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A measure that is left out, as several columns could be it, or one of an unknown unit."""

    what: Measure
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    name: str
    kind: str
    unit: str
    """In small letters; the documentation shows an empty text where there is none."""

    @property
    def is_number(self) -> bool:
        return self.kind in ("Int", "Float")


@dataclass(frozen=True, slots=True)
class _Sought:
    """A measure, what answers call it, and which columns could be it without bearing its name."""

    what: Measure
    name: str
    fits: Callable[[_Column], bool]


def is_currency(unit: str) -> bool:
    """Whether a text is the code of a currency, be it one that was added since."""
    return re.fullmatch("[a-z]{3}", unit) is not None and unit not in _NO_CURRENCY


_MONEY: Final = _Sought(Measure.MONEY, "total_cost", lambda c: c.unit in CURRENCIES)
_CREDITS: Final = _Sought(Measure.CREDITS, "total_usage", lambda c: c.unit == "credits")
_MINUTES: Final = _Sought(Measure.MINUTES, "total_minutes", lambda c: c.unit == "min")
_REQUESTS: Final = _Sought(Measure.REQUESTS, "usage_count", lambda c: c.kind == "Int" and _is_unnamed(c))
_QUANTITY: Final = _Sought(Measure.QUANTITY, "total_charge_count", lambda c: c.is_number and _is_unnamed(c))
_NAMES: Final = frozenset(measure.name for measure in (_MONEY, _CREDITS, _MINUTES, _REQUESTS, _QUANTITY))


def _is_unnamed(column: _Column) -> bool:
    """Whether neither unit nor name says what a column measures."""
    return not column.unit and column.name not in _NAMES


def currencies_of(table: Table) -> frozenset[str]:
    """Currencies that the columns of a table without rows speak of; its columns matter for nothing else."""
    return frozenset(unit.lower() for unit in table.column_units if unit and unit.lower() in CURRENCIES)


def read_layout(table: Table, report: Report) -> Layout:
    """Find the columns.

    Raises:
        ContractError: Lists of unequal length, no or several columns for the day or for a dimension, or no column that
            could be credits or money.
    """
    columns = _columns(table, report)
    find = _Finder(report.path, columns)
    # The unit of the money column says the currency, too: usage is not lost for want of this one.
    asked = [name for name in report.group_by if name != CURRENCY or any(c.name == CURRENCY for c in columns)]
    dimensions = tuple((name, find.needed(Sentence.of(name), partial(_is_called, name))) for name in asked)
    time = find.needed(say("the date"), lambda c: c.kind == "DateTime")
    measures = _Measures(find, [c for c in columns if c.name not in report.group_by and c.place != time])
    money = measures.find(_MONEY)
    credits = None if report.by_cost else measures.find(_CREDITS)
    if not measures.doubts and money is None and (report.by_cost or credits is None):
        raise find.error(say("no column of amounts") if report.by_cost else say("neither credits nor amount"))
    # Of the report by cost only the quantity counts beside the money, and its unit depends on the row.
    minutes = None if report.by_cost else measures.find(_MINUTES)
    requests = None if report.by_cost else measures.find(_REQUESTS)
    quantity = measures.find(_QUANTITY) if report.by_cost else None
    unit = "" if money is None else columns[money].unit
    return Layout(
        width=len(columns),
        time=time,
        dimensions=dimensions,
        key_label=_key_label(measures.among),
        money=money,
        unit=unit,
        credits=credits,
        minutes=minutes,
        requests=requests,
        quantity=quantity,
        doubts=tuple(measures.doubts),
        new=_new(measures.among, {money, credits, minutes, requests, quantity}),
    )


def read_text(cell: object, report: Report) -> str | None:
    """A dimension's value; None where usage is attributed to nothing.

    Raises:
        ContractError: Neither text nor a number.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, str | int | Decimal) and not isinstance(cell, bool):
        return str(cell)
    raise ContractError(unexpected(report.path, say("a dimension is not a text")))


def read_number(cell: object, report: Report) -> Decimal | None:
    """A measure's value, exact; None where there is none. The documentation shows numbers as text.

    Raises:
        ContractError: Not a number.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, str | int | Decimal) and not isinstance(cell, bool):
        return believable_amount(cell, report.path)
    raise ContractError(unexpected(report.path, say("a measure is not a number")))


def read_count(cell: object, report: Report) -> Decimal | None:
    """A number of requests.

    Raises:
        ContractError: Not a whole number from 0 on.
    """
    value = read_number(cell, report)
    if value is not None and (not 0 <= value <= _MOST or value != value.to_integral_value()):
        raise ContractError(unexpected(report.path, say("a number of requests is not whole")))
    return value


def read_instant(cell: object, report: Report) -> datetime:
    """The beginning of a bucket, UTC: ISO 8601 with or without a zone, or seconds or milliseconds since 1970.

    Raises:
        ContractError: None of these.
    """
    try:
        if isinstance(cell, str) and not re.fullmatch(r"\d+(\.\d+)?", cell):
            instant = datetime.fromisoformat(cell)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        number = read_number(cell, report)
        if number is not None:
            return datetime.fromtimestamp(float(number / 1000 if number >= _MILLISECONDS else number), UTC)
    except (ValueError, OverflowError, OSError, ContractError):
        # The value itself is not shown.
        pass
    raise ContractError(unexpected(report.path, say("a date is unreadable")))


def _columns(table: Table, report: Report) -> list[_Column]:
    if not len(table.columns) == len(table.column_types) == len(table.column_units):
        raise ContractError(unexpected(report.path, say("names, types and units of unequal lengths")))
    described = zip(table.columns, table.column_types, table.column_units, strict=True)
    return [
        _Column(place, name, kind, (unit or "").strip().lower()) for place, (name, kind, unit) in enumerate(described)
    ]


def _is_called(name: str, column: _Column) -> bool:
    return column.name == name


def _key_label(others: list[_Column]) -> int | None:
    """A column that names the keys, which would be the only source of names for people's keys. Not documented."""
    found = [c.place for c in others if re.fullmatch(r"(hashed_)?(xi_)?api_key_(label|name)", c.name)]
    return found[0] if len(found) == 1 else None


def _new(others: list[_Column], taken: set[int | None]) -> tuple[str, ...]:
    unknown = (c for c in others if c.place not in taken and c.name not in _NAMES and not _LABEL.fullmatch(c.name))
    return tuple(column.name[:40] for column in unknown)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks for the columns without which a table can't be read."""

    path: str
    columns: list[_Column]

    def needed(self, what: Sentence, fits: Callable[[_Column], bool]) -> int:
        found = [column.place for column in self.columns if fits(column)]
        if len(found) != 1:
            problem = (
                say("several possible columns for {what}", what=what)
                if found
                else say("no column for {what}", what=what)
            )
            raise self.error(problem)
        return found[0]

    def error(self, problem: Sentence) -> ContractError:
        return ContractError(together([unexpected(self.path, problem), list_columns(self.columns)]))


class _Measures:
    """Looks for measures among columns, and keeps those that can't be told apart."""

    def __init__(self, find: _Finder, among: list[_Column]) -> None:
        self.among = among
        self.doubts: list[Doubt] = []
        self._find = find

    def find(self, measure: _Sought) -> int | None:
        named = [c for c in self.among if c.name == measure.name and self._may_be(c, measure)]
        found = named or [c for c in self.among if measure.fits(c)]
        if len(found) > 1:
            problem = say(
                "Several possible columns for {what} in {path}: this figure is left out.",
                what=measure.what.sentence,
                path=self._find.path,
            )
            self.doubts.append(Doubt(measure.what, together([problem, list_columns(found)])))
            return None
        odd = [c for c in self.among if c.name == measure.name]
        # Credits are the usage itself. Others may bear such a unit in answers that nobody has published.
        if not found and odd and measure is _CREDITS:
            problem = say(
                "The unit of {what} in {path} is not known: this figure is left out.",
                what=measure.what.sentence,
                path=self._find.path,
            )
            self.doubts.append(Doubt(measure.what, together([problem, list_columns(odd)])))
        return found[0].place if found else None

    @staticmethod
    def _may_be(column: _Column, measure: _Sought) -> bool:
        added = measure is _MONEY and is_currency(column.unit)
        return column.is_number and (not column.unit or added or measure.fits(column))


def list_columns(columns: list[_Column]) -> Sentence:
    """The columns by name, type and unit, as a sentence."""
    if not columns:
        return say("Columns: none.")
    names = [f"{c.name[:40]} ({', '.join(filter(None, (c.kind, c.unit)))})" for c in columns[:_SHOWN]]
    told = listed(map(Sentence.of, names))
    return say("Columns: {names} ….", names=told) if len(columns) > _SHOWN else say("Columns: {names}.", names=told)
