"""Reading a source in parts, so that one that fails does not take the others with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from providers.shared.job import Job
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
    UnavailableError,
)
from usage.language.saying import say, say_count
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.outcomes.report import Gap, GapKind
from usage.outcomes.story import days_read

T = TypeVar("T")

_RECENT: Final = timedelta(days=60)
"""How long ago a month ended that is not old."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of the job: what it brings (`the costs`), and the reading itself.

    `optional` parts may be missing at the provider (404) without a word. One that breaks the contract is a gap of its
    own if it is optional or `apart`; any other then stops the source.
    """

    what: Sentence
    reading: Coroutine[Any, Any, T]
    optional: bool = False
    apart: bool = False
    """True where the other parts can be trusted without this one, though it should be there."""


@dataclass(frozen=True, slots=True)
class PartResults(Generic[T]):
    """What became of the parts: `values` in the order of the parts, None for each that failed."""

    values: tuple[T | None, ...]
    gaps: tuple[Gap, ...]
    refused: bool = field(default=False, compare=False)
    """Whether the key was refused for a part, though not for all."""


async def read_parts(parts: Sequence[Part[T]]) -> PartResults[T]:
    """Read all parts at once.

    Raises:
        ContractError: One of them, neither optional nor apart, is not what the API promises: then no figure of the
            source can be trusted.
        SourceError: All of them failed; the first one's error.
    """
    results = await asyncio.gather(*(part.reading for part in parts), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for part, result in zip(parts, results, strict=True):
        if isinstance(result, BaseException) and not _costs_only_itself(part, result):
            raise result
    if parts and len(failures) == len(parts):
        raise failures[0]
    gaps = [
        gap_of(part.what, result)
        for part, result in zip(parts, results, strict=True)
        if isinstance(result, SourceError) and not (part.optional and isinstance(result, NotOfferedError))
    ]
    values = tuple(None if isinstance(result, BaseException) else result for result in results)
    refused = any(isinstance(failure, CredentialError) for failure in failures)
    return PartResults(values, tuple(gaps), refused)


def _costs_only_itself(part: Part[Any], failure: BaseException) -> bool:
    if isinstance(failure, ContractError):
        return part.optional or part.apart
    # Any other kind of error is a mistake of ours.
    return isinstance(failure, SourceError)


def gap_of(what: Sentence, error: SourceError) -> Gap:
    """The gap that a failed part leaves; `what` it would have brought (`the costs`)."""
    return Gap(
        kind=GapKind.UNAVAILABLE if isinstance(error, UnavailableError) else GapKind.MISSING,
        sentence=say("Without {what}: {why}", what=what, why=error.sentence),
        passing=isinstance(error, TransientError) and not error.final,
    )


def days_gap(month: Month, days: int | None, *, out_of_reach: int = 0, what: Sentence = SILENCE) -> tuple[Gap, ...]:
    """The gap that missing days leave in a closed month.

    Args:
        month: The month, which has ended.
        days: Days that the answers hold; None where the provider gives no days.
        out_of_reach: Days of the month that the provider says it does not have; another gap tells of them.
        what: Which report (`the costs`), where it is one of several.
    """
    if days is None or days + out_of_reach >= month.days:
        return ()
    missing = month.days - out_of_reach - days
    read = days_read(days, month)
    if what:
        sentence = say_count(
            "{number} day is missing from {what}: {read}.",
            "{number} days are missing from {what}: {read}.",
            missing,
            what=what,
            read=read,
        )
    else:
        sentence = say_count(
            "{number} day is missing: {read}.", "{number} days are missing: {read}.", missing, read=read
        )
    return (Gap(kind=GapKind.MISSING, sentence=sentence),)


def out_of_reach(job: Job, error: RefusedError, provider: str) -> SourceError:
    """What the refusal of a month means where it is not published how far back a provider answers: that of an old month
    is taken for the end, any other for what it is."""
    if job.month.end > job.now - _RECENT:
        return error
    sentence = say("{provider} no longer gives {month} ({why})", provider=provider, month=job.month, why=error.sentence)
    return UnavailableError(sentence, status=error.status)
