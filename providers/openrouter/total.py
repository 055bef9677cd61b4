"""OpenRouter's own total of a month, and the lines held against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from providers.openrouter.days import SETTLING, explain_reach, is_old
from providers.openrouter.endpoints import UNGROUPED
from providers.openrouter.parse import Line
from providers.openrouter.query import Analytics, Question
from providers.shared.amounts import Written, cost_of
from providers.shared.control import control
from providers.shared.job import Job
from usage.errors import ContractError, RefusedError, SourceError, TransientError
from usage.language.saying import decimal, say
from usage.language.sentence import Sentence
from usage.money import tell_apart
from usage.outcomes.report import Control
from usage.records.record import UsageRecord


@dataclass(frozen=True, slots=True)
class Total:
    """The account's own figures of the month, day by day; None where there are none to compare with, and why."""

    lines: tuple[Line, ...] | None = None
    remarks: tuple[Sentence, ...] = ()


async def read_total(job: Job) -> Total:
    """The account's own figures of the month, unless it is running or settling.

    An old month begins with this: it tells for one request whether there is anything more to ask for.

    Raises:
        UnavailableError: The month is out of reach, or nothing is served at this address.
        CredentialError: It is not a management key.
        SourceError: Whether an old month is within reach could not be read.
    """
    if job.is_running or job.is_settling(SETTLING):
        return Total()
    analytics = Analytics(job)
    try:
        lines = tuple(await analytics.ask(replace(Question.of(job.month, UNGROUPED), granularity="day")))
    except RefusedError as error:
        if is_old(job):
            raise explain_reach(job) from error
        return _unchecked(error)
    except (TransientError, ContractError) as error:
        if is_old(job):
            raise
        # The figures can still be read. They are just not checked then.
        return _unchecked(error)
    if is_old(job) and is_nothing(lines):
        # Too far back, or nothing used: it can't be told, and nothing is not written as 0.
        raise explain_reach(job)
    if analytics.notes.odd:
        remark = say("The lines were not compared with OpenRouter’s total: {why}.", why=next(iter(analytics.notes.odd)))
        return Total(remarks=(remark,))
    if analytics.until < job.month.end + SETTLING:
        remark = say(
            "The lines were not compared with OpenRouter’s total: it is of {moment} UTC.",
            moment=f"{analytics.until:%Y-%m-%d %H:%M}",
        )
        return Total(remarks=(remark,))
    return Total(lines)


def _unchecked(error: SourceError) -> Total:
    remark = say("The lines were not compared with OpenRouter’s total: {why}", why=error.sentence)
    return Total(remarks=(remark,))


def is_nothing(total: Sequence[Line]) -> bool:
    """Whether a total says that nothing was used: without a row, or with rows of zeros."""
    figures = [line.figures for line in total]
    return not any(f.cost or f.missing_amounts or f.requests or f.tokens_input or f.tokens_output for f in figures)


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """A total against the sum of the lines: the money, and in words what of all differs."""

    control: Control
    differences: tuple[Sentence, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def compare(total: Sequence[Line], records: Sequence[UsageRecord]) -> TotalCheck:
    """Requests and tokens have to be equal; money came as floats and may differ in its last digits."""
    whole = [line.figures for line in total]
    money = control(
        cost_of(whole),
        cost_of(records),
        exact=False,
        written=Written.of((one.cost, one.cost) for one in records),
        of_total=Written.of((one.cost, one.cost) for one in whole),
    )
    differences = []
    if not money.agrees:
        summed, of_total = map(decimal, tell_apart(money.summed, money.total))
        differences.append(say("cost {sum} USD against {total}", sum=summed, total=of_total))
    for column, (ours, theirs) in enumerate(zip(_counts(records), _counts(whole), strict=True)):
        if ours != theirs:
            differences.append(_count_difference(column, str(ours), str(theirs)))
    return TotalCheck(money, tuple(differences))


def _count_difference(column: int, summed: str, total: str) -> Sentence:
    """What there is to say where the sums of one of the columns of `_counts` differ."""
    return (
        say("requests {sum} against {total}", sum=summed, total=total),
        say("input tokens {sum} against {total}", sum=summed, total=total),
        say("output tokens {sum} against {total}", sum=summed, total=total),
    )[column]


def _counts(records: Iterable[UsageRecord]) -> list[int]:
    counts = [(r.requests or 0, r.tokens_input or 0, r.tokens_output or 0) for r in records]
    return [sum(column) for column in zip(*counts, strict=True)] or [0, 0, 0]
