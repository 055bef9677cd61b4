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

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

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
    ordered = sorted(records, key=_order)
    columns: dict[str, pa.Array] = {}
    for name, value in zip(_READING, (str(month), source.provider.value, source.account, organisation), strict=True):
        columns[name] = pa.array([value] * len(ordered), pa.string())
    columns["day"] = pa.array([record.day for record in ordered], pa.date32())
    for name in _IDS:
        columns[name] = pa.array(map(attrgetter(name), ordered), pa.string())
    columns["cost"] = _amounts([record.cost for record in ordered])
    for name in _COUNTS:
        columns[name] = pa.array(map(attrgetter(name), ordered), pa.int64())
    for unit in _units(ordered):
        columns[unit] = _amounts([exact_sum(value for name, value in one.units if name == unit) for one in ordered])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
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


def _units(records: Iterable[UsageRecord]) -> list[str]:
    used = {name for record in records for name, _ in record.units}
    return [*Unit, *sorted(used - set(Unit))]


def _amounts(amounts: list[Decimal | None]) -> pa.Array:
    try:
        return pa.array(amounts, _USUAL)
    except pa.ArrowInvalid:
        return pa.array(amounts, _WIDE)


def _order(record: UsageRecord) -> tuple[Any, ...]:
    ids = tuple(getattr(record, name) or "" for name in _IDS)
    counts = tuple(-1 if getattr(record, name) is None else getattr(record, name) for name in _COUNTS)
    return record.day or date.min, *ids, record.cost is None, record.cost or Decimal(0), counts, record.units
