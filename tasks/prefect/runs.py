"""What a run is called, and which month it means."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final

from prefect import get_run_logger, runtime

from usage.errors import SettingsError
from usage.month import Month
from usage.settings import load_settings
from usage.settings.files import learn_language

RELATIVE = ("last", "current")
AUTO_SCHEDULED: Final = "auto-scheduled"
"""The tag that Prefect's scheduler gives to the runs that it makes."""


def is_scheduled() -> bool:
    """Whether a schedule has made this run, or a command that stands for one."""
    return AUTO_SCHEDULED in runtime.flow_run.tags


def resolve_month(text: str) -> str:
    """The month that a run means, seen from the moment it was scheduled for.

    A run that had to wait for a worker over the end of a month, or that is retried weeks later, still collects the
    month it was made for. `LLM_USAGE_NOW` overrules this like any other clock.

    From here on the run tells everything in the language of its settings, also where a file alone names it.

    Raises:
        SettingsError: Settings that can't be used.
    """
    learn_language(os.environ)
    settings = load_settings()
    if settings.fixed_now is not None:
        get_run_logger().info("LLM_USAGE_NOW: %s stands for the present.", settings.fixed_now.isoformat())
    return str(Month.resolve(text, settings.fixed_now or _scheduled())) if text in RELATIVE else text


def month_for_name(text: str) -> str:
    """The month for a run's name, so that names sort by month; what can't be read stays as it is."""
    try:
        settings = load_settings()
        return str(Month.resolve(text, settings.fixed_now or _scheduled()))
    except SettingsError:
        # The run says so itself, in its first second.
        return text


def _scheduled() -> datetime:
    """When this run was to start: unchanged by retries. Now, outside a run."""
    scheduled: datetime = runtime.flow_run.scheduled_start_time
    return scheduled
