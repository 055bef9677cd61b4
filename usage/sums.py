"""Sums of records as pages arrive."""

from __future__ import annotations

from collections.abc import Iterable

from usage.collector import collector_paused
from usage.names import Source
from usage.records import UsageRecord


class MonthSums:
    """Sums one source's records over the days of a month, so that memory holds a page and the sums, not the bodies.

    Args:
        source: The source whose records these are.
        every: Records to gather before they are folded into the sums.
    """

    def __init__(self, source: Source, *, every: int = 100_000) -> None:
        self._source, self._every = source, every
        self._fresh: list[UsageRecord] = []
        self._sums: tuple[UsageRecord, ...] = ()
        self.count = 0
        """Records taken in so far."""

    def add(self, records: Iterable[UsageRecord]) -> None:
        """Take in a page's records.

        Raises:
            ContractError: A figure is larger, or has more decimals, than the table keeps.
        """
        before = len(self._fresh)
        with collector_paused():
            self._fresh.extend(records)
        self.count += len(self._fresh) - before
        if len(self._fresh) >= self._every:
            self._fold()

    def records(self) -> tuple[UsageRecord, ...]:
        """One record for each combination of ids and model, summed over all records taken in."""
        self._fold()
        return self._sums

    def _fold(self) -> None:
        if not self._fresh:
            return
        # pandas takes most of a second to import: not before the first answer is there.
        from usage.table import summed  # noqa: PLC0415

        with collector_paused():
            self._sums = summed([self._sums, self._fresh], self._source)
        self._fresh = []
