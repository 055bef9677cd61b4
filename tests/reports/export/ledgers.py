"""Ledgers to export: awkward names, huge decimals, figures that nobody knows, many units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.month import Month
from usage.names import ProviderName, Status
from usage.records.record import Unit, UsageRecord

JANUARY: Final = Month(2026, 1)
NOW: Final = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
AWKWARD: Final = (
    "=1+1",
    "+49 30",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "a;=cmd|' /C calc'!A0;b",
    "＝1+1",
    'say "hi", twice',
    "two\nlines",
    "Équipe été",
    "مساعد 🤖",
    "http://example.com/x",
    "0012",
    "x" * 40_000,
    "half \ud800 pair",
    "\x07bell",
)
RECORD: Final = UsageRecord(
    day=date(2026, 1, 5), project="p1", model="gpt-5", cost=Decimal("1.25"), tokens_input=1000, tokens_output=20
)
ROW: Final = LedgerRow(
    month=JANUARY,
    provider=ProviderName.OPENAI,
    account="labo",
    key="p1",
    workspace="labo",
    name="Production",
    records=(RECORD,),
    by_day=True,
    status=Status.SUCCES,
)
AMOUNTS: Final = st.builds(
    lambda number, places: Decimal(number).scaleb(-places), st.integers(-(10**20), 10**20), st.integers(0, 38)
)
_COUNTS = st.none() | st.integers(0, 10**12)
_NAMES = st.sampled_from(AWKWARD) | st.text(max_size=20)
_RECORDS = st.builds(
    UsageRecord,
    day=st.none() | st.dates(JANUARY.first_day, JANUARY.last_day),
    workspace=st.none() | st.just("w1"),
    project=st.just("p1"),
    api_key=st.none() | st.just("k1"),
    model=st.none() | _NAMES,
    item=st.none() | _NAMES,
    cost=st.none() | AMOUNTS,
    tokens_input=_COUNTS,
    tokens_output=_COUNTS,
    requests=_COUNTS,
    units=st.dictionaries(st.sampled_from([*(unit.value for unit in Unit), "cost_eur"]), AMOUNTS).map(
        lambda units: tuple(sorted(units.items()))
    ),
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """One month with some rows of all providers."""
    rows = []
    for number in range(draw(st.integers(0, 4))):
        records = tuple(draw(st.lists(_RECORDS, min_size=1, max_size=5)))
        own = draw(
            st.dictionaries(_NAMES.filter(bool), st.lists(_NAMES.filter(bool), min_size=1, max_size=2), max_size=2)
        )
        row = replace(
            ROW,
            provider=draw(st.sampled_from(ProviderName)),
            key=f"p{number}",
            name=draw(_NAMES),
            records=records,
            by_day=all(record.day is not None for record in records),
            own=tuple(OwnColumn(name, tuple(values)) for name, values in own.items()),
        )
        rows.append(row)
    return ledger_of(*rows)


def ledger_of(*rows: LedgerRow) -> Ledger:
    """January with these rows; OpenAI's organisation is known."""
    source = SourceMonth(
        provider=ProviderName.OPENAI,
        account="labo",
        status=Status.SUCCES,
        log="",
        proof=None,
        organisation="org-1",
    )
    return Ledger((MonthLedger(JANUARY, rows, (source,)),), NOW)
