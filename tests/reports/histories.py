"""Months as a team's really are, from a seed: working days and weekends, noise, growth, nightly batches, idle keys."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import Proof
from usage.records.record import UsageRecord

FIRST: Final = Month(2025, 1)
MODELS: Final = ("large", "small")


def days_of(month: Month) -> list[date]:
    return [month.first_day + timedelta(days=number) for number in range(month.days)]


def row(month: Month, key: str, costs: Iterable[tuple[date, str]], *, by_day: bool = True, **more: object) -> LedgerRow:
    """A row whose days cost what is said, all for one model."""
    records = tuple(UsageRecord(day=day if by_day else None, model="large", cost=Decimal(cost)) for day, cost in costs)
    fields: dict[str, object] = {
        "month": month,
        "provider": ProviderName.OPENAI,
        "account": "",
        "key": key,
        "workspace": "",
        "name": key.title(),
        "records": records,
        "by_day": by_day,
        "status": Status.SUCCES,
    }
    return LedgerRow(**(fields | more))  # type: ignore[arg-type]


def read(month: Month, at: datetime, *providers: ProviderName, missing: Sequence[date] = ()) -> tuple[SourceMonth, ...]:
    """What the sources' own rows say after a reading."""
    return tuple(
        SourceMonth(
            provider=name,
            account="",
            status=Status.SUCCES,
            log="",
            proof=Proof(
                provider=name,
                month=month,
                status=Status.SUCCES,
                read_at=at,
                missing_days=tuple(missing),
                days_read=None,
            ),
        )
        for name in providers
    )


def ledger(now: datetime, *months: Sequence[LedgerRow], missing: Sequence[date] = ()) -> Ledger:
    """Months, each read at `now`, or ten days after its end."""
    found = []
    for rows in months:
        month = rows[0].month
        at = min(now, month.end + timedelta(days=10))
        providers = dict.fromkeys(one.provider for one in rows)
        found.append(MonthLedger(month, tuple(rows), read(month, at, *providers, missing=missing)))
    return Ledger(tuple(found), now)


def own(name: str, *values: str) -> tuple[OwnColumn, ...]:
    return (OwnColumn(name, values),)


@dataclass(frozen=True)
class Planted:
    """What was made to leave its range."""

    month: Month
    key: str
    day: date | None
    model: str
    times: float


@dataclass(frozen=True)
class History:
    """A ledger and what was planted in it."""

    ledger: Ledger
    planted: tuple[Planted, ...]


class _Thing:
    """A project or key, with habits of its own."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.key, self._dice = f"thing{number:02}", dice
        self.provider = list(ProviderName)[number % len(ProviderName)]
        self.by_day = number % 5 != 4
        self.level = math.exp(dice.uniform(math.log(0.3), math.log(150)))
        self.noise = dice.uniform(0.1, 0.5)
        self.weekend = dice.choice([0.0, 0.1, 0.4, 1.0])
        self.growth = dice.uniform(-0.05, 0.08)
        self.busy = dice.choice([1.0, 1.0, 1.0, 0.8, 0.3])
        self.share = dice.uniform(0.5, 0.9)
        self._memory = 0.0

    def days(self, month: Month, number: int) -> Iterator[tuple[date, float]]:
        level = self.level * (1 + self.growth) ** number * math.exp(self._dice.gauss(0, 0.12))
        for day in days_of(month):
            self._memory = 0.4 * self._memory + self._dice.gauss(0, self.noise)
            cost = level * math.exp(self._memory) * (self.weekend if day.weekday() >= 5 else 1)
            yield day, cost if self._dice.random() < self.busy else 0.0


def history(seed: int, *, months: int = 18, things: int = 15, plants: int = 0) -> History:
    """A team's months from January 2025 on, the last `months - 6` of which may hold something planted.

    Args:
        seed: The same makes the same.
        months: How many.
        things: Projects and keys.
        plants: Days or months that cost many times the usual; as many as find a place.
    """
    dice = random.Random(seed)  # noqa: S311  # the same each time is what is wanted
    team = [_Thing(number, dice) for number in range(things)]
    every = [FIRST]
    while len(every) < months:
        every.append(every[-1].next())
    costs = {
        (number, thing.key): dict(thing.days(month, number)) for number, month in enumerate(every) for thing in team
    }
    planted = tuple(_plant(dice, team, every, costs, plants))
    found = []
    for number, month in enumerate(every):
        rows = [_row(month, thing, costs[number, thing.key], planted) for thing in team]
        found.append([one for one in rows if one.records])
    return History(ledger(every[-1].end + timedelta(days=10), *found), planted)


def _plant(
    dice: random.Random,
    team: Sequence[_Thing],
    every: Sequence[Month],
    costs: dict[tuple[int, str], dict[date, float]],
    plants: int,
) -> Iterator[Planted]:
    """Steady things that cost enough to be told: what is planted is news beyond doubt."""
    bill = sum(sum(days.values()) for days in costs.values()) / len(every)
    taken: set[tuple[str, int]] = set()
    for _ in range(plants * 5):
        number, thing = dice.randrange(6, len(every)), dice.choice(team)
        days = costs[number, thing.key]
        busy = sorted(day for day, cost in days.items() if cost > 0)
        near = any((thing.key, number + off) in taken for off in range(-6, 7))
        if near or thing.busy < 0.5 or not busy or sum(days.values()) < bill * 0.01 or len(taken) >= plants:
            continue
        taken.add((thing.key, number))
        day = dice.choice([one for one in busy if one.weekday() < 5]) if thing.by_day else None
        times = dice.uniform(8, 25) if thing.by_day else dice.uniform(4, 8)
        usual = sorted(days[one] for one in busy)[len(busy) // 2]
        if day is not None:
            days[day] = max(usual, bill * 0.002) * times
        else:
            costs[number, thing.key] = {one: cost * times for one, cost in days.items()}
        yield Planted(every[number], thing.key, day, "small", times)


def _row(month: Month, thing: _Thing, costs: dict[date, float], planted: Sequence[Planted]) -> LedgerRow:
    special = {one.day for one in planted if one.month == month and one.key == thing.key}
    records = []
    for day, cost in costs.items():
        share = thing.share if day not in special and None not in special else 0.1
        for model, part in zip(MODELS, (share, 1 - share), strict=True):
            if cost:
                amount = Decimal(f"{cost * part:.8f}")
                records.append(UsageRecord(day=day if thing.by_day else None, model=model, cost=amount))
    empty = row(month, thing.key, (), by_day=thing.by_day, provider=thing.provider)
    return replace(empty, records=tuple(records))
