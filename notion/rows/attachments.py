"""Breakdowns that do not fit in their column, whole: a file on the row's own page.

The column's text has the dearest entries and the sum of the rest, and is what is compared between runs. So a row gets
its file first and its text last: cut anywhere, the next run finds the text changed and the file, known by its name,
there. A new row comes with its file in one request. Files of ours for older figures go to the trash; whatever else
people put on the page stays. A breakdown that fits again leaves the last file behind: the column is whole then.

A text with a sum that a row takes over from its double comes without the file, which stays on the double's page.
"""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from typing import Any, Final

from notion.client.gateway import Gateway, RowInTrash
from notion.client.models import BREAKDOWN_FILE, Block
from notion.rows.values import Values
from usage.errors import NotionAccessError
from usage.language.saying import say
from usage.records.breakdown import OTHERS

_TYPE: Final = "application/json"
_log: Final = logging.getLogger(__name__)


class Attachments:
    """Puts whole breakdowns on the pages of rows; two requests more for each, and none where the column is enough.

    Notion may refuse files, by its plan or their size: the row then has to do without, and the log says so.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def blocks(self, values: Values) -> list[dict[str, Any]]:
        """What a new row has on its page.

        Raises:
            NotionBusyError: The file could not be sent.
        """
        if not values.whole:
            return []
        try:
            return [self._block(values.whole)]
        except NotionAccessError as error:
            _log_refusal(error)
            return []

    def renew(self, page_id: str, values: Values) -> None:
        """Put the file on the page of a row whose breakdown is about to change.

        Raises:
            RowInTrash: The row lies in the trash.
            NotionBusyError: The file could not be sent.
        """
        if not values.whole:
            if _is_folded(values.breakdown):
                self._take_away(page_id, values)
            return
        try:
            self._renew(page_id, values.whole)
        except NotionAccessError as error:
            _log_refusal(error)

    def _take_away(self, page_id: str, values: Values) -> None:
        """Files of ours that tell of other figures than the row is about to have."""
        for block in [block for block in self._gateway.children(page_id) if _name(block)]:
            self._trash(block)
        _log.warning("%s", say("{row}: the whole breakdown is on the page of its double.", row=values.title))

    def _renew(self, page_id: str, whole: str) -> None:
        ours = [block for block in self._gateway.children(page_id) if _name(block)]
        if not any(_name(block) == _file_name(whole) for block in ours):
            blocks = [self._block(whole)]

            def append() -> str:
                self._gateway.append_blocks(page_id, blocks)
                return page_id

            def find(_: str | None) -> str | None:
                names = [_name(block) for block in self._gateway.children(page_id)]
                return page_id if _file_name(whole) in names else None

            self._gateway.create_once(append, find)
        for block in ours:
            if _name(block) != _file_name(whole):
                self._trash(block)

    def _block(self, whole: str) -> dict[str, Any]:
        # An upload that is never attached is gone in an hour: after a doubtful answer, a new one does no harm.
        upload = partial(self._gateway.upload_file, _file_name(whole), whole.encode(), _TYPE)
        file = {"id": self._gateway.create_once(upload, lambda _: None)}
        return {"type": "file", "file": {"type": "file_upload", "file_upload": file, "name": _file_name(whole)}}

    def _trash(self, block: Block) -> None:
        try:
            self._gateway.trash_block(block.id)
        except RowInTrash:
            # Its answer was lost, or another run was faster.
            return


def _name(block: Block) -> str:
    """Name of a file of ours; empty for anything else."""
    name = block.file.name if block.file is not None else ""
    return name if BREAKDOWN_FILE.fullmatch(name) else ""


def _is_folded(breakdown: str) -> bool:
    """Whether a text has the dearest entries of a breakdown alone; its last one is the sum of the rest."""
    return f'"item":"{OTHERS}"' in breakdown


def _file_name(whole: str) -> str:
    return f"breakdown-{hashlib.sha256(whole.encode()).hexdigest()[:16]}.json"


def _log_refusal(error: NotionAccessError) -> None:
    told = say("{error} The row stays without a file; the sums in “Breakdown JSON” are complete.", error=error.sentence)
    _log.warning("%s", told)
