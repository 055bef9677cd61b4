"""Usage records at the grain of days, as a Parquet file and back.

One line is a `UsageRecord`. Columns, in this order:

- `month` (text, `2026-01`), `provider`, `account`, `organisation` (text or null): the reading's.
- `day` (date, UTC; null where the provider tells no days), `workspace`, `project`, `api_key`, `model`, `item` (text or
  null): ids as the provider has them, and what the line is for.
- `cost` (USD), an exact decimal; null where the provider tells no money.
- `tokens_input`, `tokens_output`, `requests` (64-bit integers or null), `missing_amounts` (how many amounts were
  announced and not given).
- one column for each unit of `usage.records.record.Unit` (`characters`, `hours`, …), exact decimals or null, and one
  for each other currency that occurs (`cost_eur`).

Decimals have 38 digits, 24 of them after the point, as most readers of Parquet take no more. A column with an amount
that has more becomes one of 76 digits, 38 of them after the point: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive import columns as arrow
from usage.money import exact_sum, plain
from usage.month import Month
from usage.names import Source
from usage.records.record import Unit, UsageRecord

SUFFIX: Final = ".parquet"
_READING: Final = ("month", "provider", "account", "organisation")
_IDS: Final = ("workspace", "project", "api_key", "model", "item")
_COUNTS: Final = ("tokens_input", "tokens_output", "requests", "missing_amounts")
_USUAL: Final = pa.decimal128(38, 24)
_WIDE: Final = pa.decimal256(76, 38)


def write_days(records: Iterable[UsageRecord], source: Source, month: Month, organisation: str | None) -> bytes:
    """The records as a Parquet file; the same records, in whatever order, give the same bytes."""
    lines = tuple(records)
    columns: dict[str, pa.Array] = {"day": arrow.days([record.day for record in lines])}
    for name in _IDS:
        columns[name] = arrow.texts(list(map(attrgetter(name), lines)))
    columns["cost"] = _amounts([record.cost for record in lines])
    for name in _COUNTS:
        columns[name] = arrow.counts(list(map(attrgetter(name), lines)))
    columns |= _unit_columns(lines)
    # Columns that are the same in all lines have no order, and would only be copied.
    told = {name: column for name, column in columns.items() if column.null_count < len(lines)}
    if told:
        # Of lines that agree in all of it, any may come first.
        order = pc.sort_indices(_table(told), sort_keys=[(name, "ascending") for name in told])
        columns |= {name: column.take(order) for name, column in told.items()}
    reading = (str(month), source.provider.value, source.account, organisation)
    first = {name: arrow.same_text(value, len(lines)) for name, value in zip(_READING, reading, strict=True)}
    sink = pa.BufferOutputStream()
    pq.write_table(_table(first | columns), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_days(content: bytes) -> tuple[UsageRecord, ...]:
    """The records in a Parquet file of the archive.

    Raises:
        ValueError: It is no such file. (`pyarrow.ArrowInvalid` is one.)
    """
    table = pq.read_table(pa.BufferReader(content))
    units = [name for name in table.column_names if name not in (*_READING, "day", *_IDS, "cost", *_COUNTS)]
    return tuple(_record(line, units) for line in table.to_pylist())


def _record(line: dict[str, Any], units: Sequence[str]) -> UsageRecord:
    return UsageRecord(
        day=line["day"],
        **{name: line[name] for name in _IDS},
        cost=_plain(line["cost"]),
        **{name: line[name] for name in _COUNTS},
        units=tuple((unit, plain(line[unit])) for unit in sorted(units) if line[unit] is not None),
    )


def _plain(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else plain(amount)


def _unit_columns(records: Sequence[UsageRecord]) -> dict[str, pa.Array]:
    """A column for each unit of ours, and one for each other currency that occurs."""
    used: dict[str, list[Decimal | None]] = {}
    for place, record in enumerate(records):
        for name, value in record.units:
            amounts = used.setdefault(name, [None] * len(records))
            amounts[place] = exact_sum((amounts[place], value))
    names = [*Unit, *sorted(used.keys() - set(Unit))]
    nothing = pa.nulls(len(records), _USUAL)
    return {name: _amounts(used[name]) if name in used else nothing for name in names}


def _amounts(amounts: list[Decimal | None]) -> pa.Array:
    try:
        return arrow.amounts(amounts, _USUAL)
    except ValueError:
        return arrow.amounts(amounts, _WIDE)


def _table(columns: Mapping[str, pa.Array]) -> pa.Table:
    # `pa.table` would import pandas.
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))
