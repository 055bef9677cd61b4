"""Days as they were read: which of them were whole, and what each cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from reports.ledger import Ledger, LedgerRow
from usage.money import EXACT
from usage.month import Month
from usage.names import ProviderName

ZERO = Decimal(0)


def whole_days(ledger: Ledger, month: Month, provider: ProviderName) -> tuple[date, ...]:
    """The days of a month that were over when a provider was last read, and that its answers hold, in order."""
    proofs = [one.proof for one in ledger.month(month).sources if one.provider is provider and one.proof is not None]
    read = [figures for proof in proofs if (figures := proof.figures_of) is not None]
    if not read:
        return ()
    end = min([*read, ledger.now, month.end])
    missing = {day for proof in proofs for day in proof.missing_days}
    days = (month.first_day + timedelta(days=number) for number in range(month.days))
    return tuple(day for day in days if day < end.date() and day not in missing)


def cost_by_day(rows: Iterable[LedgerRow]) -> Mapping[date, Decimal]:
    """What rows cost on each day, USD, exact. Days without a record are not in it."""
    found: dict[date, Decimal] = {}
    for row in rows:
        for record in row.records:
            if record.day is not None and record.cost is not None:
                found[record.day] = EXACT.add(found.get(record.day, ZERO), record.cost)
    return found


def is_weekend(day: date) -> bool:
    """Whether it is a Saturday or a Sunday."""
    return day.weekday() >= 5
