"""When a month is told, and under which name: what bears the same name is told once."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from reports.planning.outlook import BudgetState, Standing
from usage.month import Month
from usage.outcomes.proof import MonthState

UNPROVEN_FROM: Final = 5
"""Day of the next month from which a month is told that could not be proven whole: till then a run may still do it."""


def is_news(month: Month, now: datetime) -> bool:
    """Whether anything of a month is news: a backfill of old ones is none."""
    running = Month.of(now)
    return month in (running, running.previous())


def of_digest(month: Month, state: MonthState | None, now: datetime, weekly: int | None) -> str | None:
    """The occasion to send a month's digest by itself; None where there is none.

    The last month's comes when it is closed; from the 5th of the next month on also where it could not be closed, and
    then once more when it is. The running month's comes each week where somebody wants it.

    Args:
        month: The month.
        state: How far it has come.
        now: UTC.
        weekly: The day of the week from which the running one is told.
    """
    if state is None or not is_news(month, now):
        return None
    if not month.is_running(now):
        is_due = state is MonthState.CLOSED or (state is MonthState.SETTLED and now.day >= UNPROVEN_FROM)
        return _of_state(month, state) if is_due else None
    if weekly is None:
        return None
    begin = (now - timedelta(days=(now.weekday() - weekly) % 7)).date()
    # A week that began in the month before told that one. On the 1st, nothing is known yet.
    return f"digest/{month}/week-{begin}" if month.first_day <= begin and now.day > 1 else None


def of_digest_asked_for(month: Month, state: MonthState | None, now: datetime) -> str:
    """The occasion where a person or a crontab asks for a digest: once for each state, each week while it runs."""
    if state is not None and not month.is_running(now):
        return _of_state(month, state)
    monday = (now - timedelta(days=now.weekday())).date()
    return f"digest/{month}/week-{monday}"


def of_budget(month: Month, state: BudgetState) -> str:
    """The occasion of a budget that is passed or will be. One that is changed is another one."""
    subject, amount = state.budget.subject, state.budget.amount.normalize()
    words = "\0".join((subject.kind, subject.column, subject.name, f"{amount:f}"))
    standing = "passed" if state.standing is Standing.PASSED else "will-pass"
    return f"budget/{month}/{hashlib.sha256(words.encode()).hexdigest()[:16]}-{standing}"


def _of_state(month: Month, state: MonthState) -> str:
    return f"digest/{month}/{state.value}"
