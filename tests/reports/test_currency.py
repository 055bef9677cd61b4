"""Amounts in a second currency: which way, how exact, and what is said of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.currency import Amounts, NoRate, Rate, Rates, RateSource, for_files
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month

JANUARY, FEBRUARY, MARCH = Month(2026, 1), Month(2026, 2), Month(2026, 3)
ENGLISH, FRENCH = Words(Language.EN), Words(Language.FR)

amounts = st.decimals(-(10**12), 10**12, places=12, allow_nan=False)
rates = st.decimals("0.0001", 10_000, places=6, allow_nan=False)


def book(**more: Decimal) -> Rates:
    found = {month: Rate(month, "EUR", rate, RateSource.ECB, date(2026, 2, 1)) for month, rate in _months(more)}
    return Rates("EUR", found, {MARCH: NoRate.RUNNING})


def _months(more: dict[str, Decimal]) -> list[tuple[Month, Decimal]]:
    return [(JANUARY if name == "january" else FEBRUARY, rate) for name, rate in more.items()]


@given(amounts, rates)
def test_dollars_are_divided_by_the_dollars_that_one_euro_costs(usd: Decimal, rate: Decimal) -> None:
    both = book(january=rate).both(usd, JANUARY)
    assert both.usd == usd
    assert both.other is not None
    exact = Fraction(usd) / Fraction(rate)
    assert abs(Fraction(both.other) - exact) <= Fraction(1, 10**25)


@given(st.lists(amounts, max_size=20), rates)
def test_the_parts_of_a_month_add_up_to_the_month(parts: list[Decimal], rate: Decimal) -> None:
    rates = book(january=rate)
    whole = rates.both(sum(parts, Decimal(0)), JANUARY).other
    added = rates.total((JANUARY, part) for part in parts).other
    assert abs((added or Decimal(0)) - (whole or Decimal(0))) < Decimal("1e-25")


def test_each_month_is_converted_at_its_own_rate() -> None:
    rates = book(january=Decimal("1.25"), february=Decimal(2))
    told = [(JANUARY, Decimal(10)), (FEBRUARY, Decimal(10)), (MARCH, None)]
    assert rates.total(told) == Amounts(Decimal(20), Decimal(13))
    assert rates.total([*told, (MARCH, Decimal(1))]) == Amounts(Decimal(21), None)
    assert rates.total([]) == Amounts(None, None)


def test_what_nobody_knows_stays_unknown() -> None:
    assert book(january=Decimal(2)).both(None, JANUARY) == Amounts(None, None)
    assert book().both(Decimal(0), MARCH) == Amounts(Decimal(0), None)
    assert Rates().both(Decimal(1), JANUARY) == Amounts(Decimal(1), None)


def test_how_both_are_shown() -> None:
    rates = book(january=Decimal("1.1706"))
    assert rates.show(rates.both(Decimal("117.06"), JANUARY), ENGLISH) == "$117.06 (€100.00)"
    assert rates.show(rates.both(Decimal("117.06"), MARCH), ENGLISH) == "$117.06"
    assert "100,00" in rates.show(rates.both(Decimal("117.06"), JANUARY), FRENCH)
    assert rates.both(Decimal("0.01"), JANUARY).other != Decimal("0.01")


def test_the_rate_and_its_source_are_told_once_a_month() -> None:
    rates = book(january=Decimal("1.1706"))
    assert rates.sentences(ENGLISH, [MARCH, JANUARY, JANUARY]) == (
        "1 EUR = 1.1706 USD, the European Central Bank’s average of January 2026.",
        "March 2026 is not over, so it has no average rate yet: US dollars only.",
    )
    assert rates.sentences(FRENCH, [JANUARY]) == (
        "1 EUR = 1,1706 USD, moyenne de janvier 2026 de la Banque centrale européenne.",
    )
    assert Rates().sentences(ENGLISH, [JANUARY]) == ()
    # A year's page has one sentence for all its months.
    april = MARCH.next()
    many = {month: Rate(month, "EUR", Decimal("1.17"), RateSource.ECB) for month in (JANUARY, MARCH)}
    why = dict.fromkeys((MARCH.previous(), april), NoRate.UNREACHABLE)
    rated, lacking = Rates("EUR", many, why).sentences(ENGLISH, [*why, *many])
    assert rated.endswith("average of each month: January 2026 1.17, March 2026 1.17.")
    assert "the EUR rate of February 2026, April 2026: US dollars only" in lacking
    file = Rate(JANUARY, "EUR", Decimal("1.2"), RateSource.FILE)
    assert file.label(ENGLISH) == "1 EUR = 1.2 USD in January 2026, from your file of rates."


@pytest.mark.parametrize("why", NoRate)
@pytest.mark.parametrize("words", [ENGLISH, FRENCH])
def test_each_reason_has_a_sentence(why: NoRate, words: Words) -> None:
    (sentence,) = Rates("EUR", {}, {JANUARY: why}).sentences(words, [JANUARY])
    assert words.month(JANUARY) in sentence
    assert ("US dollars only" if words is ENGLISH else "en dollars seulement") in sentence


@given(amounts, rates)
def test_files_have_24_decimals(usd: Decimal, rate: Decimal) -> None:
    exact = book(january=rate).both(usd, JANUARY).other
    told = for_files(exact)
    assert told is not None
    assert told.as_tuple().exponent == -24
    assert abs(Fraction(told) - Fraction(usd) / Fraction(rate)) <= Fraction(6, 10**25)
    assert for_files(None) is None
