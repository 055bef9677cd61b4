"""Columns of Arrow's from lists of plain values.

Arrow's own conversion imports pandas, for a look at whether the values are any of its: a quarter of a second and 35 MiB
that keeping a reading has no other use for. So the values' bytes are laid out here, as the columnar format has them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa

_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def texts(values: Sequence[str | None]) -> pa.Array:
    """Text."""
    told = [value or "" for value in values]
    content = "".join(told).encode()
    # As a rule each character is a byte.
    lengths = map(len, told if len(content) == sum(map(len, told)) else [value.encode() for value in told])
    return _column(pa.string(), values, memoryview(array("i", accumulate(lengths, initial=0))), content)


def same_text(value: str | None, count: int) -> pa.Array:
    """The same text so many times."""
    first = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(bytes(4 * count))])
    return texts([value]).take(first)


def days(values: Sequence[date | None]) -> pa.Array:
    """Dates."""
    known = {value: 0 if value is None else value.toordinal() - _FIRST_DAY for value in dict.fromkeys(values)}
    return _column(pa.date32(), values, memoryview(array("i", [known[value] for value in values])))


def counts(values: Sequence[int | None]) -> pa.Array:
    """Whole numbers.

    Raises:
        OverflowError: One has more than 64 bits.
    """
    return _column(pa.int64(), values, memoryview(array("q", [value or 0 for value in values])))


def amounts(values: Sequence[Decimal | None], kind: pa.DataType) -> pa.Array:
    """Exact decimals.

    Raises:
        ValueError: One has more digits than the type holds; nothing is rounded. (`pyarrow.ArrowInvalid` is one.)
    """
    return texts([None if value is None else str(value or 0) for value in values]).cast(kind)


def _column(kind: pa.DataType, values: Sequence[object], *content: bytes | memoryview) -> pa.Array:
    return pa.Array.from_buffers(
        kind, len(values), [_are_there(values), *map(pa.py_buffer, content)], values.count(None)
    )


def _are_there(values: Sequence[object]) -> Any:
    """A bit for each value, the first one lowest; None where all are there."""
    if None not in values:
        return None
    bits = "".join(["0" if value is None else "1" for value in reversed(values)])
    return pa.py_buffer(int(bits, 2).to_bytes((len(values) + 7) // 8, "little"))
