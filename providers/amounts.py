"""Amounts of money as answers carry them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from pydantic import Field

from usage.errors import ContractError
from usage.money import difference
from usage.report import Control

RawAmount = Annotated[str | Decimal | int | None, Field(union_mode="left_to_right")]
"""An amount in decoded JSON: decimal text, a number (`Decimal`, never a float), or nothing. Tried in this order, which
saves looking for the best fit of each of many amounts."""

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
        raise ContractError(f"{where} ne répond plus comme prévu : un montant n’est pas un nombre.")
    return value


def control(total: Decimal, summed: Decimal, *, exact: bool) -> Control:
    """A provider's own total against the sum of the records (USD); `exact` when amounts came as decimal text."""
    gap = abs(difference(total, summed))
    return Control(total=total, summed=summed, agrees=gap == 0 if exact else gap <= FLOAT_TOLERANCE)
