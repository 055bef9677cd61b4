"""The body of an analytics query, and everything that is refused about it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.openrouter.vocabulary import (
    ARRAY_OPERATORS,
    BRIEF_DIMENSIONS,
    DIMENSIONS,
    GRANULARITIES,
    METRICS,
    SCALAR_OPERATORS,
)
from sandbox.shared.query import Refused

# Seconds are required, a fraction is allowed.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Filter(_Strict):
    """One condition; all have to hold."""

    field: str
    operator: str
    value: str | int | float | list[str | int | float]
    include_unset: bool | None = None

    def check(self) -> None:
        """Refuse what does not fit together."""
        if self.field not in (*DIMENSIONS, *BRIEF_DIMENSIONS):
            raise Refused(f"filters: Unknown dimension: {self.field}")
        if self.operator not in (*SCALAR_OPERATORS, *ARRAY_OPERATORS):
            raise Refused(f"filters: Unknown operator: {self.operator}")
        if isinstance(self.value, list) != (self.operator in ARRAY_OPERATORS):
            raise Refused(f"filters: Operator {self.operator} does not take such a value")
        if self.include_unset is not None and self.operator not in ARRAY_OPERATORS:
            raise Refused("filters: include_unset is for in and not_in")

    @property
    def values(self) -> list[str]:
        """The value or values, as text."""
        return [str(value) for value in (self.value if isinstance(self.value, list) else [self.value])]


class OrderBy(_Strict):
    """One sort key."""

    field: str
    direction: Literal["asc", "desc"]


class TimeRange(_Strict):
    """From an instant to another."""

    start: str
    end: str


class Question(_Strict):
    """The body."""

    metrics: list[str] = Field(min_length=1)
    dimensions: list[str] = []
    granularity: str | None = None
    time_range: TimeRange | None = None
    filters: list[Filter] = Field(default=[], max_length=20)
    order_by: OrderBy | None = None
    limit: int = Field(default=1000, ge=1, le=10_000)
    group_limit: int | None = Field(default=None, ge=1)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse and check.

        Raises:
            Refused: 400, with a sentence that names the field.
        """
        try:
            question = cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            raise Refused(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        question._check_names()
        return question

    @property
    def brief(self) -> bool:
        """Whether something is asked that only ranges of 31 days have."""
        asked = (*self.dimensions, *(item.field for item in self.filters))
        return any(METRICS[name].brief for name in self.metrics) or any(name in BRIEF_DIMENSIONS for name in asked)

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Beginning and end; without a range, the last seven days.

        Raises:
            Refused: for a range that is malformed, turned round or too long.
        """
        if self.time_range is None:
            return now - timedelta(days=7), now
        start, end = _instant(self.time_range.start, "start"), _instant(self.time_range.end, "end")
        if start >= end:
            raise Refused("time_range: start must be before end")
        days = 31 if self.brief else 365
        if end - start > timedelta(days=days):
            raise Refused(f"time_range: Range exceeds the maximum of {days} days for this query")
        if self.granularity == "minute" and end - start > timedelta(hours=3):
            raise Refused("granularity: minute is for ranges of up to 3 hours")
        return start, end

    def _check_names(self) -> None:
        if len(self.dimensions) > 2:
            raise Refused("dimensions: Too big: expected array to have <=2 items")
        for name in self.metrics:
            if name not in METRICS:
                raise Refused(f"metrics: Unknown metric: {name}")
        for name in self.dimensions:
            if name not in (*DIMENSIONS, *BRIEF_DIMENSIONS) or self.dimensions.count(name) > 1:
                raise Refused(f"dimensions: Unknown or repeated dimension: {name}")
        if self.granularity is not None and self.granularity not in GRANULARITIES:
            raise Refused(f"granularity: Unknown granularity: {self.granularity}")
        for item in self.filters:
            item.check()
        sortable = {*self.metrics, *self.dimensions, "request_count", "date"}
        if self.order_by is not None and self.order_by.field not in sortable:
            raise Refused(f"order_by: Unknown field: {self.order_by.field}")


def _instant(text: str, name: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise Refused(f"time_range.{name}: Invalid ISO datetime")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"time_range.{name}: Invalid ISO datetime") from None
