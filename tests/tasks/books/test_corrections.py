"""What a page calls a correction: figures of a month that was over, read anew since the month that is told began."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import FolderStore
from tasks.books.corrections import corrections
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.records.record import UsageRecord
from usage.settings import Settings, load_settings

DECEMBER, JANUARY = Month(2025, 12), Month(2026, 1)
LABO = Source(provider=ProviderName.OPENAI, account="labo")


def settings_of(folder: Path | str) -> Settings:
    variables = {"LLM_USAGE_ARCHIVE": str(folder), "OPENAI_ADMIN_KEY_LABO": "x", "OPENAI_ADMIN_KEY_ZWEI": "y"}
    return load_settings(variables, ())


def read(folder: Path, month: Month, at: datetime, cost: str) -> None:
    record = UsageRecord(day=month.last_day, project="p1", api_key="k1", model="m", cost=Decimal(cost))
    report = SourceReport(source=LABO, month=month, read_at=at, records=(record,))
    Archive(FolderStore(folder)).keep(report, AnswerLog())


def test_the_latest_first_and_none_of_a_month_that_ran(tmp_path: Path) -> None:
    read(tmp_path, DECEMBER, datetime(2025, 12, 20, tzinfo=UTC), "1")
    read(tmp_path, DECEMBER, datetime(2026, 1, 2, tzinfo=UTC), "2")
    read(tmp_path, DECEMBER, datetime(2026, 1, 9, tzinfo=UTC), "2.5")
    read(tmp_path, JANUARY, datetime(2026, 2, 2, tzinfo=UTC), "7")
    read(tmp_path, JANUARY, datetime(2026, 2, 4, tzinfo=UTC), "6.000000000000000000000001")
    found = corrections(settings_of(tmp_path), [DECEMBER, JANUARY], JANUARY.start)
    assert found is not None
    assert [(one.month, one.account, one.old, one.new) for one in found] == [
        (JANUARY, "labo", Decimal(7), Decimal("6.000000000000000000000001")),
        (DECEMBER, "labo", Decimal(2), Decimal("2.5")),
    ]
    assert (found[0].day, found[0].owners, found[0].what) == (date(2026, 1, 31), ("p1", "k1"), "m")
    assert corrections(settings_of(tmp_path), [DECEMBER], datetime(2026, 2, 1, tzinfo=UTC)) == ()


def test_without_an_archive_nobody_knows() -> None:
    assert corrections(settings_of("off"), [JANUARY], JANUARY.start) is None


def test_an_archive_that_can_not_be_read_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(tmp_path, JANUARY, datetime(2026, 2, 2, tzinfo=UTC), "7")
    read(tmp_path, JANUARY, datetime(2026, 2, 4, tzinfo=UTC), "6")
    for file in tmp_path.rglob("*.parquet"):
        file.write_bytes(b"damaged")
    assert corrections(settings_of(tmp_path), [JANUARY], JANUARY.start) is None
    assert "The report comes without corrections: " in caplog.text
