"""How money is written on the page: the one place in which it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reports.comparison import Change
from usage.language.words import NOTHING, Words
from usage.money import exact_sum
from usage.month import Month

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class SecondCurrency:
    """A currency that is shown beside US dollars."""

    code: str
    """Like `EUR`."""
    convert: Callable[[Decimal, Month], Decimal | None]
    """US dollars of a month in the currency; None where that month has no rate."""
    sentences: tuple[str, ...]
    """Rates and where they come from, or why there is none, in the language of the page."""


class Amounts:
    """Writes amounts of US dollars, and what they are in a second currency, if there is one.

    Args:
        words: The language.
        month: Whose rate counts.
        second: The second currency.
    """

    def __init__(self, words: Words, month: Month, second: SecondCurrency | None = None) -> None:
        self._words, self._month, self.second = words, month, second

    def told(self, amount: Decimal | None) -> str:
        """In a sentence, with its currency, and the other one in brackets."""
        text, second = self._words.dollars(amount), self.second_told(amount)
        return f"{text} ({second})" if second else text

    def second_told(self, amount: Decimal | None) -> str:
        """In the second currency alone, with its sign; empty where there is none."""
        other = self._other(amount, self._month)
        return "" if other is None or self.second is None else self._words.money(other, self.second.code)

    def cell(self, amount: Decimal | None) -> str:
        """In a column whose head names the currency."""
        return self._words.amount(amount)

    def second_cell(self, amount: Decimal | None) -> str:
        """In a column of the second currency; a dash where the month has no rate."""
        return self._words.amount(self._other(amount, self._month))

    def second_sum(self, amounts: Iterable[tuple[Decimal | None, Month]]) -> str:
        """Amounts of several months in that column, each at its month's rate; a dash where one of them has none."""
        others = [self._other(amount, month) for amount, month in amounts if amount is not None]
        return NOTHING if None in others else self._words.amount(exact_sum(others))

    def signed(self, amount: Decimal | None) -> str:
        """A change in a column of US dollars, with its sign; one that is less than a cent says that alone."""
        if amount is not None and 0 < abs(amount) < _CENT / 2:
            return f"{'+' if amount > 0 else '-'}<{self._words.amount(_CENT)}"
        text = self._words.amount(amount)
        return f"+{text}" if amount is not None and amount > 0 else text

    def change(self, change: Change | None) -> str:
        """A change in a sentence: `+$12.00 (+4%)`."""
        if change is None or change.amount is None:
            return NOTHING
        amount = self.moved(change.amount)
        return amount if change.share is None else f"{amount} ({self._words.percent(change.share, signed=True)})"

    def moved(self, amount: Decimal | None) -> str:
        """By how much something changed, in a sentence, in US dollars alone: two months have two rates."""
        return self._words.signed(amount)

    def _other(self, amount: Decimal | None, month: Month) -> Decimal | None:
        if amount is None or self.second is None:
            return None
        return self.second.convert(amount, month)
