"""What a page of ours holds: written as a whole, renewed in place, never doubled.

The page is known by its title under the page above it, and by who created it. Of what stands on it, only blocks that
this connection created are ours: what people add stays, below. The last block of ours is a mark, made of all the
others: it is written last, so it vouches for them. A run that was cut leaves a page without its mark, or with too many
or too few blocks; the next one takes ours away and writes them again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from notion.client.gateway import Gateway, RowInTrash
from notion.client.models import Block
from notion.text import units
from usage.errors import NotionAccessError, NotionError
from usage.language.saying import say

Json = Mapping[str, Any]
MARK: Final = "llm-usage · "
"""How the mark begins."""
_MOST_BLOCKS: Final = 100
"""Blocks in one request, those in others not counted."""
_MOST_PARTS: Final = 900
"""Blocks of any depth in one request; Notion's limit is 1,000."""
_MOST_UNITS: Final = 400_000
"""Letters of JSON in one request; Notion's limit is 500 KB."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture among the blocks; it is uploaded only where the page is written."""

    name: str
    content: bytes
    content_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class Kept:
    """The page, and whether it had to be written."""

    url: str
    is_new: bool
    is_written: bool


class Contents:
    """Keeps pages of ours below one page.

    Args:
        gateway: The connection.
        parent_page_id: The page above them.

    Raises:
        NotionAccessError: Notion does not tell who this connection is, so that its blocks can't be told from people's.
    """

    def __init__(self, gateway: Gateway, parent_page_id: str) -> None:
        self._gateway, self._parent = gateway, parent_page_id
        me = gateway.me()
        if me is None:
            raise NotionAccessError(
                say(
                    "Notion does not tell who this connection is: its blocks can’t be told from those of others. Give "
                    "it the right to read user information, then run it again."
                )
            )
        self._me = me

    def keep(self, title: str, blocks: Sequence[Json | Picture]) -> Kept:
        """Make a page hold these blocks, and whatever people have added below them.

        Raises:
            NotionError: Notion can't be read or written; the next run completes it.
        """
        page_id, is_new = self._page(title)
        mark = _mark(blocks)
        ours = self._ours(page_id)
        is_written = not _is_whole(ours, len(blocks), mark)
        if is_written:
            for block in ours:
                self._trash(block)
            self._write(page_id, [*map(self._block, blocks), _paragraph(mark)])
            self._take_doubles_away(page_id, len(blocks), mark)
        return Kept(self._gateway.page(page_id).url, is_new, is_written)

    def _page(self, title: str) -> tuple[str, bool]:
        """Id of the page, and whether it is a new one. Of several that two runs made, the first one."""
        page_id = self._find(title)
        if page_id is not None:
            return page_id, False
        create = partial(self._gateway.create_page, self._parent, title)
        made = self._gateway.create_once(lambda: create().id, lambda known: known or self._find(title))
        return self._find(title) or made, True

    def _find(self, title: str) -> str | None:
        for block in self._gateway.children(self._parent):
            if block.child_page is not None and block.child_page.title == title and self._is_ours(block):
                return block.id
        return None

    def _ours(self, page_id: str) -> list[Block]:
        blocks = self._gateway.children(page_id)
        return [block for block in blocks if self._is_ours(block) and not block.type.startswith("child_")]

    def _is_ours(self, block: Block) -> bool:
        return not block.in_trash and block.created_by is not None and block.created_by.id == self._me

    def _write(self, page_id: str, blocks: Sequence[Json]) -> None:
        """Put blocks above what people have added, as many in a request as fit."""
        position: dict[str, Any] = {"type": "start"}
        before = 0
        for part in _parts(blocks):
            append = partial(self._gateway.append_blocks, page_id, part, position)

            def find(_: str | None, until: int = before + len(part)) -> tuple[Block, ...] | None:
                ours = tuple(self._ours(page_id))
                return ours if len(ours) >= until else None

            added = self._gateway.create_once(append, find)
            before += len(part)
            if not added:
                raise NotionError(
                    say("Notion did not tell which blocks it has added: run it again, and the page is written anew.")
                )
            position = {"type": "after_block", "after_block": {"id": added[-1].id}}

    def _take_doubles_away(self, page_id: str, count: int, mark: str) -> None:
        """Two runs at once write twice, each above the other: what was written first stays."""
        ours = self._ours(page_id)
        surplus = ours[: -count - 1]
        if surplus and _is_whole(ours[-count - 1 :], count, mark):
            for block in surplus:
                self._trash(block)

    def _block(self, block: Json | Picture) -> Json:
        if not isinstance(block, Picture):
            return block
        # An upload that is never attached is gone in an hour: after a doubtful answer, a new one does no harm.
        upload = partial(self._gateway.upload_file, block.name, block.content, block.content_type)
        file = {"id": self._gateway.create_once(upload, lambda _: None)}
        return {"type": "image", "image": {"type": "file_upload", "file_upload": file}}

    def _trash(self, block: Block) -> None:
        try:
            self._gateway.trash_block(block.id)
        except RowInTrash:
            # Its answer was lost, or another run was faster.
            return


def text(words: str, **look: Any) -> list[dict[str, Any]]:
    """A piece of text; `look` are annotations like `bold=True`."""
    piece: dict[str, Any] = {"type": "text", "text": {"content": words}}
    return [{**piece, "annotations": look} if look else piece] if words else []


def _paragraph(words: str) -> Json:
    return {"type": "paragraph", "paragraph": {"rich_text": text(words, color="gray")}}


def _mark(blocks: Sequence[Json | Picture]) -> str:
    """Another one for other blocks."""
    sign = hashlib.sha256()
    for block in blocks:
        sign.update(block.content if isinstance(block, Picture) else json.dumps(block, sort_keys=True).encode())
    return f"{MARK}{sign.hexdigest()[:16]}"


def _is_whole(ours: Sequence[Block], count: int, mark: str) -> bool:
    """Whether blocks are all that should be there, and nothing else."""
    if len(ours) != count + 1 or ours[-1].paragraph is None:
        return False
    return "".join(piece.shown for piece in ours[-1].paragraph.rich_text) == mark


def _parts(blocks: Sequence[Json]) -> Iterator[list[Json]]:
    """The blocks in as few requests as Notion's limits allow."""
    part: list[Json] = []
    parts = size = 0
    for block in blocks:
        content = json.dumps(block)
        depth = content.count('"table_row"') // 2 + 1
        if part and (len(part) >= _MOST_BLOCKS or parts + depth > _MOST_PARTS or size + units(content) > _MOST_UNITS):
            yield part
            part, parts, size = [], 0, 0
        part.append(block)
        parts += depth
        size += units(content)
    if part:
        yield part
