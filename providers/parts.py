"""Reading a source in parts, so that one that fails does not take the others with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from usage.errors import ContractError, NotOfferedError, SourceError, TransientError, UnavailableError
from usage.report import Gap, GapKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of the job: what it brings, in French (`les coûts`), and the reading itself.

    `optional` parts may be missing at the provider (404) without a word.
    """

    what: str
    reading: Coroutine[Any, Any, T]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What became of the parts: `values` in the order of the parts, None for each that failed."""

    values: tuple[T | None, ...]
    gaps: tuple[Gap, ...]


async def read_parts(parts: Sequence[Part[T]]) -> Read[T]:
    """Read all parts at once.

    Raises:
        ContractError: One of them is not what the API promises: then no figure of the source can be trusted.
        SourceError: All of them failed; the first one's error.
    """
    results = await asyncio.gather(*(part.reading for part in parts), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, SourceError) or isinstance(failure, ContractError):
            raise failure
    if parts and len(failures) == len(parts):
        raise failures[0]
    gaps = [
        gap_of(part.what, result)
        for part, result in zip(parts, results, strict=True)
        if isinstance(result, SourceError) and not (part.optional and isinstance(result, NotOfferedError))
    ]
    values = tuple(None if isinstance(result, BaseException) else result for result in results)
    return Read(values, tuple(gaps))


def gap_of(what: str, error: SourceError) -> Gap:
    """The gap that a failed part leaves."""
    return Gap(
        kind=GapKind.UNAVAILABLE if isinstance(error, UnavailableError) else GapKind.MISSING,
        sentence=f"Il manque {what} : {error.sentence}",
        passing=isinstance(error, TransientError) and not error.final,
    )
