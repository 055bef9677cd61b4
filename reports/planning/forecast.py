"""The end of a running month, from the days of it that were read.

The method is a run rate that knows working days from weekends. What a day of a weekend costs, as a share of a working
day, is told by the last four weeks; how much is used this month is told by this month's own days; the days that are
left are counted at that rate. The range comes from how far single days lie from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from reports.ledger import Ledger, LedgerRow
from reports.planning.days import ZERO, cost_by_day, is_weekend, whole_days
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName

FIRST_DAY: Final = 5
"""Of the month, on which a forecast is first made."""
FEWEST_DAYS: Final = FIRST_DAY - 1
"""Whole days that it takes: those which were over on that day."""
_PATTERN_DAYS: Final = 28
"""In which each day of the week comes four times."""
_SPREAD: Final = Decimal("1.28")
"""Standard deviations to either side: eight of ten lie in between."""
_ALIKE: Final = Decimal("1.5")
"""By how much the variance of a sum grows because a day resembles the one before it."""
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a month ends. Amounts are USD; what lies ahead is rounded to the cent."""

    spent: Decimal
    """So far, with the day that is not over."""
    expected: Decimal
    low: Decimal
    high: Decimal
    """Eight months of ten are meant to end between the two."""
    days_read: int
    """Whole days that it is made from; of the provider that has fewest."""
    as_they_stand: tuple[ProviderName, ...]
    """Providers whose rows are counted with what they cost so far: they tell no days, or too few were read."""
    reached: tuple[tuple[date, Decimal], ...]
    """What the month has cost by the end of each day of it."""

    def passes(self, amount: Decimal) -> date | None:
        """The day on which the month comes to more than an amount; None where it does not."""
        return next((day for day, cost in self.reached if cost > amount), None)


def forecast(ledger: Ledger, month: Month, rows: Iterable[LedgerRow]) -> Forecast | None:
    """Where some rows of a running month end.

    Args:
        ledger: With the month, and if possible the one before, whose days show what a weekend is.
        month: The month.
        rows: Those of the month that count.

    Returns:
        None for a month that is over, before its fifth day, and where no provider's days are known.
    """
    counted = [row for row in rows if row.cost is not None]
    if not month.is_running(ledger.now) or ledger.now.day < FIRST_DAY or month > Month.of(ledger.now):
        return None
    groups, as_they_stand = _groups(ledger, month, counted)
    if not groups:
        return None
    parts = [_Part.of(month, read, group, _earlier(ledger, month, group)) for read, group in groups.items()]
    standing = exact_sum(row.cost for row in counted if row.provider in as_they_stand) or ZERO
    return _joined(parts, standing, exact_sum(row.cost for row in counted) or ZERO, as_they_stand)


def _groups(
    ledger: Ledger, month: Month, rows: Sequence[LedgerRow]
) -> tuple[dict[tuple[date, ...], list[LedgerRow]], tuple[ProviderName, ...]]:
    """Rows by the days that were read of them, and the providers where those are too few."""
    groups: dict[tuple[date, ...], list[LedgerRow]] = {}
    as_they_stand: list[ProviderName] = []
    for provider in (name for name in ProviderName if any(row.provider is name for row in rows)):
        own = [row for row in rows if row.provider is provider]
        days = whole_days(ledger, month, provider)
        if len(days) < FEWEST_DAYS or not all(row.by_day for row in own):
            as_they_stand.append(provider)
        else:
            groups.setdefault(days, []).extend(own)
    return groups, tuple(as_they_stand)


def _earlier(ledger: Ledger, month: Month, rows: Sequence[LedgerRow]) -> list[tuple[date, Decimal]]:
    """The whole days of the month before, of the same things; none where some of them tell no days."""
    before, things = month.previous(), {row.thing for row in rows}
    then = [row for row in ledger.month(before).rows if row.thing in things]
    read = [set(whole_days(ledger, before, name)) for name in {row.provider for row in rows}]
    if not then or not read or not all(row.by_day for row in then):
        return []
    costs = cost_by_day(then)
    return [(day, costs.get(day, ZERO)) for day in sorted(set.intersection(*read))]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that were read as far as each other."""

    days: int
    by_day: tuple[tuple[date, Decimal], ...]
    """What each day of the month costs: what was read, and the rate where it was not."""
    ahead: Decimal
    """How far the days that are left may lie from the rate, to either side."""

    @classmethod
    def of(
        cls, month: Month, read: tuple[date, ...], rows: Sequence[LedgerRow], earlier: Sequence[tuple[date, Decimal]]
    ) -> _Part:
        costs = cost_by_day(rows)
        known = [(day, costs.get(day, ZERO)) for day in read]
        older = max(_PATTERN_DAYS - len(known), 0)
        weights = _weights(earlier[len(earlier) - min(older, len(earlier)) :], known)
        weight_read = sum((weights[is_weekend(day)] for day, _ in known), ZERO)
        rate = (exact_sum(cost for _, cost in known) or ZERO) / weight_read if weight_read else ZERO
        every = [month.first_day + timedelta(days=number) for number in range(month.days)]
        had = dict(known)
        # Of the day that is not over, what is known of it can already be more.
        by_day = tuple(
            (day, had[day] if day in had else max(rate * weights[is_weekend(day)], costs.get(day, ZERO)))
            for day in every
        )
        left = [day for day in every if day not in had]
        off = [(cost - rate * weights[is_weekend(day)]) ** 2 for day, cost in known]
        deviation = (sum(off, ZERO) / (len(known) - 1)).sqrt()
        # The days that are left, and the rate itself, which so many days have told; few days tell the deviation badly.
        spread = ((len(left) + Decimal(len(left)) ** 2 / len(known)) * _ALIKE).sqrt()
        few = 1 + 1 / Decimal(len(known))
        return cls(len(known), by_day, _SPREAD * few * deviation * spread)


def _weights(*parts: Sequence[tuple[date, Decimal]]) -> Mapping[bool, Decimal]:
    """What a day of a weekend (True) costs, as a share of any other (False).

    Each part is held against its own working days: one month may cost many times what another does.
    """
    shares: list[Decimal] = []
    for days in parts:
        level = _mean([cost for day, cost in days if not is_weekend(day)])
        if level is not None and level > 0:
            shares += [cost / level for day, cost in days if is_weekend(day)]
    share = _mean(shares)
    return {False: Decimal(1), True: Decimal(1) if share is None else max(share, ZERO)}


def _mean(amounts: Sequence[Decimal]) -> Decimal | None:
    return (exact_sum(amounts) or ZERO) / len(amounts) if amounts else None


def _joined(
    parts: Sequence[_Part], standing: Decimal, spent: Decimal, as_they_stand: tuple[ProviderName, ...]
) -> Forecast:
    reached: list[tuple[date, Decimal]] = []
    total = standing
    for costs in zip(*(part.by_day for part in parts), strict=True):
        total = exact_sum([total, *(cost for _, cost in costs)]) or ZERO
        reached.append((costs[0][0], total))
    expected = max(total, spent)
    ahead = exact_sum(part.ahead for part in parts) or ZERO
    return Forecast(
        spent=spent,
        expected=_cents(expected),
        low=_cents(min(max(total - ahead, spent), expected)),
        high=_cents(expected + ahead),
        days_read=min(part.days for part in parts),
        as_they_stand=as_they_stand,
        reached=tuple(reached),
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
