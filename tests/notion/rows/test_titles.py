from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.plan.authorship import is_by
from notion.rows.titles import month_of_title, name_in_title, provider_of, tells_two_months
from notion.rows.values import Existing, Values
from usage.names import ProviderName

SERVICES = {provider: f"00000000-0000-4000-8000-{index:012}" for index, provider in enumerate(ProviderName)}


def row(**values: Any) -> Existing:
    return Existing("page", datetime(2026, 2, 1, tzinfo=UTC), Values(**values))


@pytest.mark.parametrize("provider", ProviderName)
def test_the_relation_tells_the_provider_whatever_the_title_says(provider: ProviderName) -> None:
    for key in (SERVICES[provider], SERVICES[provider].replace("-", "")):
        assert provider_of(row(service=key, month="2026-01", title="2026-01 - Mistral - x"), SERVICES) is provider


@pytest.mark.parametrize("provider", ProviderName)
def test_without_a_relation_the_title_tells_it(provider: ProviderName) -> None:
    titled = row(month="2026-01", title=f"2026-01 - {provider.label.upper()} - Production")
    assert provider_of(titled, SERVICES) is provider


@pytest.mark.parametrize(
    ("title", "month"),
    [
        ("2026-01 - Mistral - Production", "2026-01"),
        ("2025-12 - OpenAI - Production", "2026-01"),
        ("OpenAI", "2026-01"),
        ("2026-01 - OpenAI - Production", ""),
    ],
)
def test_a_row_of_no_provider(title: str, month: str) -> None:
    assert provider_of(row(month=month, title=title), SERVICES) is None


def test_a_row_of_a_service_that_is_none_of_ours() -> None:
    other = row(service="mistral", month="2026-01", title="2026-01 - OpenAI - Production")
    assert provider_of(other, SERVICES) is None


@given(title=st.text(), month=st.sampled_from(["2026-01", "2025-12"]), name=st.text(min_size=1).map(str.strip))
def test_titles(title: str, month: str, name: str) -> None:
    ours = Values(month=month, title=f"{month} - OpenAI - {name}")
    assert month_of_title(ours.title) == month
    assert not tells_two_months(ours)
    assert name_in_title(ours, ProviderName.OPENAI) == " ".join(name.split())
    assert name_in_title(ours, ProviderName.DEEPGRAM) == ""
    told = month_of_title(title)
    assert tells_two_months(Values(month=month, title=title)) == (told not in ("", month))


@pytest.mark.parametrize("title", ["2026-13 - OpenAI", "2026-011", "janvier 2026-01", "12026-01", ""])
def test_what_is_no_month(title: str) -> None:
    assert month_of_title(title) == ""


def test_whose_row_it_is() -> None:
    mine = Existing("page", datetime(2026, 2, 1, tzinfo=UTC), Values(), author="a", editor="b")
    assert [is_by(mine, who) for who in ("a", "b", "c", None)] == [True, True, False, False]
    assert not is_by(row(), None)
