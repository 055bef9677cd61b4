"""Which rows this program has written: only those does a collection change.

Notion tells who created a page and who wrote to it last, and the receipts of the sources' own rows name pages that this
program took over from somebody else. What people and older collectors wrote is left alone; `llm-usage heal` takes it
over after asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notion.plan.hands import tells_two_months
from notion.rows.receipt import read_receipt
from notion.rows.values import Existing
from usage.grain import COLLECTION

SOMEBODYS: Final = "Écrite par une personne ou un autre programme : llm-usage heal peut la reprendre."
MISDATED: Final = "Son titre et « Mois » disent deux mois différents : corrigez l’un des deux."


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A row that a collection does not touch, and why, in French."""

    row: Existing
    why: str


@dataclass(frozen=True, slots=True)
class Authors:
    """Who this program is in Notion: user ids, and pages of others that it took over."""

    users: frozenset[str]
    pages: frozenset[str]

    def wrote(self, row: Existing) -> bool:
        """Whether this program wrote a row; True where Notion does not tell who did."""
        known = {row.author, row.editor} - {None}
        return not known or bool(known & self.users) or row.page_id in self.pages

    def took_over(self, row: Existing) -> bool:
        """Whether somebody else created a row of this program's."""
        return row.author is not None and row.author not in self.users


def authors_of(rows: Sequence[Existing], me: str | None) -> Authors:
    """Who this program is, by what stands in a month.

    Args:
        rows: All rows of the month.
        me: User id of this connection; None where it is not known.
    """
    own = [row for row in rows if row.values.key == COLLECTION]
    receipts = {row.page_id: read_receipt(row.values.breakdown) for row in own}
    # A connection that has been replaced by another one has left receipts; nobody else writes sources' own rows.
    users = {row.author for row in own if me is None or receipts[row.page_id] is not None} | {me}
    pages = {page for receipt in receipts.values() if receipt is not None for page in receipt.pages}
    return Authors(frozenset(user for user in users if user is not None), frozenset(pages))


def sort_by_author(rows: Sequence[Existing], authors: Authors) -> tuple[list[Existing], list[LeftAlone]]:
    """The rows that may be changed, and those that are left alone."""
    changeable, left = [], []
    for row in rows:
        if tells_two_months(row.values):
            left.append(LeftAlone(row, MISDATED))
        elif authors.wrote(row):
            changeable.append(row)
        else:
            left.append(LeftAlone(row, SOMEBODYS))
    return changeable, left
