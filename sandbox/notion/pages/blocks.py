"""Blocks: the children of a page, databases among them, and small content."""

from __future__ import annotations

from typing import Any, Final

from sandbox.notion.answers.show_schema import minutes
from sandbox.notion.errors import Json, Refusal, archived, invalid, malformed, missing, one_of
from sandbox.notion.requests.call import TRASH_VERSION, Call
from sandbox.notion.requests.paging import Slice, listing, page_of, read_size
from sandbox.notion.stored.files import read_file, show_file
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.records import BlockRecord
from sandbox.notion.stored.text import plain, read_text, show_text
from sandbox.notion.stored.workspace import Workspace

# Kinds with rich text, and what else their content holds by default.
_WORDY: Final[dict[str, Json]] = {
    "paragraph": {"color": "default", "icon": None},
    "heading_1": {"color": "default", "is_toggleable": False},
    "heading_2": {"color": "default", "is_toggleable": False},
    "heading_3": {"color": "default", "is_toggleable": False},
    "bulleted_list_item": {"color": "default"},
    "numbered_list_item": {"color": "default"},
    "to_do": {"color": "default", "checked": False},
    "toggle": {"color": "default"},
    "quote": {"color": "default"},
    "callout": {"color": "default", "icon": None},
    "code": {"caption": [], "language": "plain text"},
}
_FILES: Final = frozenset({"file", "image"})
_TABLE: Final = "table"
_TABLE_ROW: Final = "table_row"
_BARE: Final = frozenset({"divider", "breadcrumb"})
_KINDS: Final = _WORDY.keys() | _BARE | _FILES | {_TABLE, _TABLE_ROW}
_MOST: Final = 100


def retrieve(call: Call) -> Json:
    """`GET /v1/blocks/{id}`; pages and databases are blocks too."""
    return show(call.workspace, _found(call))


def children(call: Call) -> Json:
    """`GET /v1/blocks/{id}/children`; what is in the trash is left out."""
    workspace, key = call.workspace, _found(call)
    part = listing(
        workspace,
        {"children": key},
        cursor=call.one("start_cursor"),
        size=read_size(call.one("page_size"), part="query"),
        ids=lambda: _children(workspace, key),
    )
    return page_of("block", [show(workspace, one) for one in part.ids], part)


def append(call: Call) -> Json:
    """`PATCH /v1/blocks/{id}/children`."""
    workspace, key = call.workspace, _found(call)
    allowed = {"children", "position"} if call.version >= TRASH_VERSION else {"children", "position", "after"}
    body = call.closed(allowed)
    if _trashed(workspace, key):
        raise archived()
    if "children" not in body:
        raise missing("children")
    if key in workspace.databases:
        raise invalid("A database has rows, not blocks.")
    before = _children(workspace, key)
    index = _read_position(call, before)
    added = add_children(call, key, body["children"], "children")
    for one in (*before[:index], *(block.id for block in added), *before[index:]):
        thing = workspace.blocks.get(one) or workspace.pages.get(one) or workspace.databases[one]
        thing.serial = workspace.serial()
    part = Slice(tuple(one.id for one in added), None)
    return page_of("block", [show(workspace, one.id) for one in added], part)


def delete(call: Call) -> Json:
    """`DELETE /v1/blocks/{id}`: to the trash; a page or a database as well."""
    workspace, key = call.workspace, _found(call)
    if _trashed(workspace, key):
        raise archived()
    thing = workspace.blocks.get(key) or workspace.pages.get(key) or workspace.databases[key]
    thing.trashed = True
    workspace.touch(thing.stamp, call.by)
    return show(workspace, key)


def add_children(call: Call, parent_id: str, items: Any, path: str) -> list[BlockRecord]:
    """Put blocks at the end of a page or a block; all or none.

    Raises:
        Refusal: 400: over 100, an unknown kind, or content that is wrong.
    """
    if not isinstance(items, list):
        raise malformed(path, "an array", items)
    if len(items) > _MOST:
        raise invalid(f"body failed validation: body.{path}.length should be ≤ `{_MOST}`, instead was `{len(items)}`.")
    workspace = call.workspace
    before = set(workspace.blocks)
    try:
        return [_add(call, parent_id, item, f"{path}[{index}]") for index, item in enumerate(items)]
    except Refusal:
        for key in set(workspace.blocks) - before:
            del workspace.blocks[key]
        raise


def erase(workspace: Workspace, page_id: str) -> None:
    """Move a page's content to the trash."""
    for key in _children(workspace, page_id):
        if key in workspace.blocks:
            workspace.blocks[key].trashed = True


def show(workspace: Workspace, key: str) -> Json:
    """A block as answers show it."""
    content: Json
    if key in workspace.databases:
        database = workspace.databases[key]
        kind, stamp, parent_id = "child_database", database.stamp, database.parent_page_id
        content = {"title": plain(database.title)}
    elif key in workspace.pages:
        page = workspace.pages[key]
        kind, stamp, parent_id = "child_page", page.stamp, page.source_id or page.parent_page_id or ""
        content = {"title": page.title}
    else:
        block = workspace.blocks[key]
        kind, stamp, parent_id, content = block.kind, block.stamp, block.parent_id, block.content
        if block.file is not None:
            content = {**content, **show_file(workspace, block.file)}
    return {
        "object": "block",
        "id": key,
        "parent": _parent(workspace, parent_id),
        **minutes(stamp),
        "has_children": key not in workspace.databases and bool(_children(workspace, key)),
        "in_trash": _trashed(workspace, key),
        "type": kind,
        kind: content,
    }


def _add(call: Call, parent_id: str, item: Any, path: str) -> BlockRecord:
    if not isinstance(item, dict):
        raise malformed(path, "an object", item)
    kind = item.get("type") or next((key for key in item if key in _KINDS), None)
    kind = one_of(kind, _KINDS, f"{path}.type", "a kind of block that this stand-in knows")
    if kind not in item:
        raise missing(f"{path}.{kind}")
    workspace = call.workspace
    if (kind == _TABLE_ROW) != (_kind_of(workspace, parent_id) == _TABLE):
        raise invalid(f"body failed validation: body.{path}: rows of tables, and nothing else, go into tables.")
    content = _content(call, kind, item[kind], f"{path}.{kind}")
    stamp = workspace.stamp(call.by)
    block = BlockRecord(workspace.ids.uuid(), workspace.serial(), parent_id, kind, content, stamp)
    if kind in _FILES:
        block.file = read_file(workspace, item[kind], f"{path}.{kind}")
        if block.file.upload_id is not None:
            workspace.uploads[block.file.upload_id].attached = True
    workspace.blocks[block.id] = block
    inner = item[kind].get("children", item.get("children", []))
    add_children(call, block.id, inner, f"{path}.children")
    return block


def _content(call: Call, kind: str, body: Any, path: str) -> Json:
    if not isinstance(body, dict):
        raise malformed(path, "an object", body)
    if kind in _BARE:
        return {}
    if kind in _FILES:
        return {"caption": show_text(read_text(body.get("caption", []), f"{path}.caption", call.switches))}
    if kind == _TABLE:
        return _table(body, path)
    if kind == _TABLE_ROW:
        return {"cells": _cells(call, body.get("cells"), f"{path}.cells")}
    content = {**_WORDY[kind], **{name: body[name] for name in _WORDY[kind] if name in body}}
    for name in ("rich_text", "caption"):
        if name in body or (name == "rich_text" and name not in content):
            content[name] = show_text(read_text(body.get(name, []), f"{path}.{name}", call.switches))
    return content


def _table(body: Json, path: str) -> Json:
    """A table's own content; its rows, which must be as wide as it, are its children."""
    width, rows = body.get("table_width"), body.get("children")
    if not isinstance(width, int) or isinstance(width, bool) or width < 1:
        raise malformed(f"{path}.table_width", "a number from 1", width)
    if not isinstance(rows, list) or not rows:
        raise missing(f"{path}.children")
    for index, row in enumerate(rows):
        cells = row.get(_TABLE_ROW, {}).get("cells") if isinstance(row, dict) else None
        if not isinstance(cells, list) or len(cells) != width:
            raise invalid(f"body failed validation: body.{path}.children[{index}] should have {width} cells.")
    heads = {name: bool(body.get(name, False)) for name in ("has_column_header", "has_row_header")}
    return {"table_width": width, **heads}


def _cells(call: Call, cells: Any, path: str) -> list[list[Json]]:
    if not isinstance(cells, list):
        raise malformed(path, "an array", cells)
    return [show_text(read_text(cell, f"{path}[{index}]", call.switches)) for index, cell in enumerate(cells)]


def _kind_of(workspace: Workspace, key: str) -> str:
    return workspace.blocks[key].kind if key in workspace.blocks else ""


def _read_position(call: Call, before: list[str]) -> int:
    """How many of the blocks that are there stand before the new ones: all when nothing is asked for."""
    position = call.body.get("position") or {"type": "end"}
    after = call.body.get("after")
    if not isinstance(position, dict) or position.get("type") not in ("start", "end", "after_block"):
        raise malformed("position.type", '`"start"`, `"end"` or `"after_block"`', position)
    if position["type"] == "after_block":
        block = position.get("after_block")
        if not isinstance(block, dict) or block.get("id") is None:
            raise missing("position.after_block.id")
        after = block["id"]
    if after is None and position["type"] == "end":
        return len(before)
    if after is None:
        return 0
    key = read_uuid(after, "position.after_block.id")
    if key not in before:
        raise call.workspace.missing("block", key)
    return before.index(key) + 1


def _found(call: Call) -> str:
    key, workspace = call.id("block_id"), call.workspace
    if not (key in workspace.blocks or key in workspace.pages or key in workspace.databases):
        raise workspace.missing("block", key)
    if not workspace.shared(key):
        raise workspace.missing("block", key)
    return key


def _children(workspace: Workspace, key: str) -> list[str]:
    blocks = [(one.serial, one.id) for one in workspace.blocks.values() if one.parent_id == key and not one.trashed]
    pages = [(one.serial, one.id) for one in workspace.pages.values() if one.parent_page_id == key and not one.trashed]
    databases = [
        (one.serial, one.id)
        for one in workspace.databases.values()
        if one.parent_page_id == key and not one.trashed and workspace.shared(one.id)
    ]
    return [one for _, one in sorted([*blocks, *pages, *databases])]


def _trashed(workspace: Workspace, key: str) -> bool:
    things = (workspace.blocks, workspace.pages, workspace.databases)
    return any(one in kind and kind[one].trashed for one in (key, *workspace.ancestors(key)) for kind in things)


def _parent(workspace: Workspace, key: str) -> Json:
    if key in workspace.pages:
        return {"type": "page_id", "page_id": key}
    if key in workspace.sources:
        database_id = workspace.sources[key].database_id
        return {"type": "data_source_id", "data_source_id": key, "database_id": database_id}
    return {"type": "block_id", "block_id": key} if key else {"type": "workspace", "workspace": True}
