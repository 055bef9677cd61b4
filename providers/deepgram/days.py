"""The days of a month at Deepgram: which are asked for, which day a line stands for, until when they may change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, TypeVar

from providers.shared.answers import ApiModel
from providers.shared.http import Params
from providers.shared.lines import Lines, Notes
from usage.errors import ContractError
from usage.language.saying import say
from usage.month import Month
from usage.names import ProviderName

SETTLING: Final = ProviderName.DEEPGRAM.spec.reach.settling
"""How long after its end a month counts as provisional: Deepgram promises nothing about when figures are final."""


class Resolution(ApiModel):
    """Size of the buckets."""

    units: str
    amount: Decimal


class Group(ApiModel):
    """What a row stands for. A dimension that was not grouped by is null."""

    unused: ClassVar = frozenset({"deployment", "endpoint", "feature_set", "method", "tags"})
    start: date | None = None
    end: date | None = None
    accessor: str | None = None
    models: str | list[str] | None = None
    """A list; the description of 2025 has a single text."""
    line_item: str | None = None


class Row(ApiModel):
    """One line of a breakdown, and its day."""

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


class Period(ApiModel):
    """The period that an answer is about."""

    start: object = None
    end: object = None
    """The period that the answer is about, as days: an echo, which nothing but the count of days depends on."""
    resolution: Resolution | None = None


def asked_days(month: Month, now: datetime) -> Params:
    """The days to ask for: through the first of the next month, or through tomorrow while the month runs.

    Whether `end` is part of the answer is not published, though samples say that it is. One day too many is asked for,
    and what lies outside the month is dropped when the rows are read.
    """
    end = min(month.end.date(), now.astimezone(UTC).date() + timedelta(days=1))
    return [("start", month.first_day.isoformat()), ("end", end.isoformat())]


def a_day_of(month: Month) -> Params:
    """The least to ask for when the answer does not matter: a day, and the next as `end`."""
    return [("start", month.first_day.isoformat()), ("end", (month.first_day + timedelta(days=1)).isoformat())]


R = TypeVar("R", bound=Row)


def lines_of_days(answer: Period, rows: Lines[R], notes: Notes, where: str) -> Iterator[R]:
    """The lines, each about one day: by what the answer says of all of them, else by what the line itself says."""
    resolution = answer.resolution
    # A coarser bucket could lie across the end of the month.
    if resolution is not None and (resolution.units != "day" or resolution.amount != 1):
        raise ContractError(say("{where} no longer answers day by day: the month can’t be cut out.", where=where))
    notes.take(rows, where)
    for row in rows:
        if resolution is None and not row.is_one_day:
            notes.drop(where, say("a line does not say which day it is about"))
        else:
            yield row


def day_in_month(row: Row, month: Month, notes: Notes, *, empty: bool, where: str) -> date | None:
    """The day of a line that belongs to the month; None for any other, which is counted if something is lost by it."""
    if row.day is not None:
        return row.day if month.contains(row.day) else None
    # Programs in use expect lines without a group. One without figures is no loss; any other can't be given to a month.
    if not empty:
        notes.drop(where, say("a line has no day (results.grouping.start)"))
    return None


def told_days(answer: Period, month: Month) -> frozenset[date] | None:
    """Days of the month that an answer says it is about; None where it does not say."""
    first, last = _date(answer.start), _date(answer.end)
    if first is None or last is None:
        return None
    # A period that has nothing to do with the question says nothing about the answer.
    return frozenset(day for day in month.days_without(()) if first <= day <= last) or None


def common_days(told: Iterable[frozenset[date] | None]) -> frozenset[date] | None:
    """Days that all answers hold which say what they are about; None where none does."""
    known = [days for days in told if days is not None]
    return frozenset.intersection(*known) if known else None


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text[: len("2026-01-31")]) if isinstance(text, str) else None
    except ValueError:
        # An echo that can't be read tells no days.
        return None
