from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from providers.shared.amounts import (
    RawAmount,
    Written,
    amount,
    believable_amount,
    cost_of,
    dollars_or_unit,
    foreign_gaps,
    sum_known,
)
from usage.errors import ContractError
from usage.language.sentence import Sentence
from usage.peers.contract import describe_breach
from usage.records.record import UsageRecord


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
    assert error.value.sentence.fr == "/costs ne répond plus comme prévu : un montant n’est pas un nombre."


class Bill(BaseModel):
    """A line with an amount."""

    due: RawAmount = None


@pytest.mark.parametrize("raw", [True, False, [], {}])
def test_what_has_another_type_is_no_amount(raw: object) -> None:
    with pytest.raises(ValidationError) as error:
        Bill.model_validate({"due": raw})
    assert describe_breach(error.value).en == "field due, expected: a number"


@pytest.mark.parametrize("raw", ["1.50", 3, Decimal("0.25"), 0, None])
def test_what_an_amount_comes_as(raw: str | int | Decimal | None) -> None:
    assert Bill.model_validate({"due": raw}).due == raw


def written(*amounts: str) -> Written:
    found = Written()
    for raw in amounts:
        found.add(Decimal(raw), raw)
    return found


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


@pytest.mark.parametrize("currency", [None, "", "usd", "USD"])
def test_no_currency_is_dollars(currency: str | None) -> None:
    assert dollars_or_unit(Decimal("1.5"), currency) == (Decimal("1.5"), ())
    assert dollars_or_unit(None, currency) == (None, ())


def test_another_currency_is_no_cost_and_a_gap() -> None:
    cost, units = dollars_or_unit(Decimal(3), "EUR")
    assert (cost, units) == (None, (("cost_eur", Decimal(3)),))
    (gap,) = foreign_gaps([UsageRecord(units=units), UsageRecord(units=(("cost_chf", Decimal(1)),))], Sentence.of)
    assert gap.sentence.fr == "CHF, EUR"
    assert foreign_gaps([UsageRecord(units=(("calls", Decimal(1)),))], Sentence.of) == ()


def test_nothing_known_adds_up_to_nothing() -> None:
    assert sum_known([None, None]) == cost_of([UsageRecord()]) == 0
    assert cost_of([UsageRecord(cost=Decimal("0.1")), UsageRecord(), UsageRecord(cost=Decimal("0.2"))]) == Decimal(
        "0.3"
    )
