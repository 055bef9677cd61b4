"""Sentences, amounts and dates in one language.

The sentences in the code are English; the files in `french`, one for each part of the program, hold the French ones. A
sentence is a whole: names and figures have places in it, `{total}`, and no sentence is put together from words. Babel
writes amounts and dates as each language does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from importlib.resources import files
from typing import Final, Protocol

from babel.core import Locale
from babel.dates import format_date, format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent, get_currency_symbol

from usage.language.choice import Language
from usage.money import dollars, plain, to_the_cent

_LOCALES: Final = {Language.FR: Locale("fr", "FR"), Language.EN: Locale("en", "US")}
_BEHIND_DE: Final = re.compile(r"\bde (\{(\w+)\})")
_BEGINS_WITH_VOWEL: Final = re.compile(r"(avril|août|octobre)\b")
"""Months whose French names begin with a vowel."""
NOTHING: Final = "–"
"""In place of a figure that nobody knows. It is never 0."""


class Beginning(Protocol):
    """What has a first instant, as a month does; months themselves are told in sentences of this package."""

    @property
    def start(self) -> datetime:
        """UTC."""


class Words:
    """How people are told things in one language.

    Args:
        language: Which one.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._locale = _LOCALES[language]

    def __call__(self, sentence: str, /, **values: object) -> str:
        """A sentence of the catalogue, its places filled.

        Args:
            sentence: In English, as it stands in the code: the catalogue is searched for it.
            **values: What goes into its places, as people are to read it.

        Raises:
            LookupError: The catalogue lacks it.
        """
        return self._filled(sentence, values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """A sentence about `{number}` things; `one` is that about a single thing.

        Raises:
            LookupError: The catalogue lacks it.
        """
        # French counts 0 with 1.
        is_one = number == 1 or (number == 0 and self.language is Language.FR)
        return self._filled(one if is_one else many, {**values, "number": self.whole(number)})

    def _filled(self, sentence: str, values: Mapping[str, object]) -> str:
        if self.language is Language.EN:
            return sentence.format_map(values)

        def elided(place: re.Match[str]) -> str:
            return f"d’{place[1]}" if _BEGINS_WITH_VOWEL.match(str(values[place[2]])) else place[0]

        # `d’octobre 2025`, where `de janvier 2026` would stand.
        return _BEHIND_DE.sub(elided, self._sentence(sentence)).format_map(values)

    def _sentence(self, sentence: str) -> str:
        return sentence if self.language is Language.EN else _french()[sentence]

    def dollars(self, amount: Decimal | None) -> str:
        """US dollars, rounded to the cent unless that would show nothing: `$1,180.85`, `1 180,85 $US`."""
        return self.money(amount, "USD")

    def money(self, amount: Decimal | None, currency: str) -> str:
        """An amount in a currency, rounded to the cent unless that would show nothing."""
        if amount is None:
            return NOTHING
        sign = get_currency_symbol(currency, self._locale)
        figure = self.amount(amount.copy_abs())
        minus = "-" if amount < 0 and not _is_nothing(figure) else ""
        if self.language is Language.EN:
            return f"{minus}{sign}{figure}"
        return f"{minus}{figure}\N{NO-BREAK SPACE}{sign}"

    def amount(self, amount: Decimal | None) -> str:
        """An amount without its currency, two decimals, or as many as it takes to show something."""
        if amount is None:
            return NOTHING
        cents = amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN, Context(prec=60))
        if cents or not amount:
            return format_decimal(cents, "#,##0.00", locale=self._locale)
        # Babel counts in Python's own context of 28 digits.
        places = min(-int(plain(amount).as_tuple().exponent), 24)
        return format_decimal(amount, "0." + "#" * places, locale=self._locale)

    def figure(self, amount: Decimal) -> str:
        """An amount within a sentence, as `amount` but ungrouped, so that it is found: `1180.85`, `1180,85`."""
        return self.decimal(to_the_cent(amount))

    def decimal(self, text: str) -> str:
        """A decimal number with this language's sign, its digits as they are: `45.501`, `45,501`."""
        return text.replace(".", "." if self.language is Language.EN else ",")

    def exact(self, amount: Decimal | None) -> str:
        """An amount without its currency, every digit and two decimals at least: `1180.853`, `1180,853`."""
        if amount is None:
            return NOTHING
        return self.decimal(dollars(amount))

    def signed(self, amount: Decimal | None) -> str:
        """A change in US dollars, with its sign: `+$12.00`."""
        if amount is None:
            return NOTHING
        return f"+{self.dollars(amount)}" if amount > 0 else self.dollars(amount)

    def percent(self, share: Decimal | None, *, signed: bool = False) -> str:
        """A share of 1 as a percentage without decimals, `12%`, `+12%`."""
        if share is None:
            return NOTHING
        pattern = "#,##0%" if self.language is Language.EN else "#,##0\N{NO-BREAK SPACE}%"
        # Of a share that is rounded to nothing the sign is lost, too.
        shown = share.quantize(Decimal("0.01"), ROUND_HALF_EVEN, Context(prec=60)) + 0
        text = format_percent(shown, pattern, self._locale)
        return f"+{text}" if signed and shown > 0 else text

    def whole(self, count: int | None) -> str:
        """A count: `1,180`, `1 180`."""
        return NOTHING if count is None else format_decimal(count, locale=self._locale)

    def month(self, month: Beginning) -> str:
        """`January 2026`, `janvier 2026`."""
        return format_skeleton("yMMMM", month.start, locale=self._locale)

    def short_month(self, month: Beginning) -> str:
        """`Jan`, `janv.`."""
        return format_skeleton("MMM", month.start, locale=self._locale)

    def round_dollars(self, amount: Decimal) -> str:
        """A round amount beside a chart, as short as it gets: `$1,200`, `$0.5`, `1 200 $US`."""
        sign = get_currency_symbol("USD", self._locale)
        figure = format_decimal(plain(amount), "#,##0.############", locale=self._locale)
        return f"{sign}{figure}" if self.language is Language.EN else f"{figure}\N{NO-BREAK SPACE}{sign}"

    def day(self, day: date) -> str:
        """`Jan 5, 2026`, `5 janv. 2026`."""
        return format_date(day, "medium", locale=self._locale)


@cache
def _french() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in files("usage.language").joinpath("french").iterdir():
        with part.open("rb") as file:
            found |= sentences(read_po(file, locale="fr"))
    return found


def sentences(catalogue: Catalog) -> dict[str, str]:
    """The sentences of a catalogue that are translated, by the English ones."""
    return {str(one.id): str(one.string) for one in catalogue if one.id and one.string and not one.fuzzy}


def _is_nothing(figure: str) -> bool:
    return not any(letter in "123456789" for letter in figure)
