from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.amounts import amount, control
from usage.errors import ContractError
from usage.money import exact_sum


@given(st.integers(-(10**40), 10**40), st.integers(0, 40), st.booleans())
def test_text_and_numbers_keep_every_digit(number: int, places: int, as_text: bool) -> None:
    exact = Decimal(f"{number}E-{places}")
    literal = f"{exact:f}"
    body = json.loads(f'"{literal}"' if as_text else literal, parse_float=Decimal)
    assert amount(body, "/costs") == exact


@pytest.mark.parametrize(("raw", "value"), [("0.8958740000000000", "0.895874"), ("-1E-7", "-0.0000001"), (3, "3")])
def test_spellings(raw: str | int, value: str) -> None:
    assert amount(raw, "/costs") == Decimal(value)


def test_nothing_is_not_zero() -> None:
    assert amount(None, "/costs") is None


@pytest.mark.parametrize("raw", ["", "a lot", "NaN", "-Infinity", "1,5", "1e9999999999999999999", Decimal("sNaN")])
def test_what_is_no_amount_is_refused_without_being_shown(raw: str | Decimal) -> None:
    with pytest.raises(ContractError) as error:
        amount(raw, "/costs")
    assert error.value.sentence == "/costs ne répond plus comme prévu : un montant n’est pas un nombre."


@pytest.mark.parametrize(
    ("gap", "exactly", "nearly"),
    [
        ("0", True, True),
        ("1E-30", False, True),
        ("0.000001", False, True),
        ("-0.0000011", False, False),
        ("1", False, False),
    ],
)
def test_control_totals(gap: str, exactly: bool, nearly: bool) -> None:
    total = Decimal("123456789012345678901234567890.12")
    summed = exact_sum([total, Decimal(gap)])
    assert summed is not None
    assert control(total, summed, exact=True).agrees is exactly
    assert control(total, summed, exact=False).agrees is nearly
    assert (control(total, summed, exact=True).total, control(total, summed, exact=True).summed) == (total, summed)
