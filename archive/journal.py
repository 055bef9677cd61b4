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

from usage.month import Month
from usage.names import Source, Status
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
    status: Status
    cost_usd: Decimal | None
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
    records: Kept
    answers: Kept

    @classmethod
    def of(cls, report: SourceReport, *, version: str, cost: Decimal | None, records: Kept, answers: Kept) -> Self:
        """The entry of a reading.

        Args:
            report: What was read.
            version: Of llm-usage.
            cost: USD, the sum of the records; None where the provider tells no money.
            records: Where they lie.
            answers: Where the answers lie.
        """
        return cls(
            version=version,
            month=report.month,
            source=report.source,
            organisation=report.organisation,
            read_at=report.read_at,
            status=report.status,
            cost_usd=cost,
            days_read=report.days_read,
            data_until=report.data_until,
            provisional=report.provisional,
            control=report.control,
            gaps=report.gaps,
            dropped=report.dropped,
            new_fields=report.new_fields,
            pages=report.pages,
            requests=report.requests,
            records=records,
            answers=answers,
        )

    @property
    def path(self) -> str:
        """Where the entry itself lies. Names follow the time of reading, and different readings have different ones."""
        content = sha256(self.model_dump_json().encode()).hexdigest()
        stamp = self.read_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return f"{FOLDER}/{self.month}/{self.source.provider}/{self.source.account}/{stamp}-{content[:12]}.json"
