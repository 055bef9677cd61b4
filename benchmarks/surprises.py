"""How true surprises and forecasts are: precision and recall, false alarms, and how often the range holds.

    python -m benchmarks.surprises [seeds]

Each seed is a team of fifteen projects and keys over eighteen months, the first six of which are only history. Twelve
months are judged twice: as they are, where each surprise is a false alarm, and with six days or months planted in them
that cost eight to twenty-five times, or four to eight times, the usual. Forecasts are made on the 5th, the 10th and the
20th of each of the twelve quiet months, and held against what the months came to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from statistics import median

from reports.ledger import Ledger, MonthLedger
from reports.planning.forecast import forecast
from reports.planning.surprises import MONTHS_BACK, Surprise, find_surprises
from tests.reports.histories import History, history, read
from usage.month import Month

SEEDS = 40
DAYS = (5, 10, 20)


@dataclass(frozen=True)
class Score:
    """Of one history."""

    false: int
    found: int
    named: int
    """How many of those with the right model and day."""
    planted: int


def judge(one: History) -> Score:
    """Surprises of the last twelve months beside what was planted."""
    told = [
        surprise for month in one.ledger.months[MONTHS_BACK:] for surprise in find_surprises(one.ledger, month.month)
    ]
    places = {(plant.month, plant.key): plant for plant in one.planted}
    right = [surprise for surprise in told if (surprise.row.month, surprise.row.key) in places]
    named = [surprise for surprise in right if _names(surprise, one)]
    return Score(len(told) - len(right), len(right), len(named), len(one.planted))


def _names(surprise: Surprise, one: History) -> bool:
    return any(
        (plant.month, plant.key, plant.day, plant.model)
        == (surprise.row.month, surprise.row.key, surprise.day, surprise.model)
        for plant in one.planted
    )


def as_of(ledger: Ledger, month: Month, day: int) -> Ledger:
    """The ledger as it was on the morning of a day of a month."""
    now = month.start + timedelta(days=day - 1, hours=7)
    known = ledger.month(month)
    rows = tuple(
        replace(row, records=tuple(one for one in row.records if one.day is not None and one.day < now.date()))
        for row in known.rows
        if row.by_day
    )
    running = MonthLedger(month, rows, read(month, now, *dict.fromkeys(row.provider for row in rows)))
    return Ledger((*(one for one in ledger.months if one.month < month), running), now)


def forecasts(one: History, day: int) -> Iterator[tuple[bool, Decimal]]:
    """Whether a month ended in its range, and how far from what was expected, as a share."""
    for month in one.ledger.months[MONTHS_BACK:]:
        then = as_of(one.ledger, month.month, day)
        rows = then.month(month.month).rows
        ahead = forecast(then, month.month, rows)
        truth = sum((row.cost or Decimal(0) for row in month.rows if row.by_day), Decimal(0))
        if ahead is not None:
            yield ahead.low <= truth <= ahead.high, abs(ahead.expected - truth) / truth


def main(seeds: int) -> None:
    """Print the numbers."""
    quiet = [judge(history(seed)) for seed in range(seeds)]
    worst = max(score.false for score in quiet)
    print(
        f"quiet: {sum(score.false for score in quiet)} false alarms in {seeds} years of twelve months, at most {worst}"
    )
    planted = [judge(history(seed, plants=6)) for seed in range(seeds)]
    found, all_ = sum(score.found for score in planted), sum(score.planted for score in planted)
    told = found + sum(score.false for score in planted)
    print(f"planted: {all_}, told: {told}, precision {found / told:.3f}, recall {found / all_:.3f}")
    print(f"with the right day and model: {sum(score.named for score in planted)} of {found}")
    for day in DAYS:
        tried = [one for seed in range(seeds) for one in forecasts(history(seed), day)]
        held = sum(inside for inside, _ in tried) / len(tried)
        print(
            f"forecast on the {day}th: half are within {median(off for _, off in tried):.1%}; in the range: {held:.0%}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
