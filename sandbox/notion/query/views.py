"""Views: ways of showing a data source, charts among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from sandbox.notion.answers.show_schema import address
from sandbox.notion.errors import Json, invalid, malformed, missing, restricted
from sandbox.notion.query.endpoint import select
from sandbox.notion.query.filters import FilterReader
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.columns import Formula
from sandbox.notion.stored.dates import show_exact
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.records import DatabaseRecord, SourceRecord, ViewRecord

KINDS: Final = ("table", "board", "list", "calendar", "timeline", "gallery", "form", "chart", "map", "dashboard")
_CHARTS: Final = ("column", "bar", "line", "donut", "number")
_KEPT: Final = timedelta(minutes=15)


def create(call: Call) -> Json:
    """`POST /v1/views`."""
    workspace, body = call.workspace, call.body
    for name in ("data_source_id", "name", "type"):
        if name not in body:
            raise missing(name)
    source = workspace.source(read_uuid(body["data_source_id"], "data_source_id"))
    if not isinstance(body["name"], str):
        raise malformed("name", "a string", body["name"])
    if body["type"] not in KINDS:
        raise malformed("type", "a known view type", body["type"])
    database_id, dashboard_id = _read_place(call, source)
    configuration = _read_configuration(source, body["type"], body.get("configuration"))
    _check_conditions(call, source)
    charts, limit = sum(1 for view in workspace.views.values() if view.kind == "chart"), call.switches.charts_allowed
    if body["type"] == "chart" and limit is not None and charts >= limit:
        raise restricted("Your plan does not allow another chart. Upgrade to create more charts.")
    if database_id is None:
        database_id = _linked_database(call, source)
    view = ViewRecord(
        id=workspace.ids.uuid(),
        serial=workspace.serial(),
        database_id=database_id,
        source_id=source.id,
        name=body["name"],
        kind=body["type"],
        stamp=workspace.stamp(call.by),
        configuration=configuration,
        filter=body.get("filter"),
        sorts=body.get("sorts"),
        quick_filters=body.get("quick_filters"),
        dashboard_id=dashboard_id,
    )
    workspace.views[view.id] = view
    return _show(view)


def retrieve(call: Call) -> Json:
    """`GET /v1/views/{id}`."""
    return _show(call.workspace.view(call.id("view_id")))


def update(call: Call) -> Json:
    """`PATCH /v1/views/{id}`. The type of a view cannot be changed."""
    workspace, body = call.workspace, call.body
    view = workspace.view(call.id("view_id"))
    source = workspace.sources[view.source_id]
    if body.get("type", view.kind) != view.kind:
        raise invalid("The type of a view cannot be changed.")
    if not isinstance(body.get("name", ""), str):
        raise malformed("name", "a string", body["name"])
    if "configuration" in body:
        view.configuration = {
            **view.configuration,
            **_read_configuration(source, view.kind, body["configuration"]),
        }
    _check_conditions(call, source)
    view.name = body.get("name", view.name)
    view.filter, view.sorts = body.get("filter", view.filter), body.get("sorts", view.sorts)
    view.quick_filters = body.get("quick_filters", view.quick_filters)
    workspace.touch(view.stamp, call.by)
    return _show(view)


def delete(call: Call) -> Json:
    """`DELETE /v1/views/{id}`; a database keeps at least one view."""
    workspace = call.workspace
    view = workspace.view(call.id("view_id"))
    if sum(1 for other in workspace.views.values() if other.database_id == view.database_id) == 1:
        raise invalid("Cannot delete the last view of a database.")
    del workspace.views[view.id]
    return {"object": "view", "id": view.id, "parent": _parent(view), "type": view.kind}


def list_all(call: Call) -> Json:
    """`GET /v1/views`: ids only."""
    workspace = call.workspace
    wanted = {name: call.one(name) for name in ("database_id", "data_source_id")}
    if not any(wanted.values()):
        raise missing("database_id", part="query")
    keys = {name: read_uuid(value, name, part="query") for name, value in wanted.items() if value is not None}
    if "database_id" in keys:
        workspace.database(keys["database_id"])
    if "data_source_id" in keys:
        workspace.source(keys["data_source_id"])
    part = listing(
        workspace,
        keys,
        cursor=call.one("start_cursor"),
        size=read_size(call.one("page_size"), part="query"),
        ids=lambda: [
            view.id
            for view in workspace.views.values()
            if view.database_id == keys.get("database_id", view.database_id)
            and view.source_id == keys.get("data_source_id", view.source_id)
        ],
    )
    return page_of("view", [{"object": "view", "id": key} for key in part.ids], part)


def create_query(call: Call) -> Json:
    """`POST /v1/views/{id}/queries`: what the view shows now."""
    workspace = call.workspace
    view = workspace.view(call.id("view_id"))
    rows = select(workspace, workspace.sources[view.source_id], view.filter, view.sorts)
    key = workspace.ids.uuid()
    part = listing(
        workspace,
        {"query": key},
        cursor=None,
        size=read_size(call.body.get("page_size")),
        ids=lambda: [page.id for page in rows],
    )
    return {
        "object": "view_query",
        "id": key,
        "view_id": view.id,
        "expires_at": show_exact(workspace.now() + _KEPT),
        "total_count": len(rows),
        "results": [{"object": "page", "id": one} for one in part.ids],
        "next_cursor": part.following,
        "has_more": part.following is not None,
    }


def _read_place(call: Call, source: SourceRecord) -> tuple[str | None, str | None]:
    """The database that gets the view, and the dashboard; no database when one has to be made for it."""
    workspace, body = call.workspace, call.body
    given = [name for name in ("database_id", "view_id", "create_database") if body.get(name) is not None]
    if len(given) != 1:
        raise invalid("Exactly one of database_id, view_id and create_database must be given.")
    if given == ["database_id"]:
        database = workspace.database(read_uuid(body["database_id"], "database_id"))
        if source.id not in database.source_ids and not _holds_view_of(call, database.id, source.id):
            raise invalid("The data source does not belong to the database.")
        return database.id, None
    if given == ["view_id"]:
        dashboard = workspace.view(read_uuid(body["view_id"], "view_id"))
        if dashboard.kind != "dashboard":
            raise invalid("A widget can only be added to a view of type dashboard.")
        return dashboard.database_id, dashboard.id
    return None, None


def _holds_view_of(call: Call, database_id: str, source_id: str) -> bool:
    views = call.workspace.views.values()
    return any(view.database_id == database_id and view.source_id == source_id for view in views)


def _linked_database(call: Call, source: SourceRecord) -> str:
    parent = call.body["create_database"].get("parent") if isinstance(call.body["create_database"], dict) else None
    if not isinstance(parent, dict) or "page_id" not in parent:
        raise missing("create_database.parent.page_id")
    page = call.workspace.page(read_uuid(parent["page_id"], "create_database.parent.page_id"))
    # A linked database has views of another's data source and none of its own.
    workspace = call.workspace
    database = DatabaseRecord(workspace.ids.uuid(), workspace.serial(), page.id, source.title, workspace.stamp(call.by))
    workspace.databases[database.id] = database
    return database.id


def _read_configuration(source: SourceRecord, kind: str, value: Any) -> Json:
    if value is None:
        if kind in ("board", "chart"):
            raise missing("configuration")
        return {"type": kind}
    if not isinstance(value, dict):
        raise malformed("configuration", "an object", value)
    if value.get("type") != kind:
        raise malformed("configuration.type", f'`"{kind}"`', value.get("type"))
    if kind == "board" and not isinstance(value.get("group_by"), dict):
        raise missing("configuration.group_by")
    if kind == "chart" and value.get("chart_type") not in _CHARTS:
        raise malformed("configuration.chart_type", "a known chart type", value.get("chart_type"))
    for key in _property_ids(value):
        one = source.find(key)
        if one is None:
            raise invalid(f"Could not find property with name or id: {key}")
        if kind == "chart" and isinstance(one.config, Formula) and not one.config.typed:
            raise invalid(f"Unable to chart {one.name}: a formula of unknown type.")
    return value


def _property_ids(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _property_ids(item)
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("property_id") and isinstance(item, str):
                yield item
            else:
                yield from _property_ids(item)


def _check_conditions(call: Call, source: SourceRecord) -> None:
    """Read the filter and the sorts as a query would."""
    if call.body.get("filter") is not None:
        FilterReader(call.workspace, source).read(call.body["filter"])
    select(call.workspace, source, None, call.body.get("sorts"))


def _parent(view: ViewRecord) -> Json:
    return {"type": "database_id", "database_id": view.database_id}


def _show(view: ViewRecord) -> Json:
    answer: Json = {
        "object": "view",
        "id": view.id,
        "parent": _parent(view),
        "data_source_id": view.source_id,
        "name": view.name,
        "type": view.kind,
        "created_time": show_exact(view.stamp.created),
        "created_by": {"object": "user", "id": view.stamp.created_by},
        "last_edited_time": show_exact(view.stamp.edited),
        "last_edited_by": {"object": "user", "id": view.stamp.edited_by},
        "url": f"{address(view.database_id)}?v={view.id.replace('-', '')}",
        "filter": view.filter,
        "sorts": view.sorts,
        "quick_filters": view.quick_filters,
        "configuration": view.configuration,
    }
    return answer if view.dashboard_id is None else {**answer, "dashboard_view_id": view.dashboard_id}
