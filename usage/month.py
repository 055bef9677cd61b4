"""Calendar months in UTC."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import total_ordering
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from usage.errors import SettingsError
from usage.language.marks import to_say
from usage.language.saying import say

MONTH_PATTERN = r"^([0-9]{4}-(0[1-9]|1[0-2])|last|current)$"
"""What a person may write for a month; also the pattern of the flows' parameters."""


_MOST_MONTHS = 120
"""Of `last-…`: no provider keeps more."""


@total_ordering
class Month:
    """A calendar month in UTC, written `2026-01`. Ordered, hashable, immutable."""

    __slots__ = ("_month", "_year")

    def __init__(self, year: int, month: int) -> None:
        if not (2000 <= year <= 9998 and 1 <= month <= 12):
            raise SettingsError(
                say("{year}-{month} is not a month: write it like 2026-01", year=f"{year:04d}", month=f"{month:02d}")
            )
        self._year, self._month = year, month

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-01`.

        Raises:
            SettingsError: The text is not a month.
        """
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
        if match is None:
            if ".." in text or text.startswith("last-"):
                raise SettingsError(
                    say("{text} is a range of months: write one month here, like 2026-01", text=repr(text))
                )
            raise SettingsError(
                say("{text} is not a month: write it like 2026-01, or `last` or `current`", text=repr(text))
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, instant: datetime | date) -> Self:
        """The month that an instant (aware) or a UTC day falls in."""
        if isinstance(instant, datetime):
            instant = instant.astimezone(UTC)
        return cls(instant.year, instant.month)

    @classmethod
    def resolve(cls, text: str, now: datetime) -> Self:
        """Read `2026-01`, `last` (the last closed month) or `current`.

        Raises:
            SettingsError: Not a month, or a month that has not begun.
        """
        running = cls.of(now)
        if text == "current":
            return running
        month = running.previous() if text == "last" else cls.parse(text)
        if month > running:
            raise SettingsError(
                say("{month} has not begun yet: the running month is {running}", month=month, running=running)
            )
        return month

    @classmethod
    def resolve_range(cls, text: str, now: datetime) -> tuple[Self, ...]:
        """Read `2026-01..2026-06` (both ends included), `last-3` (the last three closed months), or one month.

        Returns:
            The months, in order.

        Raises:
            SettingsError: Not a month or a range, one turned round, or a month that has not begun.
        """
        if text.startswith("last-") and ".." not in text:
            last, closed = cls.of(now).previous(), re.fullmatch(r"last-([0-9]{1,3})", text)
            if closed is None or not 0 < int(closed[1]) <= _MOST_MONTHS:
                raise SettingsError(
                    say(
                        "{text}: write how many closed months, from last-1 to last-{most_months}",
                        text=repr(text),
                        most_months=_MOST_MONTHS,
                    )
                )
            first = last
            for _ in range(int(closed[1]) - 1):
                first = first.previous()
            return tuple(first.until(last))
        ends = text.split("..")
        if len(ends) > 2 or not all(re.fullmatch(r"[0-9]{4}-[0-9]{2}|last|current", end) for end in ends):
            sentence = (
                to_say("{text} is not a range of months: write it like 2026-01..2026-06")
                if len(ends) > 1
                else to_say(
                    "{text} is not a month or a range: write it like 2026-01, 2026-01..2026-06, `last`, `current` "
                    "or last-3"
                )
            )
            raise SettingsError(say(sentence, text=repr(text)))
        return cls.between(cls.resolve(ends[0], now), cls.resolve(ends[-1], now))

    @classmethod
    def between(cls, first: Self, last: Self) -> tuple[Self, ...]:
        """The months of a range, both ends included.

        Raises:
            SettingsError: It is turned round.
        """
        if first > last:
            raise SettingsError(
                say(
                    "the range is turned round: {first} comes after {last}; write the earlier month first",
                    first=first,
                    last=last,
                )
            )
        return tuple(first.until(last))

    @property
    def start(self) -> datetime:
        """First instant, UTC."""
        return datetime(self._year, self._month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """First instant of the next month, UTC."""
        return self.next().start

    @property
    def first_day(self) -> date:
        """First day."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """Last day."""
        return (self.end - timedelta(days=1)).date()

    @property
    def days(self) -> int:
        """Number of days, 28 to 31."""
        return (self.end - self.start).days

    def contains(self, day: date) -> bool:
        """Whether a UTC day falls in this month."""
        return (day.year, day.month) == (self._year, self._month)

    def days_without(self, days: Collection[date]) -> tuple[date, ...]:
        """Its days that are not among some, in order."""
        every = (self.first_day + timedelta(days=number) for number in range(self.days))
        return tuple(day for day in every if day not in days)

    def is_running(self, now: datetime) -> bool:
        """Whether the month has not ended at `now`."""
        return now < self.end

    def next(self) -> Self:
        """The month after."""
        return type(self)(self._year + self._month // 12, self._month % 12 + 1)

    def previous(self) -> Self:
        """The month before."""
        return type(self)(self._year - (self._month == 1), (self._month - 2) % 12 + 1)

    def until(self, last: Self) -> Iterator[Self]:
        """This month and the ones after it, up to and including `last`."""
        month = self
        while month <= last:
            yield month
            month = month.next()

    def __str__(self) -> str:
        return f"{self._year:04d}-{self._month:02d}"

    def __repr__(self) -> str:
        return f"Month({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Month) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __lt__(self, other: Month) -> bool:
        return str(self) < str(other)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In pydantic models a month is read from, and written as, its text."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, Month) else cls.parse(str(value)),
            serialization=core_schema.to_string_ser_schema(),
        )
