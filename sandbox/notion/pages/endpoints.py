"""Pages: create, retrieve, update, and single properties."""

from __future__ import annotations

from typing import Any, Final

from sandbox.notion.answers import show_page
from sandbox.notion.errors import Json, Refusal, archived, invalid, malformed, missing, restricted, several_sources
from sandbox.notion.pages.blocks import add_children, erase
from sandbox.notion.pages.values import ValueReader, Written, apply, read_title
from sandbox.notion.query.endpoint import only_properties
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.icons import read_cover, read_icon
from sandbox.notion.stored.columns import UniqueId
from sandbox.notion.stored.contents import Amount
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.workspace import Workspace

_CREATE: Final = frozenset(
    {"parent", "properties", "icon", "cover", "children", "content", "template", "position", "allow_async"}
)
_UPDATE: Final = frozenset({"properties", "icon", "cover", "is_locked", "in_trash", "archived", "is_archived"}) | {
    "erase_content",
    "template",
}


def create(call: Call) -> Json:
    """`POST /v1/pages`."""
    workspace, body = call.workspace, call.closed(_CREATE)
    if "parent" not in body:
        raise missing("parent")
    source, parent_id = _read_parent(call, body["parent"])
    only = only_properties(call, source)
    icon, cover = read_icon(body.get("icon"), call), read_cover(body.get("cover"), call)
    children = body.get("children", body.get("content", []))
    properties = body.get("properties", {})
    written: Written = {}
    if source is None:
        title = read_title(properties, workspace)
        _take_room(workspace, source)
        page = workspace.add_page(by=call.by, parent_page_id=parent_id, title=title.text if title else ())
    else:
        written = ValueReader(workspace, source).read(properties)
        _take_room(workspace, source)
        page = add_row(workspace, source, written, by=call.by)
        page.hidden_from = workspace.switches.visibility_lag
    page.unfound_by = workspace.switches.search_lag
    page.icon, page.cover = icon, cover
    try:
        add_children(call, page.id, children, "children")
    except Refusal:
        if source is not None:
            apply(workspace, source, page.id, dict.fromkeys(written))
        workspace.forget(page)
        raise
    return show_page.page(workspace, page, only)


def retrieve(call: Call) -> Json:
    """`GET /v1/pages/{id}`."""
    page = call.workspace.page(call.id("page_id"))
    return show_page.page(call.workspace, page, only_properties(call, _source_of(call.workspace, page)))


def update(call: Call) -> Json:
    """`PATCH /v1/pages/{id}`."""
    workspace = call.workspace
    page = workspace.page(call.id("page_id"))
    body = call.closed(_UPDATE)
    source = _source_of(workspace, page)
    only = only_properties(call, source)
    wish = call.trash_wish()
    _check_trash(workspace, page, wish, body)
    icon = read_icon(body["icon"], call) if "icon" in body else page.icon
    cover = read_cover(body["cover"], call) if "cover" in body else page.cover
    locked, erasing = call.flag("is_locked", page.locked), call.flag("erase_content", False)
    written: Written | None = None
    title = None
    if source is not None and "properties" in body:
        written = ValueReader(workspace, source, page.id).read(body["properties"])
    elif "properties" in body:
        title = read_title(body["properties"], workspace)
    # Everything has been read: from here on nothing is refused.
    page.icon, page.cover, page.locked = icon, cover, locked
    if erasing:
        erase(workspace, page.id)
    if source is not None and written is not None:
        apply(workspace, source, page.id, written)
    elif title is not None:
        page.values["title"] = title
    page.trashed = page.trashed if wish is None else wish
    workspace.touch(page.stamp, call.by)
    return show_page.page(workspace, page, only)


def add_row(workspace: Workspace, source: SourceRecord, written: Written, *, by: str) -> PageRecord:
    """A new row with its values, the running number included."""
    page = workspace.add_page(by=by, source_id=source.id)
    apply(workspace, source, page.id, written)
    for one in source.properties.values():
        if isinstance(one.config, UniqueId):
            source.last_unique_id += 1
            page.values[one.id] = Amount(float(source.last_unique_id))
    return page


def _read_parent(call: Call, parent: Any) -> tuple[SourceRecord | None, str | None]:
    """The data source or the page that a new page goes into."""
    workspace = call.workspace
    if not isinstance(parent, dict):
        raise malformed("parent", "an object", parent)
    if "data_source_id" in parent:
        source = workspace.source(read_uuid(parent["data_source_id"], "parent.data_source_id"))
        if workspace.source_trashed(source):
            raise archived()
        return source, None
    if "database_id" in parent:
        database = workspace.database(read_uuid(parent["database_id"], "parent.database_id"))
        sources = workspace.sources_of(database)
        if workspace.database_trashed(database):
            raise archived()
        if len(sources) != 1:
            raise several_sources([one.id for one in sources], database.id)
        return sources[0], None
    if "page_id" in parent:
        page = workspace.page(read_uuid(parent["page_id"], "parent.page_id"))
        if workspace.page_trashed(page):
            raise archived()
        return None, page.id
    if parent.get("workspace") is True:
        raise invalid("An internal connection cannot create pages at workspace level; give a parent page.")
    raise missing("parent.page_id")


def _take_room(workspace: Workspace, source: SourceRecord | None) -> None:
    switches = workspace.switches
    if source is not None and len(workspace.pages_in(source)) >= switches.row_limit:
        raise Refusal(409, "row_limit_exceeded", f"The data source holds {switches.row_limit} rows, its limit.")
    if switches.blocks_left is not None:
        if switches.blocks_left <= 0:
            raise restricted("This workspace has used its free blocks.", {"block_limit": 1000})
        switches.blocks_left -= 1


def _check_trash(workspace: Workspace, page: PageRecord, wish: bool | None, body: Json) -> None:
    """Nothing but taking it out may be done to a page in the trash."""
    if not workspace.page_trashed(page):
        return
    restoring = wish is False and page.trashed and set(body) <= {"in_trash", "archived"}
    again = wish is True and set(body) <= {"in_trash", "archived"} and not workspace.switches.trash_twice_refused
    if not restoring and not again:
        raise archived()


def _source_of(workspace: Workspace, page: PageRecord) -> SourceRecord | None:
    return workspace.sources[page.source_id] if page.source_id is not None else None
