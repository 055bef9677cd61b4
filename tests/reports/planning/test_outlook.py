"""How budgets stand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reports.planning.budgets import budgets_of
from reports.planning.outlook import BudgetState, Standing, look_ahead
from tests.reports.histories import days_of, ledger, own, row
from usage.month import Month

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
NOW = datetime(2026, 2, 14, 15, tzinfo=UTC)


def state(text: str, *, month: Month = FEBRUARY, by_day: bool = True, cost: str = "10") -> BudgetState:
    last = 13 if month == FEBRUARY else 31
    costs = [(day, cost) for day in days_of(month)[:last]]
    rows = [row(month, "one", costs, by_day=by_day, own=own("Client", "Acme")), row(month, "two", [])]
    (found,) = look_ahead(ledger(NOW, rows), month, budgets_of({}, text)).budgets
    return found


def test_within_coming_and_passed() -> None:
    assert (state("total = 500").standing, state("total = 500").day) == (Standing.WITHIN, None)
    coming = state("total = 185")
    assert (coming.standing, coming.day, coming.spent) == (Standing.COMING, date(2026, 2, 19), Decimal(130))
    passed = state("total = 95")
    assert (passed.standing, passed.day) == (Standing.PASSED, date(2026, 2, 10))
    assert passed.share == Decimal(130) / 95


def test_a_month_that_is_over_is_passed_or_within() -> None:
    assert state("total = 310", month=JANUARY).standing is Standing.WITHIN
    over = state("total = 309.99", month=JANUARY)
    assert (over.standing, over.day, over.forecast) == (Standing.PASSED, date(2026, 1, 31), None)


def test_without_days_nobody_knows_on_which_day() -> None:
    assert (state("total = 95", by_day=False).standing, state("total = 95", by_day=False).day) == (
        Standing.PASSED,
        None,
    )
    assert state("total = 185", by_day=False).standing is Standing.WITHIN


def test_a_budget_of_nothing() -> None:
    assert state("[provider]\nopenai = 0").standing is Standing.PASSED
    assert state("[provider]\nopenai = 0").share is None
    assert state("[provider]\ndeepgram = 0").standing is Standing.WITHIN


def test_a_name_that_nothing_has_is_told() -> None:
    assert state('[column.client]\n"ACME" = 500').is_known
    assert state('[column.client]\n"ACME" = 500').spent == 130
    assert not state('[column.client]\n"Acne" = 500').is_known
    assert not state("[project]\nthree = 500").is_known
    assert state("[project]\ntwo = 500").is_known


def test_the_worst_come_first() -> None:
    rows = [row(FEBRUARY, "one", [(day, "10") for day in days_of(FEBRUARY)[:13]])]
    text = "total = 185\n[project]\none = 1\n[provider]\nopenai = 5000"
    outlook = look_ahead(ledger(NOW, rows), FEBRUARY, budgets_of({}, text))
    assert [one.standing for one in outlook.alarming] == [Standing.PASSED, Standing.COMING]
    assert outlook.forecast is not None
    assert outlook.forecast.expected == 280


@given(st.integers(0, 10**5).map(lambda cents: Decimal(cents).scaleb(-2)), st.decimals("0.01", 100, places=2))
def test_a_budget_is_passed_exactly_where_more_is_spent(amount: Decimal, cost: Decimal) -> None:
    found = state(f"total = {amount}", cost=str(cost))
    assert (found.standing is Standing.PASSED) == (cost * 13 > amount)
    assert (found.standing is Standing.COMING) == (cost * 13 <= amount < cost * 28)
    assert (found.day is None) == (found.standing is Standing.WITHIN)
