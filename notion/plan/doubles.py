"""Several rows of one thing: which of them stays, what it takes over, and which have to wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from notion.rows.notes import Note, unite
from notion.rows.values import Existing
from usage.language.saying import say, together
from usage.language.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Clash:
    """A double that stays where it is: what people wrote there can't be moved to the row that is kept.

    `columns` are those that say different things; what stands on the page is told among them.
    """

    kept: Existing
    other: Existing
    columns: tuple[Sentence, ...]

    @property
    def why(self) -> Sentence:
        """What a person has to do."""
        names = together((say("“{name}”", name=name) for name in self.columns), between=", ")
        return say("Double of another row: unite {names} by hand, then run llm-usage heal.", names=names)


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
        notes, names = unite(kept.notes, row.notes)
        columns = (*map(Sentence.of, names), *([say("content of the page")] if row.is_written_on else []))
        if columns:
            clashes.append(Clash(rows[0], row, columns))
        else:
            kept = replace(kept, notes=notes)
            surplus.append(row)
    written = tuple(note for note in kept.notes if note not in rows[0].notes)
    return Doubles(kept, written, tuple(surplus), tuple(clashes))
