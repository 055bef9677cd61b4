"""The days of a month at OpenAI: which are asked for, which day a bucket stands for, how far back they reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self

from providers.openai.parse import Bucket, R
from providers.shared.http import Params
from providers.shared.job import Job
from usage.month import Month
from usage.names import ProviderName

SETTLING: Final = ProviderName.OPENAI.spec.reach.settling
"""Costs of a day were seen to change for some hours after it ends."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time in Unix seconds, the end excluded."""

    start: int
    end: int

    @property
    def params(self) -> Params:
        """As the reports take it."""
        return [("start_time", str(self.start)), ("end_time", str(self.end))]

    @property
    def days(self) -> int:
        """Days that it touches."""
        return (self.end - self.start) // 86_400 + 1

    def from_day(self, day: date) -> Self:
        """The part from a day on."""
        return replace(self, start=midnight(day))

    def until_day(self, day: date) -> Self:
        """The part before a day."""
        return replace(self, end=midnight(day))

    def holds(self, day: date) -> bool:
        """Whether the day begins within, and not at the very start."""
        return self.start < midnight(day) < self.end


def midnight(day: date) -> int:
    """A day's first instant, UTC, in Unix seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


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
    if not job.is_running:
        return (span,)
    tomorrow = job.now.astimezone(UTC).date() + timedelta(days=1)
    return Span(span.start, midnight(tomorrow)), span


def days_of(buckets: Iterable[Bucket[R]], month: Month) -> Iterator[Bucket[R]]:
    """The days that belong to the month: whether a range holds its end must not matter."""
    start, end = month.start.timestamp(), month.end.timestamp()
    return (bucket for bucket in buckets if start <= bucket.start_time < end)


def day_of(bucket: Bucket[R]) -> date:
    """The day that a bucket stands for, UTC."""
    return datetime.fromtimestamp(bucket.start_time, UTC).date()
