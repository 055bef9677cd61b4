"""Public prices of a model on a day. They are passed in: this program keeps no price list of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from usage.money import EXACT, exact_sum
from usage.names import ProviderName

_MILLION: Final = 6


class Reason(StrEnum):
    """Why what was billed differs from tokens at the standard price."""

    CACHE = "cache"
    """Input read from a cache, which is cheaper, or written to one, which may be dearer."""
    BATCH = "batch"
    TIER = "service_tier"
    """Priority, fast or flexible processing."""
    LONG_CONTEXT = "long_context"
    """Requests over a size from which all of their tokens cost more."""
    MODALITY = "modality"
    """Tokens of sound and pictures."""
    DISCOUNT = "discount"
    """All models of a provider are billed at one and the same share of their price; or a credit of its own."""
    OWN_KEY = "own_key"
    """Paid to another provider, by a key of one's own there: the provider tells how much."""
    FREE = "free"
    """Tokens that were billed at nothing."""
    NO_COST = "no_cost"
    """Tokens of which nobody tells a cost."""
    NO_TOKENS = "no_tokens"
    """Billed without tokens: voice, tools, storage."""
    UNKNOWN_PRICE = "unknown_price"
    """The price list does not have the model."""

    @property
    def is_told(self) -> bool:
        """Whether the figures themselves say so. The others only fit: this much, at the most, could come from them."""
        return self in (Reason.OWN_KEY, Reason.FREE, Reason.NO_COST, Reason.NO_TOKENS, Reason.UNKNOWN_PRICE)


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """US dollars for a million tokens; None where the list has no such price."""

    input: Decimal | None
    output: Decimal | None

    def cost(self, tokens_input: int | None, tokens_output: int | None) -> Decimal:
        """US dollars, exact. Tokens without a price cost nothing here, and show up in the residual."""
        parts = ((tokens_input, self.input), (tokens_output, self.output))
        known = (
            EXACT.multiply(Decimal(tokens), price).scaleb(-_MILLION, EXACT)
            for tokens, price in parts
            if tokens and price is not None
        )
        return exact_sum(known) or Decimal(0)


@dataclass(frozen=True, slots=True)
class Variant:
    """What all tokens would cost if one thing were so of all of them."""

    reason: Reason
    name: str
    """What it is in the price list: `batch`, `priority`."""
    prices: TokenPrices


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """A model's prices on a day."""

    model: str
    """The list's own name of it: several names of a provider may be one model."""
    standard: TokenPrices
    variants: tuple[Variant, ...] = ()


class PriceList(Protocol):
    """Public prices."""

    @property
    def name(self) -> str:
        """What it is and of which version: `genai-prices 0.2.3`."""
        ...

    def find(self, provider: ProviderName, model: str, day: date) -> ModelPrices | None:
        """A model's prices on a day, as far as the list knows history; None where it does not have the model."""
        ...
