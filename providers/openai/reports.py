"""Reading OpenAI's usage reports, and what is said of a report that does not reach a month."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from providers.base import Job
from providers.openai.endpoints import Family
from providers.openai.parse import UsagePage
from providers.openai.questions import Span, read_report, usage_span
from providers.openai.refusals import TooOldError
from providers.openai.sinks import Figures, UsageSink
from usage.errors import RefusedError, SourceError, UnavailableError

_RECENT: Final = timedelta(days=60)
"""A month that ended longer ago than this and is refused (400) counts as out of OpenAI's reach."""


async def read_usage(job: Job, family: Family) -> Figures:
    """One usage report, from the first day on that it has.

    Raises:
        SourceError: It could not be read; `UnavailableError` where the month is out of reach.
    """

    async def read(span: Span) -> Figures:
        sink = await read_report(
            job,
            family.path,
            span,
            family.group_by,
            model=UsagePage,
            sink=lambda: UsageSink(job.source, job.month, family),
        )
        return sink.figures()

    try:
        figures, begins = await from_its_first_day(usage_span(job), read)
    except RefusedError as error:
        raise out_of_reach(job, error) from None
    return replace(figures, begins=begins)


async def from_its_first_day(span: Span, read: Callable[[Span], Awaitable[Figures]]) -> tuple[Figures, date | None]:
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


def out_of_reach(job: Job, error: RefusedError) -> SourceError:
    """How far back OpenAI answers is not published; a refusal of an old month is taken for its end."""
    if job.month.end > job.now - _RECENT:
        return error
    return UnavailableError(f"OpenAI ne donne plus {job.month} ({error.sentence})", status=error.status)
