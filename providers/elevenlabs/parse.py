"""Raw answers of ElevenLabs to usage records. Pure: one answer in, records out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, Field

from providers.amounts import amount
from providers.base import Wire
from providers.elevenlabs.endpoints import CHARGE, CURRENCY, DAY_SECONDS, KEY, MODEL, SERVICE_ACCOUNTS, STATS, Report
from providers.elevenlabs.tables import (
    CURRENCIES,
    Layout,
    Table,
    read_count,
    read_instant,
    read_layout,
    read_number,
    read_text,
)
from usage.errors import ContractError
from usage.money import exact_sum
from usage.names import Kind
from usage.records import Unit, Units, UsageRecord, cost_unit
from usage.report import Thing

USD: Final = "usd"
_CHARGED_UNITS: Final = frozenset({Unit.CHARACTERS, Unit.MINUTES, Unit.SECONDS, Unit.HOURS, Unit.IMAGES})
_NO_MODEL: Final = frozenset({"", "null", "none"})
_SHORT: Final = 8
"""Characters of a key's hash that stand for its name, where it has none."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole UTC days from `start` up to, but without, `end`."""

    start: datetime
    end: datetime

    @property
    def milliseconds(self) -> tuple[int, int]:
        """First and last millisecond. Whether ends are inclusive is not published: these are right either way."""
        return int(self.start.timestamp()) * 1000, int(self.end.timestamp()) * 1000 - 1

    @property
    def days(self) -> int:
        """How many days."""
        return (self.end - self.start).days

    def first_days(self, days: int) -> Span:
        """Its beginning."""
        return Span(self.start, self.start + timedelta(days=days))

    def holds(self, instant: datetime) -> bool:
        """Whether an instant falls in it."""
        return self.start <= instant < self.end


class Query(BaseModel):
    """Body of both analytics queries. Times are milliseconds since 1970."""

    start_time: int
    end_time: int
    interval_seconds: int = DAY_SECONDS
    group_by: tuple[str, ...] | None
    time_zone: str | None


def query(report: Report, span: Span) -> Query:
    """The body that asks a report for a span by day."""
    start, end = span.milliseconds
    return Query(start_time=start, end_time=end, group_by=report.group_by or None, time_zone=report.time_zone)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one table holds.

    `currency` is that of its money, empty without any; `first` is the first day with usage; `as_text` says whether
    every amount came as decimal text, and so exact; `labels` are keys that the table itself names.
    """

    records: tuple[UsageRecord, ...] = ()
    currency: str = ""
    first: datetime | None = None
    as_text: bool = True
    labels: tuple[Thing, ...] = ()

    @property
    def dollars(self) -> Decimal:
        """USD in all."""
        return exact_sum(record.cost for record in self.records) or Decimal(0)


def read_table(table: Table, report: Report, span: Span) -> Figures:
    """One record for each row of the table that falls in the span and is not all zeros, as empty buckets are.

    Raises:
        ContractError: The columns can't be told apart, or a cell is not what its column promises.
    """
    if not table.rows and not table.columns:
        return Figures()
    layout = read_layout(table, report)
    records: list[UsageRecord] = []
    days: set[datetime] = set()
    names: dict[str, str] = {}
    as_text = True
    for row in table.rows:
        day = read_instant(row[layout.time], report)
        if not span.holds(day) or _is_empty(row, layout, report):
            continue
        record = _record(row, layout, report)
        records.append(record)
        days.add(day)
        as_text &= layout.money is None or isinstance(row[layout.money], str | None)
        label = None if layout.key_label is None else read_text(row[layout.key_label], report)
        if record.api_key and label and label.strip():
            names[record.api_key] = label
    labels = tuple(Thing(kind=Kind.API_KEY, id=key, name=name) for key, name in names.items())
    return Figures(tuple(records), layout.currency, min(days, default=None), as_text, labels)


def _is_empty(row: list[object], layout: Layout, report: Report) -> bool:
    given = [value for place in layout.measures if (value := read_number(row[place], report)) is not None]
    # A row that gives no figure at all is no empty bucket: its amount is missing.
    return bool(given) and not any(given)


def _record(row: list[object], layout: Layout, report: Report) -> UsageRecord:
    texts = {name: read_text(row[place], report) for name, place in layout.dimensions}
    money = None if layout.money is None else read_number(row[layout.money], report)
    said = (texts.get(CURRENCY) or "").lower()
    if layout.money is not None and said in CURRENCIES and said != layout.currency:
        raise ContractError(f"{report.path} donne un montant en {layout.currency} pour une ligne en {said}.")
    model = texts.get(MODEL)
    return UsageRecord(
        api_key=texts.get(KEY),
        model=model,
        item=texts.get(report.item) if model is None else None,
        cost=money if layout.currency == USD else None,
        requests=None if layout.requests is None else read_count(row[layout.requests], report),
        units=tuple(_units(row, layout, report, texts.get(CHARGE), money)),
        missing_amounts=1 if layout.money is not None and money is None else 0,
    )


def _units(
    row: list[object], layout: Layout, report: Report, charge: str | None, money: Decimal | None
) -> Iterator[tuple[str, Decimal]]:
    pairs = [(Unit.CREDITS, layout.credits), (Unit.MINUTES, layout.minutes)]
    if charge is not None and charge.lower() in _CHARGED_UNITS:
        # Kinds of charge are not published. One that bears a unit's name is counted in it; the others can't be named.
        pairs.append((Unit(charge.lower()), layout.quantity))
    for unit, place in pairs:
        value = None if place is None else read_number(row[place], report)
        if value is not None:
            yield unit.value, value
    if money is not None and layout.currency != USD:
        yield cost_unit(layout.currency), money


class Stats(Wire):
    """One answer of the deprecated statistics: a time axis in milliseconds, and for each label a list along it."""

    time: list[int]
    usage: dict[str, list[str | Decimal | int]]


@dataclass(frozen=True, slots=True)
class Share:
    """What one model (None: no model) has of a metric."""

    model: str | None
    amount: Decimal


def read_stats(stats: Stats, span: Span) -> tuple[Share, ...]:
    """Sum of each label over the span.

    Raises:
        ContractError: A list is not as long as the time axis, or an amount is not a number.
    """
    first, last = span.milliseconds
    inside = [first <= time <= last for time in stats.time]
    shares = []
    for label, values in stats.usage.items():
        if len(values) != len(inside):
            raise ContractError(
                f"{STATS} ne répond plus comme prévu : une liste n’a pas la longueur de l’axe du temps."
            )
        found = exact_sum(amount(value, STATS) for value, within in zip(values, inside, strict=True) if within)
        # Usage without a model comes under a word for nothing, or is left out.
        shares.append(Share(None if label.lower() in _NO_MODEL else label, found or Decimal(0)))
    return tuple(shares)


class Overage(Wire):
    """Money due beyond the plan."""

    currency: str | None = None


class Subscription(Wire):
    """The plan, as far as it matters here."""

    tier: str
    currency: str | None = None
    current_overage: Overage | None = None

    @property
    def money(self) -> str:
        """The workspace's currency in small letters; empty where it is not told."""
        overage = self.current_overage.currency if self.current_overage else None
        return (self.currency or overage or "").strip().lower()


class ServiceKey(Wire):
    """A key of a service account."""

    hashed_xi_api_key: str
    name: str | None = None


class ServiceAccount(Wire):
    """A user that is a machine."""

    keys: list[ServiceKey] = Field(alias="api-keys")


class ServiceAccounts(Wire):
    """The list of service accounts; its names have hyphens."""

    accounts: list[ServiceAccount] = Field(alias="service-accounts")


def registry(accounts: ServiceAccounts) -> tuple[Thing, ...]:
    """All keys of service accounts.

    Raises:
        ContractError: A key without a hash.
    """
    keys = [key for account in accounts.accounts for key in account.keys]
    if any(not key.hashed_xi_api_key for key in keys):
        raise ContractError(f"{SERVICE_ACCOUNTS} ne répond plus comme prévu : une clé sans empreinte.")
    return tuple(Thing(kind=Kind.API_KEY, id=key.hashed_xi_api_key, name=key.name or None) for key in keys)


def named(keys: tuple[Thing, ...], labels: tuple[Thing, ...], records: tuple[UsageRecord, ...]) -> tuple[Thing, ...]:
    """Every key that is listed or was used, with its name in the list, else its label in a table, else the beginning
    of its hash: people's keys are on no list."""
    names = {record.api_key: record.api_key[:_SHORT] for record in records if record.api_key}
    names.update({key.id: key.id[:_SHORT] for key in keys})
    names.update({thing.id: thing.name for thing in (*labels, *keys) if thing.name and thing.name.strip()})
    return tuple(Thing(kind=Kind.API_KEY, id=key, name=name) for key, name in names.items())


def whole_month_only(units: Units) -> Units:
    """Of a key with days in both reports: what the one report counts and the other does not would be half a figure.

    Credits and money are whole: days billed by cost have no credits.
    """
    return tuple(pair for pair in units if pair[0] == Unit.CREDITS or pair[0].startswith(cost_unit("")))
