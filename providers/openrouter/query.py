"""Analytics queries: what is asked, and how an answer that comes cut or too late is asked for in smaller pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from providers.openrouter.endpoints import METRICS, QUERY, ROWS
from providers.openrouter.parse import Line, QueryPage, read_lines
from providers.shared.job import Job
from providers.shared.lines import Notes
from usage.errors import ContractError, RefusedError, TransientError
from usage.language.saying import say
from usage.month import Month
from usage.peers.contract import unexpected


class Filter(BaseModel):
    """One condition. Values are ids, though the rows show names."""

    model_config = ConfigDict(frozen=True)

    field: Literal["workspace", "api_key_id"]
    operator: Literal["eq", "not_in"]
    value: str | tuple[str, ...]
    include_unset: bool | None = None
    """Of `not_in`: whether usage that has no such id is kept."""


class TimeRange(BaseModel):
    """UTC instants; seconds are required."""

    start: str
    end: str


class Body(BaseModel):
    """The body of a query."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] | None
    granularity: str
    filters: tuple[Filter, ...] | None
    time_range: TimeRange
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Figures of the days from `first` to `last`, both included, by some dimensions.

    `keys` are the hashes of the keys by which a single day can be asked for in pieces.
    """

    first: date
    last: date
    dimensions: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    granularity: Literal["month", "day"] = "month"
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, month: Month, dimensions: tuple[str, ...], *filters: Filter, keys: tuple[str, ...] = ()) -> Self:
        """A whole month, day by day; its total, which has no dimensions, at once."""
        return cls(
            first=month.first_day,
            last=month.last_day,
            dimensions=dimensions,
            filters=filters,
            granularity="day" if dimensions else "month",
            keys=keys,
        )

    def body(self) -> Body:
        """As it is sent. The end is the first instant after the last day.

        Whether the end is part of the range is not published. There is always a granularity, so that what an end of
        the other kind would add has a bucket of its own, which `covers` refuses.
        """
        return Body(
            metrics=METRICS,
            dimensions=self.dimensions or None,
            granularity=self.granularity,
            filters=self.filters or None,
            time_range=TimeRange(start=f"{self.first}T00:00:00Z", end=f"{self.last + timedelta(days=1)}T00:00:00Z"),
            limit=ROWS,
        )

    def covers(self, day: date) -> bool:
        """Whether a bucket belongs to the answer."""
        return self.first <= day <= self.last

    def own(self, lines: Sequence[Line]) -> list[Line]:
        """The lines that belong to the answer. The bucket after the range may come along.

        Raises:
            ContractError: There are only lines about something else.
        """
        covered = [line for line in lines if self.covers(line.day)]
        if not covered and any(line.day != self.last + timedelta(days=1) for line in lines):
            raise ContractError(unexpected(QUERY, say("all of it is about other months")))
        return covered

    def pieces(self) -> tuple[Question, ...]:
        """The same question in smaller ones: two halves of the days, or a day key by key; none when it is smallest."""
        if self.first < self.last:
            middle = self.first + (self.last - self.first) // 2
            return (
                replace(self, last=middle, granularity="day"),
                replace(self, first=middle + timedelta(days=1), granularity="day"),
            )
        if not self.keys:
            return ()
        others = Filter(field="api_key_id", operator="not_in", value=self.keys, include_unset=True)
        choices = [Filter(field="api_key_id", operator="eq", value=key) for key in self.keys]
        return tuple(replace(self, filters=(*self.filters, choice), keys=()) for choice in (*choices, others))


class UnappliedFilterError(RefusedError):
    """An id in a filter could not be resolved: the answer is empty, or about something else."""


class Analytics:
    """Asks on behalf of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.until = job.now
        """How far the answers go, UTC: some are stored ones."""
        self.notes = Notes()
        """What was left out of the answers, and what is new in them."""

    async def ask(self, question: Question) -> list[Line]:
        """All lines of the answer; one that is cut (`truncated`) or timed out (408) is asked for again in pieces.

        Raises:
            ContractError: Cut even in the smallest piece, or no line can be read.
            UnappliedFilterError: A filter was not applied.
            SourceError: See `providers.shared.http`.
        """
        try:
            page = await self._once(question)
        except TransientError as error:
            pieces = question.pieces()
            if error.status != 408 or not pieces:
                raise
        else:
            if not page.data.metadata.truncated:
                return question.own(list(read_lines(page, question.dimensions, self.notes)))
            pieces = question.pieces()
            if not pieces:
                raise ContractError(
                    say("{path} cuts its answer even for a single day; nothing of it is counted.", path=QUERY)
                )
        return [line for piece in pieces for line in await self.ask(piece)]

    async def _once(self, question: Question) -> QueryPage:
        answer = await self.job.post(QUERY, question.body())
        page = answer.parse(QueryPage)
        if page.data.warnings and question.filters:
            # An id that can't be resolved empties the answer in silence, apart from this.
            raise UnappliedFilterError(say("{path} could not apply a filter; this answer is not counted.", path=QUERY))
        if page.data.cached_at is not None:
            self.until = min(self.until, page.data.cached_at)
        return page
