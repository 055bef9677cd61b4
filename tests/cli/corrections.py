"""A provider that corrects a month: one amount of a past day, 1 USD more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.everything import Sandbox
from usage.names import ProviderName

MONTH: Final = "2026-01"
ONE_KEY: Final[Mapping[ProviderName, str]] = {
    ProviderName.OPENAI: "OPENAI_ADMIN_KEY_LABO",
    ProviderName.ANTHROPIC: "ANTHROPIC_ADMIN_KEY",
    ProviderName.ELEVENLABS: "ELEVENLABS_API_KEY",
    ProviderName.DEEPGRAM: "DEEPGRAM_API_KEY_PROD",
    ProviderName.OPENROUTER: "OPENROUTER_MANAGEMENT_KEY",
}
"""Of each provider the variable of one account."""


def _openai(fact: Any) -> bool:
    if fact.amount:
        fact.amount += 1
    return bool(fact.amount)


def _anthropic(fact: Any) -> bool:
    if fact.charges:
        # In cents.
        fact.charges[0].amount += 100
    return bool(fact.charges)


def _elevenlabs(fact: Any) -> bool:
    if fact.money > 0:
        fact.money += 1
    return bool(fact.money > 0)


def _deepgram(fact: Any) -> bool:
    if fact.line_item and fact.dollars > 0:
        fact.dollars += 1
    return bool(fact.line_item and fact.dollars > 0)


def _openrouter(fact: Any) -> bool:
    if fact.credits > 0:
        fact.credits += 1
    return bool(fact.credits > 0)


_DEARER: Final[Mapping[ProviderName, Callable[[Any], bool]]] = {
    ProviderName.OPENAI: _openai,
    ProviderName.ANTHROPIC: _anthropic,
    ProviderName.ELEVENLABS: _elevenlabs,
    ProviderName.DEEPGRAM: _deepgram,
    ProviderName.OPENROUTER: _openrouter,
}


def correct(sandbox: Sandbox, provider: ProviderName) -> str:
    """Make one fact of the account of `ONE_KEY` in `MONTH` dearer by 1 USD; the day it is of."""
    api: Any = next(one for one in sandbox.providers if one.name == provider)
    variable = ONE_KEY[provider]
    account = next(one for one in api.accounts if variable.endswith(f"_{one.name}") or not one.name)
    before = api.bill(account, MONTH).total
    fact = next(fact for fact in account.facts(MONTH) if _DEARER[provider](fact))
    assert api.bill(account, MONTH).total - before == Decimal(1)
    return str(fact.at.date())
