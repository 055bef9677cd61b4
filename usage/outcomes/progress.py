"""What is happening right now, for whoever watches from the same context. Nobody has to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Source, Status
from usage.outcomes.result import MonthResult
from usage.outcomes.told import Told


@dataclass(frozen=True, slots=True)
class SourceBegun:
    """A source is being read; comes again when the task tries anew."""

    source: Source
    month: Month


@dataclass(frozen=True, slots=True)
class PageRead:
    """One more page of a source."""

    source: Source
    month: Month


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """A source is read, or has failed."""

    source: Source
    month: Month
    status: Status


@dataclass(frozen=True, slots=True)
class RowsWritten:
    """So many rows of so many are written. `seconds_left` is what the rate limit leaves at least."""

    month: Month
    done: int
    total: int
    seconds_left: float

    @property
    def sentence(self) -> Sentence:
        """For people: `10 of 50 rows written, about 13 s left at Notion's rate`."""
        if self.done >= self.total:
            return say("{done} of {total} rows written", done=self.done, total=self.total)
        return say(
            "{done} of {total} rows written, {duration} left at Notion’s rate",
            done=self.done,
            total=self.total,
            duration=say_duration(self.seconds_left),
        )


@dataclass(frozen=True, slots=True)
class MonthEnded:
    """A month is done; also when something failed on the way."""

    result: MonthResult


@dataclass(frozen=True, slots=True)
class RangeEnded:
    """A range of months is done: its last month beside the one before, and a sentence about the whole."""

    total: str
    comparison: Told


@dataclass(frozen=True, slots=True)
class PageKnown:
    """Where a person can look at what comes of it."""

    what: str
    address: str


Event = SourceBegun | PageRead | SourceEnded | RowsWritten | MonthEnded | RangeEnded | PageKnown
Listener = Callable[[Event], None]

_OURS: Final = ("notion", "tasks")
"""Loggers whose warnings are for the person who waits."""
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


def say_duration(seconds: float) -> Sentence:
    """How long something takes, for people: `about 40 s`, `about 11 min`, `about 2 h 05 min`."""
    if seconds < 90:
        return say("about {seconds} s", seconds=f"{seconds:.0f}")
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return say("about {hours} h {minutes} min", hours=hours, minutes=f"{minutes:02}")
    return say("about {minutes} min", minutes=minutes)


def tell(event: Event) -> None:
    """Tell everybody who listens. Called from several threads."""
    for listener in _listeners.get():
        listener(event)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` called for each event of what the block calls, in whatever thread."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


@contextmanager
def passing_warnings(show: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Have `show` called for each warning of this package while the block runs.

    Months that are collected side by side share what concerns Notion.
    """

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            show(record)

    handler, loggers = Handler(logging.WARNING), [logging.getLogger(name) for name in _OURS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
