"""Facts by month: made when first asked for, kept, and free to be edited by a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """Anything that happened at an instant (UTC)."""

    at: datetime


F = TypeVar("F", bound=Dated)


class Ledger(Generic[F]):
    """One list of facts for each month.

    Args:
        now: The clock; nothing later than it exists.
        make: The facts of a month before an instant. A later instant has to give the same facts and more.
    """

    def __init__(self, now: Callable[[], datetime], make: Callable[[str, datetime], Iterable[F]]) -> None:
        self._now, self._make = now, make
        self._months: dict[str, list[F]] = {}
        self._until: dict[str, datetime] = {}

    def month(self, month: str) -> list[F]:
        """The facts of a month (`2026-01`), up to now: the list itself, so that edits last."""
        now, known = self._now(), self._until.get(month)
        facts = self._months.setdefault(month, [])
        if known is None or known < min(now, following(month)):
            # The running month grows with the clock; what a test changed in its past stays changed.
            facts.extend(fact for fact in self._make(month, now) if known is None or fact.at >= known)
            self._until[month] = now
        return facts

    def clear(self, month: str) -> None:
        """Empty a month for good."""
        self._months.setdefault(month, []).clear()
        self._until[month] = following(month)

    def days(self, first: date, last: date) -> Iterator[F]:
        """The facts of the days from `first` to `last`, both included."""
        month = first.isoformat()[:7]
        while month <= last.isoformat()[:7]:
            yield from (fact for fact in self.month(month) if first <= fact.at.date() <= last)
            month = following(month).date().isoformat()[:7]


def following(month: str) -> datetime:
    """The first instant (UTC) after a month."""
    year, number = int(month[:4]), int(month[5:])
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
