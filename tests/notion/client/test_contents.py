"""A page of ours: found again, renewed in place, never doubled, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from notion.client.contents import MARK, Contents, Kept, Picture, text
from notion.client.gateway import Gateway
from notion.client.models import Block
from sandbox.faults import Fault, Kind
from tests.notion.mortal import Died, Mortal
from tests.notion.office import Notion
from usage.errors import NotionAccessError

TITLE = "Usages LLM 2026-01"
PNG = b"\x89PNG\r\n\x1a\n"


def line(words: str) -> dict[str, Any]:
    return {"type": "paragraph", "paragraph": {"rich_text": text(words)}}


def table(*rows: tuple[str, ...]) -> dict[str, Any]:
    children = [{"type": "table_row", "table_row": {"cells": [text(cell) for cell in row]}} for row in rows]
    return {"type": "table", "table": {"table_width": len(rows[0]), "children": children}}


OLD = (line("January, so far"), Picture("months.png", PNG), table(("a", "1"), ("b", "2")))
NEW = (line("January"), table(("a", "3")), Picture("months.png", PNG + b"new"), line("end"))


def keep(notion: Notion, blocks: Sequence[Any], gateway: Gateway | None = None) -> Kept:
    parent = notion.settings().parent_page_id
    assert parent is not None
    return Contents(gateway or notion.connection, parent).keep(TITLE, blocks)


def pages(notion: Notion) -> list[Block]:
    listed = notion.connection.children(notion.settings().parent_page_id or "")
    return [one for one in listed if one.child_page is not None]


def shown(notion: Notion) -> list[str]:
    """What stands on the one page: texts, and kinds of what has none."""
    (page,) = pages(notion)
    found = []
    for block in notion.connection.children(page.id):
        words = "".join(one.shown for one in block.paragraph.rich_text) if block.paragraph is not None else block.type
        found.append("mark" if words.startswith(MARK) else words)
    return found


def test_a_page_is_made_once_and_renewed_in_place(notion: Notion) -> None:
    first = keep(notion, OLD)
    assert (first.is_new, first.is_written) == (True, True)
    assert shown(notion) == ["January, so far", "image", "table", "mark"]
    again = keep(notion, NEW)
    assert (again.url, again.is_new, again.is_written) == (first.url, False, True)
    assert shown(notion) == ["January", "table", "image", "end", "mark"]


def test_what_it_says_already_is_not_written_again(notion: Notion) -> None:
    keep(notion, OLD)
    notion.server.journal.clear()
    assert not keep(notion, OLD).is_written
    assert {request.method for request in notion.server.journal.requests()} == {"GET"}


def test_another_picture_is_another_page(notion: Notion) -> None:
    keep(notion, [Picture("months.png", PNG)])
    assert keep(notion, [Picture("months.png", PNG + b"other")]).is_written


def test_what_people_add_stays_below(notion: Notion) -> None:
    keep(notion, OLD)
    notion.api.store.write_on(pages(notion)[0].id, "Seen by Anne.")
    keep(notion, NEW)
    assert shown(notion) == ["January", "table", "image", "end", "mark", "Seen by Anne."]
    assert not keep(notion, NEW).is_written


def test_what_people_take_away_comes_back(notion: Notion) -> None:
    keep(notion, OLD)
    first = next(iter(notion.connection.children(pages(notion)[0].id)))
    notion.connection.trash_block(first.id)
    assert keep(notion, OLD).is_written
    assert shown(notion) == ["January, so far", "image", "table", "mark"]


def test_a_page_of_somebody_else_with_the_title_is_left_alone(notion: Notion) -> None:
    notion.api.store.make_page(TITLE)
    keep(notion, OLD)
    theirs, ours = pages(notion)
    assert list(notion.connection.children(theirs.id)) == []
    assert len(list(notion.connection.children(ours.id))) == len(OLD) + 1


def test_long_pages_come_in_several_requests_and_in_order(notion: Notion) -> None:
    long = [line(str(number)) for number in range(230)]
    keep(notion, long)
    assert shown(notion) == [*(str(number) for number in range(230)), "mark"]
    tables = [table(*[("x", "y")] * 100) for _ in range(12)]
    keep(notion, tables)
    assert shown(notion) == [*["table"] * 12, "mark"]


def test_without_knowing_itself_it_touches_nothing(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = notion.gateway()
    monkeypatch.setattr(type(gateway), "me", lambda _: None)
    with pytest.raises(NotionAccessError, match="qui est cette connexion"):
        keep(notion, OLD, gateway)


@pytest.mark.parametrize("end", ["before", "after", "lost"])
@pytest.mark.parametrize("there", [False, True], ids=["new page", "page renewed"])
def test_cut_at_any_request(notion: Notion, *, there: bool, end: str) -> None:
    """Before the request is sent; after it was carried out, its answer lost with the program; its answer lost alone."""

    def start() -> None:
        notion.renew()
        notion.connection.me()
        if there:
            keep(notion, OLD)
        notion.server.journal.clear()

    pace = Mortal()
    pace.left = 10_000
    mortal = notion.gateway(pace=pace)
    mortal.me()
    start()
    keep(notion, NEW)
    requests = len(notion.server.journal.requests())
    for cut in range(requests):
        start()
        if end != "before":
            notion.server.faults.add(Fault("notion", Kind.CUT_AFTER, skip=cut))
        if end == "lost":
            keep(notion, NEW)
        else:
            pace.left = cut + (end == "after")
            with pytest.raises(Died):
                keep(notion, NEW, mortal)
        keep(notion, NEW)
        assert shown(notion) == ["January", "table", "image", "end", "mark"], cut
        assert not keep(notion, NEW).is_written


@pytest.mark.parametrize("other", [OLD, NEW], ids=["old", "same"])
def test_two_runs_at_once_end_as_one(notion: Notion, other: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run writes the whole page between our looking and our writing."""
    keep(notion, OLD)
    rival = notion.gateway()
    parent = notion.settings().parent_page_id or ""
    write = Contents._write
    raced: list[bool] = []

    def slow(self: Contents, page_id: str, blocks: Sequence[Any]) -> None:
        if not raced:
            raced.append(True)
            Contents(rival, parent).keep(TITLE, other)
        write(self, page_id, blocks)

    monkeypatch.setattr(Contents, "_write", slow)
    keep(notion, NEW)
    keep(notion, NEW)
    assert shown(notion) == ["January", "table", "image", "end", "mark"]
