"""How far back figures can be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.catalogue import CATALOGUE
from usage.month import Month
from usage.names import ProviderName
from usage.peers.reach import Limit, Reach

MOMENTS = st.integers(0, 10 * 365 * 86_400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
DAYS = st.dates(date(2019, 1, 1), date(2029, 12, 31))
MONTHS = DAYS.map(Month.of)
LIMITS = st.one_of(
    st.builds(Limit, since=DAYS),
    st.builds(Limit, days=st.integers(1, 800)),
    st.builds(Limit, since=DAYS, days=st.integers(1, 800)),
)
A_DAY = timedelta(days=1)


@given(LIMITS, MONTHS, MOMENTS)
def test_a_month_is_whole_through_its_last_day(limit: Limit, month: Month, now: datetime) -> None:
    last = limit.last_day(month)
    if last is None:
        # It is the same on all days.
        assert limit.holds(month, now) == limit.holds(month, now + timedelta(days=10_000))
    else:
        assert limit.holds(month, now) == (now <= datetime(last.year, last.month, last.day, tzinfo=UTC) + A_DAY)


@given(LIMITS, MONTHS, MOMENTS)
def test_no_day_of_a_whole_month_lies_before_the_first(limit: Limit, month: Month, now: datetime) -> None:
    first = limit.first_day(now)
    if limit.holds(month, now):
        assert first <= month.first_day
    else:
        assert month.first_day <= first


@given(LIMITS, MONTHS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=900)))
def test_what_is_gone_does_not_come_back(limit: Limit, month: Month, now: datetime, later: timedelta) -> None:
    if limit.holds(month, now + later):
        assert limit.holds(month, now)
        assert limit.holds(month.next(), now)
    assert limit.first_day(now) <= limit.first_day(now + later)


def test_no_limit_is_none() -> None:
    with pytest.raises(ValueError, match="a day or a number of days"):
        Limit(what=("costs",))


def test_limits_of_keys_matter_to_keys_alone() -> None:
    both, keys = Limit(days=365), Limit(since=date(2025, 12, 6), by_key=True)
    reach = Reach(settling=A_DAY, limits=(both, keys))
    assert reach.limits_for(by_key=False) == (both,)
    assert reach.limits_for(by_key=True) == (both, keys)


AT = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "first", "last", "settling"),
    [
        # Not published; seen.
        (ProviderName.OPENAI, ["tokens 2025-02-14", "costs by key 2025-12-06"], date(2026, 12, 31), 1),
        (ProviderName.ANTHROPIC, ["requests 2026-01-01"], date(2026, 12, 31), 1),
        (ProviderName.ELEVENLABS, ["all 2020-01-01"], None, 3),
        (ProviderName.DEEPGRAM, ["costs 2025-09-01"], None, 3),
        (ProviderName.OPENROUTER, ["all 2025-02-14"], date(2026, 12, 31), 1),
    ],
)
def test_what_the_catalogue_knows(provider: ProviderName, first: list[str], last: date | None, settling: int) -> None:
    reach = provider.spec.reach
    assert [f"{(*limit.what, 'all')[0]} {limit.first_day(AT)}" for limit in reach.limits] == first
    days = [day for limit in reach.limits if (day := limit.last_day(Month(2026, 1))) is not None]
    assert days == ([last] if last else [])
    assert reach.settling == timedelta(days=settling)


def test_only_anthropic_announces_for_how_long_it_corrects() -> None:
    told = {name: spec.reach.revised.days for name, spec in CATALOGUE.items() if spec.reach.revised}
    assert told == {ProviderName.ANTHROPIC: 30}
