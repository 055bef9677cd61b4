"""The forecast of a month's end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.ledger import LedgerRow
from reports.planning.forecast import Forecast, forecast
from tests.reports.histories import days_of, ledger, row
from usage.month import Month
from usage.names import ProviderName

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
CENTS = st.integers(0, 10**7).map(lambda cents: D(cents).scaleb(-2))


def at(day: int) -> datetime:
    return datetime(2026, 2, day, 15, 30, tzinfo=UTC)


def february(until: int, costs: Sequence[D | str], key: str = "one", **more: object) -> LedgerRow:
    days = days_of(FEBRUARY)[:until]
    return row(FEBRUARY, key, [(day, str(cost)) for day, cost in zip(days, costs, strict=False)], **more)  # type: ignore[arg-type]


def made(day: int, *rows: LedgerRow, before: Sequence[LedgerRow] = (), missing: Sequence[date] = ()) -> Forecast:
    known = ledger(at(day), *([before] if before else []), rows, missing=missing)
    found = forecast(known, FEBRUARY, rows)
    assert found is not None
    return found


def test_the_same_each_day_is_the_same_to_the_end() -> None:
    found = made(14, february(13, ["10"] * 13))
    assert (found.expected, found.low, found.high) == (D(280), D(280), D(280))
    assert (found.spent, found.days_read, found.as_they_stand) == (D(130), 13, ())
    assert found.reached[-1] == (date(2026, 2, 28), D(280))


def test_weekends_are_not_working_days() -> None:
    costs = ["1" if day.weekday() >= 5 else "10" for day in days_of(FEBRUARY)]
    found = made(14, february(13, costs))
    assert found.expected == found.low == found.high == 20 * 10 + 8 * 1
    assert [day for day, _ in found.reached] == days_of(FEBRUARY)


def test_the_month_before_tells_what_a_weekend_is_and_not_how_much_is_used() -> None:
    # From Monday the 2nd of March to Thursday the 5th there was no weekend yet.
    march = Month(2026, 3)
    february = row(FEBRUARY, "one", [(day, "0" if day.weekday() >= 5 else "500") for day in days_of(FEBRUARY)])
    read = days_of(march)[:6]
    costs = [(day, "0" if day.weekday() >= 5 else "10") for day in read]
    now = row(march, "one", costs)
    found = forecast(ledger(datetime(2026, 3, 7, 8, tzinfo=UTC), [february], [now]), march, [now])
    assert found is not None
    assert found.expected == 22 * 10


def test_a_day_that_is_not_over_tells_no_rate_but_its_cost_is_spent() -> None:
    found = made(14, february(14, ["10"] * 13 + ["3"]))
    assert (found.spent, found.expected) == (D(133), D(280))
    found = made(14, february(14, ["10"] * 13 + ["30"]))
    assert (found.spent, found.expected) == (D(160), D(300))


def test_a_day_that_is_missing_is_counted_at_the_rate() -> None:
    costs = ["10"] * 6 + ["0"] + ["10"] * 6
    assert made(14, february(13, costs), missing=[date(2026, 2, 7)]).expected == 280
    assert made(14, february(13, costs)).expected < 280


@pytest.mark.parametrize("day", [1, 4])
def test_none_before_the_5th(day: int) -> None:
    rows = [february(day, ["10"] * day)]
    assert forecast(ledger(at(day), rows), FEBRUARY, rows) is None
    assert made(5, february(4, ["10"] * 4)).expected == 280


def test_none_for_a_month_that_is_over_or_was_not_read_or_tells_no_days() -> None:
    whole = [row(JANUARY, "one", [(day, "10") for day in days_of(JANUARY)])]
    assert forecast(ledger(at(14), whole), JANUARY, whole) is None
    bare = [february(13, ["10"] * 13, by_day=False)]
    assert forecast(ledger(at(14), bare), FEBRUARY, bare) is None
    assert forecast(ledger(at(14), whole), FEBRUARY, []) is None


def test_rows_without_days_count_as_they_stand_and_are_said() -> None:
    rows = [
        february(13, ["10"] * 13),
        february(13, ["1"] * 13, key="voice", by_day=False, provider=ProviderName.DEEPGRAM),
    ]
    found = made(14, *rows)
    assert (found.expected, found.spent) == (D(280 + 13), D(143))
    assert found.as_they_stand == (ProviderName.DEEPGRAM,)


def test_the_day_on_which_an_amount_is_passed() -> None:
    found = made(14, february(13, ["10"] * 13))
    assert found.passes(D(185)) == date(2026, 2, 19)
    assert found.passes(D(190)) == date(2026, 2, 20)
    assert found.passes(D(25)) == date(2026, 2, 3)
    assert found.passes(D(280)) is None


@given(st.lists(CENTS, min_size=13, max_size=13), st.lists(CENTS, min_size=13, max_size=13))
def test_it_lies_in_its_range_and_above_what_is_spent(one: list[D], other: list[D]) -> None:
    rows = [february(13, one), february(13, other, key="two")]
    found = made(14, *rows)
    assert found.spent <= found.low <= found.expected <= found.high
    costs = [cost for _, cost in found.reached]
    assert costs == sorted(costs)
    assert found.passes(found.expected + 1) is None
    assert made(14, *reversed(rows)) == found


@given(st.lists(CENTS, min_size=9, max_size=9), st.integers(2, 50))
def test_what_costs_so_many_times_as_much_ends_at_so_many_times_as_much(costs: list[D], times: int) -> None:
    one, many = made(10, february(9, costs)), made(10, february(9, [cost * times for cost in costs]))
    for name in ("expected", "low", "high"):
        assert abs(getattr(many, name) - times * getattr(one, name)) <= D("0.01") * times


@given(st.lists(CENTS, min_size=13, max_size=13))
def test_how_a_cost_is_cut_into_rows_changes_nothing(costs: list[D]) -> None:
    days = [day for day, _ in zip(days_of(FEBRUARY), costs, strict=False)]
    halves = [
        row(FEBRUARY, key, [(day, str(cost / 2)) for day, cost in zip(days, costs, strict=True)]) for key in ("a", "b")
    ]
    assert made(14, *halves).expected == made(14, february(13, costs)).expected


def test_a_source_that_was_read_less_far_goes_its_own_way() -> None:
    late = february(6, ["20"] * 6, key="voice", provider=ProviderName.DEEPGRAM)
    rows = [february(13, ["10"] * 13), late]
    known = ledger(at(14), rows)
    month = known.months[0]
    sources = [
        one if one.provider is ProviderName.OPENAI or one.proof is None else type(one)(
            provider=one.provider, account="", status=one.status, log="",
            proof=one.proof.model_copy(update={"read_at": at(7) - timedelta(hours=2)}),
        )
        for one in month.sources
    ]  # fmt: skip
    known = type(known)((type(month)(FEBRUARY, month.rows, tuple(sources)),), at(14))
    found = forecast(known, FEBRUARY, rows)
    assert found is not None
    assert (found.expected, found.days_read) == (D(280 + 560), 6)
