"""A total, its change, and what moved most: they add up, and what nobody knows is no zero."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparison import Change, compare, cost_by_model
from reports.ledger import Ledger
from tests.reports.ledgers import (
    DECEMBER,
    FEBRUARY,
    JANUARY,
    amounts,
    day,
    ledger,
    ledgers,
    record,
    row,
    source,
)
from usage.money import difference, exact_sum
from usage.month import Month
from usage.names import ProviderName

AFTER = datetime(2026, 3, 5, tzinfo=UTC)


@given(ledgers())
def test_movers_add_up_to_the_change(one: Ledger) -> None:
    comparison = compare(one, FEBRUARY)
    changes = exact_sum(mover.cost.amount for mover in comparison.movers)
    change = None if comparison.cost is None else comparison.cost.amount
    assert (changes or 0) == (change or 0)


@given(ledgers())
def test_movers_come_by_how_much_they_moved(one: Ledger) -> None:
    moved = [abs(mover.cost.amount or Decimal(0)) for mover in compare(one, FEBRUARY).movers]
    assert moved == sorted(moved, reverse=True)
    assert 0 not in moved


@given(ledgers())
def test_the_total_is_that_of_all_rows(one: Ledger) -> None:
    assert compare(one, FEBRUARY).total == one.month(FEBRUARY).cost


@given(ledgers())
def test_all_that_costs_is_compared_or_named(one: Ledger) -> None:
    comparison = compare(one, FEBRUARY)
    if comparison.cost is None or comparison.until is not None:
        return
    aside = {*comparison.left_out, *comparison.unread}
    compared = [
        r.cost
        for r in one.month(FEBRUARY).rows
        if r.provider not in aside and r.thing not in {u.thing for u in comparison.unknown}
    ]
    now = comparison.cost.now
    if all(cost is not None for cost in compared) and not comparison.unknown:
        assert (now or 0) == (exact_sum(compared) or 0)


@given(ledgers())
def test_only_days_that_both_months_have_whole_are_compared(one: Ledger) -> None:
    comparison = compare(one, FEBRUARY)
    if comparison.until is None:
        return
    reads = [s.proof.read_at for s in one.month(FEBRUARY).sources if s.proof is not None and s.proof.read_at]
    assert FEBRUARY.contains(comparison.until)
    assert all(comparison.until < at.date() for at in [one.now, *reads])


@given(ledgers())
def test_a_model_that_is_named_did_move(one: Ledger) -> None:
    for mover in compare(one, FEBRUARY).movers:
        assert bool(mover.model) == bool(mover.model_cost.amount)


@given(ledgers())
def test_a_month_that_did_not_change_says_so(one: Ledger) -> None:
    january = one.month(JANUARY)
    twin = [
        row(FEBRUARY, r.key, *(record(x.cost, None, x.model or "") for x in r.records), provider=r.provider)
        for r in january.rows
    ]
    before = [
        row(JANUARY, r.key, *(record(x.cost, None, x.model or "") for x in r.records), provider=r.provider)
        for r in january.rows
    ]
    comparison = compare(ledger(*before, *twin, now=AFTER), FEBRUARY)
    assert comparison.movers == ()
    assert comparison.cost is None or not comparison.cost.amount


@given(amounts, amounts)
def test_a_change_is_the_difference(before: Decimal | None, now: Decimal | None) -> None:
    change = Change(before, now)
    if before is None and now is None:
        assert (change.amount, change.share) == (None, None)
    else:
        assert change.amount == difference(now or Decimal(0), before or Decimal(0))
    if change.share is not None and change.amount is not None:
        assert (change.share > 0) == (change.amount > 0)
    assert (change.share is None) == (not before or before < 0 < (now or Decimal(0)))


@given(st.lists(st.tuples(amounts, st.sampled_from("ab"))))
def test_models_add_up_to_what_is_known(pairs: list[tuple[Decimal | None, str]]) -> None:
    records = [record(cost, None, model) for cost, model in pairs]
    by_model = cost_by_model(records)
    assert (exact_sum(by_model.values()) or 0) == (exact_sum(one.cost for one in records) or 0)


def test_a_running_month_counts_the_same_days() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 13)), record("50", day(JANUARY, 14)), record("9", day(JANUARY, 31))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 13)), record("70", day(FEBRUARY, 14))),
    )
    comparison = compare(one, FEBRUARY)
    # The fourteenth has not ended.
    assert (comparison.until, comparison.cost) == (date(2026, 2, 13), Change(Decimal(1), Decimal(3)))
    assert comparison.total == 73


def test_a_running_month_counts_as_far_as_every_source_was_read() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 2)), record("50", day(JANUARY, 9))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 2)), record("70", day(FEBRUARY, 9))),
        sources=[
            source(JANUARY),
            source(FEBRUARY),
            source(JANUARY, ProviderName.DEEPGRAM),
            source(FEBRUARY, ProviderName.DEEPGRAM, read_at=datetime(2026, 2, 4, 1, tzinfo=UTC)),
        ],
    )
    comparison = compare(one, FEBRUARY)
    assert (comparison.until, comparison.cost) == (date(2026, 2, 3), Change(Decimal(1), Decimal(3)))


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY])
def test_a_month_that_was_not_read_to_its_end_counts_the_same_days(month: Month) -> None:
    cut = datetime(2026, 1, 20, 8, tzinfo=UTC) if month == JANUARY else datetime(2026, 2, 20, 8, tzinfo=UTC)
    reads = {JANUARY: AFTER, FEBRUARY: AFTER} | {month: cut}
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 19)), record("50", day(JANUARY, 20))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 19)), record("70", day(FEBRUARY, 20))),
        sources=[source(JANUARY, read_at=reads[JANUARY]), source(FEBRUARY, read_at=reads[FEBRUARY])],
        now=AFTER,
    )
    comparison = compare(one, FEBRUARY)
    assert (comparison.until, comparison.cost) == (date(2026, 2, 19), Change(Decimal(1), Decimal(3)))


def test_on_the_first_day_there_is_nothing_to_compare() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 1))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 1))),
        now=datetime(2026, 2, 1, 20, tzinfo=UTC),
    )
    assert compare(one, FEBRUARY).cost is None
    assert compare(one, FEBRUARY).total == 3


def test_months_of_another_length_are_compared_whole() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 30)), record("5", day(JANUARY, 31))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 28))),
        now=AFTER,
    )
    comparison = compare(one, FEBRUARY)
    assert (comparison.until, comparison.cost) == (None, Change(Decimal(6), Decimal(3)))


def test_rows_without_days_leave_their_provider_out_of_a_running_month() -> None:
    deepgram = ProviderName.DEEPGRAM
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 3))),
        row(JANUARY, "q", record("100"), provider=deepgram),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 3))),
        row(FEBRUARY, "q", record("40", day(FEBRUARY, 3)), provider=deepgram),
    )
    comparison = compare(one, FEBRUARY)
    assert (comparison.left_out, comparison.cost) == ((deepgram,), Change(Decimal(1), Decimal(3)))
    assert comparison.total == 43
    # Of whole months nobody needs to know the days.
    whole = compare(ledger(*(r for month in one.months for r in month.rows), now=AFTER), FEBRUARY)
    assert (whole.left_out, whole.cost) == ((), Change(Decimal(101), Decimal(43)))


def test_a_row_that_was_set_to_zero_leaves_nobody_out() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 3))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 3))),
        row(FEBRUARY, "gone", record("0")),
    )
    assert compare(one, FEBRUARY).left_out == ()


@pytest.mark.parametrize("how", ["absent", "failed"])
def test_what_was_not_read_is_no_fall(how: str) -> None:
    deepgram = ProviderName.DEEPGRAM
    never = [source(FEBRUARY, deepgram, read_at=None)] if how == "failed" else []
    one = ledger(
        row(JANUARY, "p", record("1")),
        row(JANUARY, "q", record("100"), provider=deepgram),
        row(FEBRUARY, "p", record("3")),
        sources=[source(JANUARY), source(JANUARY, deepgram), source(FEBRUARY, read_at=AFTER), *never],
        now=AFTER,
    )
    comparison = compare(one, FEBRUARY)
    assert (comparison.unread, comparison.cost) == ((deepgram,), Change(Decimal(1), Decimal(3)))


def test_what_was_read_and_is_gone_is_a_fall() -> None:
    deepgram = ProviderName.DEEPGRAM
    one = ledger(row(JANUARY, "q", record("100"), provider=deepgram), row(FEBRUARY, "p", record("3")), now=AFTER)
    comparison = compare(one, FEBRUARY)
    assert comparison.unread == ()
    assert [(m.row.key, m.cost) for m in comparison.movers] == [
        ("q", Change(Decimal(100), None)),
        ("p", Change(None, Decimal(3))),
    ]


def test_a_cost_that_nobody_tells_any_more_is_no_fall() -> None:
    one = ledger(
        row(JANUARY, "p", record("1")),
        row(JANUARY, "q", record("100")),
        row(FEBRUARY, "p", record("3")),
        row(FEBRUARY, "q", record(None)),
        now=AFTER,
    )
    comparison = compare(one, FEBRUARY)
    assert [r.key for r in comparison.unknown] == ["q"]
    assert comparison.cost == Change(Decimal(1), Decimal(3))


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY])
def test_without_one_of_the_months_nothing_is_compared(month: Month) -> None:
    one = ledger(row(DECEMBER, "p", record("1")), row(FEBRUARY, "p", record("3")), now=AFTER)
    comparison = compare(one, month)
    assert (comparison.cost, comparison.movers) == (None, ())


def test_the_model_that_did_it_is_named() -> None:
    one = ledger(
        row(JANUARY, "p", record("10", None, "a"), record("10", None, "b")),
        row(FEBRUARY, "p", record("12", None, "a"), record("3", None, "b"), record("1", None, "c")),
        now=AFTER,
    )
    (mover,) = compare(one, FEBRUARY).movers
    assert (mover.model, mover.model_cost) == ("b", Change(Decimal(10), Decimal(3)))


def test_two_rows_of_one_thing_count_together() -> None:
    one = ledger(
        row(JANUARY, "(sans projet)", record("1"), workspace=""),
        row(FEBRUARY, "(sans projet)", record("3"), workspace="default"),
        row(FEBRUARY, "(sans projet)", record("4"), workspace=""),
        now=AFTER,
    )
    (mover,) = compare(one, FEBRUARY).movers
    assert mover.cost == Change(Decimal(1), Decimal(7))


def test_keys_count_with_the_workspace_that_the_other_month_tells_whole() -> None:
    anthropic = ProviderName.ANTHROPIC
    one = ledger(
        row(JANUARY, "w1", record("10"), workspace="w1", provider=anthropic, name="Production"),
        row(FEBRUARY, "k1", record("6"), workspace="w1", provider=anthropic),
        row(FEBRUARY, "(sans clé API)", record("5"), workspace="w1", provider=anthropic),
        row(FEBRUARY, "k2", record("2"), workspace="w2", provider=anthropic),
        now=AFTER,
    )
    moved = [(mover.row.name, mover.cost) for mover in compare(one, FEBRUARY).movers]
    assert moved == [("k2", Change(None, Decimal(2))), ("Production", Change(Decimal(10), Decimal(11)))]
