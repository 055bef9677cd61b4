"""Questions to OpenAI's reports: spans of time, groupings, and reading the answer's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from providers.base import Job
from providers.openai.endpoints import BUCKETS_PER_PAGE
from providers.openai.parse import CostPage, Outline, UsagePage
from providers.shared.http import Params
from providers.shared.paging import read_pages
from usage.machine.memory import without_garbage_collection

PageT = TypeVar("PageT", CostPage, UsagePage)
S = TypeVar("S", bound="_Sink[Any]")
P_contra = TypeVar("P_contra", contravariant=True)

_PAGES_A_DAY: Final = 100
"""A day may fill several pages; how many is not published."""


class _Sink(Protocol[P_contra]):
    def add(self, page: P_contra, /) -> None: ...


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
    if not job.month.is_running(job.now):
        return (span,)
    tomorrow = job.now.astimezone(UTC).date() + timedelta(days=1)
    return Span(span.start, midnight(tomorrow)), span


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
    """All pages of one question.

    Raises:
        SourceError: They could not be read; see `providers.shared.http` and `providers.shared.paging`.
    """
    question: Params = [
        *span.params,
        ("bucket_width", "1d"),
        ("limit", limit),
        # Brackets, as OpenAI's own SDK sends them; the published description declares the plain form.
        *(("group_by[]", name) for name in group_by),
    ]

    async def ask(token: str | None) -> _Page[PageT]:
        answer = await job.http.get(path, [*question, *([("page", token)] if token else [])])
        job.on_page()
        return _Page(answer.parts(model, "data"))

    taken = await read_pages(
        ask,
        lambda page: page.outline.turn(span.end),
        lambda: _DayByDay(sink()),
        where=path,
        tells_its_days=True,
        most=span.days * _PAGES_A_DAY,
    )
    return taken.sink


class _Page(Generic[PageT]):
    """A page that is read day by day, while it is taken in: a month may come in one answer of 150 MB."""

    def __init__(self, parts: Iterator[PageT]) -> None:
        self._parts: Iterator[PageT] = parts
        self.outline = Outline()

    def into(self, sink: _Sink[PageT]) -> None:
        with without_garbage_collection():
            for part in self._parts:
                self.outline.add(part)
                sink.add(part)


@dataclass(frozen=True, slots=True)
class _DayByDay(Generic[S]):
    sink: S

    def add(self, page: _Page[Any], /) -> None:
        page.into(self.sink)
