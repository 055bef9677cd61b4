"""Surprises: rows that leave their own range. Few and true: a list that cries wolf is read by nobody.

Two questions are asked of each row, and each has to be answered clearly:

- Did a **day** cost far more than this row's days of the last eight weeks?
- Did a **month** that is over cost far more, or far less, than this row's months before it?

Far is told by the median and the median distance from it, on a scale of ratios: what costs double is as far above as
what costs half is below, and a few earlier outliers move neither of the two. A row without enough history of its own is
not judged, nor is one that lacks something. What is small in dollars, or beside the whole bill, is not told, nor
is a day as dear as several of the eight weeks before it: that is a habit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Final

from reports.comparison import cost_by_model
from reports.ledger import Ledger, LedgerRow
from reports.planning.days import ZERO, cost_by_day, is_weekend, whole_days
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import FINAL, ProviderName
from usage.records.record import UsageRecord

DAYS_BACK: Final = 56
"""Days that a day is held against: eight weeks."""
FEWEST_DAYS: Final = 15
"""Days among these on which the row cost something."""
MONTHS_BACK: Final = 6
"""Months that a month is held against."""
FEWEST_MONTHS: Final = 4
_FAR: Final = 5.0
"""Robust standard deviations from the median, where many days tell them; few tell them badly, see `_bounds`."""
_NEARLY: Final = Decimal("0.7")
"""Of a day's cost: as dear as this is as dear."""
_SEVERAL: Final = 3
"""Days that make a habit."""
_FURTHER: Final = 1.5
"""Times as far below the usual: what is used less is seldom news, as a project ends or rests now and then."""
_LEAST_SPREAD: Final = math.log(1.25)
"""A row that always costs the same would be surprised by a cent."""
_TO_DEVIATION: Final = 1.4826
"""The median distance of a normal distribution, as standard deviations."""
DAY_FLOOR: Final = Decimal(10)
MONTH_FLOOR: Final = Decimal(25)
"""USD above or below the usual, at least."""
SHARE_FLOOR: Final = Decimal("0.01")
"""Of the bill of the last whole month: what is less beside it is not told."""
Thing = tuple[ProviderName, str, str]


@dataclass(frozen=True, slots=True)
class Surprise:
    """A row that left its own range. Amounts are USD."""

    row: LedgerRow
    day: date | None
    """The day that went furthest; None where it is the month as a whole."""
    cost: Decimal
    """Of that day or month."""
    usual: Decimal
    """The median of those before, rounded to the cent."""
    model: str
    """The model or item that did most of it; empty where the row tells none."""

    @property
    def excess(self) -> Decimal:
        """By how much it is above the usual; below 0 where it is less."""
        return difference(self.cost, self.usual)


def find_surprises(ledger: Ledger, month: Month) -> tuple[Surprise, ...]:
    """The rows of a month that left their own range, each once, the largest in dollars first.

    Args:
        ledger: With the month and some before it: two for days, `MONTHS_BACK` for months.
        month: The month. While it runs, its days are judged and not the month.
    """
    bill = ledger.month(month.previous()).cost or ledger.month(month).cost or ZERO
    share = bill * SHARE_FLOOR
    earlier = _earlier(ledger, month)
    found = [
        one
        for row in ledger.month(month).rows
        if (one := _surprise(ledger, row, earlier.get(row.thing, ()), share)) is not None
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.excess), one.row.provider.value, one.row.title, one.row.key)))


def _earlier(ledger: Ledger, month: Month) -> Mapping[Thing, Sequence[LedgerRow]]:
    """The rows of the months before, by what they are about."""
    found: dict[Thing, list[LedgerRow]] = {}
    for _ in range(MONTHS_BACK):
        month = month.previous()
        for row in ledger.month(month).rows:
            found.setdefault(row.thing, []).append(row)
    return found


def _surprise(ledger: Ledger, row: LedgerRow, earlier: Sequence[LedgerRow], share: Decimal) -> Surprise | None:
    day = _of_a_day(ledger, row, earlier, max(share, DAY_FLOOR))
    month = _of_the_month(ledger, row, earlier, max(share, MONTH_FLOOR))
    if day is None or month is None:
        return day or month
    # One thing is told once. A single day may be all that the month is about.
    return day if abs(day.excess) * 2 >= abs(month.excess) else month


def _of_a_day(ledger: Ledger, row: LedgerRow, earlier: Sequence[LedgerRow], floor: Decimal) -> Surprise | None:
    if not row.by_day:
        return None
    costs = {**cost_by_day(one for one in earlier if one.by_day), **cost_by_day([row])}
    found = {
        day: usual
        for day in whole_days(ledger, row.month, row.provider)
        if day in costs and (usual := _left(costs[day], _days_before(costs, day), FEWEST_DAYS)) is not None
        if difference(costs[day], usual) >= floor and not _is_habit(costs, day)
    }
    if not found:
        return None
    furthest = max(found, key=lambda day: difference(costs[day], found[day]))
    records: dict[date, list[UsageRecord]] = {}
    for record in (record for one in (*earlier, row) for record in one.records):
        if record.day is not None and furthest - timedelta(days=DAYS_BACK) <= record.day <= furthest:
            records.setdefault(record.day, []).append(record)
    now = records.pop(furthest)
    return Surprise(row, furthest, costs[furthest], found[furthest], _model(now, list(records.values())))


def _is_habit(costs: Mapping[date, Decimal], day: date) -> bool:
    """Whether the eight weeks before had several days nearly as dear: what comes each fortnight surprises nobody."""
    first = day - timedelta(days=DAYS_BACK)
    before = [cost for other, cost in costs.items() if first <= other < day]
    return sum(cost >= costs[day] * _NEARLY for cost in before) >= _SEVERAL


def _days_before(costs: Mapping[date, Decimal], day: date) -> list[Decimal]:
    first, kind = day - timedelta(days=DAYS_BACK), is_weekend(day)
    return [cost for other, cost in costs.items() if first <= other < day and is_weekend(other) is kind]


def _of_the_month(ledger: Ledger, row: LedgerRow, earlier: Sequence[LedgerRow], floor: Decimal) -> Surprise | None:
    if row.month.is_running(ledger.now) or not _is_whole(row) or row.cost is None:
        return None
    before = [one for one in earlier if _is_whole(one) and one.cost is not None]
    usual = _left(row.cost, [one.cost for one in before if one.cost is not None], FEWEST_MONTHS)
    if usual is None:
        usual = _left_below(row.cost, [one.cost for one in before if one.cost is not None])
    if usual is None or abs(difference(row.cost, usual)) < floor:
        return None
    return Surprise(row, None, row.cost, usual, _model(row.records, [one.records for one in before]))


def _is_whole(row: LedgerRow) -> bool:
    return row.status is None or row.status in FINAL


def _left(cost: Decimal, before: Iterable[Decimal], fewest: int) -> Decimal | None:
    """The usual amount where a cost lies above the range of those before; None where it does not."""
    logs = _logs(before)
    if len(logs) < fewest or not _logs([cost]):
        return None
    middle, far = _bounds(logs)
    return _dollars(middle) if math.log(cost) > middle + far else None


def _left_below(cost: Decimal, before: Iterable[Decimal]) -> Decimal | None:
    """The same below the range of months, where they all cost something."""
    known = list(before)
    logs = _logs(known)
    if len(logs) < FEWEST_MONTHS or len(logs) < len(known):
        return None
    middle, far = _bounds(logs)
    is_below = not _logs([cost]) or math.log(cost) < middle - _FURTHER * far
    return _dollars(middle) if is_below else None


def _logs(amounts: Iterable[Decimal]) -> list[float]:
    """Logarithms of amounts; what is nothing or less has none."""
    return [math.log(amount) for amount in amounts if float(amount) > 0]


def _bounds(logs: Sequence[float]) -> tuple[float, float]:
    """The median, and how far from it is far."""
    middle = median(logs)
    spread = max(_TO_DEVIATION * median(abs(one - middle) for one in logs), _LEAST_SPREAD)
    return middle, _FAR * (1 + 2 / len(logs)) * spread


def _dollars(logarithm: float) -> Decimal:
    return Decimal(math.exp(logarithm)).quantize(Decimal("0.01"))


def _model(now: Iterable[UsageRecord], before: Sequence[Iterable[UsageRecord]]) -> str:
    """The model that is furthest from its own average of the times before."""
    costs = cost_by_model(now)
    earlier = [cost_by_model(records) for records in before]
    names = sorted(costs.keys() | {name for one in earlier for name in one})

    def moved(name: str) -> Decimal:
        usual = (exact_sum(one.get(name) for one in earlier) or ZERO) / max(len(earlier), 1)
        return costs.get(name, ZERO) - usual

    total = sum((moved(name) for name in names), ZERO)
    # In the direction of the whole.
    return max(names, key=lambda name: moved(name) if total >= 0 else -moved(name), default="")
