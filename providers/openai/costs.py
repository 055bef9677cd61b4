"""Reading OpenAI's costs: the groupings and spans that are tried when one is refused, and the control total."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date

from providers.openai.days import Span, cost_spans, midnight, usage_span
from providers.openai.endpoints import BUCKETS_PER_PAGE, BY_KEY, BY_PROJECT, COST_BUCKETS_PER_PAGE, COSTS
from providers.openai.parse import CostPage
from providers.openai.refusals import KeysNotYetError
from providers.openai.reports import MonthlyCosts, ReportFigures, from_its_first_day, read_report
from providers.shared.amounts import cost_of
from providers.shared.control import believe_twice, control
from providers.shared.job import Job
from providers.shared.parts import out_of_reach
from providers.shared.together import Together
from usage.errors import RefusedError, SourceError, UnavailableError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import Grain
from usage.outcomes.report import Control

ByMonth = Mapping[Month, ReportFigures]
AskCosts = Callable[[Span, Sequence[str]], Awaitable[ByMonth]]


async def read_costs(job: Job) -> ReportFigures:
    """Costs by project, key and line item; without the key as far as the account has none (400).

    In a backfill those of all its months at once.

    Raises:
        SourceError: They could not be read; `UnavailableError` where the month is out of reach.
    """
    if job.together is not None:
        # Refused may be the grouping or the span. Whatever else goes wrong, the month alone has to tell.
        with suppress(SourceError):
            try:
                figures = await _part(job, job.together, BY_KEY)
            except RefusedError:
                figures = await _part(job, job.together, BY_PROJECT)
            # A `limit` above 31 was seen to be cut to 31 days a page: only what came is known to be there.
            if len(figures.days) == job.month.days:
                return figures
    return await _read_alone(job)


@dataclass(frozen=True, slots=True)
class Checked:
    """Costs as they were held against OpenAI's own total; without a `control`, `remark` may say why there is none."""

    costs: ReportFigures | None
    control: Control | None = None
    remark: Sentence = SILENCE


async def check_total(job: Job, costs: ReportFigures) -> Checked:
    """Hold the costs of a closed month against OpenAI's own ungrouped total.

    Both are read once more before a mismatch is believed. The total is a check: where it can't be had, the figures
    stand as they are and a remark says why; where the second reading can't, the first one is believed.
    """
    try:
        first = Checked(costs, _compare(await _total(job, costs), costs))
    except SourceError as error:
        why = say("The cost lines were not compared with OpenAI’s total: {why}", why=error.sentence)
        return Checked(costs, remark=why)

    async def read_again() -> Checked:
        again = await _read_alone(job)
        return Checked(again, _compare(await _total_alone(job, again), again))

    return await believe_twice(first, lambda read: not (read.control and read.control.agrees), read_again)


async def _read_alone(job: Job) -> ReportFigures:
    async def read(span: Span) -> ReportFigures:
        async def ask(part: Span, group_by: Sequence[str]) -> ByMonth:
            return await _ask(job, (job.month,), part, group_by, BUCKETS_PER_PAGE)

        try:
            return (await _by_key(ask, span))[job.month]
        except RefusedError as error:
            refusals.append(error)
        return (await ask(span, BY_PROJECT))[job.month]

    refusals: list[RefusedError] = []
    for span in cost_spans(job):
        try:
            figures, begins = await from_its_first_day(span, read)
        except RefusedError as error:
            refusals.append(error)
        else:
            return replace(figures, begins=begins)
    if job.is_running and job.now.astimezone(UTC).date() == job.month.first_day:
        # Not every account takes tomorrow's midnight, and none takes a range within one day.
        raise UnavailableError(say("OpenAI does not give the costs of the month’s first day yet."))
    raise out_of_reach(job, refusals[0], "OpenAI")


async def _by_key(ask: AskCosts, span: Span) -> ByMonth:
    """A span by key; where keys are told from a later day on, the days before by project.

    Raises:
        RefusedError: Costs by key are refused altogether.
    """
    try:
        return await ask(span, BY_KEY)
    except KeysNotYetError as error:
        day = min((day for day in error.days if midnight(day) > span.start), default=None)
        if day is None:
            raise
    later: ByMonth = {}
    if midnight(day) < span.end:
        later, span = await ask(span.from_day(day), BY_KEY), span.until_day(day)
    earlier = await ask(span, BY_PROJECT)
    return {month: _join(month, figures, later.get(month), day) for month, figures in earlier.items()}


def _join(month: Month, earlier: ReportFigures, later: ReportFigures | None, keys_from: date) -> ReportFigures:
    """A month's costs before the day from which on keys are told, and after."""
    if later is None or month.last_day < keys_from:
        return replace(earlier, keys_from=keys_from)
    if month.first_day >= keys_from:
        return later
    return replace(earlier.plus(later), by_key=True, keys_from=keys_from)


async def _part(job: Job, together: Together, group_by: Sequence[str]) -> ReportFigures:
    """The month's part of the costs of all months of a backfill.

    Raises:
        SourceError: The month has to be read alone.
    """
    span = Span(int(together.months[0].start.timestamp()), int(together.months[-1].end.timestamp()))

    async def ask(part: Span, group_by: Sequence[str]) -> ByMonth:
        return await _ask(job, together.months, part, group_by, COST_BUCKETS_PER_PAGE)

    async def read() -> ByMonth:
        return await (_by_key(ask, span) if group_by is BY_KEY else ask(span, group_by))

    return await together.part(tuple(group_by), job.month, job.now, read)


async def _ask(job: Job, months: Sequence[Month], span: Span, group_by: Sequence[str], limit: str) -> ByMonth:
    # What is told by project is divided among keys, kind by kind, where rows are keys.
    by_kind = group_by is BY_PROJECT and job.grain is Grain.API_KEY
    sink = await read_report(
        job, COSTS, span, group_by, model=CostPage, sink=lambda: MonthlyCosts(months, by_kind=by_kind), limit=limit
    )
    return sink.figures(by_key=group_by is BY_KEY)


async def _total(job: Job, costs: ReportFigures) -> ReportFigures:
    if job.together is not None and costs.begins is None:
        with suppress(SourceError):
            total = await _part(job, job.together, ())
            if len(total.days) == job.month.days:
                return total
    return await _total_alone(job, costs)


async def _total_alone(job: Job, costs: ReportFigures) -> ReportFigures:
    span = usage_span(job)
    span = span.from_day(costs.begins) if costs.begins else span
    return (await _ask(job, (job.month,), span, (), BUCKETS_PER_PAGE))[job.month]


def _compare(total: ReportFigures, costs: ReportFigures) -> Control:
    return control(
        cost_of(total.records),
        cost_of(costs.records),
        exact=costs.written.as_text and total.written.as_text,
        written=costs.written,
        of_total=total.written,
    )
