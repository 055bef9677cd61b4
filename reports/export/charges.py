"""The ledger as FOCUS charges: what was billed, and one quantity that it was billed for.

One of our records has one cost and several quantities (tokens read and written, requests, seconds …). Nobody tells what
each of them cost, so a record stays one charge, with the quantity that its provider measures it by; all quantities
stand beside it in columns of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from reports.export.lines import Line
from usage.money import exact_sum, whole_sum
from usage.records.record import Unit, UsageRecord

_MONEY: Final = "cost_"
"""Starts the names of units that are money in another currency than USD."""
_ZERO: Final = Decimal(0)
TOKENS: Final = "Tokens"
REQUESTS: Final = "Requests"
UNITS: Final = {
    Unit.CHARACTERS: "Characters",
    Unit.CREDITS: "Credits",
    Unit.HOURS: "Hours",
    Unit.AGENT_HOURS: "Agent-Hours",
    Unit.MINUTES: "Minutes",
    Unit.SECONDS: "Seconds",
    Unit.IMAGES: "Images",
    Unit.SESSIONS: "Sessions",
    Unit.CALLS: "Calls",
    Unit.BYTES: "B",
}
"""Units as FOCUS writes them; the first one that a record has is what it is measured by, where it has no tokens."""


class Category(StrEnum):
    """FOCUS's `ChargeCategory`, as far as it is known."""

    USAGE = "Usage"
    ADJUSTMENT = "Adjustment"
    """An amount in the customer's favour for which no quantity is told: a credit, a refund or a correction."""


class Basis(StrEnum):
    """What `BilledCost` is."""

    AMOUNT = "Amount"
    """The provider's own amount for this line."""
    NO_AMOUNT = "NoAmount"
    """0, as FOCUS knows no empty cost: the provider tells no amount for this line; the money of its project or key
    stands in other lines."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of a FOCUS data set."""

    line: Line
    billed: Decimal
    currency: str
    category: Category
    quantity: Decimal | None
    unit: str | None
    basis: Basis
    has_figures: bool
    """Whether it is the one of its record's charges that bears the other quantities."""


class Charges:
    """All charges of some lines; they are made anew each time they are gone through."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Charge]:
        for line in self._lines:
            yield from charges_of(line)

    def left_out(self) -> int:
        """How many lines have no charge, as nobody tells any money of their row: FOCUS can't say so."""
        return sum(not has_money(line) for line in self._lines)


def has_money(line: Line) -> bool:
    """Whether any amount is told of the line's row."""
    return any(_amounts(record) for record in line.row.records)


def charges_of(line: Line) -> Iterator[Charge]:
    """The charges of one line: one, but for records with money in several currencies; none where nobody tells money."""
    measured = quantity_of(line.record)
    amounts = _amounts(line.record)
    if not amounts and measured is not None and has_money(line):
        currency = next(currency for record in line.row.records for currency, _ in _amounts(record))
        yield Charge(line, _ZERO, currency, Category.USAGE, *measured, Basis.NO_AMOUNT, has_figures=True)
    for place, (currency, amount) in enumerate(amounts):
        category, quantity, unit = _measure(amount, currency, measured if place == 0 else None)
        yield Charge(line, amount, currency, category, quantity, unit, Basis.AMOUNT, has_figures=place == 0)


def quantity_of(record: UsageRecord) -> tuple[Decimal, str] | None:
    """What a record is measured by and its unit; None where it tells no quantity."""
    found = list(_quantities(record))
    return next((one for one in found if one[0]), found[0] if found else None)


def _quantities(record: UsageRecord) -> Iterator[tuple[Decimal, str]]:
    tokens = whole_sum((record.tokens_input, record.tokens_output))
    if tokens is not None:
        yield Decimal(tokens), TOKENS
    amounts = dict(record.units)
    yield from ((amounts[unit], name) for unit, name in UNITS.items() if unit in amounts)
    if record.requests is not None:
        yield Decimal(record.requests), REQUESTS


def _amounts(record: UsageRecord) -> list[tuple[str, Decimal]]:
    """Money that the provider bills, by currency. What others bill (`byok_usd`) is none."""
    dollars = [] if record.cost is None else [("USD", record.cost)]
    others = [(name.removeprefix(_MONEY).upper(), amount) for name, amount in record.units if name.startswith(_MONEY)]
    return dollars + others


def _measure(
    amount: Decimal, currency: str, measured: tuple[Decimal, str] | None
) -> tuple[Category, Decimal | None, str | None]:
    """What an amount was billed for.

    Usage must have a quantity in FOCUS. Where the provider tells none, what is known to be used is its money's worth.
    """
    if measured is not None and (measured[0] or not amount):
        return Category.USAGE, *measured
    if amount < 0:
        return Category.ADJUSTMENT, None, None
    return Category.USAGE, amount, currency


def billed(charges: Iterable[Charge]) -> Decimal | None:
    """US dollars of some charges, exact; None where there are none."""
    return exact_sum(charge.billed for charge in charges if charge.currency == "USD" and charge.basis is Basis.AMOUNT)
