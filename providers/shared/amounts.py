"""Amounts of money as answers carry them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from usage.errors import ContractError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.money import exact_sum
from usage.outcomes.report import Gap, GapKind
from usage.peers.contract import unexpected
from usage.records.record import NO_UNITS, Units, UsageRecord, cost_unit


class _Amount:
    """Text, a number, or nothing; `true` is none of them. Tried in this order, which saves looking for the best fit of
    each of many amounts."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds: list[CoreSchema | tuple[CoreSchema, str]] = [
            core_schema.str_schema(strict=True),
            core_schema.decimal_schema(strict=True, allow_inf_nan=True),
            core_schema.int_schema(strict=True),
            core_schema.none_schema(),
        ]
        return core_schema.union_schema(
            kinds, mode="left_to_right", custom_error_type="decimal_type", custom_error_context={}
        )


RawAmount = Annotated[str | Decimal | int | None, _Amount()]
"""An amount in decoded JSON: decimal text, a number (`Decimal`, never a float), or nothing."""

Anything = Annotated[Any, "number"]
"""What is read as it comes, and is a number where it is as it should be."""

FLOAT_TOLERANCE: Final = Decimal("0.000001")
"""USD by which sums of amounts that the provider sends as floats may differ from its own total."""


def amount(raw: RawAmount, where: str) -> Decimal | None:
    """The amount, exact; None when there is none.

    Raises:
        ContractError: Text that is not a finite number.
    """
    if raw is None:
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ContractError(unexpected(where, say("an amount is not a number")))
    return value


USD: Final = "usd"
_DIGITS_BEFORE: Final = 26
_DIGITS_AFTER: Final = 100


def believable_amount(raw: RawAmount, where: str) -> Decimal | None:
    """`amount`, for lines of which an odd one is left out alone.

    Raises:
        ContractError: No finite number, or one that no bill holds and no sum could keep: of more than 26 digits before
            the point, or 100 behind it.
    """
    value = amount(raw, where)
    if value is None:
        return None
    exponent = value.as_tuple().exponent
    if (value and value.adjusted() >= _DIGITS_BEFORE) or (isinstance(exponent, int) and exponent < -_DIGITS_AFTER):
        raise ContractError(unexpected(where, say("an amount is out of all proportion")))
    return value


_FINE: Final = 16
"""Decimals from which on finer ones do not matter: looking at each of many amounts takes time."""


@dataclass(slots=True)
class Written:
    """How amounts were written: how many they are, how many decimals the finest of them has (as far as 16), and whether
    all of them came as text."""

    lines: int = 0
    places: int = 0
    as_text: bool = True

    @classmethod
    def of(cls, amounts: Iterable[tuple[Decimal | None, RawAmount]]) -> Self:
        """How some amounts, each beside what it came as, were written; those that are not there do not count."""
        written = cls()
        for value, raw in amounts:
            if value is not None:
                written.add(value, raw)
        return written

    @classmethod
    def of_all(cls, several: Sequence[Written]) -> Self:
        """How the amounts of several reports were written."""
        return cls(
            lines=sum(one.lines for one in several),
            places=max(one.places for one in several),
            as_text=all(one.as_text for one in several),
        )

    def add(self, value: Decimal, raw: RawAmount) -> None:
        """Note one amount and how it came."""
        self.lines += 1
        if self.as_text and not isinstance(raw, str):
            self.as_text = False
        if self.places >= _FINE:
            return
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.places:
            self.places = -exponent


def dollars_or_unit(value: Decimal | None, currency: str | None) -> tuple[Decimal | None, Units]:
    """An amount as a cost in USD, or as the unit that holds another currency: that is never counted as dollars.

    An API that promises dollars need not name them: no currency stands for USD.
    """
    if value is None or not currency or currency == USD or currency.lower() == USD:
        return value, NO_UNITS
    return None, ((cost_unit(currency), value),)


def foreign_gaps(records: Iterable[UsageRecord], tell: Callable[[str], Sentence]) -> tuple[Gap, ...]:
    """The gap of money in other currencies than USD; `tell` makes its sentence from their names (`CHF, EUR`)."""
    prefix = cost_unit("")
    units = {unit for record in records for unit, _ in record.units if unit.startswith(prefix)}
    names = ", ".join(sorted(unit.removeprefix(prefix).upper() for unit in units))
    return (Gap(kind=GapKind.UNAVAILABLE, sentence=tell(names)),) if units else ()


def sum_known(amounts: Iterable[Decimal | None]) -> Decimal:
    """Sum of the known amounts, without rounding; 0 where none is known."""
    return exact_sum(amounts) or Decimal(0)


def cost_of(records: Iterable[UsageRecord]) -> Decimal:
    """USD over all records; 0 where none has a cost."""
    return sum_known(record.cost for record in records)


def rounded_amounts(counts: Iterable[int]) -> tuple[Sentence, ...]:
    """A remark on amounts that had more decimals than the table holds."""
    amounts = sum(counts)
    return (say("Amounts rounded to the 38th decimal: {number}.", number=amounts),) if amounts else ()
