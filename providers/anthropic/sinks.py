"""What pages of Anthropic's reports add up to, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from providers.anthropic.endpoints import Report
from providers.anthropic.parse import Heed, Line, OlderCost, OlderUsage, ReportPage
from providers.base import Job
from providers.shared.amounts import Written
from providers.shared.lines import Notes
from usage.money import exact_sum
from usage.records.record import UsageRecord
from usage.records.sums import MonthSums

L = TypeVar("L", bound=Line)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one report brought; `refreshed_at` is how far its data goes, where it says so."""

    records: tuple[UsageRecord, ...]
    refreshed_at: datetime | None
    days: int | None = None
    """Days that came; None for a report that gives none."""
    notes: Notes = field(default_factory=Notes)
    written: Written = field(default_factory=Written)
    rounded: int = 0
    uncounted: frozenset[UsageRecord] = frozenset()
    """Whose requests, in part or all, were not counted: workspace and key alone."""

    @property
    def cost(self) -> Decimal | None:
        """USD over all records."""
        return exact_sum(record.cost for record in self.records)


class ReportSink(Generic[L]):
    """Takes in pages of a report."""

    def __init__(self, job: Job, report: Report, records: Callable[[L, Heed], Iterator[UsageRecord]]) -> None:
        self._month, self._report, self._records = job.month, report, records
        self._sums = MonthSums(job.source)
        self._heed = Heed(report.path, Notes(), Written())
        self._days: set[date] = set()
        self._refreshed: set[datetime | None] = set()
        self._uncounted: set[UsageRecord] = set()

    def add(self, page: ReportPage[L], /) -> None:
        """Take in one page, if it is not past the month."""
        if page.is_past(self._month):
            return
        self._refreshed.add(page.data_refreshed_at)
        self._heed.notes.take(page.data, self._report.path, are_days=self._report.by_day)
        for line in page.within(self._month):
            self._days.add(line.starting_at.astimezone(UTC).date())
            if isinstance(line, OlderUsage | OlderCost):
                self._heed.notes.take(line.results, self._report.path)
            self._sums.add(self._looked_at(self._records(line, self._heed)))

    def _looked_at(self, records: Iterable[UsageRecord]) -> Iterator[UsageRecord]:
        for record in records:
            if record.model and record.tokens_output is not None and record.requests is None:
                self._uncounted.add(UsageRecord(workspace=record.workspace, api_key=record.api_key))
            yield record

    def reading(self) -> Reading:
        """All that was taken in.

        Raises:
            ContractError: There were lines, and none could be read.
        """
        self._heed.notes.refuse_if_nothing_is_left(self._report.path)
        return Reading(
            self._sums.records(),
            earliest(self._refreshed),
            len(self._days) if self._report.by_day else None,
            self._heed.notes,
            self._heed.written,
            self._sums.rounded,
            frozenset(self._uncounted),
        )


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """The earliest instant; None when there is none or one of them is not known."""
    known = list(instants)
    return min((at for at in known if at), default=None) if None not in known else None
