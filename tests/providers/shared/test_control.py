from __future__ import annotations

import asyncio
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shared.amounts import Written
from providers.shared.control import believe_twice, control, mismatch
from usage.errors import ContractError, SourceError
from usage.language.sentence import Sentence
from usage.money import exact_sum
from usage.outcomes.report import Control


def written(*amounts: str) -> Written:
    return Written.of((Decimal(raw), raw) for raw in amounts)


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


def read(first: str, *answers: str | SourceError, first_stands: bool = True) -> str:
    """What is believed of `first`, read again as `answers`; `wrong` is what differs."""
    rest = iter(answers)

    async def again() -> str:
        answer = next(rest)
        if isinstance(answer, SourceError):
            raise answer
        return answer

    differs = lambda text: text.startswith("wrong")  # noqa: E731
    return asyncio.run(believe_twice(first, differs, again, first_stands=first_stands))


def test_a_mismatch_is_believed_the_second_time() -> None:
    assert read("right") == "right"
    assert read("wrong", "right") == "right"
    assert read("wrong", "wrong again") == "wrong again"


def test_a_second_reading_that_fails() -> None:
    assert read("wrong", ContractError(Sentence.of("gone"))) == "wrong"
    with pytest.raises(ContractError):
        read("wrong", ContractError(Sentence.of("gone")), first_stands=False)


def test_a_mismatch_is_a_gap() -> None:
    def checked(agrees: bool) -> Control:
        return Control(total=Decimal(1), summed=Decimal(1 if agrees else 2), agrees=agrees)

    differs = Sentence.of("differs")
    assert mismatch(None, differs) == mismatch(checked(agrees=True), differs) == ()
    assert [gap.sentence.fr for gap in mismatch(checked(agrees=False), differs)] == ["differs"]
