"""Budgets, forecast and surprises, as far as the page of a month shows them. Whoever plans fills them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent in the month, USD."""

    name: str
    """Of what it bounds, as people read it."""
    amount: Decimal
    spent: Decimal | None
    expected: Decimal | None = None
    """At the month's end; None where nothing is forecast."""
    passes_on: date | None = None
    """The day on which it is passed, or will be by the forecast; None where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the whole month is expected to cost, USD."""

    likely: Decimal
    low: Decimal
    high: Decimal
    method: str
    """In a sentence, in the language of the page."""
    reached: tuple[tuple[date, Decimal], ...] = ()
    """What the month has cost by the end of each day of it; a straight line where nobody tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a month is measured by, and where it goes."""

    budgets: tuple[Budget, ...] = ()
    total: Decimal | None = None
    """The budget of the whole month, USD, drawn as a line."""
    forecast: Forecast | None = None
    surprises: tuple[str, ...] = ()
    """Sentences in the language of the page: a row that leaves its own range, with model and day."""
    notes: tuple[str, ...] = ()
    """Why there is no forecast, and the like: sentences in the language of the page."""
