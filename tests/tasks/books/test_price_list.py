"""The public price list: what it has, on which day, and that nobody is asked."""

from __future__ import annotations

import builtins
import socket
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data import providers

from reports.pricing.prices import Reason, TokenPrices
from tasks.books.price_list import PublicPrices
from usage.errors import SettingsError
from usage.names import ProviderName

DAY = date(2026, 1, 15)
OPENAI, ANTHROPIC, OPENROUTER = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.OPENROUTER


def test_standard_prices_and_what_may_differ_from_them() -> None:
    found = PublicPrices().find(OPENAI, "gpt-4o-2024-08-06", DAY)
    assert found is not None
    assert (found.model, found.standard) == ("gpt-4o", TokenPrices(Decimal("2.5"), Decimal(10)))
    variants = {(one.reason, one.name): one.prices for one in found.variants}
    assert variants[Reason.CACHE, "cache_read_mtok"] == TokenPrices(Decimal("1.25"), Decimal(10))
    assert all(one.prices != found.standard for one in found.variants)


def test_several_names_of_one_model() -> None:
    prices = PublicPrices()
    both = [prices.find(OPENAI, name, DAY) for name in ("text-embedding-ada-002", "text-embedding-ada-002-v2")]
    assert None not in both
    assert {one.model for one in both if one is not None} == {"text-embedding-ada-002"}


@pytest.mark.parametrize(
    ("provider", "model"),
    [(OPENAI, "ft:gpt-4o:acme::x"), (OPENAI, ""), (ANTHROPIC, "nobody-s-model"), (ProviderName.DEEPGRAM, "nova-3")],
)
def test_what_it_does_not_have(provider: ProviderName, model: str) -> None:
    assert PublicPrices().find(provider, model, DAY) is None


def test_prices_of_a_day_where_it_has_history() -> None:
    prices = PublicPrices()
    dated = [
        (info.id, change.constraint.start_date)
        for one in providers
        if one.id == "openrouter"
        for info in one.models
        if isinstance(info.prices, list)
        for change in info.prices
        if change.constraint is not None and hasattr(change.constraint, "start_date")
    ]
    changed = 0
    for model, since in dated:
        before, after = (prices.find(OPENROUTER, model, date.fromordinal(since.toordinal() + n)) for n in (-1, 0))
        changed += before is not None and after is not None and before.standard != after.standard
    assert changed > 10


def test_nobody_is_asked_and_nothing_goes_on_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = threading.active_count()
    prices = PublicPrices()
    assert prices.find(OPENAI, "gpt-4o", date(2020, 1, 1)) is not None
    assert prices.name.startswith("genai-prices 0.")
    assert threading.active_count() == before


def test_where_it_is_missing_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.startswith("genai_prices"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"pip install 'llm-usage\[prices\]'"):
        PublicPrices()
