"""OpenRouter's own total of a month, and the lines held against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from providers.openrouter.days import SETTLING, explain_reach, is_old
from providers.openrouter.endpoints import UNGROUPED
from providers.openrouter.parse import Line
from providers.openrouter.query import Analytics, Question
from providers.shared.amounts import Written, cost_of
from providers.shared.control import control
from providers.shared.job import Job
from usage.errors import ContractError, RefusedError, TransientError
from usage.money import tell_apart
from usage.outcomes.report import Control
from usage.records.record import UsageRecord

_COUNTS: Final = ("requêtes", "jetons d’entrée", "jetons de sortie")
_UNCHECKED: Final = "Les lignes n’ont pas été comparées au total d’OpenRouter"


@dataclass(frozen=True, slots=True)
class Total:
    """The account's own figures of the month, day by day; None where there are none to compare with, and why."""

    lines: tuple[Line, ...] | None = None
    remarks: tuple[str, ...] = ()


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
        return Total(remarks=(f"{_UNCHECKED} : {error}",))
    except (TransientError, ContractError) as error:
        if is_old(job):
            raise
        # The figures can still be read. They are just not checked then.
        return Total(remarks=(f"{_UNCHECKED} : {error}",))
    if is_old(job) and is_nothing(lines):
        # Too far back, or nothing used: it can't be told, and nothing is not written as 0.
        raise explain_reach(job)
    if analytics.notes.odd:
        return Total(remarks=(f"{_UNCHECKED} : {next(iter(analytics.notes.odd))}.",))
    if analytics.until < job.month.end + SETTLING:
        return Total(remarks=(f"{_UNCHECKED} : il date du {analytics.until:%Y-%m-%d %H:%M} UTC.",))
    return Total(lines)


def is_nothing(total: Sequence[Line]) -> bool:
    """Whether a total says that nothing was used: without a row, or with rows of zeros."""
    figures = [line.figures for line in total]
    return not any(f.cost or f.missing_amounts or f.requests or f.tokens_input or f.tokens_output for f in figures)


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """A total against the sum of the lines: the money, and in words what of all differs."""

    control: Control
    differences: tuple[str, ...]

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
        differences.append("coût {} USD contre {}".format(*tell_apart(money.summed, money.total)))
    for name, summed, of_total in zip(_COUNTS, _counts(records), _counts(whole), strict=True):
        if summed != of_total:
            differences.append(f"{name} {summed} contre {of_total}")
    return TotalCheck(money, tuple(differences))


def _counts(records: Iterable[UsageRecord]) -> list[int]:
    counts = [(r.requests or 0, r.tokens_input or 0, r.tokens_output or 0) for r in records]
    return [sum(column) for column in zip(*counts, strict=True)] or [0, 0, 0]
