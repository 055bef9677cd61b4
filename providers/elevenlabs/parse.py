"""Raw answers of ElevenLabs to usage records. Pure: one answer in, records out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Final, cast

from pydantic import BaseModel, Field

from providers.elevenlabs.days import Span
from providers.elevenlabs.endpoints import CHARGE, CURRENCY, DAY_SECONDS, KEY, MODEL, STATS, Report
from providers.elevenlabs.tables import (
    Doubt,
    Layout,
    Measure,
    Table,
    currencies_of,
    is_currency,
    read_count,
    read_instant,
    read_layout,
    read_number,
    read_text,
)
from providers.shared.amounts import USD, RawAmount, Written, believable_amount, cost_of, sum_known
from providers.shared.answers import ApiModel
from providers.shared.lines import counts
from usage.errors import ContractError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Kind
from usage.outcomes.report import Count, Thing
from usage.peers.contract import unexpected
from usage.records.record import Unit, Units, UsageRecord, cost_unit

_CHARGED_UNITS: Final = frozenset({Unit.CHARACTERS, Unit.MINUTES, Unit.SECONDS, Unit.HOURS, Unit.IMAGES})
_NO_MODEL: Final = frozenset({"", "null", "none"})


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
class ReportFigures:
    """What one report said about a span of days.

    `currencies` are those of its money, none without any; `first` is the first day with usage; `days` are those of
    which it has a row, be it an empty one; `written` is how its amounts were written; `labels` are keys that the table
    itself names. `counts_requests` says whether it has a column for them; `doubts` are measures that could not be told
    apart; `lost` and `new` count what could not be read and what is not known here.
    """

    report: Report
    span: Span
    records: tuple[UsageRecord, ...] = ()
    currencies: frozenset[str] = frozenset()
    first: datetime | None = None
    days: frozenset[date] = frozenset()
    written: Written = field(default_factory=Written)
    labels: tuple[Thing, ...] = ()
    counts_requests: bool = False
    doubts: tuple[Doubt, ...] = ()
    lost: tuple[Count, ...] = ()
    new: tuple[Count, ...] = ()

    @property
    def dollars(self) -> Decimal:
        """USD in all."""
        return cost_of(self.records)

    @property
    def in_dollars(self) -> bool:
        """Whether all its money is in USD."""
        return self.currencies == {USD}

    @property
    def without_money(self) -> bool:
        """Whether its usage comes without any money, be it money that could not be read."""
        lacking = any(doubt.what is Measure.MONEY for doubt in self.doubts) or any(
            r.missing_amounts for r in self.records
        )
        return bool(self.records) and not self.currencies and not lacking


@dataclass(frozen=True, slots=True)
class _Line:
    """One row, read: its texts by the names they were grouped by, and its measures."""

    day: datetime
    texts: dict[str, str | None]
    label: str | None
    money: Decimal | None
    raw_money: RawAmount
    measures: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
    """Credits, minutes, requests, quantity."""
    is_odd: bool

    @property
    def is_empty(self) -> bool:
        """Whether all its figures are zero, as those of empty buckets are."""
        given = [value for value in (self.money, *self.measures) if value is not None]
        # A row that gives no figure at all is no empty bucket: its amount is missing.
        return bool(given) and not any(given) and not self.is_odd


def read_table(table: Table, report: Report, span: Span) -> ReportFigures:
    """One record for each row of the table that falls in the span and is not all zeros, as empty buckets are.

    A row without a readable day, key or model is lost and counted, and so is a cell that is no number.

    Raises:
        ContractError: The columns that are needed can't be found, or no row can be read.
    """
    if not table.rows:
        return ReportFigures(report, span, currencies=currencies_of(table))
    layout = read_layout(table, report)
    reader = _RowReader(layout, report)
    lines = [line for row in table.rows if (line := reader.line(row)) is not None]
    if reader.reason is not None and not lines:
        raise reader.reason
    lines = [line for line in lines if span.holds(line.day)]
    days = frozenset(line.day.astimezone(UTC).date() for line in lines)
    lines = [line for line in lines if not line.is_empty]
    said = frozenset(filter(None, (_currency_of(line, layout) for line in lines if layout.money is not None)))
    # Zero is zero in any currency; where rows speak of one alone, it is that one's.
    of_zeros = next(iter(said)) if len(said) == 1 else ""
    nameless = sum(1 for line in lines if line.money and not _currency_of(line, layout))
    if nameless:
        reader.lost[Lost.CURRENCY] += nameless
    names = {line.texts[KEY]: line.label for line in lines if line.texts.get(KEY) and line.label}
    return ReportFigures(
        report,
        span,
        records=tuple(_record(line, layout, report, of_zeros) for line in lines),
        currencies=said or frozenset(filter(is_currency, [layout.unit])),
        first=min((line.day for line in lines), default=None),
        days=days,
        written=Written.of((line.money, line.raw_money) for line in lines),
        labels=tuple(Thing(kind=Kind.API_KEY, id=key, name=name) for key, name in names.items() if key),
        counts_requests=layout.requests is not None,
        doubts=layout.doubts,
        lost=counts({what.sentence: count for what, count in reader.lost.items()}),
        new=tuple(Count(what=f"{report.path} columns.{name}", count=len(table.rows)) for name in layout.new),
    )


class Lost(Enum):
    """What of a table could not be read."""

    LINES = auto()
    CURRENCY = auto()
    MONEY = auto()
    CREDITS = auto()
    MINUTES = auto()
    REQUESTS = auto()
    QUANTITY = auto()

    @property
    def sentence(self) -> Sentence:
        """What sentences call it."""
        return {
            Lost.LINES: say("unreadable lines"),
            Lost.CURRENCY: say("amounts without a currency"),
            Lost.MONEY: say("unreadable amounts"),
            Lost.CREDITS: say("unreadable credits"),
            Lost.MINUTES: say("unreadable minutes"),
            Lost.REQUESTS: say("unreadable numbers of requests"),
            Lost.QUANTITY: say("unreadable quantities"),
        }[self]


class _RowReader:
    """Reads rows, and counts what it can't read."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self.lost: Counter[Lost] = Counter()
        self._layout, self._report = layout, report
        self.reason: ContractError | None = None
        """Why the first of the rows that were lost was lost."""

    def line(self, row: object) -> _Line | None:
        """The row; None where it can't be read."""
        layout, report = self._layout, self._report
        before = self.lost.total()
        try:
            if not isinstance(row, list) or len(row) != layout.width:
                problem = say("a line does not have {number} columns", number=layout.width)
                raise ContractError(unexpected(report.path, problem))
            day = read_instant(row[layout.time], report)
            texts = {name: read_text(row[place], report) for name, place in layout.dimensions}
        except ContractError as error:
            self.reason = self.reason or error
            self.lost[Lost.LINES] += 1
            return None
        money = self._cell(row, layout.money, Lost.MONEY)
        label = None if layout.key_label is None else row[layout.key_label]
        return _Line(
            day=day,
            texts=texts,
            label=label.strip() if isinstance(label, str) else None,
            money=money,
            raw_money=cast(RawAmount, row[layout.money]) if money is not None and layout.money is not None else None,
            measures=(
                self._cell(row, layout.credits, Lost.CREDITS),
                self._cell(row, layout.minutes, Lost.MINUTES),
                self._cell(row, layout.requests, Lost.REQUESTS, read_count),
                self._cell(row, layout.quantity, Lost.QUANTITY),
            ),
            is_odd=self.lost.total() > before,
        )

    def _cell(
        self,
        row: list[object],
        place: int | None,
        what: Lost,
        read: Callable[[object, Report], Decimal | None] = read_number,
    ) -> Decimal | None:
        try:
            return None if place is None else read(row[place], self._report)
        except ContractError:
            self.lost[what] += 1
            return None


def _currency_of(line: _Line, layout: Layout) -> str:
    """Of a row's money, in small letters: what the row says, else what the column says; empty where neither does."""
    said = (line.texts.get(CURRENCY) or "").strip().lower()
    return said if is_currency(said) else layout.unit if is_currency(layout.unit) else ""


def _record(line: _Line, layout: Layout, report: Report, of_zeros: str) -> UsageRecord:
    model, (_, _, requests, _) = line.texts.get(MODEL), line.measures
    money, currency = line.money, _currency_of(line, layout) or (of_zeros if line.money == 0 else "")
    # Nothing in an unknown currency is not missed.
    missing = layout.money is not None and (money is None or (bool(money) and not currency))
    return UsageRecord(
        day=line.day.astimezone(UTC).date(),
        api_key=line.texts.get(KEY),
        model=model,
        item=line.texts.get(report.item) if model is None else None,
        cost=money if currency == USD else None,
        requests=None if requests is None else int(requests),
        units=tuple(_units(line, money, currency)),
        missing_amounts=1 if missing else 0,
    )


def _units(line: _Line, money: Decimal | None, currency: str) -> Iterator[tuple[str, Decimal]]:
    credits, minutes, _, quantity = line.measures
    pairs = [(Unit.CREDITS, credits), (Unit.MINUTES, minutes)]
    charge = (line.texts.get(CHARGE) or "").lower()
    if charge in _CHARGED_UNITS:
        # Kinds of charge are not published. One that bears a unit's name is counted in it; the others can't be named.
        pairs.append((Unit(charge), quantity))
    for unit, value in pairs:
        if value is not None:
            yield unit.value, value
    if money is not None and currency and currency != USD:
        yield cost_unit(currency), money


class Stats(ApiModel):
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
            raise ContractError(unexpected(STATS, say("a list is not as long as the time axis")))
        found = sum_known(
            believable_amount(value, STATS) for value, within in zip(values, inside, strict=True) if within
        )
        # Usage without a model comes under a word for nothing, or is left out.
        shares.append(Share(None if label.lower() in _NO_MODEL else label, found))
    return tuple(shares)


class Overage(ApiModel):
    """Money due beyond the plan."""

    currency: str | None = None


class Subscription(ApiModel):
    """The plan, as far as it matters here."""

    tier: str
    currency: str | None = None
    current_overage: Overage | None = None

    @property
    def money(self) -> str:
        """The workspace's currency in small letters; empty where it is not told."""
        overage = self.current_overage.currency if self.current_overage else None
        return (self.currency or overage or "").strip().lower()


class ServiceKey(ApiModel):
    """A key of a service account."""

    hashed_xi_api_key: str | None = None
    """The id that analytics know; promised, but a name is not worth a month."""
    name: str | None = None


class ServiceAccount(ApiModel):
    """A user that is a machine."""

    keys: list[ServiceKey] = Field(alias="api-keys", default=[])


class ServiceAccounts(ApiModel):
    """The list of service accounts; its names have hyphens."""

    accounts: list[ServiceAccount] = Field(alias="service-accounts")


def whole_month_only(units: Units) -> Units:
    """Of a key with days in both reports: what the one report counts and the other does not would be half a figure.

    Credits and money are whole: days billed by cost have no credits.
    """
    return tuple(pair for pair in units if pair[0] == Unit.CREDITS or pair[0].startswith(cost_unit("")))
