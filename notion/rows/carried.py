"""People's own columns that follow a project or key into a new month: which ones, and what a new row takes over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from notion.client.models import PropertySchema
from notion.databases.declared import USAGES
from notion.databases.found import Found
from notion.rows.notes import Note, can_hold_notes, copy_notes, says_same
from notion.rows.values import Existing, Identity, Values
from usage.language.folding import folded
from usage.language.saying import say, say_count
from usage.language.sentence import SILENCE, Sentence

VARIABLE: Final = "NOTION_CARRY_COLUMNS"

Thing = tuple[str, Identity]
"""What a row is about, the same in every month: the service's page id without dashes, and the row's identity."""


def thing_of(values: Values) -> Thing:
    """What a row is about."""
    return (values.service or "").replace("-", ""), values.identity


@dataclass(frozen=True, slots=True)
class CarriedColumns:
    """The columns that were named, as they stand in Notion."""

    columns: tuple[PropertySchema, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    """Of those that can't be taken over: why."""


def find_columns(usages: Found, names: Iterable[str]) -> CarriedColumns:
    """Find columns of *Usages* by the names that people give them, accents and case aside.

    Args:
        usages: The database.
        names: As they stand in the setting.
    """
    ours = {column.id for match in usages.matches for column in match.found}
    columns: dict[str, PropertySchema] = {}
    sentences = []
    for name in dict.fromkeys(names):
        exact = [column for title, column in usages.schema.items() if title == name]
        found = exact or [column for title, column in usages.schema.items() if folded(title) == folded(name)]
        objection = _objection(found, ours)
        if objection:
            sentences.append(
                say(
                    "{variable}: “{name}” does not follow the projects from month to month: {objection}",
                    variable=VARIABLE,
                    name=name,
                    objection=objection,
                )
            )
        else:
            columns[found[0].id] = found[0]
    return CarriedColumns(tuple(columns.values()), tuple(dict.fromkeys(sentences)))


def _objection(found: list[PropertySchema], ours: set[str]) -> Sentence:
    """Why a column can't be taken over; silence where it can."""
    if not found:
        return say(
            "“{database}” does not have this column. Add it in Notion, or correct the name.", database=USAGES.title
        )
    if len(found) > 1:
        names = [say("“{name}”", name=name) for name in sorted(column.name for column in found)]
        several = reduce(lambda one, other: say("{one} and {other}", one=one, other=other), names)
        return say("{names} may be this column. Write the exact name.", names=several)
    if found[0].id in ours:
        return say("collecting fills this column itself. Remove this name.")
    if not can_hold_notes(found[0].type):
        return say("Notion itself fills columns of the type {type}. Remove this name.", type=found[0].type)
    return SILENCE


@dataclass(frozen=True, slots=True)
class Carried:
    """What new rows of a month take over."""

    columns: tuple[PropertySchema, ...] = ()
    rows: Mapping[Thing, Existing] = field(default_factory=dict)
    """The latest earlier row of each thing that has one."""

    def notes(self, values: Values) -> tuple[tuple[Note, ...], tuple[str, ...]]:
        """What a new row takes over, and the names of columns whose cells can't be copied as a whole.

        What the earlier row has empty stays empty.
        """
        row = self.rows.get(thing_of(values))
        return copy_notes(() if row is None else self._carried(row))

    def says_all(self, row: Existing) -> bool:
        """Whether all that stands in people's columns of a row stands in the latest earlier one as well."""
        earlier = self.rows.get(thing_of(row.values))
        carried = () if earlier is None else self._carried(earlier)
        return all(any(says_same(note, other) for other in carried) for note in row.notes)

    def _carried(self, row: Existing) -> tuple[Note, ...]:
        ids = {column.id for column in self.columns}
        names = {column.name for column in self.columns}
        return tuple(note for note in row.notes if (note.value.id in ids if note.value.id else note.name in names))


def not_copied_sentence(column: str, titles: Iterable[str]) -> Sentence:
    """That cells of new rows stay empty."""
    shown, *more = list(dict.fromkeys(titles))
    rows = say("“{name}”", name=shown)
    if more:
        rows = say_count("{row} and another row", "{row} and {number} other rows", len(more), row=rows)
    return say(
        "“{column}” is left to fill in by hand in {rows}: the cell of the month before can’t be copied whole (a list "
        "that Notion does not show to its end, a mention, a file, or a value that it refuses).",
        column=column,
        rows=rows,
    )
