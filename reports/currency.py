"""A second currency beside US dollars: rates of months, and the one way in which amounts are converted.

What was paid stays in US dollars everywhere; the other currency is told beside it, with its rate and where that comes
from. Amounts are converted with many digits and are rounded only where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from usage.money import exact_sum
from usage.month import Month

if TYPE_CHECKING:
    # Babel is slow to import.
    from usage.language.words import Words

USD: Final = "USD"
DECIMALS: Final = 24
"""Of amounts in a second currency in files and JSON: what Parquet's usual decimals hold."""
_MANY: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""A quotient has no end: so many digits of it that no sum of amounts ever shows the difference."""


class RateSource(StrEnum):
    """Where a rate comes from."""

    ECB = "ecb"
    """The European Central Bank's average of a month."""
    FILE = "file"
    """The file that `EUR_RATES_FILE` names."""


class NoRate(StrEnum):
    """Why a month has no rate."""

    RUNNING = "running"
    """The month is not over: its average does not exist yet."""
    NOT_PUBLISHED = "not published"
    UNREACHABLE = "unreachable"
    """The network, or the bank's server."""
    UNREADABLE = "unreadable"
    """What was answered is no rate."""
    NOT_IN_FILE = "not in file"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency cost in a month."""

    month: Month
    currency: str
    rate: Decimal
    """US dollars for one unit of the currency."""
    source: RateSource
    as_of: date | None = None
    """Day on which it was read, UTC; None for a file's."""

    def convert(self, amount: Decimal) -> Decimal:
        """US dollars in the currency, not rounded to what can be paid."""
        return _MANY.divide(amount, self.rate)

    def label(self, words: Words) -> str:
        """The rate and where it comes from, in one sentence."""
        places = {"currency": self.currency, "rate": _shown(self.rate, words), "month": words.month(self.month)}
        if self.source is RateSource.FILE:
            return words("1 {currency} = {rate} USD in {month}, from your file of rates.", **places)
        return words("1 {currency} = {rate} USD, the European Central Bank’s average of {month}.", **places)


@dataclass(frozen=True, slots=True)
class Amounts:
    """One amount in both currencies."""

    usd: Decimal | None
    """Exact; None where nobody tells it."""
    other: Decimal | None
    """In the second currency, not rounded; None where there is none, or no rate for it."""


def for_files(amount: Decimal | None) -> Decimal | None:
    """An amount in a second currency as files and JSON have it: to `DECIMALS` decimals, half to even."""
    return None if amount is None else amount.quantize(Decimal(1).scaleb(-DECIMALS), context=Context(prec=120))


@dataclass(frozen=True, slots=True)
class Rates:
    """The second currency of a report, with the rates of its months."""

    currency: str = USD
    """`USD` where no second one is wanted."""
    rates: Mapping[Month, Rate] = field(default_factory=dict)
    missing: Mapping[Month, NoRate] = field(default_factory=dict)
    """Months without a rate, and why."""

    @property
    def wanted(self) -> bool:
        """Whether a second currency is to be shown."""
        return self.currency != USD

    def both(self, usd: Decimal | None, month: Month) -> Amounts:
        """An amount of one month in both currencies."""
        rate = self.rates.get(month)
        return Amounts(usd, None if usd is None or rate is None else rate.convert(usd))

    def total(self, amounts: Iterable[tuple[Month, Decimal | None]]) -> Amounts:
        """Amounts of several months added up, each at its own month's rate.

        The second currency stays unknown where one month that has an amount has no rate: a sum of the others would be
        taken for the whole.
        """
        found = [self.both(usd, month) for month, usd in amounts]
        known = [one for one in found if one.usd is not None]
        others = [one.other for one in known]
        return Amounts(exact_sum(one.usd for one in known), None if None in others else exact_sum(others))

    def show(self, amounts: Amounts, words: Words) -> str:
        """Both amounts as people read them: `$117.06 (€100.00)`."""
        if amounts.other is None:
            return words.dollars(amounts.usd)
        return f"{words.dollars(amounts.usd)} ({words.money(amounts.other, self.currency)})"

    @property
    def code(self) -> str:
        """The second currency as names of columns and fields have it: `eur`."""
        return self.currency.lower()

    def sentences(self, words: Words, months: Iterable[Month]) -> tuple[str, ...]:
        """The rates of some months and where they come from, or why there is none; none for US dollars alone.

        One sentence for all months of one source, and one for all that lack a rate for the same reason.
        """
        if not self.wanted:
            return ()
        known: dict[RateSource, list[Rate]] = {}
        lacking: dict[NoRate, list[str]] = {}
        for month in sorted(set(months)):
            rate = self.rates.get(month)
            if rate is None:
                lacking.setdefault(self.missing.get(month, NoRate.NOT_PUBLISHED), []).append(words.month(month))
            else:
                known.setdefault(rate.source, []).append(rate)
        told = (_labels(rates, words) for rates in known.values())
        return (*told, *(self._lack(words, why, ", ".join(names)) for why, names in lacking.items()))

    def _lack(self, words: Words, why: NoRate, month: str) -> str:
        places = {"month": month, "currency": self.currency}
        match why:
            case NoRate.RUNNING:
                return words("{month} is not over, so it has no average rate yet: US dollars only.", **places)
            case NoRate.UNREACHABLE:
                return words(
                    "The European Central Bank could not be reached for the {currency} rate of {month}: US dollars "
                    "only. Run it again later, or set EUR_RATES_FILE.",
                    **places,
                )
            case NoRate.UNREADABLE:
                return words(
                    "The European Central Bank’s answer for the {currency} rate of {month} can’t be read: US dollars "
                    "only. Set EUR_RATES_FILE.",
                    **places,
                )
            case NoRate.NOT_IN_FILE:
                return words(
                    "EUR_RATES_FILE has no {currency} rate for {month}: US dollars only. Add a line for it.", **places
                )
            case _:
                return words(
                    "The European Central Bank has not published the {currency} rate of {month} yet: US dollars only.",
                    **places,
                )


def _labels(rates: Sequence[Rate], words: Words) -> str:
    """Rates of one source, in one sentence."""
    first, *others = rates
    if not others:
        return first.label(words)
    listed = ", ".join(f"{words.month(one.month)} {_shown(one.rate, words)}" for one in rates)
    places = {"currency": first.currency, "rates": listed}
    if first.source is RateSource.FILE:
        return words("US dollars for 1 {currency}, from your file of rates: {rates}.", **places)
    return words("US dollars for 1 {currency}, the European Central Bank’s average of each month: {rates}.", **places)


def _shown(rate: Decimal, words: Words) -> str:
    """A rate with all its digits."""
    from usage.language.choice import Language  # noqa: PLC0415

    text = f"{rate:f}"
    return text.replace(".", ",") if words.language is Language.FR else text
