"""The archive: readings are kept in it, listed, read again, and taken away when they are old.

Below its address lie, for each month and source, `journal/` (an entry for each reading), `records/` (its records by
day) and `answers/` (the provider's own). A file is named by what is in it, so that an unchanged reading takes no
more room than an entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Final

from archive import answers, days, journal
from archive.answers import AnswerLog, read_answers
from archive.days import read_days, write_days
from archive.journal import Entry, Kept
from archive.store import Store, StoredFile
from usage.errors import ArchiveError, SettingsError
from usage.money import exact_sum
from usage.month import Month
from usage.names import Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange
from usage.records.record import UsageRecord

_FOLDERS: Final = (journal.FOLDER, "records", "answers")
"""In the order in which a month goes: an entry never names what is gone."""


class DamagedError(ArchiveError):
    """A file of the archive is not what was written, or gone; the message names it, and what can be done."""


@dataclass(frozen=True, slots=True)
class Prune:
    """What a prune takes away: whole months, and the files in them."""

    months: tuple[Month, ...]
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(one.size for one in self.files)


class Archive:
    """Readings at one address.

    Args:
        store: Where the files lie.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def address(self) -> str:
        """Where it lies, without anything secret."""
        return self._store.address

    def keep(self, report: SourceReport, log: AnswerLog) -> Entry:
        """Keep a reading; what is there already is not written again.

        Args:
            report: What was read, its records at the grain of days.
            log: The answers that it was made from; nothing can be added to it afterwards.

        Raises:
            ArchiveError: The disk is full, or the object store refuses.
        """
        entry = Entry.of(
            report,
            version=version("llm-usage"),
            cost=exact_sum(record.cost for record in report.records),
            records=self._keep_records(report),
            answers=self._keep_answers(report, log),
        )
        self._store.write(entry.path, entry.model_dump_json(indent=1).encode())
        return entry

    def entries(self, month: Month | None = None, source: Source | None = None) -> Iterator[Entry]:
        """The entries of all readings, of a month's or of a source's month, oldest reading first within each.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: An entry can't be read.
        """
        for file in self._store.files(_place(journal.FOLDER, month, source)):
            content = self._store.read(file.path)
            if content is None:
                # A prune has come by.
                continue
            try:
                yield Entry.model_validate_json(content)
            except ValueError:
                advice = "take it away, and one reading is lost with it"
                raise DamagedError(f"{file.path}: this entry of the archive can't be read: {advice}") from None

    def latest(self, month: Month, source: Source) -> Entry | None:
        """The entry of the latest reading of a source's month.

        Raises:
            ArchiveError: As `entries`.
        """
        return max(self.entries(month, source), key=lambda entry: entry.read_at, default=None)

    def records(self, entry: Entry) -> tuple[UsageRecord, ...]:
        """The records of a reading, at the grain of days.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: They are not what was written.
        """
        return read_days(self._content(entry.records))

    def exchanges(self, entry: Entry) -> Iterator[Exchange]:
        """The answers of a reading, in the order in which they came.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: They are not what was written.
        """
        return read_answers(self._content(entry.answers))

    def plan_prune(self, first: Month) -> Prune:
        """What would go if the months before `first` went; nothing is changed.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        files = [file for folder in _FOLDERS for file in self._store.files(folder)]
        old = [(month, file) for file in files if (month := _month_of(file)) is not None and month < first]
        return Prune(tuple(sorted({month for month, _ in old})), tuple(file for _, file in old))

    def prune(self, planned: Prune) -> None:
        """Take away what `plan_prune` has found.

        Raises:
            ArchiveError: The disk or the object store refuses; what is gone by then stays gone.
        """
        for month in planned.months:
            for folder in _FOLDERS:
                self._store.remove(_place(folder, month))

    def _keep_records(self, report: SourceReport) -> Kept:
        content = write_days(report.records, report.source, report.month, report.organisation)
        digest = sha256(content).hexdigest()
        path = f"{_place('records', report.month, report.source)}/{digest}{days.SUFFIX}"
        if self._store.read(path) != content:
            self._store.write(path, content)
        return Kept(path=path, sha256=digest, size=len(content))

    def _keep_answers(self, report: SourceReport, log: AnswerLog) -> Kept:
        # The times of the answers are others in each reading: the name is made from what they say.
        path = f"{_place('answers', report.month, report.source)}/{log.digest}{answers.SUFFIX}"
        content = self._store.read(path)
        if content is None or not _is_whole(content, log.count):
            content = log.content()
            self._store.write(path, content)
        return Kept(path=path, sha256=sha256(content).hexdigest(), size=len(content))

    def _content(self, kept: Kept) -> bytes:
        content = self._store.read(kept.path)
        if content is None or sha256(content).hexdigest() != kept.sha256:
            what = "is gone" if content is None else "is not what was written"
            raise DamagedError(
                f"{kept.path}: this file of the archive {what}. Collecting the month again keeps a new reading"
            )
        return content


def _place(folder: str, month: Month | None = None, source: Source | None = None) -> str:
    """The folder of all months, of one month, or of one source in it."""
    parts = [folder]
    if month is not None:
        parts.append(str(month))
        parts += [source.provider.value, source.account] if source is not None else []
    return "/".join(parts)


def _month_of(file: StoredFile) -> Month | None:
    try:
        return Month.parse(file.path.split("/")[1])
    except (IndexError, SettingsError):
        # Not a file of ours: it stays.
        return None


def _is_whole(content: bytes, count: int) -> bool:
    try:
        return sum(1 for _ in read_answers(content)) == count
    except (ValueError, OSError):
        return False
