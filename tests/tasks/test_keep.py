from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from archive.opening import open_archive
from tasks.keep import Keeper
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Question
from usage.records.record import UsageRecord
from usage.settings import Settings, load_settings

AT = datetime(2026, 2, 5, tzinfo=UTC)
RECORD = UsageRecord(day=date(2026, 1, 3), project="p", model="m", cost=Decimal("1.25"))
REPORT = SourceReport(
    source=Source(provider=ProviderName.OPENAI), month=Month(2026, 1), read_at=AT, records=(RECORD,), days_read=31
)
EXCHANGE = Exchange(Question("GET", "/costs"), 200, AT, b"{}")


def settings(archive: str) -> Settings:
    return load_settings({"OPENAI_ADMIN_KEY": "sk-admin-x", "LLM_USAGE_ARCHIVE": archive}, ())


def test_a_reading_is_kept_with_its_answers(tmp_path: Path) -> None:
    keeper = Keeper(settings(str(tmp_path / "archive")))
    assert keeper.listener is not None
    keeper.listener(EXCHANGE)
    assert not keeper.keep(REPORT, AT)
    archive = open_archive(settings(str(tmp_path / "archive")))
    assert archive is not None
    (entry,) = archive.entries()
    assert archive.records(entry) == (RECORD,)
    assert list(archive.exchanges(entry)) == [EXCHANGE]


def test_nothing_is_kept_where_the_archive_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    keeper = Keeper(settings("off"))
    assert keeper.listener is None
    assert not keeper.keep(REPORT, AT)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_refuses_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file")
    sentence = Keeper(settings(str(tmp_path / "archive"))).keep(REPORT, AT)
    assert sentence.en.startswith("the archive")
    assert "LLM_USAGE_ARCHIVE" in sentence.en


def test_a_figure_that_no_column_holds_is_a_sentence(tmp_path: Path) -> None:
    report = REPORT.model_copy(update={"records": (replace(RECORD, tokens_input=2**70),)})
    sentence = Keeper(settings(str(tmp_path / "archive"))).keep(report, AT)
    assert "report it" in sentence.en
