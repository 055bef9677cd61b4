"""The days of a month at ElevenLabs: which are asked for, until when they may change; `tables` reads a row's day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from providers.shared.job import Job
from usage.errors import UnavailableError
from usage.language.saying import say
from usage.names import ProviderName

_REACH: Final = ProviderName.ELEVENLABS.spec.reach
(_ANALYTICS,) = _REACH.limits
SETTLING: Final = _REACH.settling
"""A day's figures were seen to change for so long."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole UTC days from `start` up to, but without, `end`."""

    start: datetime
    end: datetime

    @property
    def milliseconds(self) -> tuple[int, int]:
        """First and last millisecond. Whether ends are inclusive is not published: these are right either way."""
        return int(self.start.timestamp()) * 1000, int(self.end.timestamp()) * 1000 - 1

    @property
    def days(self) -> int:
        """How many days."""
        return (self.end - self.start).days

    def first_days(self, days: int) -> Span:
        """Its beginning."""
        return Span(self.start, self.start + timedelta(days=days))

    def holds(self, instant: datetime) -> bool:
        """Whether an instant falls in it."""
        return self.start <= instant < self.end


def require_reach(job: Job) -> None:
    """Stop where the month lies before the first that ElevenLabs gives.

    Raises:
        UnavailableError: It does.
    """
    if not _ANALYTICS.holds(job.month, job.now):
        year = str(_ANALYTICS.first_day(job.now).year)
        raise UnavailableError(say("ElevenLabs gives nothing before {year}.", year=year))


def asked_days(job: Job) -> Span:
    """The month's days; while it runs, up to the next UTC midnight: a day to come may be billed in another way."""
    end = job.month.end
    if job.is_running:
        today = job.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = min(end, today + timedelta(days=1))
    return Span(job.month.start, end)
