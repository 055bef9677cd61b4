"""Search: late and generous, as Notion's is. It also finds what is in the trash, as recorded answers show."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any, Final

from sandbox.notion.answers import show_page, show_schema
from sandbox.notion.errors import Json, malformed
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.text import plain

_ALLOWED: Final = frozenset({"query", "sort", "filter", "start_cursor", "page_size"})
_LIKE: Final = 0.4


def search(call: Call) -> Json:
    """`POST /v1/search`."""
    workspace, body = call.workspace, call.closed(_ALLOWED)
    words, wanted = body.get("query") or "", body.get("filter") or {}
    if not isinstance(words, str):
        raise malformed("query", "a string", words)
    part = listing(
        workspace,
        {"query": words, "filter": wanted, "sort": body.get("sort")},
        cursor=body.get("start_cursor"),
        size=read_size(body.get("page_size")),
        ids=lambda: _found(call, words, wanted, body.get("sort")),
    )
    results = [
        show_page.page(workspace, workspace.pages[key])
        if key in workspace.pages
        else show_schema.source(workspace, workspace.sources[key])
        for key in part.ids
    ]
    return page_of("page_or_data_source", results, part)


def _found(call: Call, words: str, wanted: Any, sort: Any) -> list[str]:
    workspace = call.workspace
    if not isinstance(wanted, dict) or wanted.get("value") not in (None, "page", "data_source"):
        raise malformed("filter.value", '`"page"` or `"data_source"`', wanted)
    things: list[PageRecord | SourceRecord] = []
    if wanted.get("value") != "data_source":
        things += workspace.pages.values()
    if wanted.get("value") != "page":
        things += workspace.sources.values()
    known = [thing for thing in things if workspace.shared(thing.id) and _known(thing)]
    if "in_trash" in wanted:
        known = [thing for thing in known if _trashed(call, thing) is wanted["in_trash"]]
    likeness = {thing.id: _likeness(words, _title(thing)) for thing in known}
    hits = [thing for thing in known if likeness[thing.id] >= _LIKE]
    if isinstance(sort, dict) and "timestamp" in sort:
        hits.sort(key=lambda thing: thing.stamp.edited, reverse=sort.get("direction") == "descending")
    else:
        hits.sort(key=lambda thing: likeness[thing.id], reverse=True)
    return [thing.id for thing in hits]


def _known(thing: PageRecord | SourceRecord) -> bool:
    """Whether search has heard of a thing; one more search has then passed."""
    if thing.unfound_by > 0:
        thing.unfound_by -= 1
        return False
    return True


def _likeness(words: str, title: str) -> float:
    """1 for the same, and enough for one word in common or a title that looks alike."""
    one, other = words.casefold(), title.casefold()
    if not one or one == other:
        return 1.0
    if set(one.split()) & set(other.split()):
        return 0.8
    return SequenceMatcher(None, one, other).ratio()


def _title(thing: PageRecord | SourceRecord) -> str:
    return thing.title if isinstance(thing, PageRecord) else plain(thing.title)


def _trashed(call: Call, thing: PageRecord | SourceRecord) -> bool:
    if isinstance(thing, PageRecord):
        return call.workspace.page_trashed(thing)
    return call.workspace.source_trashed(thing)
