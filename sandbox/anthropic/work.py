"""What is worked on: steady streams of usage, each with the way it is billed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from sandbox.anthropic.world import Charge, Fact, Usage
from sandbox.shared.rhythm import Rhythm, moments, volume

Models = tuple[tuple[str, str], ...]
"""First month and model name, oldest first: people move on to newer models."""

OPUS: Models = (
    ("2024-06", "claude-opus-4-1-20250805"),
    ("2026-02", "claude-opus-4-6"),
    ("2026-07", "claude-opus-4-8"),
    ("2026-09", "claude-opus-5-5"),
)
SONNET: Models = (("2024-06", "claude-sonnet-4-5-20250929"), ("2026-06", "claude-sonnet-5"))
HAIKU: Models = (("2024-06", "claude-haiku-4-5-20251001"),)
NO_MODEL: Models = ()

# US cents for a million tokens: fresh input, output, cache read, written for 5 minutes, written for an hour.
_CENTS = {"opus": (500, 2500, 50, 625, 1000), "sonnet": (300, 1500, 30, 375, 600), "haiku": (100, 500, 10, 125, 200)}
_PARTS = (
    ("uncached_input_tokens", "uncached_input_tokens"),
    ("output_tokens", "output_tokens"),
    ("cache_read_input_tokens", "cache_read_input_tokens"),
    ("ephemeral_5m_input_tokens", "cache_creation.ephemeral_5m_input_tokens"),
    ("ephemeral_1h_input_tokens", "cache_creation.ephemeral_1h_input_tokens"),
)
_DISCOUNT = Decimal("0.93170000003")
_LAST_DIGIT = Decimal("1E-16")
"""Amounts end here, so that a month's sum is exact within the 28 digits that `Decimal` calculates with."""


def of(workspace: str, key: str | None) -> Fact:
    """A template: whose work, and where."""
    return Fact(datetime.min.replace(tzinfo=UTC), workspace, key, None)


@dataclass(frozen=True, slots=True)
class Stream:
    """Steady work: `template` says whose and where, the rest how much."""

    template: Fact
    models: Models
    per_day: float
    """Requests on an average day of January 2025."""
    searches: float = 0
    """Web searches for one request, a cent each."""
    priced: bool = True
    """Whether the tokens are on the bill; those of the Priority Tier are billed elsewhere."""
    counted: bool = True
    """Whether the API counts the requests."""
    flat: tuple[str, str] | None = None
    """Cost type and US cents for a request, instead of tokens."""
    rhythm: Rhythm = volume
    """How much happens on a day, beside `per_day`."""

    def facts(self, draw: Random, month: str, until: datetime) -> Iterator[Fact]:
        """A month of it, as far as it has happened."""
        model = next((name for since, name in reversed(self.models) if since <= month), None)
        for at in moments(draw, month, until):
            requests = round(self.per_day * self.rhythm(draw, at.date()))
            if requests:
                yield self._day(draw, replace(self.template, at=at, model=model), requests)

    def _day(self, draw: Random, fact: Fact, requests: int) -> Fact:
        usage = Usage(requests=requests if self.counted else None)
        if self.flat is not None:
            cost_type, cents = self.flat
            # Sessions are billed by time and have no usage at all; executions are counted, without tokens.
            fact.usage = None if cost_type == "session_usage" else usage
            fact.charges = [_charge(cost_type, None, requests * Decimal(cents))]
            return fact
        for name, mean in zip((name for name, _ in _PARTS), (1190, 402, 2810, 430, 95), strict=True):
            setattr(usage, name, round(requests * mean * draw.uniform(0.9, 1.1)))
        usage.web_search_requests = round(requests * self.searches)
        fact.usage, fact.charges = usage, self._charges(fact.model or "", fact.service_tier, usage)
        return fact

    def _charges(self, model: str, tier: str | None, usage: Usage) -> list[Charge]:
        if not self.priced:
            return []
        share = Decimal("0.5") if tier == "batch" else Decimal(1)
        prices = next(prices for family, prices in _CENTS.items() if family in model)
        charges = [
            _charge("tokens", token_type, getattr(usage, name) * share * price / 1_000_000)
            for (name, token_type), price in zip(_PARTS, prices, strict=True)
        ]
        if usage.web_search_requests:
            charges.append(_charge("web_search", None, Decimal(usage.web_search_requests)))
        return charges


def _charge(cost_type: str, token_type: str | None, cents: Decimal) -> Charge:
    paid = (cents * _DISCOUNT).quantize(_LAST_DIGIT).normalize()
    return Charge(cost_type, token_type, paid, cents.normalize())
