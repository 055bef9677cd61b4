"""What a plan is made of, and what it is made against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from notion.rows.carried import Carried
from notion.rows.notes import Note
from notion.rows.receipt import Receipt
from notion.rows.values import Existing, Identity, Values
from usage.language.choice import Language
from usage.language.sentence import SILENCE, Sentence
from usage.names import ProviderName, Source
from usage.outcomes.outcome import SourceOutcome

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)


class Action(StrEnum):
    """What is done with a row."""

    CREATE = "create"
    UPDATE = "update"
    TRASH = "trash"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """One row's turn.

    `fields` are those that a write changes (of an update), and `notes` what the row takes over in people's own columns:
    of doubles, and a new row from the months before; `why` is told where it is not obvious.
    """

    action: Action
    source: Source
    values: Values
    page_id: str | None = None
    fields: tuple[str, ...] = ()
    why: Sentence = SILENCE
    notes: tuple[Note, ...] = ()
    unless_written_on: bool = False
    """Of the trash: the row's page has to be looked at first, for what people wrote there."""
    into: str | None = None
    """Of a double that goes to the trash: page id of the row that stands for it."""
    receipt: Receipt | None = None
    """Of a source's own row: what its reading came to. The pages of rows that are created before it are added to it."""
    vouches: frozenset[Identity] = frozenset()
    """Of a source's own row: identities of the source's rows that only the receipt can tell."""

    @property
    def stays(self) -> str | None:
        """Page id of the row that this step leaves in place, where there is one: steps that share it go together."""
        return self.into or self.page_id


@dataclass(frozen=True, slots=True)
class Context:
    """What the plan is made against.

    `fields` are those of `Values` that have a column; `services` are page ids; `labels` are those of all accounts that
    have a key, in the order of the accounts: the first one wins an id that several reach. `earlier` are rows of earlier
    months in which a name that stands in an id's place may have its id. `me` is the connection's user id, where it can
    be read. With `accept_lower` a person has accepted lower figures of a month that is over. `carried` is what new rows
    take over in people's own columns. `language` is that of what is told in Notion.
    """

    fields: Sequence[str]
    services: Mapping[ProviderName, str]
    labels: Mapping[ProviderName, tuple[str, ...]]
    earlier: Sequence[Existing] = ()
    me: str | None = None
    accept_lower: bool = False
    carried: Carried = field(default_factory=Carried)
    language: Language = Language.FR


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a month, and the outcomes with what only the comparison with Notion could tell."""

    steps: tuple[Step, ...]
    outcomes: tuple[SourceOutcome, ...]
    rows: tuple[Existing, ...] = ()
    """All rows of the month that it was made against."""
    own_rows_before: tuple[Existing, ...] = ()
    """The sources' own rows of the month before."""
    warnings: tuple[Sentence, ...] = ()
    """What a person has to see to."""

    @property
    def seen(self) -> frozenset[str]:
        """Page ids of those rows."""
        return frozenset(row.page_id for row in self.rows)

    @property
    def rows_after(self) -> tuple[Existing, ...]:
        """The month's rows as they stand once all of it is written. Rows that are created have no page id yet."""
        steps = {step.page_id: step for step in self.steps if step.page_id is not None}
        kept = [
            replace(row, values=step.values) if step is not None and step.action is Action.UPDATE else row
            for row in self.rows
            if (step := steps.get(row.page_id)) is None or step.action is not Action.TRASH
        ]
        created = [Existing("", _UNKNOWN, step.values, step.notes) for step in self.of(Action.CREATE)]
        return (*kept, *created)

    def of(self, action: Action) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.action is action)
