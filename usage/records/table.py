"""The table: one pandas DataFrame of usage records, with exact money, and the sums taken from it.

Columns: `provider`, `account` (text), `workspace`, `project`, `api_key`, `model`, `item` (text or null), `cost` (USD)
and one column `unit:…` for each further unit that occurs (exact decimals or null), `tokens_input`, `tokens_output`,
`requests` (64-bit integers or null), `missing_amounts` (integer), and `allocated` (USD, exact decimal or null) where
any record has it.

Decimals have 38 digits before and 38 after the point, so sums are exact whatever the order of the records; an amount
with more than 26 digits before the point is refused, so that no sum can overflow. Sums keep null where no record has a
figure: what is not reported never becomes 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from usage.errors import ContractError
from usage.language.saying import say
from usage.money import exact_sum, plain
from usage.names import Source
from usage.records.record import DIGITS_AFTER, DIGITS_BEFORE, UNIT, UsageRecord

DIMENSIONS: Final = ("provider", "account", "workspace", "project", "api_key", "model", "item")
COUNTS: Final = ("tokens_input", "tokens_output", "requests", "missing_amounts")


def to_frame(records: Iterable[tuple[Source, Sequence[UsageRecord]]]) -> pd.DataFrame:
    """One DataFrame of all records of several sources; see the module's text for its columns."""
    frames = [_arrow(source, rows) for source, rows in records if rows]
    if not frames:
        return _to_pandas(_arrow(None, []))
    return pd.concat([_to_pandas(frame) for frame in frames], ignore_index=True)


def sum_by(frame: pd.DataFrame, dimensions: Sequence[str]) -> pd.DataFrame:
    """Exact sums of every measure for each combination of the dimensions, in order of first appearance."""
    measures = [name for name in frame.columns if name not in DIMENSIONS and name not in dimensions]
    groups = frame.groupby(list(dimensions), dropna=False, sort=False)
    return groups[measures].sum(min_count=1).reset_index()


def sum_lines(frame: pd.DataFrame, dimensions: Sequence[str]) -> list[dict[str, Any]]:
    """The sums as plain Python, one dictionary a line: None where no record has a figure."""
    table = pa.Table.from_pandas(sum_by(frame, dimensions), preserve_index=False)
    return [
        {name: plain(value) if isinstance(value, Decimal) else value for name, value in line.items()}
        for line in table.to_pylist()
    ]


_WIDEST: Final = pa.decimal256(2 * DIGITS_AFTER, DIGITS_AFTER)
_MOST_COUNTED: Final = 2**62
"""Half of what 64 bits hold, as sums so far are added to fresh records. Arrow wraps around without a word."""


def _arrow(source: Source | None, records: Sequence[UsageRecord]) -> pa.Table:
    units = sorted({unit for record in records for unit, _ in record.units})
    columns: dict[str, pa.Array] = {}
    for name in DIMENSIONS:
        if name in ("provider", "account"):
            word = "" if source is None else (source.provider.value if name == "provider" else source.account)
            columns[name] = pa.array([word] * len(records), pa.string())
        else:
            columns[name] = pa.array([getattr(record, name) for record in records], pa.string())
    for name in COUNTS:
        columns[name] = _counts([getattr(record, name) for record in records], name)
    columns["cost"] = _amounts([record.cost for record in records], "cost")
    if any(record.allocated is not None for record in records):
        columns["allocated"] = _amounts([record.allocated for record in records], "allocated")
    for unit in units:
        columns[UNIT + unit] = _amounts([_unit(record, unit) for record in records], unit)
    return pa.table(columns)


def _counts(counts: list[int | None], what: str) -> pa.Array:
    if sum(abs(count) for count in counts if count) >= _MOST_COUNTED:
        raise ContractError(say("A number ({what}) is larger than the table holds.", what=what))
    return pa.array(counts, pa.int64())


def _amounts(amounts: list[Decimal | None], what: str) -> pa.Array:
    try:
        # 12 digits are left free for sums, which Arrow lets overflow without a word.
        return pa.array(amounts, pa.decimal256(DIGITS_BEFORE + DIGITS_AFTER, DIGITS_AFTER)).cast(_WIDEST)
    except pa.ArrowInvalid:
        raise ContractError(
            say("An amount ({what}) has more digits than the table holds (26 + 38).", what=what)
        ) from None


def _unit(record: UsageRecord, unit: str) -> Decimal | None:
    return exact_sum(amount for name, amount in record.units if name == unit)


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
