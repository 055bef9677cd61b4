"""Raw answers of Deepgram to usage records. Pure: one answer in, records out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field

from providers.deepgram.days import Period, R, Row, day_in_month, lines_of_days, told_days
from providers.shared.amounts import RawAmount, Written, believable_amount
from providers.shared.answers import ApiModel
from providers.shared.lines import Lines, Notes, Whole
from usage.errors import ContractError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.outcomes.report import Control, Gap
from usage.peers.contract import unexpected
from usage.records.record import Unit, Units, UsageRecord
from usage.records.sums import RecordSums

Records = tuple[UsageRecord, ...]

_UNNAMED_ITEM: Final = "(ligne sans intitulé)"


class BillingLine(Row):
    """One line of the billing breakdown. `dollars` is a JSON number, here with the digits it was written with."""

    dollars: RawAmount = None


_Measure = Annotated[Decimal, Field(strict=True, ge=0, le=10**16, decimal_places=100)] | Whole


class UsageLine(Row):
    """One line of the usage breakdown. Every number is promised, but zeros are left out in practice."""

    unused: ClassVar = frozenset({"hours"})
    total_hours: _Measure | None = None
    agent_hours: _Measure | None = None
    tokens_in: Whole | None = None
    tokens_out: Whole | None = None
    tts_characters: _Measure | None = None
    requests: Whole | None = None


class Billing(Period):
    """The billing breakdown of a period."""

    results: Lines[BillingLine]


class Usage(Period):
    """The usage breakdown of a period."""

    results: Lines[UsageLine]


class Project(ApiModel):
    """A project."""

    project_id: str
    name: str | None = None


class Projects(ApiModel):
    """The projects that the key sees."""

    projects: Lines[Project]


class ApiKey(ApiModel):
    """An API key; `comment` is the name people gave it."""

    api_key_id: str
    comment: str | None = None


class OwnedKey(ApiModel):
    """A key in the list. Its owner's address comes along in the answer and is not read."""

    api_key: ApiKey


class ApiKeys(ApiModel):
    """The keys of a project."""

    api_keys: Lines[OwnedKey]


@dataclass(frozen=True, slots=True)
class BreakdownFigures:
    """What one answer holds: its records, one for each line, and what there is to say about it.

    `first` is the first day with a figure; `days` are the days of the month that the answer says it is about, None
    where it does not say; `notes` tells what was left out and what is new; `written` how amounts were written.
    """

    records: Records
    first: date | None
    days: frozenset[date] | None
    notes: Notes
    written: Written = field(default_factory=Written)

    def add_up(self) -> Self:
        """The same with records of the same ids and model added up."""
        sums = RecordSums()
        sums.add(self.records)
        return replace(self, records=sums.records())


@dataclass(frozen=True, slots=True)
class ProjectFigures:
    """What was read of one project: its money, or its usage.

    `checked` is the control total, where one was read; `first` the first day with a figure; `days` the days of the
    month that the answers say they are about, None where they do not say; `note` is for the log of its rows.
    """

    records: Records
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    checked: Control | None = None
    first: date | None = None
    days: frozenset[date] | None = None
    notes: Notes = field(default_factory=Notes)
    note: Sentence = SILENCE


def parse_billing(answer: Billing, project: str, month: Month, where: str) -> BreakdownFigures:
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
    for row in lines_of_days(answer, answer.results, notes, where):
        try:
            dollars = believable_amount(row.dollars, where)
        except ContractError:
            notes.drop(where, say("an amount is not a number"))
            continue
        day = day_in_month(row, month, notes, empty=dollars == 0, where=where)
        if day is None:
            continue
        if dollars is not None:
            days.append(day)
            written.add(dollars, row.dollars)
        records.append(
            UsageRecord(
                day=day,
                project=project,
                api_key=row.group.accessor or None,
                item=row.group.line_item or _UNNAMED_ITEM,
                cost=dollars,
                missing_amounts=1 if dollars is None else 0,
            )
        )
    _refuse_nothing(answer.results, notes, where)
    return BreakdownFigures(tuple(records), min(days, default=None), told_days(answer, month), notes, written)


def parse_usage(
    answer: Usage, project: str, month: Month, where: str, *, api_key: str | None = None
) -> BreakdownFigures:
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
    for row in lines_of_days(answer, answer.results, notes, where):
        tokens_in, tokens_out = _tokens(row)
        units, requests = _units(row), row.requests or None
        empty = not units and requests is None and tokens_in is None
        day = day_in_month(row, month, notes, empty=empty, where=where)
        if day is None or empty:
            continue
        days.append(day)
        records.append(
            UsageRecord(
                day=day,
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
    return BreakdownFigures(tuple(records), min(days, default=None), told_days(answer, month), notes)


def _refuse_nothing(rows: Lines[R], notes: Notes, where: str) -> None:
    """A report of which no line can be read is not odd, it has changed."""
    odd = sum(notes.odd.values())
    if odd and odd >= len(rows) + sum(rows.odd.values()):
        raise ContractError(unexpected(where, next(iter(notes.odd))))


def _tokens(row: UsageLine) -> tuple[int | None, int | None]:
    """Tokens are those of the voice agent's language model: other usage has none, which zeros in the answer hide."""
    if not (row.agent_hours or row.tokens_in or row.tokens_out):
        return None, None
    return row.tokens_in or 0, row.tokens_out or 0


def _units(row: UsageLine) -> Units:
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
