"""What pages of OpenAI's reports add up to, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from providers.openai.endpoints import Family
from providers.openai.parse import CostPage, UsagePage, cost_records, days_of, usage_records
from usage.month import Month
from usage.names import Source
from usage.records import UsageRecord
from usage.sums import MonthSums


@dataclass(frozen=True, slots=True)
class Figures:
    """What one report brought.

    `days` are the buckets that were there; `as_text` says whether every amount came as decimal text, and so exact;
    `by_key` whether the money is told apart by API key.
    """

    records: tuple[UsageRecord, ...]
    days: int = 0
    as_text: bool = False
    by_key: bool = True


class CostSink:
    """Takes in pages of the costs report."""

    def __init__(self, source: Source, month: Month) -> None:
        self._month = month
        self._sums = MonthSums(source)
        self._days: set[int] = set()
        self._as_text = True

    def add(self, page: CostPage, /) -> None:
        """Take in one page."""
        for bucket in days_of(page.data, self._month):
            self._days.add(bucket.start_time)
            self._as_text &= all(
                result.amount is None or isinstance(result.amount.value, str) for result in bucket.results
            )
        self._sums.add(cost_records(page, self._month))

    def figures(self, *, by_key: bool) -> Figures:
        """All that was taken in."""
        return Figures(self._sums.records(), len(self._days), self._as_text, by_key)


class MonthlyCosts:
    """Takes in pages of a costs report that spans several months."""

    def __init__(self, source: Source, months: Iterable[Month]) -> None:
        self._sinks = {month: CostSink(source, month) for month in months}

    def add(self, page: CostPage, /) -> None:
        """Take in one page."""
        for sink in self._sinks.values():
            sink.add(page)

    def figures(self, *, by_key: bool) -> dict[Month, Figures]:
        """All that was taken in, by month."""
        return {month: sink.figures(by_key=by_key) for month, sink in self._sinks.items()}


class UsageSink:
    """Takes in pages of one usage report. Of what is stored rather than used, the highest day stands for the month."""

    def __init__(self, source: Source, month: Month, family: Family) -> None:
        self._month, self._family = month, family
        self._sums = MonthSums(source)
        self._peaks: dict[str | None, UsageRecord] = {}

    def add(self, page: UsagePage, /) -> None:
        """Take in one page."""
        records = usage_records(page, self._family, self._month)
        if not self._family.is_stock:
            self._sums.add(records)
            return
        for record in records:
            peak = self._peaks.get(record.project)
            if peak is None or record.units > peak.units:
                self._peaks[record.project] = record

    def figures(self) -> Figures:
        """All that was taken in."""
        return Figures(self._sums.records() or tuple(self._peaks.values()))
