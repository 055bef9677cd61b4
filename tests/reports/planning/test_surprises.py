"""Surprises are few and true."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from benchmarks.surprises import judge
from reports.ledger import Ledger, LedgerRow
from reports.planning.surprises import Surprise, find_surprises
from tests.reports.histories import days_of, history, ledger, row
from usage.month import Month
from usage.names import Status
from usage.records.record import UsageRecord

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
NOW = datetime(2026, 2, 14, 8, tzinfo=UTC)
SEEDS = range(12)


def test_quiet_years_hold_at_most_one_false_alarm() -> None:
    assert max(judge(history(seed)).false for seed in SEEDS) <= 1


def test_what_is_planted_is_found_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    scores = [judge(history(seed, plants=6)) for seed in SEEDS]
    planted, found = sum(one.planted for one in scores), sum(one.found for one in scores)
    told = found + sum(one.false for one in scores)
    with capsys.disabled():
        print(f"\nsurprises: {planted} planted, precision {found / told:.2f}, recall {found / planted:.2f}")
    assert planted > 60
    assert found / told >= 0.95
    assert found / planted >= 0.85
    assert sum(one.named for one in scores) / found >= 0.95


def steady(month: Month, key: str = "one", cost: str = "20", **more: object) -> LedgerRow:
    return row(month, key, [(day, cost) for day in days_of(month)], **more)  # type: ignore[arg-type]


def running(special: str, *, until: int = 13, key: str = "one") -> LedgerRow:
    """February as far as it was read, with one day that is another one."""
    costs = [(day, special if day.day == 10 else "20") for day in days_of(FEBRUARY)[:until]]
    return row(FEBRUARY, key, costs)


def surprises(*months: list[LedgerRow], month: Month = FEBRUARY, now: datetime = NOW) -> tuple[Surprise, ...]:
    return find_surprises(ledger(now, *months), month)


def test_a_day_is_told_with_its_model_and_what_is_usual() -> None:
    special = running("300")
    found = surprises([steady(JANUARY)], [special])
    assert [(one.row.key, one.day, one.cost, one.usual, one.model) for one in found] == [
        ("one", date(2026, 2, 10), Decimal(300), Decimal("20.00"), "large")
    ]
    assert found[0].excess == 280


def test_the_model_is_the_one_that_is_new_and_not_the_dearest() -> None:
    special = running("20")
    records = [*special.records, UsageRecord(day=date(2026, 2, 10), model="new", cost=Decimal(200))]
    usual = [UsageRecord(day=date(2026, 2, 10), model="large", cost=Decimal(70))]
    several = [*records, *usual]
    rows = [LedgerRow(**{name: getattr(special, name) for name in LedgerRow.__slots__} | {"records": tuple(several)})]
    assert [one.model for one in surprises([steady(JANUARY)], rows)] == ["new"]


def test_what_is_small_or_hidden_in_a_large_bill_is_not_told() -> None:
    cents = row(FEBRUARY, "one", [(day, "5" if day.day == 10 else "0.2") for day in days_of(FEBRUARY)[:13]])
    assert surprises([steady(JANUARY, cost="0.2")], [cents]) == ()
    large = [steady(JANUARY), steady(JANUARY, "huge", "2000")]
    assert surprises(large, [running("300"), steady(FEBRUARY, "huge", "2000")]) == ()


def test_a_row_without_history_is_not_judged() -> None:
    assert surprises([steady(JANUARY, "other")], [running("300")]) == ()
    assert surprises([steady(JANUARY, by_day=False)], [running("300")]) == ()


def test_a_day_that_is_not_over_is_not_judged() -> None:
    assert surprises([steady(JANUARY)], [running("300")], now=datetime(2026, 2, 10, 23, tzinfo=UTC)) == ()


def months_before(count: int, cost: str = "20", **more: object) -> list[list[LedgerRow]]:
    found, month = [], JANUARY
    for _ in range(count):
        month = month.previous()
        found.append([steady(month, cost=cost, **more)])  # type: ignore[arg-type]
    return found[::-1]


@pytest.mark.parametrize(("cost", "is_told"), [("200", True), ("30", False), ("1", True), ("0", True), ("12", False)])
def test_a_month_that_is_over_and_tells_no_days(cost: str, is_told: bool) -> None:
    before = months_before(6, by_day=False)
    found = surprises(*before, [steady(JANUARY, cost=cost, by_day=False)], month=JANUARY)
    assert [one.day for one in found] == ([None] if is_told else [])
    if is_told:
        assert (found[0].excess > 0, found[0].model) == (cost == "200", "large")


def test_a_month_is_judged_by_enough_of_whole_ones_only() -> None:
    special = [steady(JANUARY, cost="200", by_day=False)]
    assert surprises(*months_before(3, by_day=False), special, month=JANUARY) == ()
    failed = months_before(6, by_day=False, status=Status.PARTIEL)
    assert surprises(*failed, special, month=JANUARY) == ()
    partial = [steady(JANUARY, cost="1", by_day=False, status=Status.PARTIEL)]
    assert surprises(*months_before(6, by_day=False), partial, month=JANUARY) == ()


def test_a_running_month_is_not_less_than_whole_ones() -> None:
    quiet = [steady(FEBRUARY, cost="1", by_day=False)]
    assert surprises(*months_before(6, by_day=False), [steady(JANUARY, by_day=False)], quiet) == ()


def test_one_thing_is_told_once_and_the_largest_first() -> None:
    rows = [running("300"), running("900", key="two")]
    found = surprises([steady(JANUARY), steady(JANUARY, "two")], rows)
    assert [one.row.key for one in found] == ["two", "one"]


def test_the_order_of_rows_changes_nothing() -> None:
    whole = history(3, plants=6).ledger
    turned = Ledger(tuple(type(one)(one.month, one.rows[::-1], one.sources) for one in whole.months), whole.now)
    for one in whole.months[6:]:
        assert find_surprises(whole, one.month) == find_surprises(turned, one.month)


@pytest.mark.parametrize(("cost", "is_told"), [("150", False), ("600", True)], ids=["as ever", "far more"])
def test_what_comes_each_fortnight_surprises_nobody(cost: str, is_told: bool) -> None:
    def habit(month: Month, until: int = 31) -> list[LedgerRow]:
        days = days_of(month)[:until]
        return [row(month, "one", [(day, "150" if day.day in (2, 3, 16, 17) else "5") for day in days])]

    costs = [(day, cost if day.day == 3 else "150" if day.day == 2 else "5") for day in days_of(FEBRUARY)[:13]]
    found = surprises(habit(Month(2025, 12)), habit(JANUARY), [row(FEBRUARY, "one", costs)])
    assert bool(found) is is_told
