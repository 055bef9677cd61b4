"""Months that providers no longer have, or soon won't have: one definition for every command that tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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
    def sentence(self) -> str:
        """What to do, and until when."""
        label, limit = self.source.provider.label, self.limit
        what = f"whose {' and '.join(limit.what)}" if limit.what else "which"
        until = f"until {self.last_day}" if limit.sure else f"perhaps only until {self.last_day}"
        return (
            f"{self.source}: Notion holds no complete figures of {self.month}, {what} {label} gives {until}. "
            f"Run {self.command}"
        )


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


def beyond(provider: ProviderName, months: Sequence[Month], now: datetime, *, by_key: bool) -> str:
    """One line on what of some months a provider doesn't have any more, before anything is asked for.

    Args:
        provider: The provider.
        months: Those to be read, in order; none that the archive holds.
        now: The present.
        by_key: Whether the provider's rows stand for API keys.

    Returns:
        `OpenRouter: nothing before 2025-02-14 (2024-12 to 2025-02)`; empty where all can be had.
    """
    found = []
    for limit in provider.spec.reach.limits_for(by_key=by_key):
        gone = [month for month in months if not limit.holds(month, now)]
        if gone:
            what = f"no {' or '.join(limit.what)}" if limit.what else "nothing"
            sure = "" if limit.sure else "perhaps "
            found.append(f"{sure}{what} before {limit.first_day(now)} ({_name(gone)})")
    return f"{provider.label}: {'; '.join(found)}" if found else ""


def _name(months: Sequence[Month]) -> str:
    """`2024-12 to 2025-02, 2025-04`."""
    runs: list[list[Month]] = []
    for month in months:
        if runs and runs[-1][-1].next() == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
