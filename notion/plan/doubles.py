"""Several rows of one thing: which of them stays, what it takes over, and which have to wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from notion.rows.notes import Note, unite
from notion.rows.values import Existing

DOUBLE: Final = "Ligne en double, la plus ancienne est gardée."
ERROR_ROW: Final = "Ligne d’erreur d’un ancien collecteur."
_PAGE: Final = "contenu de la page"


@dataclass(frozen=True, slots=True)
class Clash:
    """A double that stays where it is: what people wrote there can't be moved to the row that is kept.

    `columns` are those that say different things.
    """

    kept: Existing
    other: Existing
    columns: tuple[str, ...]

    @property
    def why(self) -> str:
        """What a person has to do, in French."""
        names = ", ".join(f"« {name} »" for name in self.columns)
        return f"Ligne en double : réunissez {names} à la main, puis lancez llm-usage heal."


@dataclass(frozen=True, slots=True)
class Doubles:
    """Rows of one thing, sorted out. `kept` has all notes; `notes` are those of them that have to be written."""

    kept: Existing
    notes: tuple[Note, ...] = ()
    surplus: tuple[Existing, ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def rows(self) -> tuple[Existing, ...]:
        """The rows that become one, oldest first."""
        return self.kept, *self.surplus


def sort_out(rows: Sequence[Existing]) -> Doubles:
    """Keep the first of some rows, oldest first, with the notes of all others whose notes go together with its own."""
    kept = rows[0]
    surplus, clashes = [], []
    for row in rows[1:]:
        notes, columns = unite(kept.notes, row.notes)
        columns = (*columns, _PAGE) if row.is_written_on else columns
        if columns:
            clashes.append(Clash(rows[0], row, columns))
        else:
            kept = replace(kept, notes=notes)
            surplus.append(row)
    written = tuple(note for note in kept.notes if note not in rows[0].notes)
    return Doubles(kept, written, tuple(surplus), tuple(clashes))
