"""Turns a description of steady work into the usage and the charges of a month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from sandbox.openai.world import Fact
from sandbox.shared.rhythm import Rhythm, moments, volume

_LAST_DIGIT = Decimal("1E-18")
"""Amounts end here, so that a month's sum is exact within the 28 digits that `Decimal` calculates with."""

Models = tuple[tuple[str, str], ...]
"""First month and model name, oldest first: projects move on to newer models."""


@dataclass(frozen=True, slots=True)
class Price:
    """How one measure is billed: USD for `per` of it, and the line that says so (`{model}` is filled in)."""

    line: str
    measure: str
    usd: str
    per: int = 1
    unit: str | None = None
    model: bool = True
    """Whether the line belongs to the model."""


def tokens(prompt: str, cached: str | None, output: str, *, line: str = "{model}, {kind}") -> tuple[Price, ...]:
    """Prices in USD for a million tokens; `line` holds `{model}` and `{kind}`."""
    kinds = (
        ("input", "input_uncached_tokens", prompt),
        ("cached input", "input_cached_tokens", cached),
        ("output", "output_tokens", output),
    )
    return tuple(
        Price(line.replace("{kind}", kind), measure, usd, 1_000_000, "tokens")
        for kind, measure, usd in kinds
        if usd is not None
    )


CHAT = (("input_uncached_tokens", 1430.0), ("input_cached_tokens", 610.0), ("output_tokens", 388.0))
"""Tokens of an average conversation turn."""


def of(family: str, project: str | None, key: str | None) -> Fact:
    """A template: whose work, and where."""
    return Fact(datetime.min.replace(tzinfo=UTC), family, project, key, None if key is None else "user-" + key[4:12])


@dataclass(frozen=True, slots=True)
class Stream:
    """Steady work: `template` says whose and where, the rest how much."""

    template: Fact
    models: Models
    per_day: float
    """Requests (or sessions) on an average day of January 2025."""
    prices: tuple[Price, ...] = ()
    each: tuple[tuple[str, float], ...] = CHAT
    """Measure and its mean for one request."""
    count: tuple[str, ...] = ("num_model_requests",)
    """Measures that count the requests themselves."""
    billed_only: bool = False
    """Charges without usage."""
    spoken: bool = False
    """Whether the tokens are those of sound."""
    rhythm: Rhythm = volume
    """How much happens on a day, beside `per_day`."""

    def facts(self, draw: Random, month: str, now: datetime) -> Iterator[Fact]:
        """A month of it, as far as it has happened."""
        model = next((name for since, name in reversed(self.models) if since <= month), None)
        for at in moments(draw, month, now):
            requests = round(self.per_day * self.rhythm(draw, at.date()))
            if requests == 0:
                continue
            fact = replace(self.template, at=at, model=model)
            for measure in self.count:
                setattr(fact, measure, requests)
            for measure, mean in self.each:
                setattr(fact, measure, round(requests * mean * draw.uniform(0.9, 1.1)))
            if fact.input_uncached_tokens:
                fact.input_tokens = (
                    fact.input_uncached_tokens + fact.input_cached_tokens + fact.input_cache_write_tokens
                )
            if self.spoken:
                fact.input_audio_tokens = fact.input_uncached_tokens
                fact.input_cached_audio_tokens = fact.input_cached_tokens
                fact.output_audio_tokens = fact.output_tokens
            if not self.billed_only:
                yield fact
            yield from (_charge(price, fact) for price in self.prices)


def _charge(price: Price, fact: Fact) -> Fact:
    quantity = Decimal(getattr(fact, price.measure))
    line = price.line.replace("{model}", fact.model or "")
    return Fact(
        fact.at,
        "costs",
        fact.project_id,
        fact.api_key_id,
        fact.user_id,
        fact.model if price.model else None,
        api_source=fact.api_source,
        line_item=line,
        amount=(quantity * Decimal(price.usd) / price.per).quantize(_LAST_DIGIT).normalize(),
        quantity=quantity,
        quantity_unit=price.unit,
    )
