"""Ledgers in memory: rows by day or without days, sources that were read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import Proof
from usage.records.record import UsageRecord

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
DECEMBER, JANUARY, FEBRUARY = Month(2025, 12), Month(2026, 1), Month(2026, 2)


def day(month: Month, number: int) -> date:
    return month.first_day + timedelta(days=number - 1)


def record(cost: str | Decimal | None, at: date | None = None, model: str = "m", **more: Any) -> UsageRecord:
    return UsageRecord(day=at, model=model, cost=None if cost is None else Decimal(cost), **more)


def row(
    month: Month, key: str, *records: UsageRecord, provider: ProviderName = ProviderName.OPENAI, **more: Any
) -> LedgerRow:
    fields: dict[str, Any] = {
        "month": month,
        "provider": provider,
        "account": "",
        "key": key,
        "workspace": "",
        "name": key,
        "records": records,
        "by_day": all(one.day is not None for one in records),
    }
    return LedgerRow(**(fields | more))


def source(
    month: Month, provider: ProviderName = ProviderName.OPENAI, account: str = "", read_at: datetime | None = NOW
) -> SourceMonth:
    status = Status.SUCCES if read_at is not None else Status.ECHEC
    proof = Proof(provider=provider, month=month, status=status, read_at=read_at)
    return SourceMonth(provider=provider, account=account, status=status, log="", proof=proof)


def ledger(*rows: LedgerRow, sources: Iterable[SourceMonth] | None = None, now: datetime = NOW) -> Ledger:
    """The months of the rows and sources; where no sources are given, each provider was read in each month."""
    months = sorted({one.month for one in rows} | {s.proof.month for s in sources or () if s.proof is not None})
    every = list(sources) if sources is not None else None

    def of(month: Month) -> tuple[SourceMonth, ...]:
        if every is None:
            return tuple(source(month, name, read_at=now) for name in ProviderName)
        return tuple(one for one in every if one.proof is not None and one.proof.month == month)

    return Ledger(tuple(MonthLedger(one, tuple(r for r in rows if r.month == one), of(one)) for one in months), now)


amounts = st.none() | st.decimals(-1000, 10**6, allow_nan=False, allow_infinity=False, places=9)


@st.composite
def rows(draw: st.DrawFn, month: Month) -> list[LedgerRow]:
    """Rows of some things, by day or not; some without a cost, some twice."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        by_day = draw(st.booleans())
        numbers = st.integers(1, month.days)
        records = [
            record(draw(amounts), day(month, draw(numbers)) if by_day else None, draw(st.sampled_from("abc")))
            for _ in range(draw(st.integers(1, 4)))
        ]
        found.append(
            row(
                month,
                draw(st.sampled_from(["p1", "p2", "w1", "(sans projet)"])),
                *records,
                provider=draw(st.sampled_from([ProviderName.OPENAI, ProviderName.DEEPGRAM])),
                workspace=draw(st.sampled_from(["", "default", "w1"])),
                own=tuple(OwnColumn("Client", (name,)) for name in draw(st.sets(st.sampled_from("AB"), max_size=1))),
            )
        )
    return found


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """January and February, read at some moment of either month or later; some sources never."""
    sources = []
    for month in (JANUARY, FEBRUARY):
        for provider in draw(st.sets(st.sampled_from([ProviderName.OPENAI, ProviderName.DEEPGRAM]))):
            hours = draw(st.none() | st.integers(0, 24 * 60))
            at = None if hours is None else month.start + timedelta(hours=hours)
            sources.append(source(month, provider, read_at=at))
    now = FEBRUARY.start + timedelta(hours=draw(st.integers(0, 24 * 60)))
    return ledger(*draw(rows(JANUARY)), *draw(rows(FEBRUARY)), sources=sources, now=now)
