"""How far back a provider's figures can be read, and how long after a month's end they may still change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from usage.month import Month


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How far back something can be read: not before a fixed day, or for a number of days, or both.

    Raises:
        ValueError: Neither is given, so that there would be no limit.
    """

    what: tuple[str, ...] = ()
    """What can't be had before, in English: `("tokens", "requests")`; empty where it is everything."""
    since: date | None = None
    """First day, UTC."""
    days: int | None = None
    """Days back from the moment of asking."""
    sure: bool = True
    """False where it was only seen, or where nobody says how far back what was begun on a day reaches."""
    by_key: bool = False
    """Whether it matters to rows of API keys alone."""

    def __post_init__(self) -> None:
        if self.since is None and self.days is None:
            raise ValueError("a limit needs a day or a number of days")

    def first_day(self, now: datetime) -> date:
        """First day, UTC, of which there may be something at `now`: of a day that the limit cuts, its rest."""
        rolling = None if self.days is None else (now - timedelta(days=self.days)).astimezone(UTC).date()
        return max(day for day in (self.since, rolling) if day is not None)

    def holds(self, month: Month, now: datetime) -> bool:
        """Whether the whole month can be read at `now`."""
        if self.since is not None and month.first_day < self.since:
            return False
        return self.days is None or month.start >= now - timedelta(days=self.days)

    def last_day(self, month: Month) -> date | None:
        """Last day, UTC, on which the whole month can be read; None where no day is: it stays, or never could be."""
        if self.days is None or (self.since is not None and month.first_day < self.since):
            return None
        # The instant at which the month's first day begins to leave is the first of the day after.
        return (month.start + timedelta(days=self.days - 1)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far back and how fresh a provider can be read."""

    settling: timedelta
    """How long after its end a month is called provisional: its figures come late, or may still change."""
    revised: timedelta = timedelta(0)
    """For how long after that it announces corrections; none where it announces nothing."""
    limits: tuple[Limit, ...] = ()
    """None where nothing is published, and nothing was seen."""

    def limits_for(self, *, by_key: bool) -> tuple[Limit, ...]:
        """Those that matter to rows of API keys, or to others."""
        return tuple(limit for limit in self.limits if by_key or not limit.by_key)
