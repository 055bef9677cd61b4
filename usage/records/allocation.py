"""Money that a provider tells without API keys, divided among keys by what they used. Pure, exact, and marked.

Never across models, nor across kinds: what is paid for cached input is divided by cached input. What nobody with a key
used stays without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from msgspec.structs import replace

from usage.money import EXACT
from usage.records.record import NO_UNITS, Ids, UsageRecord

Key = str | None
Weight = int | Decimal | Fraction
_Place = tuple[str | None, str | None, str | None, str | None, str]
"""Workspace, project, model, item, kind."""
_SHARE: Final = Decimal("0.0001")
_COARSEST: Final = -6
"""Exponent of the coarsest unit, a millionth of a dollar: 3 USD between two are 1.50 each, though the 3 ends there."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that is told without an API key."""

    record: UsageRecord
    """Its `cost` is what is divided; it has no key."""
    kind: str
    """What the money is for, as the provider tells apart: `cached input`, `output`, an item."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much a key (None: somebody without one) used of what charges of the same ids and kind are for."""

    ids: Ids
    kind: str
    amount: int | Decimal
    """In whatever unit: the same for all of a kind. What is not above 0 counts as nothing."""


def allocate(charges: Iterable[Charge], uses: Iterable[Use]) -> tuple[UsageRecord, ...]:
    """The money of all charges: divided among keys where they used the same, else as it came, without a key.

    A charge of a day is divided by what was used on that day, or in the month where usage tells no days; one of a month
    by the month's. Records that were divided say so (`allocated`), and the costs of all add up to those of the charges,
    to the last digit. The order of the arguments does not matter.

    Args:
        charges: Money of one source's month.
        uses: What was used in it.
    """
    known = _Uses(uses)
    cells: dict[tuple[date | None, _Place], UsageRecord] = {}
    for charge in charges:
        record = charge.record
        cell = record.day, (record.workspace, record.project, record.model, record.item, charge.kind)
        cells[cell] = cells[cell].plus(record) if cell in cells else record
    return tuple(
        part
        for (day, place), record in sorted(cells.items(), key=lambda cell: _order(cell[0]))
        for part in _divide(record, known.by_key(day, place))
    )


def largest_remainder(amount: Decimal, weights: Mapping[Key, Weight]) -> dict[Key, Decimal]:
    """An amount in parts that are proportional to weights, to the last digit, and add up to it exactly.

    Each part is a whole number of units: of the amount's last digit, or of a millionth where that is coarser. What is
    left goes, a unit each, to those whose parts were cut most; among equals to the larger weight, then by name.

    Args:
        amount: What is divided; it may be negative.
        weights: By whom it is divided. Who has none above 0 gets no part; nobody at all, and there are no parts.
    """
    shares = {key: Fraction(weight) for key, weight in weights.items() if weight > 0}
    if not shares:
        return {}
    exponent = amount.as_tuple().exponent
    unit = min(exponent, _COARSEST) if isinstance(exponent, int) else _COARSEST
    whole, total = int(amount.copy_abs().scaleb(-unit, EXACT)), sum(shares.values())
    exact = {key: whole * share / total for key, share in shares.items()}
    parts = {key: int(part) for key, part in exact.items()}
    first = sorted(shares, key=lambda key: (parts[key] - exact[key], -shares[key], key or ""))
    for key in first[: whole - sum(parts.values())]:
        parts[key] += 1
    sign = -1 if amount.is_signed() else 1
    return {key: Decimal(sign * part).scaleb(unit, EXACT) for key, part in parts.items()}


def share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """How much of some money that was divided a part of it is, from 0 to 1 in four decimals.

    None where nothing was divided, or nothing was to be paid, or where charges and refunds were divided differently, so
    that a part may be more than the whole.
    """
    if part is None or not whole or not 0 <= (ratio := part / whole) <= 1:
        return None
    return ratio.quantize(_SHARE, ROUND_HALF_UP)


class _Uses:
    """What each key used of something, on a day and in the month."""

    def __init__(self, uses: Iterable[Use]) -> None:
        self._sums: dict[tuple[date | None, _Place], dict[Key, int | Fraction]] = {}
        self._with_days: set[_Place] = set()
        for use in uses:
            day, workspace, project, key, model, item = use.ids
            if use.amount <= 0:
                continue
            place = workspace, project, model, item, use.kind
            if day is not None:
                self._with_days.add(place)
            # The month has all of it, whatever the day.
            for when in dict.fromkeys((day, None)):
                sums = self._sums.setdefault((when, place), {})
                sums[key] = sums.get(key, 0) + (use.amount if isinstance(use.amount, int) else Fraction(use.amount))

    def by_key(self, day: date | None, place: _Place) -> Mapping[Key, int | Fraction]:
        """What each key used on a day; in the month where usage tells no days, or the day is not known."""
        return self._sums.get((day if place in self._with_days else None, place), {})


def _divide(record: UsageRecord, used: Mapping[Key, int | Fraction]) -> Iterator[UsageRecord]:
    """A charge in parts; whole where nobody with a key used anything of it, or there is no money."""
    if record.cost is None or not used.keys() - {None}:
        yield record
        return
    bare = replace(
        record,
        cost=None,
        tokens_input=None,
        tokens_output=None,
        requests=None,
        units=NO_UNITS,
        missing_amounts=0,
    )
    rest = replace(record, cost=None)
    if rest != bare:
        # Tokens that were billed, missing amounts, other currencies: nobody knows whose.
        yield rest
    for key, part in sorted(largest_remainder(record.cost, used).items(), key=lambda one: one[0] or ""):
        yield replace(bare, api_key=key, cost=part, allocated=part)


def _order(cell: tuple[date | None, _Place]) -> tuple[str, ...]:
    day, place = cell
    return ("" if day is None else day.isoformat(), *(f"1{name}" if name is not None else "0" for name in place))
