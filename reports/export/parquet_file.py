"""Tables as Parquet, amounts as exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from reports.export.table import Column, Kind, Line, Table, sound

_USUAL: Final = pa.decimal128(38, 24)
_WIDE: Final = pa.decimal256(76, 38)
"""For columns with an amount of more digits than the usual holds: nothing is rounded. Not every reader knows it."""
_TYPES: Final = {
    Kind.TEXT: pa.string(),
    Kind.DAY: pa.date32(),
    Kind.INSTANT: pa.timestamp("ms", tz="UTC"),
    Kind.AMOUNT: _USUAL,
    Kind.COUNT: pa.int64(),
}
_AT_ONCE: Final = 10_000
"""Lines that memory holds."""


def write_parquet(table: Table[Line], path: Path) -> int:
    """Write a table, and return how many lines it has.

    Args:
        table: The table. Its lines are gone through twice.
        path: The file, which is replaced where there is one.

    Raises:
        OSError: It can't be written.
    """
    wide = _wide_columns(table)
    fields = [
        pa.field(sound(column.name), _WIDE if column.name in wide else _TYPES[column.kind]) for column in table.columns
    ]
    schema = pa.schema(fields)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for lines in _batches(table.lines):
            writer.write_batch(_batch(table.columns, lines, schema))
            count += len(lines)
    return count


def _wide_columns(table: Table[Line]) -> set[str]:
    amounts = [column for column in table.columns if column.kind is Kind.AMOUNT]
    return {column.name for line in table.lines for column in amounts if not _is_usual(column.value(line))}


def _is_usual(amount: Any) -> bool:
    if not isinstance(amount, Decimal) or not amount:
        return True
    # Python drops no zeros, Parquet counts them: 1.50 has two decimals.
    exponent = amount.as_tuple().exponent
    return (
        amount.adjusted() < _USUAL.precision - _USUAL.scale and isinstance(exponent, int) and -exponent <= _USUAL.scale
    )


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    every = iter(lines)
    while batch := list(islice(every, _AT_ONCE)):
        yield batch


def _batch(columns: Iterable[Column[Line]], lines: list[Line], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.array((_value(column, line) for line in lines), field.type, size=len(lines))
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _value(column: Column[Line], line: Line) -> Any:
    value = column.value(line)
    return sound(value) if isinstance(value, str) else value
