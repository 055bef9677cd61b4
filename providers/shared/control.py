"""A provider's own total, held against the sum of what was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from providers.shared.amounts import FLOAT_TOLERANCE, Written
from usage.errors import SourceError
from usage.language.saying import say_count
from usage.language.sentence import Sentence
from usage.money import difference
from usage.outcomes.report import Control, Gap, GapKind
from usage.records.record import UsageRecord

T = TypeVar("T")


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


async def believe_twice(
    first: T, differs: Callable[[T], bool], read_again: Callable[[], Awaitable[T]], *, first_stands: bool = True
) -> T:
    """What was read and compared; where it differs, what a second reading says: a mismatch is believed the second time.

    Args:
        first: What was read and compared.
        differs: Whether a comparison found a mismatch.
        read_again: Reads and compares once more.
        first_stands: True where a second reading that fails leaves the first one believed; else the error goes on.
    """
    if not differs(first):
        return first
    try:
        return await read_again()
    except SourceError:
        if first_stands:
            return first
        raise


def mismatch(checked: Control | None, sentence: Sentence) -> tuple[Gap, ...]:
    """The gap of lines that do not add up to the provider's own total."""
    if checked is None or checked.agrees:
        return ()
    return (Gap(kind=GapKind.MISSING, sentence=sentence),)


def without_missing_amounts(
    records: tuple[UsageRecord, ...], checked: Control | None, whose: Sentence
) -> tuple[tuple[UsageRecord, ...], tuple[Sentence, ...]]:
    """Records, and a remark, of which lines without an amount are shown to cost nothing by a total that agrees
    without them; else the records as they are. `whose` total it is: `OpenAI’s`."""
    lines = sum(record.missing_amounts for record in records)
    if not lines or checked is None or not checked.agrees:
        return records, ()
    remark = say_count(
        "A line is without an amount; {whose} total shows that nothing is missing there.",
        "{number} lines are without an amount; {whose} total shows that nothing is missing there.",
        lines,
        whose=whose,
    )
    return tuple(replace(record, missing_amounts=0) for record in records), (remark,)
