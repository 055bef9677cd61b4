"""Whose hand wrote a row: only what this program has written does a collection change.

Notion tells who created a page and who wrote to it last, and the receipts of the sources' own rows name pages that this
program took over from somebody else. All others are people's or older collectors', which Notion does not tell apart:
they are left alone, but for the error rows of older collectors, which are known by their form. `llm-usage heal` takes
such rows over after asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notion.plan.reasons import misdated, somebodys
from notion.rows.receipt import read_receipt
from notion.rows.titles import month_of_title, name_in_title, tells_two_months, title_start
from notion.rows.values import Existing, Values, has_figures
from usage.grain import COLLECTION, is_ours
from usage.language.folding import folded
from usage.language.sentence import Sentence
from usage.names import ProviderName

_ERRORS: Final = ("error", "erreur")


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A row that a collection does not touch, and why."""

    row: Existing
    why: Sentence


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
            left.append(LeftAlone(row, misdated()))
        elif authors.wrote(row):
            changeable.append(row)
        else:
            left.append(LeftAlone(row, somebodys()))
    return changeable, left


def is_by(row: Existing, me: str | None) -> bool:
    """Whether this connection wrote a row; of nobody is anything known where `me` is None."""
    return me is not None and me in (row.author, row.editor)


def is_nameless(values: Values, provider: ProviderName, ids: frozenset[str]) -> bool:
    """Whether a name, or nothing, stands where the id belongs.

    Args:
        values: The row's.
        provider: Its provider.
        ids: Keys that other rows tell to be ids.
    """
    key, title = values.key, folded(name_in_title(values, provider))
    if not key:
        return bool(title)
    return not is_ours(key) and title in ("", folded(key)) and key not in ids


def is_collected(values: Values) -> bool:
    """Whether a row has what only collectors fill in."""
    return bool(values.collected_at or values.status or values.breakdown)


def is_old_error(row: Existing, provider: ProviderName) -> bool:
    """Whether a row is one that older collectors left after an error, and holds nothing else.

    Its title is month, service and `Error`, no more and no less; no figures but 0, no notes, and `Mois` is that month
    or empty.
    """
    if has_figures(row) or row.notes or row.is_written_on:
        return False
    month = month_of_title(row.values.title)
    start, title = folded(title_start(month, provider)), folded(row.values.title)
    return bool(month) and title in {f"{start} {word}" for word in _ERRORS} and row.values.month in ("", month)
