from __future__ import annotations

import json
from decimal import Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.money import cents_to_dollars, difference, digits, dollars, exact_sum, plain, to_the_cent

AMOUNTS = st.builds(
    lambda number, places: Decimal(number).scaleb(-places), st.integers(-(10**26), 10**26), st.integers(0, 38)
)


@given(st.lists(AMOUNTS))
def test_sums_are_exact_in_any_context(amounts: list[Decimal]) -> None:
    with localcontext() as context:
        context.prec = 3
        total = exact_sum(amounts)
        assert (total is None) == (not amounts)
        assert Fraction(total or 0) == sum(map(Fraction, amounts), Fraction(0))


@given(st.lists(st.none() | AMOUNTS))
def test_unknown_amounts_do_not_count_as_zero(amounts: list[Decimal | None]) -> None:
    known = [amount for amount in amounts if amount is not None]
    assert exact_sum(amounts) == exact_sum(known)


@given(AMOUNTS, AMOUNTS)
def test_differences_are_exact(left: Decimal, right: Decimal) -> None:
    assert Fraction(difference(left, right)) == Fraction(left) - Fraction(right)


@given(AMOUNTS)
def test_cents(amount: Decimal) -> None:
    assert Fraction(cents_to_dollars(amount)) == Fraction(amount) / 100


def test_a_sum_that_would_be_rounded_raises() -> None:
    with pytest.raises(Inexact):
        exact_sum([Decimal("1E+150"), Decimal("1E-150")])


@given(AMOUNTS)
def test_written_amounts_keep_every_digit(amount: Decimal) -> None:
    for text in (digits(amount), dollars(amount)):
        assert "E" not in text
        assert text not in ("-0", "-0.00")
        assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == amount
    assert plain(amount) == amount
    assert not (digits(amount).endswith("0") and "." in digits(amount))
    assert len(dollars(amount).partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("amount", "exact", "in_dollars", "rounded"),
    [
        ("45.5", "45.5", "45.50", "45.50"),
        ("3", "3", "3.00", "3.00"),
        ("1E+3", "1000", "1000.00", "1000.00"),
        ("1E-7", "0.0000001", "0.0000001", "0.0000001"),
        ("-0.0040", "-0.004", "-0.004", "-0.004"),
        ("-0.00", "0", "0.00", "0.00"),
        ("0", "0", "0.00", "0.00"),
        ("45.505", "45.505", "45.505", "45.50"),
    ],
)
def test_spellings(amount: str, exact: str, in_dollars: str, rounded: str) -> None:
    value = Decimal(amount)
    assert (digits(value), dollars(value), to_the_cent(value)) == (exact, in_dollars, rounded)
