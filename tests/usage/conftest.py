from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.records.record import Unit, UsageRecord

MakeReport = Callable[..., SourceReport]

_AMOUNTS = st.builds(
    lambda number, places: Decimal(number).scaleb(-places), st.integers(-(10**20), 10**20), st.integers(0, 38)
)
_COUNTS = st.none() | st.integers(0, 10**12)
_IDS = st.sampled_from([None, "a", "b", "c"])
_RECORDS = st.builds(
    lambda record, billed: replace(record, item=None) if billed else replace(record, model=None),
    st.builds(
        UsageRecord,
        workspace=_IDS,
        project=_IDS,
        api_key=_IDS,
        model=st.sampled_from([None, "gpt-4o", "tts-1", "🤖"]),
        item=st.sampled_from([None, "web search tool calls"]),
        cost=st.none() | _AMOUNTS,
        tokens_input=_COUNTS,
        tokens_output=_COUNTS,
        requests=_COUNTS,
        units=st.dictionaries(st.sampled_from([Unit.HOURS.value, "cost_eur"]), _AMOUNTS).map(
            lambda units: tuple(sorted(units.items()))
        ),
        missing_amounts=st.integers(0, 2),
    ),
    st.booleans(),
)


@pytest.fixture(scope="session")
def record_lists() -> st.SearchStrategy[list[UsageRecord]]:
    """Lists of records over few ids, so that many of them meet in one row, with amounts of up to 38 decimals."""
    return st.lists(_RECORDS, max_size=30)


@pytest.fixture(scope="session")
def make_report() -> MakeReport:
    """A report of January 2026, read in February; every field can be given."""

    def make(*records: UsageRecord, provider: ProviderName = ProviderName.OPENAI, **more: object) -> SourceReport:
        fields: dict[str, object] = {
            "source": Source(provider=provider),
            "month": Month(2026, 1),
            "read_at": datetime(2026, 2, 5, 8, tzinfo=UTC),
        }
        return SourceReport(records=records, **(fields | more))

    return make
