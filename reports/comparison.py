"""A month beside the one before: the one definition of a total, its change and what moved most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from reports.ledger import Ledger, LedgerRow, MonthLedger
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import UsageRecord

_ZERO: Final = Decimal(0)
MOST_SHOWN: Final = 3
"""Rows that are named where a month is told in a few lines."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two amounts, USD, exact; None where nobody tells one."""

    before: Decimal | None
    now: Decimal | None

    @property
    def amount(self) -> Decimal | None:
        """By how much it changed; what is not known on one side counts as nothing, on both sides it stays unknown."""
        if self.before is None and self.now is None:
            return None
        return difference(self.now or _ZERO, self.before or _ZERO)

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the earlier amount; None where that is nothing."""
        if self.amount is None or not self.before:
            return None
        return self.amount / self.before


@dataclass(frozen=True, slots=True)
class Mover:
    """A row whose cost changed, and the model or item that changed most in it."""

    row: LedgerRow
    """Of the later month; of the earlier one where it has none any more."""
    cost: Change
    model: str
    """Empty where the row tells none."""
    model_cost: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """A month and the one before."""

    month: Month
    total: Decimal | None
    """The month's whole cost as far as it was read, USD."""
    cost: Change | None
    """What is compared; None where the month before was never collected, or nothing can be compared."""
    until: date | None
    """Last day that is compared, for a running month: the earlier one counts up to the same day. None: whole months."""
    left_out: tuple[ProviderName, ...]
    """Providers with rows that don't tell their days, which are not compared in a running month."""
    movers: tuple[Mover, ...]
    """What moved most comes first."""


def compare(ledger: Ledger, month: Month) -> Comparison:
    """A month beside the one before; both have to be in the ledger, or else count as not collected."""
    now, before = ledger.month(month), ledger.month(month.previous())
    if not before.is_collected or not now.is_collected:
        return Comparison(month, now.cost, None, None, (), ())
    if not month.is_running(ledger.now):
        return _compared(now, before, None, ())
    until = _last_whole_day(ledger, now)
    if until < month.first_day:
        return Comparison(month, now.cost, None, None, (), ())
    coarse = {row.provider for one in (now, before) for row in one.rows if not row.by_day and row.cost is not None}
    return _compared(now, before, until, tuple(name for name in ProviderName if name in coarse))


def _last_whole_day(ledger: Ledger, now: MonthLedger) -> date:
    """The last day of a running month that was over when the figures were read, for each source that was read."""
    read = [figures for one in now.sources if one.proof is not None and (figures := one.proof.figures_of) is not None]
    return (min([ledger.now, *read]) - timedelta(days=1)).date()


def _compared(
    now: MonthLedger, before: MonthLedger, until: date | None, left_out: tuple[ProviderName, ...]
) -> Comparison:
    def old(record: UsageRecord) -> bool:
        return until is None or (record.day is not None and record.day.day <= until.day)

    def new(record: UsageRecord) -> bool:
        return until is None or (record.day is not None and record.day <= until)

    rows = [_Pair(then, here) for then, here in _pairs(before, now)]
    rows = [pair for pair in rows if not pair.providers & set(left_out)]
    cost = Change(
        exact_sum(pair.cost(pair.then, old) for pair in rows), exact_sum(pair.cost(pair.now, new) for pair in rows)
    )
    movers = [mover for pair in rows if (mover := pair.mover(old, new)) is not None]
    return Comparison(now.month, now.cost, cost, until, left_out, tuple(sorted(movers, key=_most_first)))


def _pairs(before: MonthLedger, now: MonthLedger) -> Iterator[tuple[LedgerRow | None, LedgerRow | None]]:
    earlier = {row.thing: row for row in before.rows}
    later = {row.thing: row for row in now.rows}
    for thing in dict.fromkeys([*later, *earlier]):
        yield earlier.get(thing), later.get(thing)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is the same thing in both months."""

    then: LedgerRow | None
    now: LedgerRow | None

    @property
    def providers(self) -> set[ProviderName]:
        return {row.provider for row in (self.then, self.now) if row is not None}

    @staticmethod
    def cost(row: LedgerRow | None, counts: Callable[[UsageRecord], bool]) -> Decimal | None:
        return None if row is None else exact_sum(record.cost for record in row.records if counts(record))

    def mover(self, old: Callable[[UsageRecord], bool], new: Callable[[UsageRecord], bool]) -> Mover | None:
        row = self.now or self.then
        cost = Change(self.cost(self.then, old), self.cost(self.now, new))
        if row is None or not cost.amount:
            return None
        then, now = _by_model(self.then, old), _by_model(self.now, new)
        changes = {name: Change(then.get(name), now.get(name)) for name in sorted(then.keys() | now.keys())}
        model = max(changes, key=lambda name: abs(changes[name].amount or _ZERO), default="")
        return Mover(row, cost, model, changes.get(model, Change(None, None)))


def _by_model(row: LedgerRow | None, counts: Callable[[UsageRecord], bool]) -> dict[str, Decimal]:
    return cost_by_model(record for record in (row.records if row is not None else ()) if counts(record))


def cost_by_model(records: Iterable[UsageRecord]) -> dict[str, Decimal]:
    """Cost by model or item, USD; records without a cost or a name are left out."""
    found: dict[str, list[Decimal]] = {}
    for record in records:
        name = record.model or record.item
        if name and record.cost is not None:
            found.setdefault(name, []).append(record.cost)
    return {name: exact_sum(costs) or _ZERO for name, costs in found.items()}


def _most_first(mover: Mover) -> tuple[Decimal, str, str]:
    return (mover.cost.amount or _ZERO).copy_abs().copy_negate(), mover.row.provider.value, mover.row.title
