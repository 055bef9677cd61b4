"""The table that every analytics endpoint answers with. Columns are known by name and unit, never by position.

The names of the measures are published nowhere. Seen in real answers: `total_usage` (credits), `total_cost` (usd),
`total_minutes` (min), `usage_count` (no unit), and in the newest package `total_charge_count`. What can't be told
apart is an error that lists the columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Final

from providers.amounts import amount
from providers.base import Wire
from providers.elevenlabs.endpoints import Report
from usage.errors import ContractError

CURRENCIES: Final = frozenset({"usd", "eur", "inr", "pln", "gbp"})
_MONEY_NAME: Final = "total_cost"
_SHOWN: Final = 20
"""Columns that an error lists at most."""
_MILLISECONDS: Final = Decimal(10**11)
"""Instants since 1970 from here on are milliseconds: in seconds this is the year 5138."""


class Table(Wire):
    """One answer; all four lists are promised. Cells of columns that nobody reads may hold anything."""

    columns: list[str]
    column_types: list[str]
    column_units: list[str | None]
    rows: list[list[object]]


@dataclass(frozen=True, slots=True)
class Layout:
    """At which place of a row each meaning stands; None: the table does not have it."""

    time: int
    dimensions: tuple[tuple[str, int], ...]
    """Names that were grouped by, each with its place."""
    key_label: int | None
    money: int | None
    currency: str
    """Of the money, in small letters; empty where there is none."""
    credits: int | None
    minutes: int | None
    requests: int | None
    quantity: int | None
    """What is charged for; what it counts depends on the kind of charge."""

    @property
    def measures(self) -> tuple[int, ...]:
        """Places of all measures."""
        places = (self.money, self.credits, self.minutes, self.requests, self.quantity)
        return tuple(place for place in places if place is not None)


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    name: str
    kind: str
    unit: str
    """In small letters; the documentation shows an empty text where there is none."""


def read_layout(table: Table, report: Report) -> Layout:
    """Find the columns.

    Raises:
        ContractError: Lists of unequal length, a column that is needed and not there, or several that could be it.
    """
    columns = _columns(table, report)
    find = _Finder(report.path, columns)
    dimensions = tuple((name, find.needed(name, partial(_is_called, name))) for name in report.group_by)
    others = [column for column in columns if column.name not in report.group_by]
    measure = _Finder(report.path, columns, others)
    money = measure.one("le montant", _is_money)
    credits = None if report.by_cost else measure.one("les crédits", lambda c: c.unit == "credits")
    if money is None and (report.by_cost or credits is None):
        raise measure.error("aucune colonne de montant" if report.by_cost else "ni crédits ni montant")
    if money is None and any(column.name == _MONEY_NAME for column in others):
        raise measure.error("un montant sans devise connue")
    return Layout(
        time=find.needed("la date", lambda c: c.kind == "DateTime"),
        dimensions=dimensions,
        key_label=_key_label(others),
        money=money,
        currency="" if money is None else columns[money].unit,
        credits=credits,
        # Of the report by cost only the quantity counts, and its unit depends on the row.
        minutes=None if report.by_cost else measure.one("les minutes", lambda c: c.unit == "min"),
        requests=None if report.by_cost else measure.one("les requêtes", lambda c: c.kind == "Int" and not c.unit),
        quantity=measure.one("la quantité", _is_quantity) if report.by_cost else None,
    )


def read_text(cell: object, report: Report) -> str | None:
    """A dimension's value; None where usage is attributed to nothing.

    Raises:
        ContractError: Neither text nor a number.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, str | int | Decimal):
        return str(cell)
    raise ContractError(f"{report.path} ne répond plus comme prévu : une dimension n’est pas un texte.")


def read_number(cell: object, report: Report) -> Decimal | None:
    """A measure's value, exact; None where there is none. The documentation shows numbers as text.

    Raises:
        ContractError: Not a number.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, str | int | Decimal) and not isinstance(cell, bool):
        return amount(cell, report.path)
    raise ContractError(f"{report.path} ne répond plus comme prévu : une mesure n’est pas un nombre.")


def read_count(cell: object, report: Report) -> int | None:
    """A number of requests.

    Raises:
        ContractError: Not a whole number.
    """
    value = read_number(cell, report)
    if value is not None and value != value.to_integral_value():
        raise ContractError(f"{report.path} ne répond plus comme prévu : un nombre de requêtes n’est pas entier.")
    return None if value is None else int(value)


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
    except (ValueError, OverflowError, OSError):
        # The value itself is not shown.
        pass
    raise ContractError(f"{report.path} ne répond plus comme prévu : une date est illisible.")


def _columns(table: Table, report: Report) -> list[_Column]:
    width = len(table.columns)
    if not width == len(table.column_types) == len(table.column_units):
        raise ContractError(f"{report.path} ne répond plus comme prévu : noms, types et unités de longueurs inégales.")
    if any(len(row) != width for row in table.rows):
        raise ContractError(f"{report.path} ne répond plus comme prévu : une ligne n’a pas {width} colonnes.")
    described = zip(table.columns, table.column_types, table.column_units, strict=True)
    return [
        _Column(place, name, kind, (unit or "").strip().lower()) for place, (name, kind, unit) in enumerate(described)
    ]


def _is_called(name: str, column: _Column) -> bool:
    return column.name == name


def _is_money(column: _Column) -> bool:
    # A currency that was added since is money too, but only under the name that money is known by.
    added = column.name == _MONEY_NAME and re.fullmatch("[a-z]{3}", column.unit) is not None and column.unit != "min"
    return column.unit in CURRENCIES or added


def _is_quantity(column: _Column) -> bool:
    return column.kind in ("Int", "Float") and not column.unit


def _key_label(others: list[_Column]) -> int | None:
    """A column that names the keys, which would be the only source of names for people's keys. Not documented."""
    found = [c.place for c in others if re.fullmatch(r"(hashed_)?(xi_)?api_key_(label|name)", c.name)]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks for columns; `among` are the candidates, all columns are listed in errors."""

    path: str
    columns: list[_Column]
    among: list[_Column] | None = None

    def one(self, what: str, fits: Callable[[_Column], bool]) -> int | None:
        found = [column.place for column in (self.columns if self.among is None else self.among) if fits(column)]
        if len(found) > 1:
            raise self.error(f"plusieurs colonnes possibles pour {what}")
        return found[0] if found else None

    def needed(self, what: str, fits: Callable[[_Column], bool]) -> int:
        place = self.one(what, fits)
        if place is None:
            raise self.error(f"aucune colonne pour {what}")
        return place

    def error(self, problem: str) -> ContractError:
        names = [f"{c.name[:40]} ({', '.join(filter(None, (c.kind, c.unit)))})" for c in self.columns[:_SHOWN]]
        more = " …" if len(self.columns) > _SHOWN else ""
        listed = " ; ".join(names) or "aucune"
        return ContractError(f"{self.path} ne répond plus comme prévu : {problem}. Colonnes : {listed}{more}.")
