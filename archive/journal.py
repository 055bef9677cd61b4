"""The journal: one small file for each reading that was kept, which says what it covered and where it lies.

Files of readings are named by what is in them, so a reading that is unchanged adds an entry here and nothing else. An
entry is written last: what it names is there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from usage.money import exact_sum
from usage.month import Month
from usage.names import Grain, Source, Status
from usage.outcomes.report import Control, Count, Gap, SourceReport

FOLDER: Final = "journal"
FORMAT: Final = 1
"""Version of the archive's files. A later program reads earlier ones."""


class Kept(BaseModel):
    """A file of the archive: its path, the SHA-256 of its content and its size in bytes."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str
    size: int


class KeptTogether(BaseModel):
    """Answers about several months that a backfill asked for at once; they lie with the last of these months.

    A prune takes oldest months first, so they are there as long as any of the months is.
    """

    model_config = ConfigDict(frozen=True)

    months: tuple[Month, ...]
    answers: tuple[Kept, ...]


class Entry(BaseModel):
    """One reading: what was read, when, how much of the month it covers, and the files that hold it.

    Costs are USD as text with every digit, instants UTC.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    version: str
    """Of llm-usage."""
    month: Month
    source: Source
    organisation: str | None
    read_at: datetime
    """When the figures were read, by the provider's clock."""
    begun_at: datetime | None = None
    """The same by this machine's clock: what was asked depends on it."""
    replayed_at: datetime | None = None
    """When the records were made again from the answers; None: when these were read."""
    key_mark: str = ""
    """By which the key is known again, and from which nobody can tell it."""
    grain: Grain | None = None
    """At which the provider was asked; None in entries of versions that did not say so."""
    status: Status
    cost_usd: Decimal | None
    allocated_usd: Decimal | None = None
    """The part of it that the provider does not give by key, and that was divided among keys by usage."""
    days_read: int | None
    """Days of the month that the answers hold; None where the provider gives no days."""
    data_until: datetime | None = None
    provisional: bool = False
    control: Control | None = None
    gaps: tuple[Gap, ...] = ()
    dropped: tuple[Count, ...] = ()
    new_fields: tuple[Count, ...] = ()
    pages: int = 0
    requests: int = 0
    lines: int | None = None
    """How many records there are; None in entries of versions that did not say so."""
    records: Kept
    answers: Kept
    together: KeptTogether | None = None
    """What was asked for several months at once, beside `answers`."""

    @classmethod
    def of(
        cls,
        report: SourceReport,
        *,
        version: str,
        cost: Decimal | None,
        records: Kept,
        answers: Kept,
        together: KeptTogether | None = None,
        begun_at: datetime | None = None,
        key_mark: str = "",
        grain: Grain | None = None,
    ) -> Self:
        """The entry of a reading.

        Args:
            report: What was read.
            version: Of llm-usage.
            cost: USD, the sum of the records; None where the provider tells no money.
            records: Where they lie.
            answers: Where the answers lie.
            together: Where those lie that other months share.
            begun_at: When it was begun, by this machine's clock.
            key_mark: By which the key is known again.
            grain: At which the provider was asked.
        """
        return cls(
            version=version,
            month=report.month,
            source=report.source,
            organisation=report.organisation,
            read_at=report.read_at,
            status=report.status,
            cost_usd=cost,
            allocated_usd=exact_sum(record.allocated for record in report.records),
            days_read=report.days_read,
            data_until=report.data_until,
            provisional=report.provisional,
            control=report.control,
            gaps=report.gaps,
            dropped=report.dropped,
            new_fields=report.new_fields,
            pages=report.pages,
            requests=report.requests,
            lines=len(report.records),
            records=records,
            answers=answers,
            together=together,
            begun_at=begun_at,
            key_mark=key_mark,
            grain=grain,
        )

    def is_of(self, organisation: str | None, key_mark: str) -> bool:
        """Whether an organisation's figures are in it: the account's name may have been another's before.

        Args:
            organisation: The provider's id of it; None where the provider tells none. Then the key decides.
            key_mark: By which its key is known again; empty where that is not known, and nothing speaks against it.
        """
        if self.organisation is not None and organisation is not None:
            return self.organisation == organisation
        return not (self.key_mark and key_mark) or self.key_mark == key_mark

    @property
    def is_out_of_reach(self) -> bool:
        """Whether it only says that the provider does not have the month, or no longer."""
        empty = self.cost_usd is None and not self.days_read if self.lines is None else self.lines == 0
        return self.status is Status.DONNEES_INDISPONIBLES and empty

    @property
    def order(self) -> tuple[datetime, bool, datetime]:
        """By which readings of one source's month follow each other: one made again comes behind its own, always."""
        return self.read_at, self.replayed_at is not None, self.replayed_at or self.read_at

    @property
    def files(self) -> tuple[Kept, ...]:
        """The files that lie with this month; what several months share counts with the last of them."""
        shared = self.together.answers if self.together is not None and self.together.months[-1] == self.month else ()
        return (self.records, self.answers, *shared)

    @property
    def path(self) -> str:
        """Where the entry itself lies. Names follow the time of reading, and different readings have different ones."""
        content = sha256(self.model_dump_json().encode()).hexdigest()
        stamp = stamp_of(self.read_at)
        return f"{FOLDER}/{self.month}/{self.source.provider}/{self.source.account}/{stamp}-{content[:12]}.json"


def stamp_of(read_at: datetime) -> str:
    """What the name of an entry begins with; later readings have larger ones."""
    return read_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
