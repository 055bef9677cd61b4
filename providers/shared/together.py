"""Reports that span many months, which a backfill reads once and not month by month.

The months of a backfill are read one after another in one process, and a month knows nothing of the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from providers.shared.http import heard_by
from usage.errors import SourceError
from usage.month import Month
from usage.peers.exchange import Listener

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Report:
    """A report's months and when it was read, or why it could not be."""

    parts: Mapping[Month, Any]
    read_at: datetime
    error: SourceError | None = None


class Together:
    """Consecutive closed months of one source that are read one after another, and what is remembered of them.

    It is remembered only as long as the backfill runs.

    Args:
        months: Which.
        listen: Gives, for each report, what is told its answers; None: who hears those of the month that asks.
    """

    def __init__(self, months: Sequence[Month], listen: Callable[[object], Listener] | None = None) -> None:
        self.months, self._listen = tuple(months), listen
        self._reports: dict[object, _Report] = {}

    async def part(
        self, report: object, month: Month, now: datetime, read: Callable[[], Awaitable[Mapping[Month, T]]]
    ) -> T:
        """One month's part of a report, which is read for all months when the first of them asks for it.

        Args:
            report: Which report.
            month: One of the months.
            now: The moment of reading, UTC.
            read: Reads the report.

        Raises:
            SourceError: It could not be read for all months, now or before. It may be the span that is refused: what
                is true of the month, only asking for the month alone tells.
        """
        if report not in self._reports:
            try:
                with heard_by(None if self._listen is None else self._listen(report)):
                    self._reports[report] = _Report(await read(), now)
            except SourceError as error:
                # Not worth trying again for each month.
                self._reports[report] = _Report({}, now, error)
        found = self._reports[report]
        if found.error is not None:
            raise found.error
        part: T = found.parts[month]
        return part

    def read_at(self, now: datetime) -> datetime:
        """The earliest moment at which figures of a month that is read now may have been read, UTC."""
        return min((report.read_at for report in self._reports.values() if report.parts), default=now)


def consecutive(months: Sequence[Month]) -> list[list[Month]]:
    """Months, in order, cut where one is missing."""
    runs: list[list[Month]] = []
    for month in sorted(months):
        if runs and runs[-1][-1].next() == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return runs
