"""People's own columns that follow a project or key into a new month: which ones, and what a new row takes over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from notion.client.models import PropertySchema
from notion.databases.declared import USAGES
from notion.databases.found import Found
from notion.rows.notes import Note, can_hold_notes, copy_notes, says_same
from notion.rows.values import Existing, Identity, Values
from usage.language.folding import folded

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
    sentences: tuple[str, ...] = ()
    """Of those that can't be taken over: why, in French."""


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
            sentences.append(f"{VARIABLE} : « {name} » ne suit pas les projets d’un mois à l’autre : {objection}")
        else:
            columns[found[0].id] = found[0]
    return CarriedColumns(tuple(columns.values()), tuple(dict.fromkeys(sentences)))


def _objection(found: list[PropertySchema], ours: set[str]) -> str:
    """Why a column can't be taken over; empty where it can."""
    if not found:
        return f"« {USAGES.title} » n’a pas cette colonne. Ajoutez-la dans Notion, ou corrigez le nom."
    if len(found) > 1:
        names = " et ".join(sorted(f"« {column.name} »" for column in found))
        return f"{names} peuvent être cette colonne. Écrivez le nom exact."
    if found[0].id in ours:
        return "la collecte remplit cette colonne elle-même. Retirez ce nom."
    if not can_hold_notes(found[0].type):
        return f"Notion remplit lui-même les colonnes de type {found[0].type}. Retirez ce nom."
    return ""


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


def not_copied_sentence(column: str, titles: Iterable[str]) -> str:
    """That cells of new rows stay empty, in French."""
    shown, *more = list(dict.fromkeys(titles))
    rest = f" et {len(more)} autres lignes" if len(more) > 1 else " et une autre ligne" if more else ""
    return (
        f"« {column} » reste à remplir à la main dans « {shown} »{rest} : la cellule du mois d’avant ne peut pas être "
        "copiée entière (liste que Notion ne montre pas jusqu’au bout, mention, fichier, ou valeur qu’il refuse)."
    )
