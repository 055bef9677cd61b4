"""How money is written on the page: the one place in which it is."""

from __future__ import annotations

from decimal import Decimal

from reports.comparison import Change
from usage.language.words import NOTHING, Words


class Amounts:
    """Writes amounts of US dollars.

    Args:
        words: The language.
    """

    def __init__(self, words: Words) -> None:
        self._words = words

    def told(self, amount: Decimal | None) -> str:
        """In a sentence, with its currency."""
        return self._words.dollars(amount)

    def cell(self, amount: Decimal | None) -> str:
        """In a column whose head names the currency."""
        return self._words.amount(amount)

    def signed(self, amount: Decimal | None) -> str:
        """A change in such a column, with its sign."""
        text = self._words.amount(amount)
        return f"+{text}" if amount is not None and amount > 0 else text

    def change(self, change: Change | None) -> str:
        """A change in a sentence: `+$12.00 (+4%)`."""
        if change is None or change.amount is None:
            return NOTHING
        amount = self._words.signed(change.amount)
        return amount if change.share is None else f"{amount} ({self._words.percent(change.share, signed=True)})"
