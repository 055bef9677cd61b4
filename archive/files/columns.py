"""Columns of Arrow's from lists of plain values.

Arrow's own conversion imports pandas, for a look at whether the values are any of its: a quarter of a second and 35 MiB
that keeping a reading has no other use for. So the values' bytes are laid out here, as the columnar format has them.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, count
from typing import Any, Final, TypeVar

import pyarrow as pa

T = TypeVar("T")
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def texts(values: Sequence[str | None]) -> pa.Array:
    """Text, of which as a rule much is the same."""
    return _repeated(values, _texts)


def same_text(value: str | None, lines: int) -> pa.Array:
    """The same text so many times."""
    return _texts([value]).take(_whole(pa.int32(), array("i", bytes(4 * lines))))


def days(values: Sequence[date | None]) -> pa.Array:
    """Dates."""
    return _repeated(values, _days)


def counts(values: Sequence[int | None]) -> pa.Array:
    """Whole numbers.

    Raises:
        OverflowError: One has more than 64 bits.
    """
    return _column(pa.int64(), values, array("q", [value or 0 for value in values]))


def amounts(values: Sequence[Decimal | None], kind: pa.DataType) -> pa.Array:
    """Exact decimals.

    Raises:
        ValueError: One has more digits than the type holds; nothing is rounded. (`pyarrow.ArrowInvalid` is one.)
    """
    return _texts([None if value is None else str(value or 0) for value in values]).cast(kind)


def _repeated(values: Sequence[T], lay_out: Callable[[Sequence[T]], pa.Array]) -> pa.Array:
    """Values that are laid out once each."""
    places: defaultdict[T, int] = defaultdict(count().__next__)
    numbers = array("i", map(places.__getitem__, values))
    return lay_out(list(places)).take(_whole(pa.int32(), numbers))


def _texts(values: Sequence[str | None]) -> pa.Array:
    told = [value or "" for value in values]
    content = "".join(told)
    # As a rule each character is a byte.
    lengths = map(len, told if content.isascii() else [value.encode() for value in told])
    return _column(pa.string(), values, array("i", accumulate(lengths, initial=0)), content.encode())


def _days(values: Sequence[date | None]) -> pa.Array:
    numbers = array("i", [0 if value is None else value.toordinal() - _FIRST_DAY for value in values])
    return _column(pa.date32(), values, numbers)


def _column(kind: pa.DataType, values: Sequence[object], *content: bytes | array[int]) -> pa.Array:
    missing = values.count(None)
    there = _are_there(values) if missing else None
    return pa.Array.from_buffers(kind, len(values), [there, *map(pa.py_buffer, content)], missing)


def _whole(kind: pa.DataType, numbers: array[int]) -> pa.Array:
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def _are_there(values: Sequence[object]) -> Any:
    """A bit for each value, the first one lowest."""
    bits = "".join(["0" if value is None else "1" for value in reversed(values)])
    return pa.py_buffer(int(bits, 2).to_bytes((len(values) + 7) // 8, "little"))
