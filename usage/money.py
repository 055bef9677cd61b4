"""Exact amounts. Python's own decimal context rounds every operation to 28 digits; this one does not round at all."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import Final

EXACT: Final = Context(prec=200, traps=[Inexact, InvalidOperation])
"""Adds amounts of up to 200 digits; a rounding would raise instead of passing unseen."""


def exact_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Sum of the known amounts, without rounding; `None` when none is known."""
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    with localcontext(EXACT):
        return sum(known[1:], known[0])


def whole_sum(counts: Iterable[int | None]) -> int | None:
    """Sum of the known counts; `None` when none is known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def difference(left: Decimal, right: Decimal) -> Decimal:
    """`left - right`, without rounding."""
    return EXACT.subtract(left, right)


def cents_to_dollars(cents: Decimal) -> Decimal:
    """A hundredth, without rounding."""
    return cents.scaleb(-2, EXACT)


def plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros and without an exponent."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal("0" if text == "-0" else text)


def digits(amount: Decimal) -> str:
    """Every digit, no exponent, no trailing zeros: `3`, `0.0000001`. A JSON number literal."""
    return f"{plain(amount):f}"


def dollars(amount: Decimal) -> str:
    """Every digit and at least two decimals: `45.50`, `3.00`, `0.0000001`. A JSON number literal."""
    whole, _, decimals = digits(amount).partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def to_the_cent(amount: Decimal) -> str:
    """Rounded to the cent unless that would show nothing: `45.50`, `0.0000001`."""
    rounded = f"{plain(amount):.2f}"
    return dollars(amount) if amount and Decimal(rounded) == 0 else rounded


def tell_apart(left: Decimal, right: Decimal) -> tuple[str, str]:
    """Two different amounts to the first decimal in which they differ, two at least: `45.501`, `45.502`."""
    places = 2
    while left != right and f"{left:.{places}f}" == f"{right:.{places}f}":
        places += 1
    return f"{left:.{places}f}", f"{right:.{places}f}"
