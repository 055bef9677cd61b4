from __future__ import annotations

import json
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shared.amounts import Written, amount, believable_amount
from providers.shared.control import control
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


def written(*amounts: str) -> Written:
    found = Written()
    for raw in amounts:
        found.add(Decimal(raw), raw)
    return found


@pytest.mark.parametrize(
    ("lines", "total", "agrees"),
    [
        # Half a unit of the sixth decimal for each of two lines.
        (("0.000003", "0.000003"), "0.000005", True),
        (("0.000003", "0.000003"), "0.000004", False),
        # The finest digit that occurs is the one that was rounded at: zeros at the end are often not written.
        (("1.5", "2.25"), "3.76", True),
        (("1.5", "2.25"), "3.77", False),
        # The total may be finer than the lines.
        (("1.50", "2.25"), "3.7500", True),
        (("1.50", "2.25"), "3.7599", False),
        # One line is not a sum.
        (("1.50",), "1.51", False),
    ],
)
def test_lines_that_were_rounded_one_by_one(lines: tuple[str, ...], total: str, agrees: bool) -> None:
    summed = exact_sum(map(Decimal, lines)) or Decimal(0)
    found = control(Decimal(total), summed, exact=True, written=written(*lines), of_total=written(total))
    assert found.agrees is agrees


@given(st.lists(st.decimals(-(10**9), 10**9, places=25), min_size=2, max_size=30), st.integers(0, 20))
def test_a_total_rounded_once_never_differs_from_its_rounded_lines(exact: list[Decimal], places: int) -> None:
    unit = Decimal(1).scaleb(-places)
    with localcontext(prec=80):
        lines = [value.quantize(unit) for value in exact]
        total = sum(exact, Decimal(0))
    summed = exact_sum(lines) or Decimal(0)
    assert control(total, summed, exact=True, written=written(*map(str, lines))).agrees


def test_how_amounts_were_written() -> None:
    found = Written()
    for raw in ("1.250", Decimal("0.1"), 3, "1E-7"):
        found.add(Decimal(raw), raw)
    assert (found.lines, found.places, found.as_text) == (4, 7, False)
    assert written("1", "2").as_text


@pytest.mark.parametrize("raw", ["1e26", "-1e400", "1e-101", "0e-400"])
def test_an_amount_that_no_bill_holds_is_refused(raw: str) -> None:
    with pytest.raises(ContractError, match="démesuré"):
        believable_amount(Decimal(raw), "/costs")


@given(st.decimals(-(10**25), 10**25, places=38))
def test_an_amount_that_a_bill_may_hold_is_believed(value: Decimal) -> None:
    assert believable_amount(value, "/costs") == believable_amount(str(value), "/costs") == value
    assert believable_amount(None, "/costs") is None
