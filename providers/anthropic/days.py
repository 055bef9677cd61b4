"""The days of a month at Anthropic: which are asked for, how far back they reach, until when they may change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from providers.anthropic.endpoints import Report
from providers.shared.http import Params
from providers.shared.job import Job
from usage.month import Month
from usage.names import ProviderName

_REACH: Final = ProviderName.ANTHROPIC.spec.reach
(_NEWER_REPORTS,) = _REACH.limits
SETTLING: Final = _REACH.settling
"""Data may come this late: a month is provisional until it goes that far past the month's end."""


def newer_reports_reach(month: Month, now: datetime) -> bool:
    """Whether the newer reports have the whole month at `now`."""
    return _NEWER_REPORTS.holds(month, now)


def is_provisional(job: Job, refreshed_at: datetime | None) -> bool:
    """Whether a closed month may still change: its data may come late."""
    return not job.is_running and (refreshed_at or job.now) < job.month.end + SETTLING


def asked_days(job: Job, report: Report) -> Params:
    """The month. While it runs, up to the last full hour or the next midnight: a future end is not documented.

    The newer reports round to the hour themselves; the older ones give whole days.
    """
    end = job.month.end
    if job.is_running:
        hour = job.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        end = hour.replace(hour=0) + timedelta(days=1) if report.by_day else hour
        # In the first hour of a month there is no full one yet, and an empty range is refused.
        end = max(end, job.month.start + timedelta(hours=1))
    return [("starting_at", _stamp(job.month.start)), ("ending_at", _stamp(end))]


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
