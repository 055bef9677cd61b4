"""How much happens on a day: slow growth, quieter week-ends, some chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

Rhythm = Callable[[Random, date], float]
"""Factor for a day's volume."""

_BEGIN = date(2025, 1, 1)
_GROWTH_PER_MONTH = 1.035
_WEEK = (1.1, 1.2, 1.15, 1.1, 0.95, 0.3, 0.2)


def moments(draw: Random, month: str, until: datetime) -> Iterator[datetime]:
    """One instant (UTC, whole minutes) for each day of the month, as far as it lies before `until`."""
    day = date.fromisoformat(month + "-01")
    while day.isoformat().startswith(month):
        at = datetime.combine(day, time(draw.randrange(24), draw.randrange(60)), UTC)
        if at < until:
            yield at
        day += timedelta(days=1)


def volume(draw: Random, day: date) -> float:
    """Factor for a day's volume; about 1 on a day of January 2025."""
    months = (day - _BEGIN).days / 30.4
    return float(_GROWTH_PER_MONTH**months * _WEEK[day.weekday()] * draw.uniform(0.7, 1.3))


def identifier(draw: Random, prefix: str, length: int) -> str:
    """A made-up opaque id, such as `proj_8sK…`."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    return prefix + "".join(draw.choices(letters, k=length))
