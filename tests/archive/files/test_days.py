from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from archive.files import days
from archive.files.days import read_days, write_days
from usage.month import Month
from usage.names import ProviderName, Source
from usage.records.record import Unit, UsageRecord

SOURCE, MONTH = Source(provider=ProviderName.OPENAI, account="labo"), Month(2026, 1)
AMOUNTS = st.decimals(-(10**20), 10**20, allow_nan=False, places=30).map(lambda value: value.normalize())
WORDS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COUNTS = st.none() | st.integers(-(2**62), 2**62)
UNITS = st.dictionaries(st.sampled_from([*Unit, "cost_eur"]), AMOUNTS, max_size=3)
RECORDS = st.builds(
    UsageRecord,
    day=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 31)),
    workspace=WORDS,
    project=WORDS,
    api_key=WORDS,
    model=WORDS,
    item=WORDS,
    cost=st.none() | AMOUNTS,
    allocated=st.none() | AMOUNTS,
    tokens_input=COUNTS,
    tokens_output=COUNTS,
    requests=COUNTS,
    units=UNITS.map(lambda units: tuple(sorted(units.items()))),
    missing_amounts=st.integers(0, 9),
)


def written(*records: UsageRecord) -> bytes:
    return write_days(records, SOURCE, MONTH, "org-1")


@given(st.lists(RECORDS))
def test_records_come_back_to_the_last_digit_in_whatever_order(records: list[UsageRecord]) -> None:
    content = written(*records)
    assert sorted(read_days(content), key=repr) == sorted(records, key=repr)
    assert written(*reversed(records)) == content


def test_columns_are_those_of_the_document() -> None:
    table = pq.read_table(pa.BufferReader(written(UsageRecord(cost=Decimal("1.5"), units=(("cost_eur", Decimal(2)),)))))
    assert table.column_names == [
        *("month", "provider", "account", "organisation", "day"),
        *("workspace", "project", "api_key", "model", "item", "cost", "allocated"),
        *("tokens_input", "tokens_output", "requests", "missing_amounts"),
        *Unit,
        "cost_eur",
    ]
    assert table.schema.field("cost").type == pa.decimal128(38, 24)
    assert table.slice(0, 1).to_pylist()[0]["provider"] == "openai"


def test_a_file_of_before_costs_were_divided_by_usage_is_read() -> None:
    record = UsageRecord(day=date(2026, 1, 2), api_key="key_1", cost=Decimal("1.5"))
    older = pq.read_table(pa.BufferReader(written(record))).drop_columns(["allocated"])
    sink = pa.BufferOutputStream()
    pq.write_table(older, sink)
    assert read_days(sink.getvalue().to_pybytes()) == (record,)


def test_an_amount_with_more_digits_makes_its_column_wide() -> None:
    record = UsageRecord(cost=Decimal("1e-38"))
    assert read_days(written(record)) == (record,)
    assert read_days(written(record, replace(record, cost=Decimal(1)))) in [
        (record, replace(record, cost=Decimal(1))),
    ]


def test_a_cut_file_is_refused() -> None:
    content = written(UsageRecord(cost=Decimal(1)))
    with pytest.raises(ValueError, match=r"footer|magic|Parquet"):
        read_days(content[:-1])


@given(st.lists(RECORDS, min_size=8, max_size=30))
def test_a_huge_month_is_laid_out_some_days_at_a_time(records: list[UsageRecord]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "_MANY", 4)
        content = written(*records)
        assert written(*reversed(records)) == content
    assert sorted(read_days(content), key=repr) == sorted(records, key=repr)
