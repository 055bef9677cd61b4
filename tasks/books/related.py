"""Titles of the pages that relations lead to: Notion's rows tell their ids alone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Protocol

from notion.client.models import Page
from notion.databases.found import Found
from notion.text import one_line
from notion.workspace import Workspace
from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn
from usage.errors import NotionAccessError
from usage.language.folding import folded
from usage.language.saying import say_count

_ID_SHOWN: Final = 4
"""Letters of an id that tell two pages of one title apart."""
_log: Final = logging.getLogger(__name__)


class _Pages(Protocol):
    """Where pages are asked for."""

    def page(self, page_id: str) -> Page: ...


def with_titles(workspace: Workspace, ledger: Ledger, columns: Iterable[str] | None = None) -> Ledger:
    """The ledger with titles in place of ids in people's own columns that are relations.

    Args:
        workspace: The two databases.
        ledger: The months.
        columns: The columns that are to be told, in any spelling; None: all.

    Raises:
        NotionError: Notion can't be read.
    """
    told = None if columns is None else set(map(folded, columns))
    titles = RelatedTitles(workspace, workspace.databases.usages)
    for column in ledger.own_columns():
        if told is None or folded(column) in told:
            ledger = titles.name(ledger, column)
    return ledger


class RelatedTitles:
    """Titles of related pages. Each page is asked for once, and only where something is told by it.

    Args:
        pages: Where pages are asked for: the connection, or the two databases.
        usages: *Usages*, which knows the types of its columns.
    """

    def __init__(self, pages: _Pages, usages: Found) -> None:
        self._pages, self._usages = pages, usages
        self._titles: dict[str, str] = {}

    def name(self, ledger: Ledger, column: str) -> Ledger:
        """The ledger with titles in place of ids in one column; unchanged where that is no relation.

        A page that this connection may not see keeps its id, and two pages of one title are told apart by theirs.

        Raises:
            NotionError: Notion can't be read.
        """
        found = self._usages.schema.get(column)
        if found is None or found.type != "relation":
            return ledger
        ids = dict.fromkeys(key for one in ledger.months for row in one.rows for key in row.values_of(column))
        for key in ids:
            if key not in self._titles:
                self._titles[key] = self._ask(key)
        unreadable = [key for key in ids if self._titles[key] == key]
        if unreadable:
            told = say_count(
                "{number} page of the column {column} is not shared with the connection: it is told by its id.",
                "{number} pages of the column {column} are not shared with the connection: they are told by their ids.",
                len(unreadable),
                column=column,
            )
            _log.warning("%s", told)
        return _with_names(ledger, column, _told_apart({key: self._titles[key] for key in ids}))

    def _ask(self, page_id: str) -> str:
        try:
            page = self._pages.page(page_id)
        except NotionAccessError as error:
            if error.status not in (400, 403, 404):
                raise
            return page_id
        titles = (value.text for value in page.properties.values() if value.type == "title")
        return one_line(next(titles, "")) or page_id


def _told_apart(titles: dict[str, str]) -> dict[str, str]:
    counts = Counter(title.casefold() for title in titles.values())
    return {
        key: title if counts[title.casefold()] == 1 else f"{title} ({key.replace('-', '')[-_ID_SHOWN:]})"
        for key, title in titles.items()
    }


def _with_names(ledger: Ledger, column: str, names: dict[str, str]) -> Ledger:
    def named(rows: Iterable[LedgerRow]) -> tuple[LedgerRow, ...]:
        return tuple(
            replace(
                row,
                own=tuple(
                    OwnColumn(one.name, tuple(names[key] for key in one.values)) if one.name == column else one
                    for one in row.own
                ),
            )
            for row in rows
        )

    months = tuple(MonthLedger(one.month, named(one.rows), one.sources) for one in ledger.months)
    return replace(ledger, months=months)
