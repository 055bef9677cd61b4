"""Databases (the shells) and data sources (schema and rows)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.notion.answers import show_schema
from sandbox.notion.databases.schema import Schema
from sandbox.notion.errors import Json, archived, invalid, malformed, missing
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.icons import read_cover, read_icon
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.records import DatabaseRecord, SourceRecord, ViewRecord
from sandbox.notion.stored.text import Text, read_text
from sandbox.notion.stored.workspace import Workspace


def create(call: Call) -> Json:
    """`POST /v1/databases`. Keys that it does not know are passed over, a top-level `properties` among them."""
    workspace, body = call.workspace, call.body
    parent = _read_parent(call, body.get("parent"))
    title = read_text(body.get("title", []), "title", call.switches)
    initial = body.get("initial_data_source") or {}
    if not isinstance(initial, dict):
        raise malformed("initial_data_source", "an object", initial)
    description = read_text(body.get("description", []), "description", call.switches)
    icon, cover = read_icon(body.get("icon"), call), read_cover(body.get("cover"), call)
    inline = call.flag("is_inline", False)
    database = add_database(workspace, parent, title, initial.get("properties"), by=call.by)
    database.description, database.icon, database.cover, database.inline = description, icon, cover, inline
    workspace.sources[database.source_ids[0]].unfound_by = call.switches.search_lag
    return show_schema.database(workspace, database)


def retrieve(call: Call) -> Json:
    """`GET /v1/databases/{id}`."""
    return show_schema.database(call.workspace, call.workspace.database(call.id("database_id")))


def update(call: Call) -> Json:
    """`PATCH /v1/databases/{id}`: the shell only."""
    workspace, body = call.workspace, call.body
    database = workspace.database(call.id("database_id"))
    wish = call.trash_wish()
    if workspace.database_trashed(database) and wish is not False:
        raise archived()
    parent = _read_parent(call, body["parent"]) if body.get("parent") is not None else database.parent_page_id
    title = read_text(body["title"], "title", call.switches) if "title" in body else database.title
    description = database.description
    if "description" in body:
        description = read_text(body["description"], "description", call.switches)
    icon = read_icon(body["icon"], call) if "icon" in body else database.icon
    cover = read_cover(body["cover"], call) if "cover" in body else database.cover
    inline, locked = call.flag("is_inline", database.inline), call.flag("is_locked", database.locked)
    # Everything has been read: from here on nothing is refused.
    database.parent_page_id, database.title, database.description = parent, title, description
    database.icon, database.cover, database.inline, database.locked = icon, cover, inline, locked
    database.trashed = database.trashed if wish is None else wish
    workspace.touch(database.stamp, call.by)
    return show_schema.database(workspace, database)


def create_source(call: Call) -> Json:
    """`POST /v1/data_sources`: one more data source in a database."""
    workspace, body = call.workspace, call.body
    parent = body.get("parent")
    if not isinstance(parent, dict) or "database_id" not in parent:
        raise missing("parent.database_id")
    database = workspace.database(read_uuid(parent["database_id"], "parent.database_id"))
    if workspace.database_trashed(database):
        raise archived()
    if "properties" not in body:
        raise missing("properties")
    title, icon = read_text(body.get("title", []), "title", call.switches), read_icon(body.get("icon"), call)
    source = add_source(workspace, database, title, body["properties"], path="properties", by=call.by)
    source.icon, source.unfound_by = icon, call.switches.search_lag
    return show_schema.source(workspace, source)


def retrieve_source(call: Call) -> Json:
    """`GET /v1/data_sources/{id}`."""
    return show_schema.source(call.workspace, call.workspace.source(call.id("data_source_id")))


def update_source(call: Call) -> Json:
    """`PATCH /v1/data_sources/{id}`: schema, title, trash."""
    workspace, body = call.workspace, call.body
    source = workspace.source(call.id("data_source_id"))
    wish = call.trash_wish()
    if workspace.source_trashed(source) and wish is not False:
        raise archived()
    if call.switches.locked_refuses_api and workspace.database_of(source).locked and "properties" in body:
        raise invalid("Can't edit the schema of a database that is locked.")
    title = read_text(body["title"], "title", call.switches) if "title" in body else source.title
    icon = read_icon(body["icon"], call) if "icon" in body else source.icon
    if "properties" in body:
        with undone_on_refusal(workspace):
            Schema(workspace, source).update(body["properties"], "properties")
    source.title, source.icon = title, icon
    source.trashed = source.trashed if wish is None else wish
    workspace.touch(source.stamp, call.by)
    return show_schema.source(workspace, source)


def add_database(
    workspace: Workspace, parent_page_id: str, title: Text, properties: Any, *, by: str, by_hand: bool = False
) -> DatabaseRecord:
    """A new database with its first data source and its first view.

    Raises:
        Refusal: 400 for a wrong schema; nothing is created then.
    """
    database = DatabaseRecord(workspace.ids.uuid(), workspace.serial(), parent_page_id, title, workspace.stamp(by))
    workspace.databases[database.id] = database
    try:
        path = "initial_data_source.properties"
        source = add_source(workspace, database, title, properties, path=path, by=by, by_hand=by_hand)
    except Exception:
        del workspace.databases[database.id]
        raise
    view = ViewRecord(
        id=workspace.ids.uuid(),
        serial=workspace.serial(),
        database_id=database.id,
        source_id=source.id,
        name="Default view",
        kind="table",
        stamp=workspace.stamp(by),
        configuration={"type": "table"},
    )
    workspace.views[view.id] = view
    return database


def add_source(
    workspace: Workspace,
    database: DatabaseRecord,
    title: Text,
    properties: Any,
    *,
    path: str,
    by: str,
    by_hand: bool = False,
) -> SourceRecord:
    """A new data source in a database.

    Raises:
        Refusal: 400 for a wrong schema; nothing is created then.
    """
    source = SourceRecord(workspace.ids.uuid(), database.id, title, workspace.stamp(by))
    with undone_on_refusal(workspace):
        workspace.sources[source.id] = source
        database.source_ids.append(source.id)
        Schema(workspace, source, by_hand=by_hand).create(properties, path)
    return source


@contextmanager
def undone_on_refusal(workspace: Workspace) -> Iterator[None]:
    """All of a schema change or none of it: a two-way relation may already have reached another data source."""
    schemas = {key: copy.deepcopy(source.properties) for key, source in workspace.sources.items()}
    shells = {key: list(database.source_ids) for key, database in workspace.databases.items()}
    cells = {key: dict(page.values) for key, page in workspace.pages.items()}
    try:
        yield
    except Exception:
        for key in set(workspace.sources) - set(schemas):
            del workspace.sources[key]
        for key, properties in schemas.items():
            workspace.sources[key].properties = properties
        for key, source_ids in shells.items():
            workspace.databases[key].source_ids = source_ids
        for key, values in cells.items():
            workspace.pages[key].values = values
        raise


def _read_parent(call: Call, parent: Any) -> str:
    workspace = call.workspace
    if parent is None:
        raise missing("parent")
    if not isinstance(parent, dict):
        raise malformed("parent", "an object", parent)
    if parent.get("workspace") is True:
        raise invalid("An internal connection cannot create databases at workspace level; give a parent page.")
    if "page_id" not in parent:
        raise missing("parent.page_id")
    page = workspace.page(read_uuid(parent["page_id"], "parent.page_id"))
    if workspace.page_trashed(page):
        raise archived()
    return page.id
