"""Reads the two reports of a month, usage and costs, from the newer pair or from the older one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from msgspec import structs

from providers.anthropic import parse
from providers.anthropic.days import asked_days, is_provisional, newer_reports_reach
from providers.anthropic.endpoints import ANALYTICS_COSTS, ANALYTICS_USAGE, OLDER_COSTS, OLDER_USAGE, Report
from providers.anthropic.parse import Line, LineNotes, OlderDay, ReportPage, next_report_page
from providers.shared.amounts import Written, cost_of
from providers.shared.control import believe_twice, control, mismatch
from providers.shared.job import Job
from providers.shared.lines import Notes
from providers.shared.paging import read_pages
from providers.shared.parts import Part, out_of_reach, read_parts
from usage.errors import ContractError, RefusedError, SourceError
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.outcomes.report import Control, Gap
from usage.peers.contract import unexpected
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

L = TypeVar("L", bound=Line)

_REFUSALS: Final = (400, 403, 404)
"""How an organization without the newer reports may be answered; which of them it is, is not documented."""


@dataclass(frozen=True, slots=True)
class ReportFormat(Generic[L]):
    """A report with the shape of its pages and the records that a line becomes."""

    report: Report
    page: type[ReportPage[L]]
    records: Callable[[L, LineNotes], Iterator[UsageRecord]]


@dataclass(frozen=True, slots=True)
class Pair:
    """The reports of one generation; `coarse` where they know no keys."""

    costs: ReportFormat[Any]
    usage: ReportFormat[Any]
    coarse: bool
    row_note: Callable[[], Sentence]


NEWER: Final = Pair(
    ReportFormat(ANALYTICS_COSTS, ReportPage[parse.AnalyticsCost], parse.analytics_cost),
    ReportFormat(ANALYTICS_USAGE, ReportPage[parse.AnalyticsUsage], parse.analytics_usage),
    coarse=False,
    row_note=lambda: say(
        "Costs: Anthropic’s costs report, after discount, without credits and taxes. Input tokens: cache included."
    ),
)
OLDER: Final = Pair(
    ReportFormat(OLDER_COSTS, ReportPage[OlderDay[parse.OlderCostResult]], parse.older_cost),
    ReportFormat(OLDER_USAGE, ReportPage[OlderDay[parse.OlderUsageResult]], parse.older_usage),
    coarse=True,
    row_note=lambda: say(
        "By workspace: Anthropic’s older reports give neither costs by key nor a number of requests. Costs without "
        "credits, taxes and Priority Tier. Input tokens: cache included."
    ),
)


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What a pair of reports brought; None for a report that could not be read."""

    pair: Pair
    costs: ReportFigures | None
    usage: ReportFigures | None
    gaps: tuple[Gap, ...]
    control: Control | None = None
    remarks: tuple[Sentence, ...] = ()

    @property
    def records(self) -> tuple[UsageRecord, ...]:
        """Costs and usage; what has one without the other keeps what it has."""
        return tuple(record for one in (self.costs, self.usage) if one for record in one.records)

    @property
    def refreshed_at(self) -> datetime | None:
        """How far all of it goes; None unless both reports say so."""
        return earliest(one.refreshed_at if one else None for one in (self.costs, self.usage))

    @property
    def reports(self) -> tuple[tuple[Sentence, ReportFigures], ...]:
        """What was read, by what it brings."""
        both = ((self.pair.costs, self.costs), (self.pair.usage, self.usage))
        return tuple((form.report.what(), one) for form, one in both if one is not None)


async def read_figures(job: Job) -> MonthFigures:
    """The month from the newer reports where they reach it and are not refused, else from the older ones.

    Where one of the newer ones is refused, the older pair has to bring both to be the better one.

    Raises:
        SourceError: Neither costs nor usage could be read, or an answer breaks the contract.
    """
    if not newer_reports_reach(job.month, job.now):
        return await _read_pair(job, OLDER)
    refusals: list[SourceError] = []
    newer: MonthFigures | None = None
    try:
        newer = await _read_pair(job, NEWER, refusals)
    except SourceError as error:
        if not refusals or isinstance(error, ContractError):
            raise
    if newer is not None and not refusals:
        return newer
    try:
        older = await _read_pair(job, OLDER)
    except SourceError:
        if newer is None:
            raise
        return newer
    if newer is not None and (older.costs is None or older.usage is None):
        return newer
    return replace(older, remarks=(instead_of_newer(refusals[0]), *older.remarks))


async def try_report(job: Job, form: ReportFormat[Any]) -> None:
    """Ask for the least that shows whether the key may read a report.

    Raises:
        SourceError: It may not.
    """
    report = form.report
    await job.get(report.path, [*asked_days(job, report), ("limit", "1")], report.headers)


def instead_of_newer(error: SourceError) -> Sentence:
    """That the older reports are read, and why the newer ones are not."""
    instead = say("The older reports stand for them: one row for each workspace, without a number of requests.")
    return together([error.sentence, instead])


def is_refusal(error: SourceError) -> bool:
    """Whether the newer reports answered that this organization, or this month, is not for them."""
    return error.status in _REFUSALS


async def _read_pair(job: Job, pair: Pair, refusals: list[SourceError] | None = None) -> MonthFigures:
    """Both reports of a pair; refusals of the newer ones are noted in `refusals`."""
    forms = (pair.costs, pair.usage)
    parts = [
        # Usage that can't be trusted says nothing against the costs.
        Part(form.report.what(), _read(job, pair, form, refusals), apart=form is pair.usage)
        for form in forms
    ]
    read = await read_parts(parts)
    costs, usage = read.values
    remarks = (say("The key reads the other report."),) if read.refused else ()
    figures = MonthFigures(pair, costs, usage, read.gaps, remarks=remarks)
    if costs is None or job.is_running or is_provisional(job, figures.refreshed_at):
        return figures
    return await _check_total(job, figures, costs)


async def _read(job: Job, pair: Pair, form: ReportFormat[Any], refusals: list[SourceError] | None) -> ReportFigures:
    try:
        return await _report(job, form, form.report.group_by)
    except SourceError as error:
        if refusals is not None and is_refusal(error):
            refusals.append(error)
        if pair is OLDER and isinstance(error, RefusedError):
            raise out_of_reach(job, error, "Anthropic") from None
        raise


async def _report(job: Job, form: ReportFormat[L], group_by: Iterable[str]) -> ReportFigures:
    report = form.report
    # Brackets, repeated: other spellings are refused.
    params = [*asked_days(job, report), ("limit", report.limit), *(("group_by[]", name) for name in group_by)]
    if group_by and not report.by_day:
        # The older reports give days by themselves; a total is one row for the whole month.
        params.append(("time_bucket_width", "1d"))

    async def ask(token: str | None) -> ReportPage[L]:
        answer = await job.get(report.path, [*params, *([("page", token)] if token else [])], report.headers)
        return answer.parse(form.page)

    sink = await read_pages(
        ask,
        lambda page: next_report_page(page, job.month),
        lambda: ReportSink(job, report, form.records),
        where=report.path,
        tells_its_days=report.by_day,
    )
    return sink.figures()


async def _check_total(job: Job, figures: MonthFigures, costs: ReportFigures) -> MonthFigures:
    """Hold the costs against Anthropic's own ungrouped total; both are read once more before a mismatch is believed."""

    async def read_again() -> tuple[ReportFigures, Control]:
        again = await _report(job, figures.pair.costs, figures.pair.costs.report.group_by)
        return again, await _control(job, figures.pair, again)

    try:
        first = costs, await _control(job, figures.pair, costs)
        costs, checked = await believe_twice(first, lambda read: not read[1].agrees, read_again, first_stands=False)
    except SourceError as error:
        # The figures themselves were read; without the total they are just not checked.
        unread = say("Control total not read: {why}", why=error.sentence)
        return replace(figures, remarks=(*figures.remarks, unread))
    differs = mismatch(checked, say("The sum of the cost lines does not match Anthropic’s total."))
    return replace(figures, costs=costs, control=checked, gaps=(*figures.gaps, *differs))


async def _control(job: Job, pair: Pair, costs: ReportFigures) -> Control:
    total = await _report(job, pair.costs, ())
    return control(
        cost_of(total.records),
        cost_of(costs.records),
        exact=True,
        written=costs.written,
        of_total=total.written,
    )


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """What one report brought; `refreshed_at` is how far its data goes, where it says so."""

    records: tuple[UsageRecord, ...]
    refreshed_at: datetime | None
    days: int | None = None
    """Days that came; None for a report that gives none."""
    missing_days: tuple[date, ...] = ()
    """Days of the month that did not come."""
    notes: Notes = field(default_factory=Notes)
    written: Written = field(default_factory=Written)
    rounded: int = 0
    uncounted: frozenset[UsageRecord] = frozenset()
    """Whose requests, in part or all, were not counted: workspace and key alone."""


class ReportSink(Generic[L]):
    """Takes in pages of a report."""

    def __init__(self, job: Job, report: Report, records: Callable[[L, LineNotes], Iterator[UsageRecord]]) -> None:
        self._month, self._report, self._records = job.month, report, records
        self._sums = RecordSums()
        self._line_notes = LineNotes(report.path, Notes(), Written())
        self._days: set[date] = set()
        self._refreshed: set[datetime | None] = set()
        self._uncounted: set[UsageRecord] = set()
        self._is_elsewhere = False

    def add(self, page: ReportPage[L], /) -> None:
        """Take in one page, if it is not past the month. A line from before the month is odd."""
        if page.is_past(self._month):
            # An end that is taken as inclusive brings the day after the month, alone where the month is empty.
            after = self._month.end + timedelta(days=1)
            self._is_elsewhere |= any(line.starting_at >= after for line in page.data)
            return
        self._refreshed.add(page.data_refreshed_at)
        self._line_notes.notes.take(page.data, self._report.path, are_days=self._report.by_day)
        for line in page.within(self._month):
            self._days.add(line.starting_at.astimezone(UTC).date())
            if isinstance(line, OlderDay):
                self._line_notes.notes.take(line.results, self._report.path)
            self._sums.add(self._of_day(line.day, self._records(line, self._line_notes)))
        if not self._report.by_day:
            # Days that are not there are told by the others.
            for _ in range(page.count_before(self._month)):
                self._line_notes.notes.lose(self._report.path, say("a line is of another month"))

    def _of_day(self, day: date | None, records: Iterable[UsageRecord]) -> Iterator[UsageRecord]:
        for record in records:
            if record.model and record.tokens_output is not None and record.requests is None:
                self._uncounted.add(UsageRecord(workspace=record.workspace, api_key=record.api_key))
            yield structs.replace(record, day=day)

    def figures(self) -> ReportFigures:
        """All that was taken in.

        Raises:
            ContractError: There were lines, and none could be read, or none is of the month.
        """
        self._line_notes.notes.refuse_if_nothing_is_left(self._report.path)
        if self._is_elsewhere and not self._days and not self._report.by_day:
            raise ContractError(unexpected(self._report.path, say("all of it is about other months")))
        return ReportFigures(
            self._sums.records(),
            earliest(self._refreshed),
            len(self._days) if self._report.by_day else None,
            self._month.days_without(self._days) if self._report.by_day else (),
            self._line_notes.notes,
            self._line_notes.written,
            self._sums.rounded,
            frozenset(self._uncounted),
        )


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """The earliest instant; None when there is none or one of them is not known."""
    known = list(instants)
    return min((at for at in known if at), default=None) if None not in known else None
