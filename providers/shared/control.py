"""A provider's own total, held against the sum of what was read."""

from __future__ import annotations

from decimal import Decimal

from providers.shared.amounts import FLOAT_TOLERANCE, Written
from usage.money import difference
from usage.outcomes.report import Control


def control(
    total: Decimal, summed: Decimal, *, exact: bool, written: Written | None = None, of_total: Written | None = None
) -> Control:
    """A provider's own total against the sum of the records (USD).

    Lines that were rounded one by one differ from a total that was rounded once by up to half a unit of the last digit
    for each of them. The last digit is the finest that occurs: zeros at the end are often not written.

    Args:
        total: What the provider says all of it is, USD.
        summed: The sum of the lines, USD.
        exact: True when amounts came as decimal text. Floats may differ by `FLOAT_TOLERANCE` in any case.
        written: How the lines were written, in the unit of `total`; without it they count as not rounded.
        of_total: How the total was written.
    """
    tolerance = Decimal(0) if exact else FLOAT_TOLERANCE
    if written is not None and written.lines > 1:
        places = max(written.places, of_total.places if of_total else 0)
        tolerance = max(tolerance, written.lines * Decimal(5).scaleb(-places - 1))
    return Control(total=total, summed=summed, agrees=abs(difference(total, summed)) <= tolerance)
