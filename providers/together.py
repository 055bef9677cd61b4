"""Reports that span many months, which a backfill reads once and not month by month.

The months of a backfill are read one after another in one process, and a month knows nothing of the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from usage.errors import SourceError
from usage.month import Month

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Report:
    """A report's months, and when it was read; no months where it could not be read."""

    parts: Mapping[Month, Any]
    read_at: datetime


class Together:
    """Consecutive closed months of one source that are read one after another, and what is remembered of them.

    Only what was read is remembered, and only as long as the backfill runs.
    """

    def __init__(self, months: Sequence[Month]) -> None:
        self.months = tuple(months)
        self._reports: dict[object, _Report] = {}

    async def part(
        self, name: object, month: Month, now: datetime, read: Callable[[], Awaitable[Mapping[Month, T]]]
    ) -> T | None:
        """One month's part of a report, which is read for all months when the first of them asks for it.

        None where it can't be had so: the month is then asked for alone, and its own error is the one that counts.

        Args:
            name: Which report.
            month: One of the months.
            now: The moment of reading, UTC.
            read: Reads the report.
        """
        if name not in self._reports:
            try:
                parts = await read()
            except SourceError:
                # Too long a span for the provider, perhaps: not worth trying again for each month.
                parts = {}
            self._reports[name] = _Report(parts, now)
        return self._reports[name].parts.get(month)

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
