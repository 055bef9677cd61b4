"""Usage records: the smallest facts kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """Units other than tokens, requests and US dollars. The list is closed; currencies come through `cost_unit`."""

    CHARACTERS = "characters"
    CREDITS = "credits"
    HOURS = "hours"
    AGENT_HOURS = "agent_hours"
    MINUTES = "minutes"
    SECONDS = "seconds"
    IMAGES = "images"
    SESSIONS = "sessions"
    BYTES = "bytes"
    CALLS = "calls"
    BYOK_USD = "byok_usd"


def cost_unit(currency: str) -> str:
    """Unit of money in another currency than USD: `cost_eur`. It is kept apart and never counted as USD."""
    return f"cost_{currency.strip().lower()}"


Units = tuple[tuple[str, Decimal], ...]

NO_UNITS: Final[Units] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One fact: a day or a month x workspace x project x API key x model.

    Ids are the provider's; `None` means that the provider attributes the usage to none. Figures are `None` where the
    provider does not report them, never 0 in their place. What belongs to no model has an `item` instead.
    """

    day: date | None = None
    """UTC; None where the provider tells no days, and in the sums of a month."""
    workspace: str | None = None
    project: str | None = None
    api_key: str | None = None
    model: str | None = None
    item: str | None = None
    cost: Decimal | None = None
    """USD, exact."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None
    units: Units = NO_UNITS
    missing_amounts: int = 0
    """How many amounts of money were announced by the provider but not given."""
