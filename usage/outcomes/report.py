"""What reading one source for one month brought."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from usage.errors import SourceError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import Kind, Source, Status
from usage.records.record import UsageRecord
from usage.records.sums import sum_days


class GapKind(StrEnum):
    """Why something is not there."""

    MISSING = "missing"
    """It should be there: a rerun or a better key would bring it."""
    UNAVAILABLE = "unavailable"
    """The provider does not offer it for this month or this account."""


class Gap(BaseModel):
    """Something that was not read, in one sentence that says what to do about it."""

    model_config = ConfigDict(frozen=True)

    kind: GapKind
    sentence: Sentence
    passing: bool = False
    """True when waiting may mend it."""
    within: str | None = None
    """Id of the one workspace or project whose rows lack it; None: all rows of the source do."""


class Thing(BaseModel):
    """A workspace, project or API key of the provider, and the name people gave it (None: not known)."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    id: str
    name: str | None = None


class Control(BaseModel):
    """A total asked for without grouping, held against the sum of the records (both USD)."""

    model_config = ConfigDict(frozen=True)

    total: Decimal
    summed: Decimal
    agrees: bool


class RowNote(BaseModel):
    """A sentence for the log of some rows: what their figures are made of. It depends on the data alone."""

    model_config = ConfigDict(frozen=True)

    sentence: Sentence
    key: str | None = None
    """Of rows with this key; None: with any."""
    workspace: str | None = None
    """Of rows in this workspace; None: in any."""

    def concerns(self, key: str, workspace: str) -> bool:
        """Whether it is for that row."""
        return self.key in (None, key) and self.workspace in (None, workspace)


class Count(BaseModel):
    """How many there are of something."""

    model_config = ConfigDict(frozen=True)

    what: Sentence
    count: int


class SourceReport(BaseModel):
    """One source, one month. Plain data without secrets: Prefect keeps it on disk for retries.

    Records keep their days until the reading is in the archive; what is published is `by_month`.
    """

    model_config = ConfigDict(frozen=True)

    source: Source
    month: Month
    read_at: datetime
    """The moment the figures were read, UTC."""
    # Whoever writes a report into a message, as `asyncio.run` does at its end, does not mean all of them.
    records: tuple[UsageRecord, ...] = Field(repr=False)
    things: tuple[Thing, ...] = ()
    """The registries: every workspace, project and key the account has or had, as far as it tells."""
    coarse: bool = False
    """True when the month could only be read by workspace (or account): the workspace then takes the key's place."""
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    """Sentences for the source's own row that have no effect on its status."""
    row_note: Sentence = SILENCE
    """Sentence for the log of each row: what its figures are made of. Depends on the data alone."""
    row_notes: tuple[RowNote, ...] = ()
    """What is true of some rows only."""
    data_until: datetime | None = None
    """How far the data goes, where the month is running or the provider says so."""
    provisional: bool = False
    """True when the provider may still change a closed month."""
    empty_proven: bool = False
    """True when an empty answer proves an empty month."""
    control: Control | None = None
    pages: int = 0
    requests: int = 0
    organisation: str | None = None
    """Id of the organisation behind the key, where the provider tells it; else the ids in `things` stand for it."""
    days_read: int | None = None
    """Days of the month that the answers hold, counted from them; None where the provider gives no days."""
    missing_days: tuple[date, ...] = ()
    """Days of a month that is over that the answers do not hold, in order; none where the provider gives no days."""
    fresh_until: datetime | None = None
    """How far the figures go by the provider's own mark, where it gives one."""
    dropped: tuple[Count, ...] = ()
    """What was left out of an answer, and how many times."""
    new_fields: tuple[Count, ...] = ()
    """Fields of usage and cost lines that are not known here, by their path, and how many lines have them."""
    unkept: Sentence = SILENCE
    """Why the archive does not have this reading; silence where it does, or where there is none."""

    def by_month(self) -> Self:
        """The same report with records of the month as a whole."""
        return self.model_copy(update={"records": sum_days(self.records)})

    def of_row(self, key: str, workspace: str) -> Self:
        """The same report with only the gaps and notes that concern one row."""
        gaps = tuple(gap for gap in self.gaps if gap.within in (None, key, workspace))
        notes = tuple(note for note in self.row_notes if note.concerns(key, workspace))
        if len(gaps) == len(self.gaps) and len(notes) == len(self.row_notes):
            return self
        return self.model_copy(update={"gaps": gaps, "row_notes": notes})

    @property
    def missing_amounts(self) -> int:
        """How many amounts the answers announced but did not give."""
        return sum(record.missing_amounts for record in self.records)

    @property
    def missing(self) -> tuple[Sentence, ...]:
        """Sentences of what a rerun or a better key would bring."""
        gaps = tuple(gap.sentence for gap in self.gaps if gap.kind is GapKind.MISSING)
        return (*gaps, say("Amounts are missing from the answer.")) if self.missing_amounts else gaps

    @property
    def status(self) -> Status:
        """The status that follows from what is missing."""
        if self.missing:
            return Status.PARTIEL
        return Status.DONNEES_INDISPONIBLES if self.gaps else Status.SUCCES


class IncompleteError(SourceError):
    """The source was read, but a part is missing that a rerun or a better key would bring.

    Raised by the fetch task so that the run is red and a retry reads the source again; what was read stays in
    `report` and is published.
    """

    def __init__(self, sentence: Sentence, report: SourceReport) -> None:
        super().__init__(sentence)
        self.report = report
