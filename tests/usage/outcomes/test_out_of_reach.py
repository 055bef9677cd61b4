"""Months that providers no longer have, or soon won't have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.language.sentence import SILENCE
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.out_of_reach import NOTICE, beyond, leaving

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
SOURCES = [Source(provider=provider, account="labo") for provider in ProviderName]
MOMENTS = st.integers(0, 10 * 365 * 86_400).map(lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
SPANS = st.tuples(st.integers(0, 140), st.integers(0, 30))


def months(first: str, last: str) -> list[Month]:
    return list(Month.parse(first).until(Month.parse(last)))


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (
            ProviderName.OPENAI,
            "openai/labo: Notion holds no complete figures of 2025-03, of which OpenAI gives tokens, requests perhaps "
            "only until 2026-02-28. Run llm-usage collect --month 2025-03 --provider openai --account labo",
        ),
        # What lies before 2026 never was in the reports that leave.
        (ProviderName.ANTHROPIC, None),
        # Nobody says that months leave there.
        (ProviderName.ELEVENLABS, None),
        (ProviderName.DEEPGRAM, None),
        (
            ProviderName.OPENROUTER,
            "openrouter/labo: Notion holds no complete figures of 2025-03, which OpenRouter gives until 2026-02-28. "
            "Run llm-usage collect --month 2025-03 --provider openrouter --account labo",
        ),
    ],
)
def test_what_leaves_is_told_with_its_last_day_and_a_command(provider: ProviderName, told: str | None) -> None:
    found = leaving([Source(provider=provider, account="labo")], NOW)
    assert [one.sentence.en for one in found] == ([told] if told else [])


def test_in_a_year_anthropic_s_months_leave_too() -> None:
    (one,) = leaving([Source(provider=ProviderName.ANTHROPIC)], datetime(2026, 12, 5, tzinfo=UTC))
    assert one.sentence.en == (
        "anthropic: Notion holds no complete figures of 2026-01, of which Anthropic gives requests, figures by key "
        "until 2026-12-31. Run llm-usage collect --month 2026-01 --provider anthropic"
    )


def test_what_is_kept_is_not_told() -> None:
    openai = next(source for source in SOURCES if source.provider is ProviderName.OPENAI)
    found = leaving(SOURCES, NOW, lambda source, month: (source, month) == (openai, Month(2025, 3)))
    assert [one.source.provider for one in found] == [ProviderName.OPENROUTER]


@given(MOMENTS)
def test_each_month_is_told_of_before_it_leaves(now: datetime) -> None:
    for one in leaving(SOURCES, now):
        assert not one.month.is_running(now)
        assert one.limit.holds(one.month, now)
        assert not one.limit.holds(one.month, now + NOTICE + timedelta(days=2))
        assert now.date() <= date.fromisoformat(one.last_day) <= (now + NOTICE).date()


@given(MOMENTS)
def test_no_month_leaves_untold(now: datetime) -> None:
    told = {(one.source.provider, one.month) for one in leaving(SOURCES, now)}
    this = Month.of(now)
    closed = list(Month(this.start.year - 3, this.start.month).until(this.previous()))
    for provider in ProviderName:
        for limit in provider.spec.reach.limits:
            # At the very instant at which a month leaves there is no day left to collect it on.
            here = {month for month in closed if limit.holds(month, now + timedelta(seconds=1))}
            lost = {month for month in here if not limit.holds(month, now + timedelta(days=30))}
            assert {(provider, month) for month in lost} <= told


@pytest.mark.parametrize(
    ("provider", "by_key", "line"),
    [
        (ProviderName.OPENAI, False, "OpenAI: before 2025-02-14 perhaps without tokens, requests (2019-12 to 2025-02)"),
        (
            ProviderName.OPENAI,
            True,
            "OpenAI: before 2025-02-14 perhaps without tokens, requests (2019-12 to 2025-02); "
            "before 2025-12-06 perhaps without costs by key (2019-12 to 2025-12)",
        ),
        (
            ProviderName.ANTHROPIC,
            True,
            "Anthropic: before 2026-01-01 without requests, figures by key (2019-12 to 2025-12)",
        ),
        (ProviderName.ELEVENLABS, True, "ElevenLabs: nothing before 2020-01-01 (2019-12)"),
        (ProviderName.DEEPGRAM, False, "Deepgram: before 2025-09-01 perhaps without costs (2019-12 to 2025-08)"),
        (ProviderName.OPENROUTER, True, "OpenRouter: nothing before 2025-02-14 (2019-12 to 2025-02)"),
    ],
)
def test_what_can_t_be_had_is_one_line(provider: ProviderName, by_key: bool, line: str) -> None:
    asked = months("2019-12", "2026-01")
    assert beyond(provider, asked, NOW, by_key=by_key).en == line
    assert beyond(provider, months("2026-01", "2026-02"), NOW, by_key=by_key) == SILENCE
    assert beyond(provider, [], NOW, by_key=by_key) == SILENCE


def test_months_that_are_left_out_are_not_named() -> None:
    asked = [month for month in months("2024-10", "2025-02") if month != Month(2024, 12)]
    line = "OpenRouter: nothing before 2025-02-14 (2024-10 to 2024-11, 2025-01 to 2025-02)"
    assert beyond(ProviderName.OPENROUTER, asked, NOW, by_key=True).en == line


@given(MOMENTS, SPANS)
def test_a_line_says_something_where_a_month_is_not_whole(now: datetime, span: tuple[int, int]) -> None:
    all_months = list(Month(2018, 1).until(Month(2034, 12)))
    asked = all_months[span[0] : span[0] + span[1]]
    for provider in ProviderName:
        whole = all(limit.holds(month, now) for limit in provider.spec.reach.limits for month in asked)
        assert (beyond(provider, asked, now, by_key=True) == SILENCE) == whole
