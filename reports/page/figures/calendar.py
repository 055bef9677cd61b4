"""What months and days cost, by provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from reports.ledger import Ledger, MonthLedger
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.proof import MonthState


@dataclass(frozen=True, slots=True)
class MonthCost:
    """One month. Costs are USD, exact."""

    month: Month
    costs: Mapping[ProviderName, Decimal]
    """What nobody tells is left out."""
    is_running: bool
    is_collected: bool
    state: MonthState | None

    @property
    def total(self) -> Decimal | None:
        """None where no provider tells a cost."""
        return exact_sum(self.costs.values())


@dataclass(frozen=True, slots=True)
class DayCost:
    """One day, UTC. Costs are USD, exact."""

    day: date
    costs: Mapping[ProviderName, Decimal]

    @property
    def total(self) -> Decimal | None:
        """None where no record tells a cost of that day."""
        return exact_sum(self.costs.values())


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a month."""

    days: tuple[DayCost, ...]
    """As far as figures go in a running month, else all of them; empty where no record has a day."""
    undated: Decimal | None
    """Cost of what does not tell its days, USD. With it the days add up to the month; None where there is none."""
    undated_providers: tuple[ProviderName, ...]


def months_of(
    ledger: Ledger, months: Sequence[Month], known: Mapping[Month, Mapping[ProviderName, Decimal]] | None = None
) -> tuple[MonthCost, ...]:
    """Some months side by side.

    Args:
        ledger: The figures.
        months: Which ones, in order.
        known: What is known of months that the ledger does not have.
    """
    found = []
    for month in months:
        here = ledger.month(month)
        elsewhere = (known or {}).get(month, {})
        is_here = here.is_collected
        costs = _by_provider((row.provider, row.cost) for row in here.rows) if is_here else dict(elsewhere)
        is_known = is_here or bool(elsewhere)
        found.append(MonthCost(month, costs, month.is_running(ledger.now), is_known, here.state(ledger.now)))
    return tuple(found)


def days_of(month: MonthLedger, now: datetime) -> Days:
    """The days of one month."""
    facts = [(row.provider, record) for row in month.rows for record in row.records]
    dated = [(provider, record) for provider, record in facts if record.day is not None]
    undated = [(provider, record) for provider, record in facts if record.day is None and record.cost is not None]
    providers = {provider for provider, _ in undated}
    days = []
    if dated:
        told = {record.day for _, record in dated}
        last = min(month.month.last_day, max(now.date(), *(day for day in told if day is not None)))
        for number in range((last - month.month.first_day).days + 1):
            day = month.month.first_day + timedelta(days=number)
            costs = _by_provider((provider, record.cost) for provider, record in dated if record.day == day)
            days.append(DayCost(day, costs))
    return Days(
        tuple(days),
        exact_sum(record.cost for _, record in undated),
        tuple(name for name in ProviderName if name in providers),
    )


def _by_provider(costs: Iterable[tuple[ProviderName, Decimal | None]]) -> dict[ProviderName, Decimal]:
    found: dict[ProviderName, list[Decimal]] = {}
    for provider, cost in costs:
        if cost is not None:
            found.setdefault(provider, []).append(cost)
    sums = {provider: exact_sum(amounts) for provider, amounts in found.items()}
    return {provider: total for provider in ProviderName if (total := sums.get(provider)) is not None}
