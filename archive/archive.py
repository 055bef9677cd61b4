"""The archive: readings are kept in it, listed, read again, and taken away when they are old.

Below its address lie, for each month and source, `journal/` (an entry for each reading), `records/` (its records by
day) and `answers/` (the provider's own). A file is named by what is in it, so that an unchanged reading takes no
more room than an entry. Beside them lie exchange rates (`archive.beside.rates`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from typing import Final

from archive import journal
from archive.files import answers, days
from archive.files.answers import AnswerLog, read_answers
from archive.files.days import read_days, write_days
from archive.journal import Entry, Kept, KeptTogether
from archive.store import Store, StoredFile
from usage.errors import ArchiveError, SettingsError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.money import exact_sum
from usage.month import Month
from usage.names import Grain, ProviderName, Source
from usage.outcomes.report import SourceReport
from usage.peers.exchange import Exchange
from usage.records.record import UsageRecord

_FOLDERS: Final = (journal.FOLDER, "records", "answers")
"""In the order in which a month goes: an entry never names what is gone."""


class DamagedError(ArchiveError):
    """A file of the archive is not what was written, or gone; the message names it, and what can be done.

    Args:
        path: Of the file.
        what: What is wrong with it, and what to do.
    """

    def __init__(self, path: str, what: Sentence) -> None:
        super().__init__(say("{path}: {what}", path=path, what=what))
        self.path = path


@dataclass(frozen=True, slots=True)
class AskedTogether:
    """What was asked for several months at once, and answered: a log for each report."""

    months: tuple[Month, ...]
    logs: Sequence[AnswerLog]


@dataclass(frozen=True, slots=True)
class Prune:
    """What a prune takes away: whole months, and the files in them."""

    months: tuple[Month, ...]
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(one.size for one in self.files)


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much there is: readings, and bytes of all files."""

    readings: int
    size: int


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

    def keep(
        self,
        report: SourceReport,
        log: AnswerLog,
        *,
        together: AskedTogether | None = None,
        begun_at: datetime | None = None,
        key_mark: str = "",
        grain: Grain | None = None,
    ) -> Entry:
        """Keep a reading; what is there already is not written again.

        Args:
            report: What was read, its records at the grain of days.
            log: The answers that it was made from; nothing can be added to it afterwards.
            together: Those that it shares with other months.
            begun_at: When it was begun, by this machine's clock.
            key_mark: By which the key is known again.
            grain: At which the provider was asked.

        Raises:
            ArchiveError: The disk is full, or the object store refuses.
        """
        entry = Entry.of(
            report,
            version=version("llm-usage"),
            cost=exact_sum(record.cost for record in report.records),
            records=self._keep_records(report),
            answers=self._keep_answers(report.month, report.source, log),
            together=None if together is None else self._keep_together(report.source, together),
            begun_at=begun_at,
            key_mark=key_mark,
            grain=grain,
        )
        self._write_entry(entry)
        return entry

    def keep_again(self, report: SourceReport, of: Entry, at: datetime, *, grain: Grain | None = None) -> Entry | None:
        """Keep the records that were made again from a reading's answers, unless they are the same.

        Args:
            report: What came of it, its records at the grain of days.
            of: The reading.
            at: When that was, UTC.
            grain: At which the answers were read again.

        Raises:
            ArchiveError: The disk is full, or the object store refuses.
        """
        if self._has(report, of):
            return None
        records = self._keep_records(report)
        entry = Entry.of(
            report,
            version=version("llm-usage"),
            cost=exact_sum(record.cost for record in report.records),
            records=records,
            answers=of.answers,
            together=of.together,
            begun_at=of.begun_at,
            key_mark=of.key_mark,
            grain=grain,
        ).model_copy(update={"replayed_at": at})
        self._write_entry(entry)
        return entry

    def _has(self, report: SourceReport, of: Entry) -> bool:
        """Whether a reading has these records already, be it in a file of an older version, which has other bytes."""
        try:
            kept = self.records(of)
        except DamagedError:
            return False
        about = report.source, report.month, report.organisation
        return write_days(kept, *about) == write_days(report.records, *about)

    def _write_entry(self, entry: Entry) -> None:
        self._store.write(entry.path, entry.model_dump_json(indent=1).encode())

    @property
    def is_empty(self) -> bool:
        """Whether no reading is kept at all.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        return next(iter(self._store.files(journal.FOLDER)), None) is None

    def sources(self, month: Month) -> list[Source]:
        """The sources of which a reading of the month is kept.

        Raises:
            ArchiveError: The disk or the object store refuses.
        """
        found = dict.fromkeys(
            tuple(file.path.split("/")[2:4]) for file in self._store.files(_place(journal.FOLDER, month))
        )
        names = {name.value for name in ProviderName}
        return [Source(provider=ProviderName(one[0]), account=one[1]) for one in found if one[0] in names]

    def probe(self) -> Holdings:
        """Write a file, read it again, take it away, and count what is there: all that a collection and a prune need.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: What comes back is not what was written.
        """
        content = secrets.token_bytes(32)
        folder = f"probe-{content.hex()}"
        path = f"{folder}/file"
        self._store.write(path, content)
        try:
            if self._store.read(path) != content:
                raise DamagedError(path, say("this file is not what was written a moment ago; name another place"))
        finally:
            self._store.remove(folder)
        files = [file for one in _FOLDERS for file in self._store.files(one)]
        readings = sum(file.path.startswith(f"{journal.FOLDER}/") for file in files)
        return Holdings(readings, sum(file.size for file in files))

    def entries(
        self, month: Month | None = None, source: Source | None = None, *, since: datetime | None = None
    ) -> Iterator[Entry]:
        """The entries of all readings, of a month's or of a source's month, oldest reading first within each.

        Args:
            month: Only of this month.
            source: Only of this source, of a month.
            since: Only of what was read at this moment or later; the others are not even opened.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: An entry can't be read.
        """
        for file in self._store.files(_place(journal.FOLDER, month, source)):
            if since is not None and file.path.rpartition("/")[2] < journal.stamp_of(since):
                continue
            content = self._store.read(file.path)
            if content is None:
                # A prune has come by.
                continue
            try:
                yield Entry.model_validate_json(content)
            except ValueError:
                raise DamagedError(
                    file.path,
                    say("this entry of the archive can't be read: take it away, and one reading is lost with it"),
                ) from None

    def latest(self, month: Month, source: Source) -> Entry | None:
        """The entry of the latest reading of a source's month.

        Raises:
            ArchiveError: As `entries`.
        """
        return max(self.entries(month, source), key=lambda entry: entry.order, default=None)

    def latest_within_reach(
        self, month: Month, source: Source, of: Callable[[Entry], bool] = lambda _: True
    ) -> Entry | None:
        """The entry of the latest reading of a source's month at which its provider still had it.

        Args:
            month: The month.
            source: The source.
            of: Which readings may be meant.

        Raises:
            ArchiveError: As `entries`.
        """
        entries = (entry for entry in self.entries(month, source) if not entry.is_out_of_reach and of(entry))
        return max(entries, key=lambda entry: entry.order, default=None)

    def records(self, entry: Entry) -> tuple[UsageRecord, ...]:
        """The records of a reading, at the grain of days.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: They are not what was written.
        """
        return read_days(self._content(entry.records))

    def exchanges(self, entry: Entry) -> Iterator[Exchange]:
        """The answers of a reading, in the order in which they came; those that other months share come last.

        Raises:
            ArchiveError: The disk or the object store refuses.
            DamagedError: They are not what was written.
        """
        shared = () if entry.together is None else entry.together.answers
        contents = [self._content(kept) for kept in (entry.answers, *shared)]
        return chain.from_iterable(map(read_answers, contents))

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

    def _keep_together(self, source: Source, together: AskedTogether) -> KeptTogether | None:
        kept = tuple(self._keep_answers(together.months[-1], source, log) for log in together.logs)
        return KeptTogether(months=together.months, answers=kept) if kept else None

    def _keep_answers(self, month: Month, source: Source, log: AnswerLog) -> Kept:
        # The times of the answers are others in each reading: the name is made from what they say.
        path = f"{_place('answers', month, source)}/{log.digest}{answers.SUFFIX}"
        content = self._store.read(path)
        if content is None or not _is_whole(content, log.count):
            content = log.content()
            self._store.write(path, content)
        return Kept(path=path, sha256=sha256(content).hexdigest(), size=len(content))

    def _content(self, kept: Kept) -> bytes:
        content = self._store.read(kept.path)
        if content is None or sha256(content).hexdigest() != kept.sha256:
            raise DamagedError(
                kept.path,
                say("this file of the archive is gone. Collecting the month again keeps a new reading")
                if content is None
                else say(
                    "this file of the archive is not what was written. Collecting the month again keeps a new reading"
                ),
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
