"""Where a month is going, in one: its forecast, how its budgets stand, and its surprises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reports.ledger import Ledger, LedgerRow
from reports.planning.budgets import Budget, Budgets
from reports.planning.days import ZERO, cost_by_day
from reports.planning.forecast import Forecast, forecast
from reports.planning.subjects import Kind
from reports.planning.surprises import Surprise, find_surprises
from usage.money import EXACT, exact_sum
from usage.month import Month


class Standing(StrEnum):
    """How a month's cost stands to a budget."""

    WITHIN = "within"
    COMING = "will pass"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget and what became of it in a month."""

    budget: Budget
    spent: Decimal
    """USD, exact, so far."""
    standing: Standing
    day: date | None
    """On which it was or will be passed; None where that is not known, and where it stays within."""
    forecast: Forecast | None
    is_known: bool
    """Whether any row of the ledger belongs to it: a name that is misspelt bounds nothing."""

    @property
    def share(self) -> Decimal | None:
        """How much of it is spent; None of a budget of nothing."""
        return self.spent / self.budget.amount if self.budget.amount else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a month is going."""

    month: Month
    forecast: Forecast | None
    """Of the whole month; None for one that is over, and while too little of it was read."""
    budgets: tuple[BudgetState, ...]
    surprises: tuple[Surprise, ...]

    @property
    def budget(self) -> Decimal | None:
        """What the whole month may cost, USD; None where no budget says it."""
        return next((one.budget.amount for one in self.budgets if one.budget.subject.kind is Kind.TOTAL), None)

    @property
    def known(self) -> tuple[BudgetState, ...]:
        """Budgets that bound anything: some row belongs to them."""
        return tuple(one for one in self.budgets if one.is_known)

    @property
    def alarming(self) -> tuple[BudgetState, ...]:
        """Budgets that are passed or will be; those that are passed first."""
        passed = [one for one in self.budgets if one.standing is Standing.PASSED]
        return (*passed, *(one for one in self.budgets if one.standing is Standing.COMING))


def look_ahead(ledger: Ledger, month: Month, budgets: Budgets) -> Outlook:
    """Where a month is going.

    Args:
        ledger: The month and those before it: one for the forecast, `MONTHS_BACK` for surprises.
        month: The month.
        budgets: All budgets.
    """
    rows = ledger.month(month).rows
    states = tuple(_state(ledger, month, budget) for budget in budgets.of(month))
    return Outlook(month, forecast(ledger, month, rows), states, find_surprises(ledger, month))


def _state(ledger: Ledger, month: Month, budget: Budget) -> BudgetState:
    subject = budget.subject
    rows = [row for row in ledger.month(month).rows if subject.takes(row)]
    is_known = subject.kind in (Kind.TOTAL, Kind.PROVIDER) or any(
        subject.takes(row) for one in ledger.months for row in one.rows
    )
    spent, ahead = exact_sum(row.cost for row in rows) or ZERO, forecast(ledger, month, rows)
    if spent > budget.amount:
        return BudgetState(budget, spent, Standing.PASSED, _passed_on(rows, budget.amount), ahead, is_known)
    day = None if ahead is None else ahead.passes(budget.amount)
    standing = Standing.WITHIN if day is None else Standing.COMING
    return BudgetState(budget, spent, standing, day, ahead, is_known)


def _passed_on(rows: list[LedgerRow], amount: Decimal) -> date | None:
    """The day on which days that were read came to more than an amount; None where some tell no days."""
    if not all(row.by_day for row in rows if row.cost is not None):
        return None
    total = ZERO
    for day, cost in sorted(cost_by_day(rows).items()):
        total = EXACT.add(total, cost)
        if total > amount:
            return day
    return None
