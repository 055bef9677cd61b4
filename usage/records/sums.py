"""Sums of records as pages arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Rounded
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace

from usage.machine.memory import without_garbage_collection
from usage.records.record import DIGITS_AFTER, DIGITS_BEFORE, Ids, UsageRecord

_MOST_COUNTED: Final = 10**16
_WIDE: Final = Context(prec=200)
# The shortest way to see that an amount has at most 26 digits before the point and 38 behind it, and no more than 38.
_AS_KEPT: Final = Context(
    prec=DIGITS_AFTER, Emin=-1, Emax=DIGITS_BEFORE - 1, traps=[Inexact, Rounded, Clamped, Overflow, InvalidOperation]
)
_AT_ONCE: Final = 5_000
"""Records that are looked at together."""
_COUNTS: Final = ("tokens_input", "tokens_output", "requests")


class RecordSums:
    """Adds up records of the same day, ids and model, so that memory holds a page and the sums, not the bodies."""

    def __init__(self) -> None:
        self._sums: dict[Ids, UsageRecord] = {}
        self.count = 0
        """Records taken in so far."""
        self.rounded = 0
        """Amounts with more decimals than the table keeps, which were rounded at the last one."""
        self.unbelievable = 0
        """Figures larger than the table keeps, which were left out."""

    def add(self, records: Iterable[UsageRecord]) -> None:
        """Take in a page's records. Figures that the table can't keep are counted in `rounded` and `unbelievable`."""
        rest = iter(records)
        with without_garbage_collection():
            while some := list(islice(rest, _AT_ONCE)):
                self.count += len(some)
                if not _are_ordinary(some):
                    some = [record if _is_ordinary(record) else self._without_odd_figures(record) for record in some]
                self._add_up(some)

    def _add_up(self, records: Iterable[UsageRecord]) -> None:
        sums = self._sums
        for record in records:
            ids = record.ids
            before = sums.get(ids)
            sums[ids] = record if before is None else before.plus(record)

    def records(self) -> tuple[UsageRecord, ...]:
        """One record for each combination of day, ids and model, in order of first appearance."""
        return tuple(self._sums.values())

    def _without_odd_figures(self, record: UsageRecord) -> UsageRecord:
        """The record with figures that the table can keep.

        What floats leave of a charge and its correction (1e-23 USD, in 16 digits) is rounded at the 38th decimal; a
        figure that is too large to be true is left out, and counts as a missing amount where it is money.
        """
        changed: dict[str, Any] = {}
        if record.cost is not None:
            changed["cost"] = self._amount(record.cost)
            if changed["cost"] is None:
                changed["missing_amounts"] = record.missing_amounts + 1
        units = [(name, self._amount(value)) for name, value in record.units]
        changed["units"] = tuple((name, value) for name, value in units if value is not None)
        for name in _COUNTS:
            count = getattr(record, name)
            if count is not None and abs(count) > _MOST_COUNTED:
                self.unbelievable += 1
                changed[name] = None
        return replace(record, **changed)

    def _amount(self, value: Decimal) -> Decimal | None:
        if value.adjusted() >= DIGITS_BEFORE:
            self.unbelievable += 1
            return None
        if _decimals(value) > DIGITS_AFTER:
            self.rounded += 1
            return value.quantize(Decimal(1).scaleb(-DIGITS_AFTER), context=_WIDE)
        return value


def sum_days(records: Iterable[UsageRecord]) -> tuple[UsageRecord, ...]:
    """The records of a month: one for each combination of ids and model, whatever the day."""
    sums = RecordSums()
    sums.add(record.of_month() for record in records)
    return sums.records()


def _are_ordinary(records: Sequence[UsageRecord]) -> bool:
    """Whether the table can keep all figures, as nearly always. One look at all of them is quicker than one at each."""
    counts = [count for name in _COUNTS for count in map(attrgetter(name), records) if count is not None]
    try:
        for _ in map(_AS_KEPT.plus, [record.cost for record in records if record.cost is not None]):
            pass
    except DecimalException:
        return False
    is_counted = min(counts, default=0) >= -_MOST_COUNTED and max(counts, default=0) <= _MOST_COUNTED
    return is_counted and not any(map(attrgetter("units"), records))


def _is_ordinary(record: UsageRecord) -> bool:
    """Whether the table can keep all of a record's figures, as nearly always."""
    cost, units = record.cost, record.units
    if cost is not None:
        try:
            _AS_KEPT.plus(cost)
        except DecimalException:
            if not _fits(cost):
                return False
    return (
        -_MOST_COUNTED <= (record.tokens_input or 0) <= _MOST_COUNTED
        and -_MOST_COUNTED <= (record.tokens_output or 0) <= _MOST_COUNTED
        and -_MOST_COUNTED <= (record.requests or 0) <= _MOST_COUNTED
        and (not units or all(_fits(value) for _, value in units))
    )


def _fits(value: Decimal) -> bool:
    return value.adjusted() < DIGITS_BEFORE and _decimals(value) <= DIGITS_AFTER


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
