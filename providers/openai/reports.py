"""Reading OpenAI's reports: the spans and groupings that are asked for, and what is tried when one is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import product
from typing import Final, TypeVar

from providers.amounts import control
from providers.base import Job
from providers.http import Params
from providers.openai.endpoints import BUCKETS_PER_PAGE, BY_KEY, BY_PROJECT, COST_BUCKETS_PER_PAGE, COSTS, Family
from providers.openai.parse import CostPage, UsagePage, report_turn
from providers.openai.sinks import CostSink, Figures, MonthlyCosts, UsageSink
from providers.paging import read_pages
from providers.together import Together
from usage.errors import ContractError, RefusedError, SourceError, UnavailableError
from usage.money import exact_sum
from usage.month import Month
from usage.report import Control

PageT = TypeVar("PageT", CostPage, UsagePage)

_RECENT: Final = timedelta(days=60)
"""A month that ended longer ago than this and is refused (400) counts as out of OpenAI's reach."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time in Unix seconds, the end excluded."""

    start: int
    end: int

    @property
    def params(self) -> Params:
        """As the reports take it."""
        return [("start_time", str(self.start)), ("end_time", str(self.end))]


def usage_span(job: Job) -> Span:
    """The month, or as much of it as there is."""
    start, end = int(job.month.start.timestamp()), min(job.month.end, job.now)
    # A month that began within this second still is a range.
    return Span(start, max(int(end.timestamp()), start + 1))


def cost_spans(job: Job) -> tuple[Span, ...]:
    """The month; while it runs, the spans to try in turn.

    Costs refuse a range within one UTC day (400), so the running day is asked for whole. An end in the future was seen
    to be refused by some accounts and taken by others; those that refuse it are asked up to now.
    """
    span = usage_span(job)
    if not job.month.is_running(job.now):
        return (span,)
    midnight = job.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Span(span.start, int(midnight.timestamp())), span


async def read_costs(job: Job) -> Figures:
    """Costs by project, key and line item, or without the key where the account refuses it (400).

    In a backfill those of all its months at once.

    Raises:
        SourceError: They could not be read; `UnavailableError` where the month is out of reach.
    """
    if job.together is not None:
        # Refused may be the grouping or the span. Whatever else goes wrong, the month alone has to tell.
        with suppress(SourceError):
            try:
                return await _part(job, job.together, BY_KEY)
            except RefusedError:
                return await _part(job, job.together, BY_PROJECT)
    return await _read_alone(job)


async def _read_alone(job: Job) -> Figures:
    refusals = []
    for span, group_by in product(cost_spans(job), (BY_KEY, BY_PROJECT)):
        try:
            return await _costs(job, span, group_by)
        except RefusedError as error:
            refusals.append(error)
    raise _out_of_reach(job, refusals[0])


async def read_usage(job: Job, family: Family) -> Figures:
    """One usage report.

    Raises:
        SourceError: It could not be read; `UnavailableError` where the month is out of reach.
    """
    question = _question(usage_span(job), family.group_by)

    async def ask(token: str | None) -> UsagePage:
        return await _page(job, family.path, question, token, UsagePage)

    try:
        sink = await read_pages(ask, report_turn, lambda: UsageSink(job.source, job.month, family), where=family.path)
    except RefusedError as error:
        raise _out_of_reach(job, error) from None
    return sink.figures()


async def controlled(job: Job, costs: Figures) -> tuple[Figures, Control | None]:
    """Hold the costs of a closed month against OpenAI's own ungrouped total.

    Both are read once more before a mismatch is believed. Without the total, or the second reading, the figures stand
    as they are.

    Raises:
        ContractError: An answer is not what OpenAI promises.
    """
    try:
        checked = _compared(await _total(job), costs)
    except ContractError:
        raise
    except SourceError:
        return costs, None
    if checked.agrees:
        return costs, checked
    try:
        again = await _read_alone(job)
        return again, _compared(await _costs(job, usage_span(job), ()), again)
    except ContractError:
        raise
    except SourceError:
        return costs, checked


async def _total(job: Job) -> Figures:
    if job.together is not None:
        with suppress(SourceError):
            return await _part(job, job.together, ())
    return await _costs(job, usage_span(job), ())


def _compared(total: Figures, costs: Figures) -> Control:
    return control(
        exact_sum(record.cost for record in total.records) or Decimal(0),
        exact_sum(record.cost for record in costs.records) or Decimal(0),
        exact=costs.as_text and total.as_text,
    )


async def _costs(job: Job, span: Span, group_by: Sequence[str]) -> Figures:
    question = _question(span, group_by)

    async def ask(token: str | None) -> CostPage:
        return await _page(job, COSTS, question, token, CostPage)

    sink = await read_pages(ask, report_turn, lambda: CostSink(job.source, job.month), where=COSTS)
    return sink.figures(by_key=group_by is BY_KEY)


async def _part(job: Job, together: Together, group_by: Sequence[str]) -> Figures:
    """The month's part of the costs of all months of a backfill.

    Raises:
        SourceError: The month has to be read alone.
    """
    span = Span(int(together.months[0].start.timestamp()), int(together.months[-1].end.timestamp()))
    question = _question(span, group_by, limit=COST_BUCKETS_PER_PAGE)

    async def ask(token: str | None) -> CostPage:
        return await _page(job, COSTS, question, token, CostPage)

    async def read() -> Mapping[Month, Figures]:
        sink = await read_pages(ask, report_turn, lambda: MonthlyCosts(job.source, together.months), where=COSTS)
        return sink.figures(by_key=group_by is BY_KEY)

    return await together.part(tuple(group_by), job.month, job.now, read)


def _question(span: Span, group_by: Sequence[str], *, limit: str = BUCKETS_PER_PAGE) -> Params:
    return [
        *span.params,
        ("bucket_width", "1d"),
        ("limit", limit),
        # Brackets, as OpenAI's own SDK sends them; the published description declares the plain form.
        *(("group_by[]", name) for name in group_by),
    ]


async def _page(job: Job, path: str, question: Params, token: str | None, model: type[PageT]) -> PageT:
    answer = await job.http.get(path, [*question, *([("page", token)] if token else [])])
    job.on_page()
    return answer.parse(model)


def _out_of_reach(job: Job, error: RefusedError) -> SourceError:
    """How far back OpenAI answers is not published; a refusal of an old month is taken for its end."""
    if job.month.end > job.now - _RECENT:
        return error
    return UnavailableError(f"OpenAI ne donne plus {job.month} ({error.sentence})", status=error.status)
