"""A month beside the one before: the one definition of a total, its change and what moved most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from reports.ledger import Ledger, LedgerRow, MonthLedger
from usage.grain import canonical_workspace
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.records.record import UsageRecord

_ZERO: Final = Decimal(0)
MOST_SHOWN: Final = 3
"""Rows that are named where a month is told in a few lines."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two amounts, USD, exact. None where there is no such thing in that month, which is not the same as 0."""

    before: Decimal | None
    now: Decimal | None

    @property
    def amount(self) -> Decimal | None:
        """By how much it changed; what is in one month alone changed by all of it, what is in neither by nothing."""
        if self.before is None and self.now is None:
            return None
        return difference(self.now or _ZERO, self.before or _ZERO)

    @property
    def share(self) -> Decimal | None:
        """The change as a share of the earlier amount, with the change's sign.

        None where that amount is nothing, and where a credit became a cost: no share of less than nothing is more.
        """
        if self.amount is None or not self.before or self.before < 0 < (self.now or _ZERO):
            return None
        return self.amount / abs(self.before)


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
    cost: Change | None = None
    """What is compared; None where the month before was never collected, or nothing can be compared."""
    until: date | None = None
    """Last day that is compared, where a month runs or was not read to its end: the earlier one counts up to the same
    day. None: whole months."""
    left_out: tuple[ProviderName, ...] = ()
    """Providers with rows that don't tell their days, which are not compared where some days alone are."""
    movers: tuple[Mover, ...] = ()
    """What moved most comes first. Their changes add up to that of the cost."""
    unread: tuple[ProviderName, ...] = ()
    """Providers with a cost in one month that was not read in the other, which are not compared."""
    unknown: tuple[LedgerRow, ...] = ()
    """Rows whose cost is known in one month and not in the other, which are not compared."""
    rows: tuple[LedgerRow, ...] = ()
    """Those that are compared, of both months."""


def compare(ledger: Ledger, month: Month) -> Comparison:
    """A month beside the one before; both have to be in the ledger, or else count as not collected."""
    now, before = ledger.month(month), ledger.month(month.previous())
    if not before.is_collected or not now.is_collected:
        return Comparison(month, now.cost)
    counts = [count for one in (before, now) if (count := _whole_days(one, ledger.now)) is not None]
    if not counts:
        return _compared(now, before, None)
    days = min(*counts, month.days)
    return _compared(now, before, month.first_day + timedelta(days=days - 1)) if days else Comparison(month, now.cost)


def _whole_days(month: MonthLedger, now: datetime) -> int | None:
    """How many days were over when the figures were read, for each source that was read; None: all of them."""
    read = [figures for one in month.sources if one.proof is not None and (figures := one.proof.figures_of) is not None]
    until = min([now, *read])
    return None if until >= month.month.end else max(0, (until - month.month.start).days)


def _compared(now: MonthLedger, before: MonthLedger, until: date | None) -> Comparison:
    pairs = _pairs(before, now, until)
    unread = {pair.provider for pair in pairs if pair.is_known} & {*_unread(before), *_unread(now)}
    dayless = {pair.provider for pair in pairs if not pair.has_days} - unread if until is not None else set()
    pairs = [pair for pair in pairs if pair.provider not in unread | dayless]
    known = [pair for pair in pairs if pair.is_whole]
    cost = Change(exact_sum(pair.cost.before for pair in known), exact_sum(pair.cost.now for pair in known))
    movers = [mover for pair in known if (mover := pair.mover()) is not None]
    return Comparison(
        month=now.month,
        total=now.cost,
        cost=cost if known else None,
        until=until,
        left_out=tuple(name for name in ProviderName if name in dayless),
        movers=tuple(sorted(movers, key=_most_first)),
        unread=tuple(name for name in ProviderName if name in unread),
        rows=tuple(row for pair in known for row in (*pair.then, *pair.now)),
        unknown=tuple(pair.row for pair in pairs if pair.is_known and not pair.is_whole),
    )


def _unread(month: MonthLedger) -> Iterator[ProviderName]:
    """Providers of which the month has not all that it could have: one that was read and had nothing is not among
    them."""
    with_rows = {(row.provider, row.account) for row in month.rows}
    for provider in ProviderName:
        sources = [one for one in month.sources if one.provider is provider]
        never = [
            one
            for one in sources
            if (one.proof is None or one.proof.figures_of is None) and (provider, one.account) not in with_rows
        ]
        if never or not (sources or month.of(provider)):
            yield provider


def _pairs(before: MonthLedger, now: MonthLedger, until: date | None) -> list[_Pair]:
    """What is the same thing in both months. Rows of one identity that nobody has united yet count together."""
    whole_then, whole_now = _whole_workspaces(before), _whole_workspaces(now)
    found: dict[tuple[ProviderName, str, str], tuple[list[LedgerRow], list[LedgerRow]]] = {}
    for row in now.rows:
        found.setdefault(_thing(row, whole_then), ([], []))[1].append(row)
    for row in before.rows:
        found.setdefault(_thing(row, whole_now), ([], []))[0].append(row)
    return [_Pair(tuple(then), tuple(here), until) for then, here in found.values()]


def _whole_workspaces(month: MonthLedger) -> set[tuple[ProviderName, str]]:
    """Workspaces and projects that are a row of their own: some months can't be read in more detail."""
    return {(row.provider, row.key) for row in month.rows if row.key == canonical_workspace(row.workspace)}


def _thing(row: LedgerRow, whole: set[tuple[ProviderName, str]]) -> tuple[ProviderName, str, str]:
    """What the row counts with: itself, or the workspace that the other month tells as a whole."""
    workspace = canonical_workspace(row.workspace)
    return (row.provider, workspace, "") if (row.provider, workspace) in whole else row.thing


@dataclass(frozen=True, slots=True)
class _Pair:
    """The rows of one thing in both months; of the days up to `until` where there is one."""

    then: tuple[LedgerRow, ...]
    now: tuple[LedgerRow, ...]
    until: date | None

    @property
    def row(self) -> LedgerRow:
        """The one that it is told by: where rows of keys count as a workspace, the workspace's."""
        rows = (*self.now, *self.then)
        return next((row for row in rows if len(self.now) > 1 and row.key == row.workspace), rows[0])

    @property
    def provider(self) -> ProviderName:
        return self.row.provider

    @property
    def is_known(self) -> bool:
        """Whether any cost is known."""
        return any(row.cost is not None for row in (*self.then, *self.now))

    @property
    def is_whole(self) -> bool:
        """Whether nothing that is there lacks its cost."""
        return all(row.cost is not None for row in (*self.then, *self.now))

    @property
    def has_days(self) -> bool:
        """Whether all that cost anything tells its day."""
        return not any(record.cost and record.day is None for row in (*self.then, *self.now) for record in row.records)

    @property
    def cost(self) -> Change:
        return Change(_cost(self.then, self._counted(self.then)), _cost(self.now, self._counted(self.now)))

    def _counted(self, rows: tuple[LedgerRow, ...]) -> list[UsageRecord]:
        until = self.until
        return [
            record
            for row in rows
            for record in row.records
            if until is None or (record.day is not None and record.day.day <= until.day)
        ]

    def mover(self) -> Mover | None:
        cost = self.cost
        if not cost.amount:
            return None
        then, now = cost_by_model(self._counted(self.then)), cost_by_model(self._counted(self.now))
        changes = {name: Change(then.get(name), now.get(name)) for name in sorted(then.keys() | now.keys())}
        moved = {name: change for name, change in changes.items() if change.amount}
        model = max(moved, key=lambda name: abs(moved[name].amount or _ZERO), default="")
        return Mover(self.row, cost, model, moved.get(model, Change(None, None)))


def _cost(rows: tuple[LedgerRow, ...], counted: list[UsageRecord]) -> Decimal | None:
    """What rows cost on the days that count, which may be nothing; None where there are no rows."""
    return exact_sum(record.cost for record in counted) or _ZERO if rows else None


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
