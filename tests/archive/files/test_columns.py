from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.files import columns

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
AMOUNTS = st.none() | st.decimals(-(10**13), 10**13, allow_nan=False, places=24)


@given(st.lists(TEXTS))
def test_texts(values: list[str | None]) -> None:
    column = columns.texts(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))


@given(st.lists(st.none() | st.dates()))
def test_days(values: list[date | None]) -> None:
    column = columns.days(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.date32()))


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_counts(values: list[int | None]) -> None:
    column = columns.counts(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.int64()))


@given(st.lists(AMOUNTS))
def test_amounts(values: list[Decimal | None]) -> None:
    column = columns.amounts(values, pa.decimal128(38, 24))
    column.validate(full=True)
    assert column.to_pylist() == values


@pytest.mark.parametrize("text", ["1e-25", "123456789012345", "NaN"])
def test_nothing_is_rounded(text: str) -> None:
    with pytest.raises(ValueError, match=r"recision|loss|number"):
        columns.amounts([Decimal(text)], pa.decimal128(38, 24))


@given(TEXTS, st.integers(0, 20))
def test_the_same_text(value: str | None, count: int) -> None:
    assert columns.same_text(value, count).equals(pa.array([value] * count, pa.string()))


def test_pandas_is_not_imported_to_keep_a_reading() -> None:
    program = (
        "import sys\nfrom datetime import date\nfrom decimal import Decimal\n"
        "from archive.files.days import write_days\n"
        "from usage.month import Month\nfrom usage.names import ProviderName, Source\n"
        "from usage.records.record import UsageRecord\n"
        "record = UsageRecord(day=date(2026, 1, 1), project='p', cost=Decimal('1.5'), tokens_input=3)\n"
        "write_days([record], Source(provider=ProviderName.OPENAI), Month(2026, 1), None)\n"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
