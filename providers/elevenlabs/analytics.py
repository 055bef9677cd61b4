"""Reading the two analytics reports: one for days billed in credits, one for days billed by cost.

Which of the two a workspace needs is not told, nor the day on which it changed over; a month that has this day needs
both. The report in credits refuses a range that reaches a day billed by cost, so the day is found by asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from msgspec import structs

from providers.elevenlabs.days import Span
from providers.elevenlabs.endpoints import COSTS, CREDITS, Report
from providers.elevenlabs.parse import ReportFigures, query, read_table, whole_month_only
from providers.elevenlabs.refusals import NOT_SERVED
from providers.elevenlabs.tables import Table
from providers.shared.amounts import USD, Written, sum_known
from providers.shared.control import control
from providers.shared.job import Job
from usage.errors import CredentialError, RefusedError, SourceError, UnavailableError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.outcomes.report import Control
from usage.records.record import UsageRecord


async def ask(job: Job, report: Report, span: Span) -> ReportFigures:
    """One report for one span. There are no pages.

    Raises:
        SourceError: It could not be read.
    """
    answer = await job.post(report.path, query(report, span))
    return read_table(answer.parse(Table), report, span)


async def read_analytics(job: Job, span: Span) -> list[ReportFigures]:
    """The span from the report in credits, the report by cost, or both for the days that are theirs.

    Raises:
        RefusedError: Neither report serves the span.
        UnavailableError: Neither does; the report in credits does not exist here.
        SourceError: They could not be read.
    """
    try:
        credits = await ask(job, CREDITS, span)
    except NOT_SERVED as refused:
        return await _across_the_change(job, span, refused)
    if credits.records:
        return [credits]
    try:
        # Should the report in credits not refuse days billed by cost but have nothing to say, they are not lost.
        costs = await ask(job, COSTS, span)
    except (*NOT_SERVED, CredentialError):
        return [credits]
    return [costs] if costs.records else [credits]


async def read_again(job: Job, readings: Sequence[ReportFigures]) -> list[ReportFigures]:
    """The same reports for the same spans once more."""
    return [await ask(job, reading.report, reading.span) for reading in readings]


async def _across_the_change(job: Job, span: Span, refused: RefusedError | UnavailableError) -> list[ReportFigures]:
    costs = await _if_served(job, COSTS, span)
    first = costs.first if costs else None
    credits = await _longest_in_credits(job, span, span.days if first is None else (first - span.start).days)
    if costs is None and credits is not None:
        costs = await _if_served(job, COSTS, Span(credits.span.end, span.end))
    if costs is None:
        # Neither report serves the end of the span: its beginning must not pass for the whole.
        raise refused
    found = [reading for reading in (credits, costs) if reading is not None and reading.records]
    return found or [costs]


async def _longest_in_credits(job: Job, span: Span, most: int) -> ReportFigures | None:
    """The longest beginning of the span that the report in credits serves, of `most` days at most.

    A first day that is refused ends the search: that is every month but the one of the change. In that one the day
    before the first cost is usually the last one in credits; where days without usage lie between, it is searched for.
    """
    if most == 0:
        return None
    served = await _if_served(job, CREDITS, span.first_days(1))
    if served is None or most == 1:
        return served
    if most < span.days:
        reading = await _if_served(job, CREDITS, span.first_days(most))
        if reading is not None:
            return reading
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        reading = await _if_served(job, CREDITS, span.first_days(middle))
        if reading is None:
            high = middle
        else:
            served, low = reading, middle
    return served


async def _if_served(job: Job, report: Report, span: Span) -> ReportFigures | None:
    try:
        return await ask(job, report, span)
    except NOT_SERVED:
        return None


def merge_records(readings: Sequence[ReportFigures]) -> tuple[UsageRecord, ...]:
    """Records of all readings; figures that only one of the two reports counts are dropped for keys with days in both:
    half of a month must not pass for the whole."""
    keys = [{record.api_key for record in reading.records} for reading in readings]
    both = set.intersection(*keys) if len(keys) > 1 else set()
    return tuple(
        structs.replace(record, requests=None, units=whole_month_only(record.units))
        if record.api_key in both
        else record
        for reading in readings
        for record in reading.records
    )


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """The records held against ElevenLabs' own total; without a `control`, `remark` may say why there is none."""

    control: Control | None = None
    remark: Sentence = SILENCE

    @property
    def differs(self) -> bool:
        """Whether the two differ."""
        return self.control is not None and not self.control.agrees


async def compare_with_total(job: Job, readings: Sequence[ReportFigures]) -> TotalCheck:
    """ElevenLabs' own total without grouping against the sum of the records, where they are in USD.

    There is no control where there is nothing to compare, or where the total can't be read: then the figures are just
    not checked.
    """
    dollars = [reading for reading in readings if USD in reading.currencies]
    if not dollars or not all(reading.in_dollars for reading in dollars):
        return TotalCheck()
    try:
        totals = [await ask(job, replace(r.report, group_by=()), r.span) for r in dollars]
    except SourceError as error:
        remark = say(
            "ElevenLabs’ total could not be read, the lines are not compared with it: {why}", why=error.sentence
        )
        return TotalCheck(remark=remark)
    if not all(total.in_dollars for total in totals) or any(total.lost for total in totals):
        remark = say("ElevenLabs’ total has no readable amount: the lines are not compared with it.")
        return TotalCheck(remark=remark)
    written, of_total = (Written.of_all([one.written for one in some]) for some in (dollars, totals))
    exact = written.as_text and of_total.as_text
    return TotalCheck(control(_dollars(totals), _dollars(dollars), exact=exact, written=written, of_total=of_total))


def _dollars(readings: Sequence[ReportFigures]) -> Decimal:
    return sum_known(reading.dollars for reading in readings)
