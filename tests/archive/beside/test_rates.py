"""Exchange rates in the archive: what is kept is what is read, to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.archive import Archive
from archive.beside.rates import KeptRate, RateBook
from archive.store import FolderStore
from usage.month import Month

JANUARY = Month(2026, 1)
READ_AT = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)


@given(
    st.decimals("0.000000000001", "1000000", places=12, allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_rate_is_read_as_it_was_kept(rate: Decimal, answer: str) -> None:
    with TemporaryDirectory() as folder:
        book = RateBook(FolderStore(Path(folder)))
        kept = KeptRate(month=JANUARY, currency="EUR", rate=rate, answer=answer, read_at=READ_AT)
        assert book.read("EUR", JANUARY) is None
        book.keep(kept)
        found = book.read("EUR", JANUARY)
        assert found == kept
        assert found is not None
        assert str(found.rate) == str(rate)
        assert book.read("EUR", JANUARY.next()) is book.read("CHF", JANUARY) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"month":"2026-01","currency":"EUR","rate":"0","answer":"","read_at":"2026-02-14T15:30:00Z"}',
        b'{"month":"2025-12","currency":"EUR","rate":"1.1","answer":"","read_at":"2026-02-14T15:30:00Z"}',
    ],
)
def test_what_is_no_rate_of_that_month_counts_as_none(tmp_path: Path, content: bytes) -> None:
    store = FolderStore(tmp_path)
    store.write("rates/EUR/2026-01.json", content)
    assert RateBook(store).read("EUR", JANUARY) is None


def test_rates_are_no_readings_and_are_not_pruned(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    RateBook(store).keep(KeptRate(month=JANUARY, currency="EUR", rate=Decimal("1.1"), answer="", read_at=READ_AT))
    archive = Archive(store)
    assert archive.is_empty
    assert archive.plan_prune(Month(2030, 1)).files == ()
