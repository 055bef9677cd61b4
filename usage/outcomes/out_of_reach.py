"""Months that providers no longer have, or soon won't have: one definition for every command that tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from usage.language.saying import say, together
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.story import rerun_command
from usage.peers.reach import Limit

NOTICE: Final = timedelta(days=31)
"""How long before its last day a month that is not collected is told of."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A month of a source that is over, and that its provider soon won't have, or not all of it."""

    source: Source
    month: Month
    limit: Limit

    @property
    def last_day(self) -> str:
        """Last day, UTC, on which it can be read whole."""
        return str(self.limit.last_day(self.month))

    @property
    def command(self) -> str:
        """What reads it."""
        return rerun_command(self.source, self.month)

    @property
    def sentence(self) -> Sentence:
        """What to do, and until when."""
        limit = self.limit
        until = (
            say("until {day}", day=self.last_day) if limit.sure else say("perhaps only until {day}", day=self.last_day)
        )
        values = {
            "source": self.source,
            "month": self.month,
            "provider": self.source.provider.label,
            "until": until,
            "command": self.command,
        }
        if not limit.what:
            return say(
                "{source}: Notion holds no complete figures of {month}, which {provider} gives {until}. Run {command}",
                **values,
            )
        return say(
            "{source}: Notion holds no complete figures of {month}, of which {provider} gives {what} {until}. "
            "Run {command}",
            what=_listed(limit.what),
            **values,
        )


def _listed(what: Sequence[str]) -> Sentence:
    return together(map(say, what), between=", ")


def leaving(
    sources: Iterable[Source],
    now: datetime,
    is_kept: Callable[[Source, Month], bool] = lambda _source, _month: False,
    *,
    by_key: Callable[[ProviderName], bool] = lambda _provider: True,
) -> tuple[Leaving, ...]:
    """Closed months that get out of reach within `NOTICE`, those that leave first in front.

    Args:
        sources: The sources that are collected.
        now: The present.
        is_kept: Whether a source's month is kept, in Notion or in the archive; asked of such months alone.
        by_key: Whether a provider's rows stand for API keys.
    """
    found = [
        Leaving(source, month, limit)
        for source in sources
        for limit in source.provider.spec.reach.limits_for(by_key=by_key(source.provider))
        for month in _leaving_months(limit, now)
        if not is_kept(source, month)
    ]
    return tuple(sorted(found, key=lambda one: one.last_day))


def _leaving_months(limit: Limit, now: datetime) -> Iterator[Month]:
    if limit.days is None:
        # A fixed day does not come nearer.
        return
    month = Month.of(now - timedelta(days=limit.days))
    while not month.is_running(now):
        last = limit.last_day(month)
        if last is not None and now.date() <= last <= (now + NOTICE).date():
            yield month
        month = month.next()


def beyond(provider: ProviderName, months: Sequence[Month], now: datetime, *, by_key: bool) -> Sentence:
    """One line on what of some months a provider doesn't have any more, before anything is asked for.

    Args:
        provider: The provider.
        months: Those to be read, in order; none that the archive holds.
        now: The present.
        by_key: Whether the provider's rows stand for API keys.

    Returns:
        `OpenRouter: nothing before 2025-02-14 (2024-12 to 2025-02)`; silence where all can be had.
    """
    found = [
        _gone(limit, gone, now)
        for limit in provider.spec.reach.limits_for(by_key=by_key)
        if (gone := [month for month in months if not limit.holds(month, now)])
    ]
    if not found:
        return SILENCE
    return say("{provider}: {what}", provider=provider.label, what=together(found, between="; "))


def _gone(limit: Limit, months: Sequence[Month], now: datetime) -> Sentence:
    values = {"day": limit.first_day(now), "months": _name(months)}
    if not limit.what:
        return (
            say("nothing before {day} ({months})", **values)
            if limit.sure
            else say("perhaps nothing before {day} ({months})", **values)
        )
    values |= {"what": _listed(limit.what)}
    return (
        say("before {day} without {what} ({months})", **values)
        if limit.sure
        else say("before {day} perhaps without {what} ({months})", **values)
    )


def _name(months: Sequence[Month]) -> Sentence:
    """`2024-12 to 2025-02, 2025-04`."""
    runs: list[list[Month]] = []
    for month in months:
        if runs and runs[-1][-1].next() == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return together(
        (
            Sentence.of(str(run[0])) if len(run) == 1 else say("{first} to {last}", first=run[0], last=run[-1])
            for run in runs
        ),
        between=", ",
    )
