"""Reading OpenAI's usage reports, and what is said of a report that does not reach a month."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, Final, Generic, Self, TypeVar

from providers.openai.days import Span, day_of, days_of, usage_span
from providers.openai.endpoints import BUCKETS_PER_PAGE, COSTS, FEWER_BUCKETS, LARGE_PAGE, Family
from providers.openai.parse import (
    CostPage,
    CostResult,
    Outline,
    UsagePage,
    charges_of,
    cost_records,
    usage_records,
    uses_of,
)
from providers.openai.refusals import TooOldError
from providers.shared.amounts import Written
from providers.shared.answers import SmallerPagesError
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.lines import Notes
from providers.shared.paging import Sink, read_pages
from providers.shared.parts import out_of_reach
from usage.errors import ContractError, RefusedError
from usage.language.saying import say
from usage.machine.memory import without_garbage_collection
from usage.month import Month
from usage.names import Grain
from usage.peers.contract import unexpected
from usage.records.allocation import Charge, Use
from usage.records.record import Ids, UsageRecord
from usage.records.sums import RecordSums

PageT = TypeVar("PageT", CostPage, UsagePage)
S = TypeVar("S", bound=Sink[Any])
_PAGES_A_DAY: Final = 100
"""A day may fill several pages; how many is not published."""


async def read_usage(job: Job, family: Family) -> ReportFigures:
    """One usage report, from the first day on that it has.

    Raises:
        SourceError: It could not be read; `UnavailableError` where the month is out of reach.
    """

    async def read(span: Span) -> ReportFigures:
        sink = await read_report(
            job,
            family.path,
            span,
            family.group_by,
            model=UsagePage,
            sink=lambda: UsageSink(job.month, family, by_kind=job.grain is Grain.API_KEY),
        )
        return sink.figures()

    try:
        figures, begins = await from_its_first_day(usage_span(job), read)
    except RefusedError as error:
        raise out_of_reach(job, error, "OpenAI") from None
    return replace(figures, begins=begins)


async def from_its_first_day(
    span: Span, read: Callable[[Span], Awaitable[ReportFigures]]
) -> tuple[ReportFigures, date | None]:
    """A report of a span, or of its part from the first day on that the refusal names; and that day.

    Raises:
        SourceError: It could not be read.
    """
    try:
        return await read(span), None
    except TooOldError as error:
        day = min(filter(span.holds, error.days), default=None)
        if day is None:
            raise
        return await read(span.from_day(day)), day


async def read_report(
    job: Job,
    path: str,
    span: Span,
    group_by: Sequence[str],
    *,
    model: type[PageT],
    sink: Callable[[], S],
    limit: str = BUCKETS_PER_PAGE,
) -> S:
    """All pages of one question. A month that would be too large a page is asked for in smaller ones.

    Raises:
        SourceError: They could not be read; see `providers.shared.http` and `providers.shared.paging`.
    """

    async def read(limit: str, most_bytes: int | None = None) -> S:
        question: Params = [
            *span.params,
            ("bucket_width", "1d"),
            ("limit", limit),
            # Brackets, as OpenAI's own SDK sends them; the published description declares the plain form.
            *(("group_by[]", name) for name in group_by),
        ]

        async def ask(token: str | None) -> _Page[PageT]:
            asked = [*question, ("page", token)] if token else question
            answer = await job.get(path, asked, most_bytes=most_bytes)
            return _Page(answer.parts(model, "data"))

        # Between two pages the collector would walk through all records so far.
        with without_garbage_collection():
            taken = await read_pages(
                ask,
                lambda page: page.outline.next_page(span.end),
                lambda: _DayByDay(sink()),
                where=path,
                tells_its_days=True,
                most=span.days * _PAGES_A_DAY,
            )
        return taken.sink

    if limit != BUCKETS_PER_PAGE:
        return await read(limit)
    try:
        return await read(limit, LARGE_PAGE)
    except SmallerPagesError:
        return await read(FEWER_BUCKETS)


class _Page(Generic[PageT]):
    """A page that is read day by day, while it is taken in: a month may come in one answer of 150 MB."""

    def __init__(self, parts: Iterator[PageT]) -> None:
        self._parts: Iterator[PageT] = parts
        self.outline = Outline()

    def into(self, sink: Sink[PageT]) -> None:
        for part in self._parts:
            self.outline.add(part)
            sink.add(part)


@dataclass(frozen=True, slots=True)
class _DayByDay(Generic[S]):
    sink: S

    def add(self, page: _Page[Any], /) -> None:
        page.into(self.sink)


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """What one report brought of a month.

    `days` are those that were there; `names` those of projects, and `organisations` the ids, that cost lines told.
    """

    records: tuple[UsageRecord, ...]
    days: frozenset[date] = frozenset()
    by_key: bool = True
    """Whether the money is told apart by API key."""
    keys_from: date | None = None
    """The day from which on it is, where OpenAI named one that is not before the month."""
    begins: date | None = None
    """The first day that the report has of this month, where it does not reach back to the month's first."""
    notes: Notes = field(default_factory=Notes)
    written: Written = field(default_factory=Written)
    names: tuple[tuple[str, str], ...] = ()
    organisations: frozenset[str] = frozenset()
    rounded: int = 0
    charges: tuple[Charge, ...] = ()
    """Where rows are keys: the money among the records that is told by project, by kind of usage."""
    uses: tuple[Use, ...] = ()
    """Where rows are keys: how much of what each key used."""

    def plus(self, other: Self) -> Self:
        """Both, of different days of the same month."""
        return replace(
            self,
            records=self.records + other.records,
            days=self.days | other.days,
            by_key=self.by_key and other.by_key,
            keys_from=self.keys_from or other.keys_from,
            notes=Notes.of_all((self.notes, other.notes)),
            written=Written.of_all((self.written, other.written)),
            names=self.names + other.names,
            organisations=self.organisations | other.organisations,
            rounded=self.rounded + other.rounded,
            charges=self.charges + other.charges,
            uses=self.uses + other.uses,
        )


class _SumsByDay:
    """Sums of records, day after day: of a day that is over the records alone are held, which take a third less."""

    def __init__(self) -> None:
        self._open: dict[date, RecordSums] = {}
        self._over: dict[date, tuple[UsageRecord, ...]] = {}
        self.rounded = 0

    def add(self, day: date, records: Iterable[UsageRecord]) -> None:
        if day not in self._open:
            if day in self._over:
                # A day that comes again may do so many times: it stays open.
                self._open[day] = RecordSums()
                self._open[day].add(self._over[day])
            else:
                self._close()
                self._open[day], self._over[day] = RecordSums(), ()
        sums = self._open[day]
        before = sums.rounded
        sums.add(records)
        self.rounded += sums.rounded - before

    def records(self) -> tuple[UsageRecord, ...]:
        self._close()
        return tuple(chain.from_iterable(self._over.values()))

    def _close(self) -> None:
        self._over |= {day: sums.records() for day, sums in self._open.items()}
        self._open.clear()


class CostSink:
    """Takes in pages of the costs report.

    Args:
        month: Other days are dropped.
        by_kind: Whether to keep the money by kind of usage as well.
    """

    def __init__(self, month: Month, *, by_kind: bool = False) -> None:
        self._month = month
        self._sums = _SumsByDay()
        self._kinds: dict[str, RecordSums] | None = {} if by_kind else None
        self._days: set[date] = set()
        self._notes, self._written = Notes(), Written()
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._organisations: set[str] = set()

    def add(self, page: CostPage, /) -> None:
        """Take in one page."""
        for bucket in days_of(page.data, self._month):
            day = day_of(bucket)
            self._days.add(day)
            self._notes.take(bucket.results, COSTS)
            records = cost_records(bucket.results, day, self._notes, self._written, self._ids)
            if self._kinds is not None:
                records = self._by_kind(self._kinds, bucket.results, tuple(records))
            self._sums.add(day, records)
            self._look_at(bucket.results)

    @staticmethod
    def _by_kind(
        kinds: dict[str, RecordSums], results: Sequence[CostResult], records: Sequence[UsageRecord]
    ) -> Iterator[UsageRecord]:
        for charge in charges_of(results, records):
            kinds.setdefault(charge.kind, RecordSums()).add((charge.record,))
        return iter(records)

    def _look_at(self, results: Iterable[CostResult]) -> None:
        told = {result.organization_id for result in results if isinstance(result.organization_id, str)}
        self._organisations |= told - {""}
        for result in results:
            # Most of hundreds of thousands of lines say what one before them has said.
            project, name = result.project_id, result.project_name
            if project not in self._names and project and isinstance(name, str) and name.strip():
                self._names[project] = name

    def figures(self, *, by_key: bool) -> ReportFigures:
        """All that was taken in.

        Raises:
            ContractError: There were lines, and none could be read.
        """
        self._notes.refuse_if_nothing_is_left(COSTS)
        return ReportFigures(
            self._sums.records(),
            frozenset(self._days),
            by_key,
            notes=self._notes,
            written=self._written,
            names=tuple(self._names.items()),
            organisations=frozenset(self._organisations),
            rounded=self._sums.rounded,
            charges=tuple(
                Charge(record, kind) for kind, sums in (self._kinds or {}).items() for record in sums.records()
            ),
        )


class MonthlyCosts:
    """Takes in pages of a costs report that spans several months; see `CostSink`."""

    def __init__(self, months: Iterable[Month], *, by_kind: bool = False) -> None:
        self._sinks = {month: CostSink(month, by_kind=by_kind) for month in months}

    def add(self, page: CostPage, /) -> None:
        """Take in one page."""
        for sink in self._sinks.values():
            sink.add(page)

    def figures(self, *, by_key: bool) -> dict[Month, ReportFigures]:
        """All that was taken in, by month.

        Raises:
            ContractError: A month has lines, and none could be read.
        """
        return {month: sink.figures(by_key=by_key) for month, sink in self._sinks.items()}


class UsageSink:
    """Takes in pages of one usage report. Of what is stored rather than used, the highest day stands for the month.

    Args:
        month: Other days are dropped.
        family: Whose report it is.
        by_kind: Whether to keep what keys used by kind as well.
    """

    def __init__(self, month: Month, family: Family, *, by_kind: bool = False) -> None:
        self._month, self._family = month, family
        self._expected = range(int(month.start.timestamp()), int(month.end.timestamp()) + 1)
        self._uses: dict[tuple[Ids, str], int | Decimal] | None = {} if by_kind else None
        self._sums = RecordSums()
        self._days: set[date] = set()
        self._notes = Notes()
        self._peaks: dict[str | None, UsageRecord] = {}
        self._is_elsewhere = False

    def add(self, page: UsagePage, /) -> None:
        """Take in one page."""
        # An end that is taken as inclusive brings the day after the month.
        self._is_elsewhere |= any(bucket.start_time not in self._expected for bucket in page.data)
        for bucket in days_of(page.data, self._month):
            day = day_of(bucket)
            self._days.add(day)
            self._notes.take(bucket.results, self._family.path)
            if self._uses is not None:
                for use in uses_of(bucket.results, day, self._family):
                    self._uses[use.ids, use.kind] = self._uses.get((use.ids, use.kind), 0) + use.amount
            records = usage_records(bucket.results, day, self._family, self._notes)
            if self._family.is_stock:
                self._keep_highest(records)
            else:
                self._sums.add(records)

    def _keep_highest(self, records: Iterable[UsageRecord]) -> None:
        for record in records:
            peak = self._peaks.get(record.project)
            if peak is None or record.units > peak.units:
                self._peaks[record.project] = record

    def figures(self) -> ReportFigures:
        """All that was taken in.

        Raises:
            ContractError: There were lines, and none could be read; or there were days, and none is of the month.
        """
        self._notes.refuse_if_nothing_is_left(self._family.path)
        if self._is_elsewhere and not self._days:
            raise ContractError(unexpected(self._family.path, say("all of it is about other months")))
        records = self._sums.records() or tuple(self._peaks.values())
        uses = tuple(Use(ids, kind, amount) for (ids, kind), amount in (self._uses or {}).items())
        return ReportFigures(records, frozenset(self._days), notes=self._notes, uses=uses)
