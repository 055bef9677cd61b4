"""Comparing two tables of the same usage, measure by measure. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from providers.shared.amounts import FLOAT_TOLERANCE
from usage.money import difference, exact_sum, plain
from usage.records.record import UsageRecord

_COUNTS: Final = ("requests", "tokens_input", "tokens_output")


def same_figures(left: Iterable[UsageRecord], right: Iterable[UsageRecord], *, lines: int = 0) -> bool:
    """Whether two readings come to the same sums; see `covers`."""
    left, right = tuple(left), tuple(right)
    return covers(left, right, lines=lines) and covers(right, left, lines=lines)


def covers(whole: Iterable[UsageRecord], part: Iterable[UsageRecord], *, lines: int = 0) -> bool:
    """Whether no measure of the part is larger than that of the whole.

    Counts are compared exactly. Hours are floats at Deepgram: their last digits may differ, and where each of the
    `lines` that were added was rounded, by half a unit of the last digit for each.
    """
    ours, theirs = _figures(whole), _figures(part)
    nothing = Decimal(0)
    return all(
        difference(theirs[name], ours.get(name, nothing)) <= _tolerance([theirs[name], ours.get(name, nothing)], lines)
        for name in theirs
    )


def rest(whole: Iterable[UsageRecord], part: Iterable[UsageRecord], *, lines: int = 0) -> UsageRecord | None:
    """What the whole has beyond a part that it covers, without ids; None where that is nothing."""
    ours, theirs = _figures(whole), _figures(part)
    left = {name: difference(value, theirs.get(name, Decimal(0))) for name, value in ours.items()}
    found = {
        name: value
        for name, value in left.items()
        if value > _tolerance([ours[name], theirs.get(name, Decimal(0))], lines)
    }
    if not found:
        return None
    counts: dict[str, int] = {name: int(found[name]) for name in _COUNTS if name in found}
    if counts.keys() & {"tokens_input", "tokens_output"}:
        counts = {"tokens_input": 0, "tokens_output": 0, **counts}
    units = tuple((name, value) for name, value in sorted(found.items()) if name not in _COUNTS)
    return UsageRecord(
        requests=counts.get("requests"),
        tokens_input=counts.get("tokens_input"),
        tokens_output=counts.get("tokens_output"),
        units=units,
    )


def _figures(records: Iterable[UsageRecord]) -> dict[str, Decimal]:
    figures: dict[str, list[Decimal]] = {}
    for record in records:
        for name in _COUNTS:
            figures.setdefault(name, []).append(Decimal(getattr(record, name) or 0))
        for name, value in record.units:
            figures.setdefault(name, []).append(value)
    return {name: exact_sum(values) or Decimal(0) for name, values in figures.items()}


def _tolerance(sums: list[Decimal], lines: int) -> Decimal:
    exponents = [plain(value).as_tuple().exponent for value in sums]
    places = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    if places <= 0:
        return Decimal(0)
    return max(FLOAT_TOLERANCE, lines * Decimal(5).scaleb(-places - 1))
