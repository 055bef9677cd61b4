"""Usage records at the grain of days, as a Parquet file and back.

One line is a `UsageRecord`. Columns, in this order:

- `month` (text, `2026-01`), `provider`, `account`, `organisation` (text or null): the reading's.
- `day` (date, UTC; null where the provider tells no days), `workspace`, `project`, `api_key`, `model`, `item` (text or
  null): ids as the provider has them, and what the line is for.
- `cost` (USD), an exact decimal; null where the provider tells no money.
- `allocated` (USD), an exact decimal: the part of `cost` that the provider tells without a key, and that was divided by
  usage; null where nothing was. Files of older versions do not have it.
- `tokens_input`, `tokens_output`, `requests` (64-bit integers or null), `missing_amounts` (how many amounts were
  announced and not given).
- one column for each unit of `usage.records.record.Unit` (`characters`, `hours`, …), exact decimals or null, and one
  for each other currency that occurs (`cost_eur`).

Decimals have 38 digits, 24 of them after the point, as most readers of Parquet take no more. A column with an amount
that has more becomes one of 76 digits, 38 of them after the point: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive.files import columns as arrow
from usage.money import exact_sum, plain
from usage.month import Month
from usage.names import Source
from usage.records.record import Unit, UsageRecord

SUFFIX: Final = ".parquet"
_READING: Final = ("month", "provider", "account", "organisation")
_IDS: Final = ("workspace", "project", "api_key", "model", "item")
_MONEY: Final = ("cost", "allocated")
_COUNTS: Final = ("tokens_input", "tokens_output", "requests", "missing_amounts")
_FIELDS: Final = frozenset(("day", *_IDS, *_MONEY, *_COUNTS))
_LAID_OUT: Final[Mapping[pa.DataType, Callable[[Sequence[Any]], pa.Array]]] = {
    pa.date32(): arrow.days,
    pa.string(): arrow.texts,
    pa.int64(): arrow.counts,
}
_USUAL: Final = pa.decimal128(38, 24)
_LAST: Final = Decimal(1).scaleb(-24)
_FITS: Final = Context(prec=38, traps=[Inexact, InvalidOperation])
_MANY: Final = 5_000
"""Lines that are laid out at once, at least: all of a huge month would be there several times over."""
_WIDE: Final = pa.decimal256(76, 38)


def write_days(records: Iterable[UsageRecord], source: Source, month: Month, organisation: str | None) -> bytes:
    """The records as a Parquet file; the same records, in whatever order, give the same bytes."""
    lines = tuple(records)
    reading = dict(zip(_READING, (str(month), source.provider.value, source.account, organisation), strict=True))
    try:
        return _written(lines, reading, _usual_kinds(lines))
    except pa.ArrowInvalid:
        # An amount has more digits.
        return _written(lines, reading, _exact_kinds(lines))


def _written(
    lines: Sequence[UsageRecord], reading: Mapping[str, str | None], kinds: Mapping[str, pa.DataType]
) -> bytes:
    schema = pa.schema([(name, pa.string()) for name in reading] + list(kinds.items()))
    sink = pa.BufferOutputStream()
    # Figures are rarely the same: listing each once would take time, and more room.
    repeated = [field.name for field in schema if field.type in (pa.string(), pa.date32())]
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=repeated) as writer:
        for some in _some_days(lines):
            first = [arrow.same_text(value, len(some)) for value in reading.values()]
            writer.write_table(pa.Table.from_arrays([*first, *_ordered(some, kinds)], schema=schema))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _some_days(lines: Iterable[UsageRecord]) -> Iterator[list[UsageRecord]]:
    """The lines by day, as many days together as are a good part of a file; those without a day come last."""
    days: dict[date, list[UsageRecord]] = {}
    for line in lines:
        days.setdefault(line.day or date.max, []).append(line)
    some: list[UsageRecord] = []
    for day in sorted(days):
        some += days[day]
        if len(some) >= _MANY:
            yield some
            some = []
    yield some


def _usual_kinds(lines: Iterable[UsageRecord]) -> dict[str, pa.DataType]:
    """The columns that hold records, and their types as they are as a rule."""
    return {
        "day": pa.date32(),
        **dict.fromkeys(_IDS, pa.string()),
        **dict.fromkeys(_MONEY, _USUAL),
        **dict.fromkeys(_COUNTS, pa.int64()),
        **dict.fromkeys([*map(str, Unit), *sorted(_units(lines) - set(Unit))], _USUAL),
    }


def _exact_kinds(lines: Sequence[UsageRecord]) -> dict[str, pa.DataType]:
    """The same, those of amounts as wide as they have to be."""
    usual = _usual_kinds(lines)
    return usual | {
        name: _WIDE for name, kind in usual.items() if kind is _USUAL and not all(map(_fits, _values(lines, name)))
    }


def _fits(amount: Decimal | None) -> bool:
    try:
        return amount is None or _FITS.quantize(amount, _LAST) is not None
    except DecimalException:
        return False


def _units(lines: Iterable[UsageRecord]) -> set[str]:
    """The units that some of the lines have."""
    return {name for line in lines if line.units for name, _ in line.units}


def _values(lines: Iterable[UsageRecord], name: str) -> list[Any]:
    """What a column holds."""
    if name in _FIELDS:
        return list(map(attrgetter(name), lines))
    return [exact_sum(amount for unit, amount in line.units if unit == name) for line in lines]


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if all(value is None for value in values):
        return pa.nulls(len(values), kind)
    return _LAID_OUT[kind](values) if kind in _LAID_OUT else arrow.amounts(values, kind)


def _ordered(lines: Sequence[UsageRecord], kinds: Mapping[str, pa.DataType]) -> list[pa.Array]:
    """The columns of some lines."""
    columns = {name: pa.nulls(len(lines), kind) for name, kind in kinds.items()}
    for name in _FIELDS | _units(lines):
        columns[name] = _column(_values(lines, name), kinds[name])
    # Columns without a value have no order, and would only be copied.
    told = {name: columns[name] for name in kinds if columns[name].null_count < len(lines)}
    if told:
        # Of lines that agree in all of it, any may come first.
        table = pa.Table.from_arrays(list(told.values()), names=list(told))
        order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in told])
        columns |= {name: column.take(order) for name, column in told.items()}
    return [columns[name] for name in kinds]


def read_days(content: bytes) -> tuple[UsageRecord, ...]:
    """The records in a Parquet file of the archive.

    Raises:
        ValueError: It is no such file. (`pyarrow.ArrowInvalid` is one.)
    """
    table = pq.read_table(pa.BufferReader(content))
    units = [name for name in table.column_names if name not in (*_READING, "day", *_IDS, *_MONEY, *_COUNTS)]
    return tuple(_record(line, units) for line in table.to_pylist())


def _record(line: dict[str, Any], units: Sequence[str]) -> UsageRecord:
    return UsageRecord(
        day=line["day"],
        **{name: line[name] for name in _IDS},
        cost=_plain(line["cost"]),
        allocated=_plain(line.get("allocated")),
        **{name: line[name] for name in _COUNTS},
        units=tuple((unit, plain(line[unit])) for unit in sorted(units) if line[unit] is not None),
    )


def _plain(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else plain(amount)
