"""What `llm-usage check` tells of one source: each thing that the job needs is tried, and gives one line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from usage.errors import SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence

T = TypeVar("T")


class CheckStatus(StrEnum):
    """How one check went."""

    OK = "ok"
    WARNING = "warning"
    """The job works without it, with less in the rows."""
    BAD = "bad"


class CheckResult(BaseModel):
    """One thing that `llm-usage check` looked at."""

    model_config = ConfigDict(frozen=True)

    what: Sentence
    status: CheckStatus
    sentence: Sentence
    """What works, or what to do about it."""


async def try_reading(
    what: Sentence,
    attempt: Awaitable[T],
    failure: CheckStatus = CheckStatus.BAD,
    *,
    spared: tuple[type[SourceError], ...] = (),
    tell: Callable[[T], Sentence] = lambda _: say("readable"),
) -> CheckResult:
    """Try one thing.

    Args:
        what: The thing, for the table that people see.
        attempt: Reads it, or as much of it as shows that it can be read.
        failure: How bad it is that it can't be read.
        spared: Errors that are a warning only, however bad others are.
        tell: What there is to say where it was read.
    """
    try:
        found = await attempt
    except SourceError as error:
        status = CheckStatus.WARNING if isinstance(error, spared) else failure
        return CheckResult(what=what, status=status, sentence=error.sentence)
    return CheckResult(what=what, status=CheckStatus.OK, sentence=tell(found))
