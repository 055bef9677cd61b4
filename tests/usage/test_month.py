from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usage.errors import SettingsError
from usage.month import MONTH_PATTERN, Month

MONTHS = st.builds(Month, st.integers(2000, 9997), st.integers(1, 12))
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)


@given(MONTHS)
def test_text_and_neighbours(month: Month) -> None:
    assert Month.parse(str(month)) == month
    assert re.fullmatch(MONTH_PATTERN, str(month))
    assert month < month.next()
    assert month.next().previous() == month
    assert month.end == month.next().start
    assert month.last_day + timedelta(days=1) == month.next().first_day
    assert month.days == (month.last_day - month.first_day).days + 1


@given(MONTHS, MONTHS)
def test_order_is_that_of_time(left: Month, right: Month) -> None:
    assert (left < right) == (left.start < right.start)
    assert (left <= right) == (left.start <= right.start)
    assert (left == right) == (hash(left) == hash(right)) == (not left < right and not left > right)


@given(MONTHS, st.integers(0, 40))
def test_a_range_has_both_ends_and_no_hole(first: Month, steps: int) -> None:
    last = first
    for _ in range(steps):
        last = last.next()
    months = list(first.until(last))
    assert months[0] == first
    assert months[-1] == last
    assert [month.next() for month in months[:-1]] == months[1:]


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    assert list(Month(2026, 2).until(Month(2026, 1))) == []


@given(st.integers(0, 252_000_000_000), st.integers(-14, 14))
def test_the_month_of_an_instant_is_that_of_utc(seconds: int, hours: int) -> None:
    instant = datetime(2000, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds)
    month = Month.of(instant.astimezone(timezone(timedelta(hours=hours))))
    assert month.start <= instant < month.end
    assert month == Month.of(instant.date())
    assert month.contains(instant.date())
    assert month.is_running(instant)
    assert not month.next().contains(instant.date())


def test_a_month_ends_at_the_first_instant_of_the_next() -> None:
    january = Month(2026, 1)
    assert january.is_running(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert not january.is_running(datetime(2026, 2, 1, tzinfo=UTC))
    assert Month.of(datetime(2026, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == january
    assert Month(2024, 2).days == 29
    assert Month(2026, 12).next() == Month(2027, 1)
    assert january.first_day == date(2026, 1, 1)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-1", "2026-13", "2026-00", "26-01", "2026/01", " 2026-01", "٢٠٢٦-٠١"]
)
def test_what_is_not_a_month(text: str) -> None:
    with pytest.raises(SettingsError, match="not a month"):
        Month.parse(text)
    assert not re.fullmatch(MONTH_PATTERN, text)


@pytest.mark.parametrize("year", [0, 1999, 9999])
def test_a_year_that_no_provider_can_mean(year: int) -> None:
    with pytest.raises(SettingsError):
        Month(year, 1)


def test_words_for_months() -> None:
    assert Month.resolve("current", NOW) == Month(2026, 2)
    assert Month.resolve("last", NOW) == Month(2026, 1)
    assert Month.resolve("2025-07", NOW) == Month(2025, 7)
    assert Month.resolve("2026-02", NOW) == Month(2026, 2)
    assert Month.resolve("last", datetime(2026, 1, 1, tzinfo=UTC)) == Month(2025, 12)


def test_a_month_that_has_not_begun_is_refused() -> None:
    with pytest.raises(SettingsError, match="2026-03 has not begun"):
        Month.resolve("2026-03", NOW)


def test_a_month_is_text_in_json() -> None:
    class Holder(BaseModel):
        month: Month

    holder = Holder(month=Month(2026, 1))
    assert holder.model_dump_json() == '{"month":"2026-01"}'
    assert Holder.model_validate_json('{"month":"2026-01"}') == holder
    assert repr(holder.month) == "Month(2026-01)"
    assert holder.month != "2026-01"


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("2026-01", "2026-01", "2026-01", 1),
        ("last", "2026-01", "2026-01", 1),
        ("current", "2026-02", "2026-02", 1),
        ("2025-11..2026-01", "2025-11", "2026-01", 3),
        ("2025-12..current", "2025-12", "2026-02", 3),
        ("last-1", "2026-01", "2026-01", 1),
        ("last-14", "2024-12", "2026-01", 14),
    ],
)
def test_ranges(text: str, first: str, last: str, count: int) -> None:
    months = Month.resolve_range(text, datetime(2026, 2, 14, tzinfo=UTC))
    assert (str(months[0]), str(months[-1]), len(months)) == (first, last, count)


@pytest.mark.parametrize("text", ["", "..", "2026-01..", "2026-02..2026-01", "2026-01..2026-03", "last-0", "last-121"])
def test_no_ranges(text: str) -> None:
    with pytest.raises(SettingsError):
        Month.resolve_range(text, datetime(2026, 2, 14, tzinfo=UTC))
