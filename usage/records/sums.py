"""Sums of records as pages arrive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any, Final

from usage.errors import ContractError
from usage.machine.memory import without_garbage_collection
from usage.names import Source
from usage.records.record import DIGITS_AFTER, DIGITS_BEFORE, UsageRecord

_MOST_COUNTED: Final = 10**16
_WIDE: Final = Context(prec=200)


class MonthSums:
    """Sums one source's records over the days of a month, so that memory holds a page and the sums, not the bodies.

    Args:
        source: The source whose records these are.
        every: Records to gather before they are folded into the sums.
    """

    def __init__(self, source: Source, *, every: int = 100_000) -> None:
        self._source, self._every = source, every
        self._fresh: list[UsageRecord] = []
        self._sums: tuple[UsageRecord, ...] = ()
        self.count = 0
        """Records taken in so far."""
        self.rounded = 0
        """Amounts with more decimals than the table keeps, which were rounded at the last one."""
        self.unbelievable = 0
        """Figures larger than the table keeps, which were left out."""

    def add(self, records: Iterable[UsageRecord]) -> None:
        """Take in a page's records. Figures that the table can't keep are counted in `rounded` and `unbelievable`."""
        before = len(self._fresh)
        with without_garbage_collection():
            self._fresh.extend(records)
        self.count += len(self._fresh) - before
        if len(self._fresh) >= self._every:
            self._fold()

    def records(self) -> tuple[UsageRecord, ...]:
        """One record for each combination of ids and model, summed over all records taken in."""
        self._fold()
        return self._sums

    def _fold(self) -> None:
        if not self._fresh:
            return
        # pandas takes most of a second to import: not before the first answer is there.
        from usage.records.table import sum_records  # noqa: PLC0415

        with without_garbage_collection():
            try:
                self._sums = sum_records([self._sums, self._fresh], self._source)
            except ContractError:
                # One odd figure must not cost the others: what the table can't keep is looked for one by one.
                self._sums = sum_records([self._sums, [self._kept(record) for record in self._fresh]], self._source)
        self._fresh = []

    def _kept(self, record: UsageRecord) -> UsageRecord:
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
        for name in ("tokens_input", "tokens_output", "requests"):
            count = getattr(record, name)
            if count is not None and abs(count) > _MOST_COUNTED:
                self.unbelievable += 1
                changed[name] = None
        return replace(record, **changed)

    def _amount(self, value: Decimal) -> Decimal | None:
        if value.adjusted() >= DIGITS_BEFORE:
            self.unbelievable += 1
            return None
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > DIGITS_AFTER:
            self.rounded += 1
            return value.quantize(Decimal(1).scaleb(-DIGITS_AFTER), context=_WIDE)
        return value
