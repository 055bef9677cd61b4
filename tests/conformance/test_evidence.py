"""What every provider has to bring for the archive: days, and answers from which the same can be read again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import FolderStore
from providers.reading import KeptReading, read_again
from tests.conformance.desk import Case, Desk
from usage.errors import SourceError
from usage.month import Month
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange

JANUARY = Month(2026, 1)


def without_counts(report: SourceReport) -> SourceReport:
    """The report without what is about the asking itself."""
    return report.model_copy(update={"pages": 0, "requests": 0})


@pytest.mark.parametrize("month", ["2026-01", "2026-02"])
def test_records_keep_their_days(desk: Desk, month: str) -> None:
    report = desk.read(month)
    days = {record.day for record in report.records if record.cost is not None}
    assert None not in days
    assert len(days) > 10
    assert all(day is not None and report.month.contains(day) for day in days)
    whole = report.by_month()
    assert {record.day for record in whole.records} == {None}
    assert desk.rows(report) == desk.rows(whole)


@pytest.mark.parametrize("month", ["2026-01", "2025-12", "2026-02"])
def test_what_was_kept_is_read_again_to_the_same_report(desk: Desk, month: str) -> None:
    for source in desk.sources:
        exchanges: list[Exchange] = []
        report = desk.read(month, source, listener=exchanges.append)
        desk.server.journal.clear()
        again = asyncio.run(read_again(desk.settings(), source, report.month, KeptReading(exchanges, report.read_at)))
        assert without_counts(again) == without_counts(report)
        assert not desk.server.journal.requests()


def test_the_running_month_is_asked_for_as_it_was_whatever_the_servers_clock_says(desk: Desk) -> None:
    exchanges: list[Exchange] = []
    report = desk.read("2026-02", listener=exchanges.append)
    read_at = report.read_at + timedelta(days=1)
    kept = KeptReading(exchanges, read_at, begun_at=report.read_at)
    again = asyncio.run(read_again(desk.settings(), report.source, report.month, kept))
    assert again.read_at == read_at
    assert again.records == report.records
    assert again.gaps == report.gaps


def test_a_reading_in_the_archive_has_no_key_and_no_address_of_a_person(desk: Desk, tmp_path: Path) -> None:
    archive, log = Archive(FolderStore(tmp_path)), AnswerLog()
    report = desk.read(listener=log.add)
    entry = archive.keep(report, log)
    assert sorted(archive.records(entry), key=repr) == sorted(report.records, key=repr)
    exchanges = list(archive.exchanges(entry))
    key = desk.settings().credential(report.source).key.get_secret_value()
    everything = (
        b"".join(one.content + repr(one.question).encode() for one in exchanges) + entry.model_dump_json().encode()
    )
    assert key.encode() not in everything
    assert b"@" not in everything
    again = asyncio.run(read_again(desk.settings(), report.source, JANUARY, KeptReading(exchanges, report.read_at)))
    assert without_counts(again).by_month().records == without_counts(report).by_month().records
    assert again.control == report.control


def test_without_the_money_that_was_kept_nothing_is_made_up(case: Case, desk: Desk) -> None:
    exchanges: list[Exchange] = []
    report = desk.read(listener=exchanges.append)
    kept = [one for one in exchanges if not one.question.path.endswith(case.money)]
    reading = read_again(desk.settings(), report.source, JANUARY, KeptReading(kept, report.read_at))
    if case.money_apart:
        again = asyncio.run(reading)
        assert again.missing
        assert all(record.cost is None for record in again.records)
    else:
        with pytest.raises(SourceError):
            asyncio.run(reading)
