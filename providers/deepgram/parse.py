"""Raw answers of Deepgram to usage records. Pure: one answer in, records out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import Field

from providers.base import Wire
from providers.shared.amounts import RawAmount, Written, believable
from providers.shared.lines import Lines, Notes, Whole
from usage.errors import ContractError
from usage.month import Month
from usage.records.record import Unit, Units, UsageRecord

_UNNAMED_ITEM: Final = "(ligne sans intitulé)"


class Resolution(Wire):
    """Size of the buckets."""

    units: str
    amount: Decimal


class Group(Wire):
    """What a row stands for. A dimension that was not grouped by is null."""

    unused: ClassVar = frozenset({"deployment", "endpoint", "feature_set", "method", "tags"})
    start: date | None = None
    end: date | None = None
    accessor: str | None = None
    models: str | list[str] | None = None
    """A list; the description of 2025 has a single text."""
    line_item: str | None = None


class _Row(Wire):
    grouping: Group | None = None
    start: date | None = None
    end: date | None = None
    """Lines without a group were seen to carry the day themselves."""

    @property
    def group(self) -> Group:
        """What the row stands for."""
        return self.grouping or Group()

    @property
    def day(self) -> date | None:
        """The day; None where neither the row nor its group tells."""
        return self.group.start or self.start

    @property
    def is_one_day(self) -> bool:
        """Whether the row itself says that it is about one day."""
        return self.day is not None and self.day == (self.group.end or self.end)


class BillingRow(_Row):
    """One line of the billing breakdown. `dollars` is a JSON number, here with the digits it was written with."""

    dollars: RawAmount = None


_Measure = Annotated[Decimal, Field(strict=True, ge=0, le=10**16, decimal_places=100)] | Whole


class UsageRow(_Row):
    """One line of the usage breakdown. Every number is promised, but zeros are left out in practice."""

    unused: ClassVar = frozenset({"hours"})
    total_hours: _Measure | None = None
    agent_hours: _Measure | None = None
    tokens_in: Whole | None = None
    tokens_out: Whole | None = None
    tts_characters: _Measure | None = None
    requests: Whole | None = None


class _Period(Wire):
    start: object = None
    end: object = None
    """The period that the answer is about, as days: an echo, which nothing but the count of days depends on."""
    resolution: Resolution | None = None


class Billing(_Period):
    """The billing breakdown of a period."""

    results: Lines[BillingRow]


class Usage(_Period):
    """The usage breakdown of a period."""

    results: Lines[UsageRow]


class Project(Wire):
    """A project."""

    project_id: str
    name: str | None = None


class Projects(Wire):
    """The projects that the key sees."""

    projects: Lines[Project]


class ApiKey(Wire):
    """An API key; `comment` is the name people gave it."""

    api_key_id: str
    comment: str | None = None


class OwnedKey(Wire):
    """A key in the list. Its owner's address comes along in the answer and is not read."""

    api_key: ApiKey


class ApiKeys(Wire):
    """The keys of a project."""

    api_keys: Lines[OwnedKey]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one answer holds: its records, one for each line, and what there is to say about it.

    `first` is the first day with a figure; `days` are the days of the month that the answer says it is about, None
    where it does not say; `notes` tells what was left out and what is new; `written` how amounts were written.
    """

    records: tuple[UsageRecord, ...]
    first: date | None
    days: int | None
    notes: Notes
    written: Written = field(default_factory=Written)


def read_billing(answer: Billing, project: str, month: Month, where: str) -> Sheet:
    """One record for each line of the billing breakdown within the month, in USD.

    Args:
        answer: The whole answer; it has no pages.
        project: The project it is about.
        month: Lines of other days are dropped.
        where: The endpoint, for messages.

    Raises:
        ContractError: Buckets are not days, or no line can be read. One that has no day, or an amount that is no
            number, is left out alone.
    """
    notes, written = Notes(), Written()
    records, days = [], []
    for row in _lines_of_days(answer, answer.results, notes, where):
        try:
            dollars = believable(row.dollars, where)
        except ContractError:
            notes.drop(where, "un montant n’est pas un nombre")
            continue
        day = _day_of(row, month, notes, empty=dollars == 0, where=where)
        if day is None:
            continue
        if dollars is not None:
            days.append(day)
            written.add(dollars, row.dollars)
        records.append(
            UsageRecord(
                project=project,
                api_key=row.group.accessor or None,
                item=row.group.line_item or _UNNAMED_ITEM,
                cost=dollars,
                missing_amounts=1 if dollars is None else 0,
            )
        )
    _refuse_nothing(answer.results, notes, where)
    return Sheet(tuple(records), min(days, default=None), _days_told(answer, month), notes, written)


def read_usage(answer: Usage, project: str, month: Month, where: str, *, api_key: str | None = None) -> Sheet:
    """One record for each line of the usage breakdown within the month. A line of zeros stands for nothing.

    Args:
        answer: The whole answer; it has no pages.
        project: The project it is about.
        month: Lines of other days are dropped.
        where: The endpoint, for messages.
        api_key: The key that the answer was narrowed to, if it was.

    Raises:
        ContractError: Buckets are not days, or no line can be read. One with figures but without a day is left out
            alone.
    """
    notes = Notes()
    records, days = [], []
    for row in _lines_of_days(answer, answer.results, notes, where):
        tokens_in, tokens_out = _tokens(row)
        units, requests = _units(row), row.requests or None
        empty = not units and requests is None and tokens_in is None
        day = _day_of(row, month, notes, empty=empty, where=where)
        if day is None or empty:
            continue
        days.append(day)
        records.append(
            UsageRecord(
                project=project,
                api_key=api_key or row.group.accessor or None,
                model=_label(row.group.models),
                tokens_input=tokens_in,
                tokens_output=tokens_out,
                requests=requests,
                units=units,
            )
        )
    _refuse_nothing(answer.results, notes, where)
    return Sheet(tuple(records), min(days, default=None), _days_told(answer, month), notes)


R = TypeVar("R", bound=_Row)


def _lines_of_days(answer: _Period, rows: Lines[R], notes: Notes, where: str) -> Iterator[R]:
    """The lines, each about one day: by what the answer says of all of them, else by what the line itself says."""
    resolution = answer.resolution
    # A coarser bucket could lie across the end of the month.
    if resolution is not None and (resolution.units != "day" or resolution.amount != 1):
        raise ContractError(f"{where} ne répond plus jour par jour : le mois ne peut pas être découpé.")
    notes.take(rows, where)
    for row in rows:
        if resolution is None and not row.is_one_day:
            notes.drop(where, "une ligne ne dit pas de quel jour elle est")
        else:
            yield row


def _day_of(row: _Row, month: Month, notes: Notes, *, empty: bool, where: str) -> date | None:
    """The day of a line that belongs to the month; None for any other, which is counted if something is lost by it."""
    if row.day is not None:
        return row.day if month.contains(row.day) else None
    # Programs in use expect lines without a group. One without figures is no loss; any other can't be given to a month.
    if not empty:
        notes.drop(where, "une ligne n’a pas de jour (results.grouping.start)")
    return None


def _refuse_nothing(rows: Lines[R], notes: Notes, where: str) -> None:
    """A report of which no line can be read is not odd, it has changed."""
    odd = sum(notes.odd.values())
    if odd and odd >= len(rows) + sum(rows.odd.values()):
        raise ContractError(f"{where} ne répond plus comme prévu : {next(iter(notes.odd))}.")


def _days_told(answer: _Period, month: Month) -> int | None:
    first, last = _date(answer.start), _date(answer.end)
    if first is None or last is None:
        return None
    days = (min(last, month.last_day) - max(first, month.first_day)).days + 1
    # A period that has nothing to do with the question says nothing about the answer.
    return days if days > 0 else None


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text[: len("2026-01-31")]) if isinstance(text, str) else None
    except ValueError:
        # An echo that can't be read tells no days.
        return None


def _tokens(row: UsageRow) -> tuple[int | None, int | None]:
    """Tokens are those of the voice agent's language model: other usage has none, which zeros in the answer hide."""
    if not (row.agent_hours or row.tokens_in or row.tokens_out):
        return None, None
    return row.tokens_in or 0, row.tokens_out or 0


def _units(row: UsageRow) -> Units:
    # `total_hours` counts each channel, as billing does; `hours` does not.
    measures = (
        (Unit.AGENT_HOURS, row.agent_hours),
        (Unit.CHARACTERS, row.tts_characters),
        (Unit.HOURS, row.total_hours),
    )
    return tuple((unit.value, Decimal(value)) for unit, value in measures if value)


def _label(models: str | list[str] | None) -> str | None:
    """The model's name; of several that served one request, all of them in one label."""
    names = [models] if isinstance(models, str) else models or []
    return " + ".join(name for name in names if name) or None
