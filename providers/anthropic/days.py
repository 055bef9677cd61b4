"""The days of a month at Anthropic: which are asked for, how far back they reach, until when they may change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from providers.anthropic.endpoints import Report
from providers.shared.http import Params
from providers.shared.job import Job
from usage.month import Month

_FIRST_MONTH: Final = Month(2026, 1)
_REACH: Final = timedelta(days=365)
SETTLING: Final = timedelta(days=1)
"""Data may come this late: a month is provisional until it goes that far past the month's end."""


def newer_reports_reach(month: Month, now: datetime) -> bool:
    """Whether the newer reports have the whole month: 365 days back from `now`, and nothing before 2026."""
    return month >= _FIRST_MONTH and month.start >= now - _REACH


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
