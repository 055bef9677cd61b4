"""Our own records as a table. docs/REPORTS.md tells people what each column is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from reports.currency import Rates, for_files
from reports.export.lines import Grain, Line, Lines
from reports.export.table import Column, Kind, Table
from reports.ledger import Ledger
from usage.records.record import Unit, UsageRecord

BETWEEN: Final = "; "
"""Between several values of one cell."""
COST: Final = "cost_usd"
_MONEY: Final = "cost_"
"""Begins units that are money which a provider bills in another currency."""


def records_table(ledger: Ledger, grain: Grain, rates: Rates | None = None) -> Table[Line]:
    """All records of a ledger.

    Args:
        ledger: The months.
        grain: What a line stands for.
        rates: A second currency in which costs stand beside US dollars.
    """
    columns = [
        *_THINGS,
        _COST,
        *(() if rates is None else _second_currency(rates)),
        *_COUNTS,
        *(_unit(name) for name in Unit),
        *(_unit(name) for name in currencies(ledger)),
        *_HOW,
    ]
    return Table(
        (*columns, *_own_columns(ledger, {column.name.casefold() for column in columns})), Lines(ledger, grain)
    )


def currencies(ledger: Ledger) -> tuple[str, ...]:
    """Units of money in other currencies than USD that occur, such as `cost_eur`."""
    names = {name for record in _records(ledger) for name, _ in record.units}
    return tuple(sorted(names - set(Unit)))


def _records(ledger: Ledger) -> Iterator[UsageRecord]:
    return (record for month in ledger.months for row in month.rows for record in row.records)


def _text(name: str, value: Callable[[Line], str | None]) -> Column[Line]:
    return Column(name, Kind.TEXT, value)


_THINGS: Final = (
    _text("month", lambda line: str(line.row.month)),
    Column[Line]("day", Kind.DAY, lambda line: line.record.day),
    _text("provider", lambda line: line.row.provider.value),
    _text("account", lambda line: line.row.account or None),
    _text("organisation", lambda line: line.organisation),
    _text("workspace", lambda line: line.record.workspace),
    _text("workspace_name", lambda line: line.name_of(line.record.workspace)),
    _text("project", lambda line: line.record.project),
    _text("project_name", lambda line: line.name_of(line.record.project)),
    _text("api_key", lambda line: line.record.api_key),
    _text("api_key_name", lambda line: line.name_of(line.record.api_key)),
    _text("row", lambda line: line.row.key),
    _text("row_name", lambda line: line.row.name or None),
    _text("model", lambda line: line.record.model),
    _text("item", lambda line: line.record.item),
)
_COST: Final = Column[Line](COST, Kind.AMOUNT, lambda line: line.record.cost, "USD")
_COUNTS: Final = (
    Column[Line]("tokens_input", Kind.COUNT, lambda line: line.record.tokens_input, "tokens"),
    Column[Line]("tokens_output", Kind.COUNT, lambda line: line.record.tokens_output, "tokens"),
    Column[Line]("requests", Kind.COUNT, lambda line: line.record.requests, "requests"),
)
_HOW: Final = (
    Column[Line]("missing_amounts", Kind.COUNT, lambda line: line.record.missing_amounts, "amounts"),
    _text("status", lambda line: None if line.row.status is None else line.row.status.value),
)


def _second_currency(rates: Rates) -> Iterator[Column[Line]]:
    """Costs in the second currency, and the rate they are divided by; nothing without one."""
    if not rates.wanted:
        return
    code, by_month = rates.code, rates.rates

    def cost(line: Line) -> Decimal | None:
        return for_files(rates.both(line.record.cost, line.row.month).other)

    def rate(line: Line) -> Decimal | None:
        return by_month[line.row.month].rate if line.row.month in by_month else None

    def source(line: Line) -> str | None:
        return by_month[line.row.month].source.value if line.row.month in by_month else None

    yield Column(f"cost_{code}", Kind.AMOUNT, cost, rates.currency)
    yield Column(f"{code}_rate", Kind.AMOUNT, rate, f"USD for 1 {rates.currency}")
    yield _text(f"{code}_rate_source", source)


def amount_of(record: UsageRecord, unit: str) -> Decimal | None:
    """A record's amount of a unit; None where nobody tells one."""
    return next((amount for name, amount in record.units if name == unit), None)


def _unit(name: str) -> Column[Line]:
    """A unit's column. Money that is billed in another currency is no cost in dollars, converted: `billed_eur`."""
    is_money = name.startswith(_MONEY)
    heading = f"billed_{name.removeprefix(_MONEY)}" if is_money else str(name)
    counts = name.removeprefix(_MONEY).upper() if is_money else "USD" if name == Unit.BYOK_USD else str(name)
    return Column(heading, Kind.AMOUNT, lambda line: amount_of(line.record, name), counts)


def _own_columns(ledger: Ledger, taken: set[str]) -> Iterator[Column[Line]]:
    """A column for each of people's own; one that bears the name of another says that it is theirs."""
    for name in ledger.own_columns():
        heading = name
        while heading.casefold() in taken:
            heading += " (own)"
        taken.add(heading.casefold())
        yield _own_column(heading, name)


def _own_column(heading: str, name: str) -> Column[Line]:
    return _text(heading, lambda line: BETWEEN.join(line.row.values_of(name)) or None)
