"""Which rows this program has written: only those does a collection change.

Notion tells who created a page and who wrote to it last, and the receipts of the sources' own rows name pages that this
program took over from somebody else. What people and older collectors wrote is left alone; `llm-usage heal` takes it
over after asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from notion.hands import tells_two_months
from notion.receipt import read_receipt
from notion.rows import Existing
from usage.grain import COLLECTION

SOMEBODYS: Final = "Écrite par une personne ou un autre programme : llm-usage heal peut la reprendre."
MISDATED: Final = "Son titre et « Mois » disent deux mois différents : corrigez l’un des deux."


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A row that a collection does not touch, and why, in French."""

    row: Existing
    why: str


def sort_by_author(rows: Sequence[Existing], me: str | None) -> tuple[list[Existing], list[LeftAlone]]:
    """The rows that may be changed, and those that are left alone.

    Args:
        rows: Rows of one month.
        me: User id of this connection; None where it could not be read.
    """
    own = [row for row in rows if row.values.key == COLLECTION]
    receipts = {row.page_id: read_receipt(row.values.breakdown) for row in own}
    # A connection that has been replaced by another one has left receipts.
    ours = {me} | {row.author for row in own if receipts[row.page_id] is not None}
    ours |= {row.author for row in own} if me is None else set()
    vouched = {page for receipt in receipts.values() if receipt is not None for page in receipt.pages}
    changeable, left = [], []
    for row in rows:
        if tells_two_months(row.values):
            left.append(LeftAlone(row, MISDATED))
        elif row.page_id in vouched or is_written_by(row, ours):
            changeable.append(row)
        else:
            left.append(LeftAlone(row, SOMEBODYS))
    return changeable, left


def is_written_by(row: Existing, users: Iterable[str | None]) -> bool:
    """Whether some users created a row or wrote to it last; True where Notion tells neither."""
    known = {row.author, row.editor} - {None}
    return not known or bool(known & set(users))
