from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from archive.archive import Archive, AskedTogether, DamagedError
from archive.files.answers import AnswerLog
from archive.files.days import write_days
from archive.journal import Entry
from archive.store import FolderStore, Store, StoredFile, open_store
from tests.archive.conftest import Bucket
from usage.errors import ArchiveError
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange, Question
from usage.records.record import UsageRecord

SOURCE = Source(provider=ProviderName.DEEPGRAM)
JANUARY = Month(2026, 1)
RECORD = UsageRecord(day=date(2026, 1, 3), project="p1", model="nova-3", cost=Decimal("1.25"))
AT = datetime(2026, 2, 5, 8, tzinfo=UTC)


def report(*records: UsageRecord, month: Month = JANUARY, at: datetime = AT) -> SourceReport:
    return SourceReport(source=SOURCE, month=month, read_at=at, records=records, organisation="org-1", days_read=31)


def log(content: bytes = b'{"results":[]}', at: datetime = AT) -> AnswerLog:
    answers = AnswerLog()
    answers.add(Exchange(Question("GET", "/v1/usage"), 200, at, content))
    return answers


class Dying:
    """A store of a program that is killed at its n-th write: that one, and all later ones, are not done."""

    def __init__(self, store: Store, lives: int) -> None:
        self._store, self._lives = store, lives

    @property
    def address(self) -> str:
        return self._store.address

    def write(self, path: str, content: bytes) -> None:
        self._lives -= 1
        if self._lives < 0:
            raise ArchiveError(Sentence.of("No space left on device"))
        self._store.write(path, content)

    def read(self, path: str) -> bytes | None:
        return self._store.read(path)

    def files(self, folder: str) -> Iterator[StoredFile]:
        return self._store.files(folder)

    def remove(self, folder: str) -> None:
        self._store.remove(folder)


@pytest.fixture(params=["folder", "memory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "bucket":
        bucket: Bucket = request.getfixturevalue("bucket")
        return open_store(bucket.address)
    return open_store(str(tmp_path / "a") if request.param == "folder" else f"memory://{tmp_path.name}/archive")


@pytest.fixture
def archive(store: Store) -> Archive:
    return Archive(store)


def test_a_reading_comes_back_whole(archive: Archive) -> None:
    entry = archive.keep(report(RECORD), log())
    assert list(archive.entries()) == [entry]
    assert archive.records(entry) == (RECORD,)
    assert [one.content for one in archive.exchanges(entry)] == [b'{"results":[]}']
    assert (entry.cost_usd, entry.days_read, entry.organisation) == (Decimal("1.25"), 31, "org-1")


def test_an_unchanged_reading_adds_an_entry_and_no_copy(archive: Archive, store: Store) -> None:
    later = datetime(2026, 2, 6, 8, tzinfo=UTC)
    one, two = archive.keep(report(RECORD), log()), archive.keep(report(RECORD, at=later), log(at=later))
    assert (one.records, one.answers) == (two.records, two.answers)
    assert one.path != two.path
    assert len(list(store.files("records"))) == len(list(store.files("answers"))) == 1
    assert archive.latest(JANUARY, SOURCE) == two


def test_a_changed_reading_stands_beside_the_old_one(archive: Archive) -> None:
    one = archive.keep(report(RECORD), log())
    changed = replace(RECORD, cost=Decimal("1.26"))
    two = archive.keep(report(changed, at=datetime(2026, 2, 6, tzinfo=UTC)), log(b"{}"))
    assert (archive.records(one), archive.records(two)) == ((RECORD,), (changed,))


def test_entries_of_one_month_and_source(archive: Archive) -> None:
    archive.keep(report(RECORD), log())
    february = archive.keep(report(month=Month(2026, 2)), log())
    assert list(archive.entries(Month(2026, 2))) == [february]
    assert list(archive.entries(Month(2026, 2), Source(provider=ProviderName.OPENAI))) == []
    assert archive.latest(Month(2025, 1), SOURCE) is None


@pytest.mark.parametrize("lives", range(3))
def test_a_program_that_ends_at_any_write_leaves_an_archive_that_opens(store: Store, lives: int) -> None:
    whole = Archive(store).keep(report(RECORD), log())
    with pytest.raises(ArchiveError, match="space"):
        Archive(Dying(store, lives)).keep(report(replace(RECORD, cost=Decimal(9)), at=AT.replace(day=7)), log(b"[1]"))
    archive = Archive(store)
    assert list(archive.entries()) == [whole]
    again = archive.keep(report(replace(RECORD, cost=Decimal(9)), at=AT.replace(day=7)), log(b"[1]"))
    assert [archive.records(one)[0].cost for one in archive.entries()] == [Decimal("1.25"), Decimal(9)]
    assert archive.records(again) == (replace(RECORD, cost=Decimal(9)),)


def test_a_damaged_file_is_named_and_written_again(archive: Archive, store: Store) -> None:
    entry = archive.keep(report(RECORD), log())
    for kept in (entry.records, entry.answers):
        store.write(kept.path, (store.read(kept.path) or b"")[:-3])
    with pytest.raises(DamagedError, match=entry.records.path):
        archive.records(entry)
    with pytest.raises(DamagedError, match=entry.answers.path):
        archive.exchanges(entry)
    again = archive.keep(report(RECORD, at=AT.replace(day=9)), log())
    assert archive.records(again) == (RECORD,)
    assert len(list(archive.exchanges(again))) == 1


def test_an_entry_that_goes_while_they_are_listed(archive: Archive, store: Store) -> None:
    for day in (5, 6, 7):
        archive.keep(report(RECORD, at=AT.replace(day=day)), log())
    entries = archive.entries()
    first = next(entries)
    store.remove("journal")
    assert list(entries) == []
    assert first.read_at.day == 5


def test_a_damaged_entry_is_named(archive: Archive, store: Store) -> None:
    entry = archive.keep(report(RECORD), log())
    store.write(entry.path, b"{")
    with pytest.raises(DamagedError, match=entry.path):
        list(archive.entries())


def test_old_months_are_shown_before_they_go(archive: Archive, store: Store) -> None:
    archive.keep(report(RECORD), log())
    kept = archive.keep(report(RECORD, month=Month(2026, 2)), log())
    store.write("records/notes.txt", b"mine")
    planned = archive.plan_prune(Month(2026, 2))
    assert planned.months == (JANUARY,)
    assert len(planned.files) == 3
    assert planned.size == sum(one.size for one in planned.files) > 0
    assert len(list(archive.entries())) == 2
    archive.prune(planned)
    assert list(archive.entries()) == [kept]
    assert archive.records(kept) == (RECORD,)
    assert store.read("records/notes.txt") == b"mine"
    assert archive.plan_prune(Month(2026, 2)).months == ()


def test_nobody_else_can_read_a_folder(tmp_path: Path) -> None:
    Archive(FolderStore(tmp_path / "deep" / "archive")).keep(report(RECORD), log())
    for path in (tmp_path / "deep" / "archive").rglob("*"):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_file_that_is_not_whole_yet_is_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / ".x.json.0011.part").write_bytes(b"{")
    assert list(store.files("journal")) == []


def test_an_entry_reads_back_as_it_was(archive: Archive) -> None:
    entry = archive.keep(report(RECORD), log())
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


def test_what_months_share_is_kept_once_and_as_long_as_one_of_them_is(archive: Archive) -> None:
    months = (Month(2025, 11), Month(2025, 12), JANUARY)
    shared = AskedTogether(months, [log(b'{"data":[1]}')])
    entries = [archive.keep(report(RECORD, month=month), log(), together=shared) for month in months]
    (path,) = {file.path for one in entries if one.together is not None for file in one.together.answers}
    assert [file.path for one in entries for file in one.files].count(path) == 1
    archive.prune(archive.plan_prune(JANUARY))
    assert [one.content for one in archive.exchanges(entries[-1])] == [b'{"results":[]}', b'{"data":[1]}']
    with pytest.raises(DamagedError):
        archive.exchanges(entries[0])


def test_records_that_are_made_again_are_the_latest_reading_of_the_same_time(archive: Archive) -> None:
    first = archive.keep(report(RECORD), log(), begun_at=AT, key_mark="0123abcd")
    assert archive.keep_again(report(RECORD), first, AT + timedelta(days=9)) is None
    mended = replace(RECORD, cost=Decimal(2))
    again = archive.keep_again(report(mended), first, AT + timedelta(days=9))
    assert again is not None
    assert archive.latest(JANUARY, SOURCE) == again
    assert archive.records(again) == (mended,)
    assert (again.read_at, again.begun_at, again.answers, again.key_mark) == (AT, AT, first.answers, "0123abcd")
    assert archive.sources(JANUARY) == [SOURCE]
    assert not archive.is_empty


def test_records_that_an_older_version_wrote_are_the_same(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_allocated(*arguments: Any) -> bytes:
        table = pq.read_table(pa.BufferReader(write_days(*arguments))).drop_columns("allocated")
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        content: bytes = sink.getvalue().to_pybytes()
        return content

    with monkeypatch.context() as older:
        older.setattr("archive.archive.write_days", without_allocated)
        first = archive.keep(report(RECORD), log())
    assert archive.records(first) == (RECORD,)
    files = sorted(tmp_path.rglob("*.*"))
    assert archive.keep_again(report(RECORD), first, AT + timedelta(days=9)) is None
    assert sorted(tmp_path.rglob("*.*")) == files
