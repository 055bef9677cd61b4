"""When a month is told by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.planning.budgets import Budget
from reports.planning.outlook import BudgetState, Standing
from reports.planning.subjects import Kind, Subject
from tasks.books.telling.occasions import is_news, of_budget, of_digest, of_digest_asked_for
from usage.month import Month
from usage.outcomes.proof import MonthState

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)


def at(day: int, month: int = 2) -> datetime:
    return datetime(2026, month, day, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "day", "occasion"),
    [
        (MonthState.OPEN, 2, None),
        (MonthState.CLOSED, 2, "digest/2026-01/closed"),
        (MonthState.SETTLED, 4, None),
        (MonthState.SETTLED, 5, "digest/2026-01/settled"),
        (MonthState.CLOSED, 28, "digest/2026-01/closed"),
        (None, 28, None),
    ],
)
def test_the_last_month_comes_when_it_is_closed(state: MonthState | None, day: int, occasion: str | None) -> None:
    assert of_digest(JANUARY, state, at(day), 0) == occasion


def test_a_backfill_of_old_months_tells_nobody() -> None:
    assert of_digest(Month(2025, 12), MonthState.CLOSED, at(5), 0) is None
    assert [is_news(month, at(5)) for month in (Month(2025, 12), JANUARY, FEBRUARY)] == [False, True, True]


def test_the_running_month_comes_only_where_it_is_wished_for() -> None:
    assert of_digest(FEBRUARY, MonthState.OPEN, at(10), None) is None
    # The 9th of February 2026 is a Monday.
    assert {of_digest(FEBRUARY, MonthState.OPEN, at(day), 0) for day in range(9, 16)} == {
        "digest/2026-02/week-2026-02-09"
    }
    assert of_digest(FEBRUARY, MonthState.OPEN, at(10), 2) == "digest/2026-02/week-2026-02-04"
    assert of_digest(FEBRUARY, MonthState.OPEN, at(1), 6) is None


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 6))
def test_no_week_is_told_twice(day: date, weekly: int) -> None:
    told = set()
    for number in range(7):
        now = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(days=number)
        told.add(of_digest(Month.of(now), MonthState.OPEN, now, weekly))
    assert len(told - {None}) <= 2


def test_a_crontab_that_asks_each_day_is_answered_once_a_state_or_week() -> None:
    assert of_digest_asked_for(JANUARY, MonthState.OPEN, at(2)) == "digest/2026-01/open"
    assert of_digest_asked_for(JANUARY, MonthState.CLOSED, at(6)) == of_digest(JANUARY, MonthState.CLOSED, at(9), None)
    assert of_digest_asked_for(FEBRUARY, MonthState.OPEN, at(14)) == "digest/2026-02/week-2026-02-09"


def test_a_budget_is_told_once_for_each_standing_and_amount() -> None:
    def occasion(amount: str, standing: Standing, name: str = "Ärger & Söhne/../x") -> str:
        budget = Budget(Subject(Kind.COLUMN, name, "Client"), Decimal(amount))
        return of_budget(FEBRUARY, BudgetState(budget, Decimal(5), standing, None, None, is_known=True))

    assert occasion("200", Standing.PASSED) == occasion("200.00", Standing.PASSED)
    found = {
        occasion("200", Standing.PASSED),
        occasion("200", Standing.COMING),
        occasion("300", Standing.PASSED),
        occasion("200", Standing.PASSED, "Acme"),
    }
    assert len(found) == 4
    assert all(one.count("/") == 2 and one.isascii() for one in found)
