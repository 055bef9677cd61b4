"""Pages and their values, as answers show them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sandbox.notion.computed import Beyond, Computed, Items, formula, linked_pages, rollup
from sandbox.notion.dates import DateSpan, show_minute, show_span
from sandbox.notion.errors import Json
from sandbox.notion.formulas import Scalar
from sandbox.notion.ids import encode_property_id
from sandbox.notion.records import (
    Amount,
    Attachment,
    Check,
    Choice,
    Files,
    Formula,
    Link,
    PageRecord,
    People,
    Property,
    Relation,
    Rollup,
    Select,
    SourceRecord,
    UniqueId,
    Value,
    Words,
)
from sandbox.notion.show_schema import address, in_answer_order, minutes, option, shown
from sandbox.notion.text import show_text
from sandbox.notion.workspace import Workspace

_CUT = 25
"""Linked pages in a page's answer; more are said with `has_more`."""


def page(workspace: Workspace, record: PageRecord, only: Collection[str] | None = None) -> Json:
    """A page or a row; `only` are the unencoded ids of the properties that were asked for."""
    return {
        "object": "page",
        "id": record.id,
        **minutes(record.stamp),
        "cover": record.cover,
        "icon": record.icon,
        "parent": _parent(workspace, record),
        "in_trash": workspace.page_trashed(record),
        "is_archived": False,
        "is_locked": record.locked,
        "properties": _properties(workspace, record, only),
        "url": address(record.id, record.title),
        "public_url": None,
    }


def cell(workspace: Workspace, source: SourceRecord, record: PageRecord, one: Property) -> Json:
    """One property of a row, without its id: `{"type": "number", "number": 30}`."""
    config, kind = one.config, one.config.kind
    if isinstance(config, Relation):
        linked = linked_pages(workspace, record, one)
        return {"type": kind, kind: [{"id": other.id} for other in linked[:_CUT]], "has_more": len(linked) > _CUT}
    if isinstance(config, Formula):
        return {"type": kind, kind: formula_body(formula(workspace, source, record, config))}
    if isinstance(config, Rollup):
        result = rollup(workspace, source, record, config, in_answer=True)
        return {"type": kind, kind: rollup_body(workspace, config, result)}
    if kind in ("created_time", "last_edited_time"):
        moment = record.stamp.created if kind == "created_time" else record.stamp.edited
        return {"type": kind, kind: show_minute(moment)}
    if kind in ("created_by", "last_edited_by"):
        who = record.stamp.created_by if kind == "created_by" else record.stamp.edited_by
        return {"type": kind, kind: {"object": "user", "id": who}}
    if isinstance(config, UniqueId):
        value = record.values.get(one.id)
        number = _number(value.number) if isinstance(value, Amount) else None
        return {"type": kind, kind: {"prefix": config.prefix, "number": number}}
    return {"type": kind, kind: _stored(workspace, one, record.values.get(one.id))}


def formula_body(result: Scalar | Beyond) -> Json:
    """A formula's result with its type."""
    if isinstance(result, Beyond):
        return {"type": "unsupported", "unsupported": {}}
    if isinstance(result, bool):
        return {"type": "boolean", "boolean": result}
    if isinstance(result, str):
        return {"type": "string", "string": result}
    return {"type": "number", "number": _number(result)}


def rollup_body(workspace: Workspace, config: Rollup, result: Computed) -> Json:
    """A rollup's result with its type and function."""
    dated = config.function in ("earliest_date", "latest_date", "date_range")
    if isinstance(result, Beyond):
        body: Json = {"type": "unsupported", "unsupported": {}}
    elif isinstance(result, Items):
        body = {"type": "array", "array": [item(workspace, result.property, value) for value in result.values]}
    elif isinstance(result, DateSpan) or dated:
        body = {"type": "date", "date": show_span(result if isinstance(result, DateSpan) else None)}
    elif config.function.startswith("show_"):
        body = {"type": "array", "array": []}
    else:
        body = {"type": "number", "number": _number(result if isinstance(result, float) else None)}
    return {**body, "function": config.function}


def item(workspace: Workspace, one: Property, value: Value | Scalar) -> Json:
    """One linked value in a rollup."""
    kind = one.config.kind
    if isinstance(one.config, Formula):
        result = value if isinstance(value, float | str | bool) else None
        return {"type": kind, kind: formula_body(result)}
    if isinstance(value, float | str | bool):
        return {"type": kind, kind: value}
    if kind in ("created_time", "last_edited_time") and isinstance(value, DateSpan):
        return {"type": kind, kind: (show_span(value) or {})["start"]}
    return {"type": kind, kind: _stored(workspace, one, value)}


def _properties(workspace: Workspace, record: PageRecord, only: Collection[str] | None) -> Json:
    if record.source_id is None:
        title = record.values.get("title")
        text = title.text if isinstance(title, Words) else ()
        return {"title": {"id": "title", "type": "title", "title": show_text(text)}}
    source = workspace.sources[record.source_id]
    return {
        one.name: {"id": encode_property_id(one.id), **cell(workspace, source, record, one)}
        for one in in_answer_order(source)
        if shown(workspace, one) and (only is None or one.id in only)
    }


def _parent(workspace: Workspace, record: PageRecord) -> Json:
    if record.source_id is not None:
        database_id = workspace.sources[record.source_id].database_id
        return {"type": "data_source_id", "data_source_id": record.source_id, "database_id": database_id}
    if record.parent_page_id is not None:
        return {"type": "page_id", "page_id": record.parent_page_id}
    return {"type": "workspace", "workspace": True}


def _stored(workspace: Workspace, one: Property, value: Value | None) -> Any:
    if isinstance(value, Words):
        return show_text(value.text)
    if isinstance(value, Amount):
        return _number(value.number)
    if isinstance(value, Link):
        return value.address
    if isinstance(value, Check):
        return value.ticked
    if isinstance(value, DateSpan):
        return show_span(value)
    if isinstance(value, Choice) and isinstance(one.config, Select):
        chosen = [option(choice) for key in value.option_ids for choice in one.config.options if choice.id == key]
        return chosen if one.config.kind == "multi_select" else chosen[0]
    if isinstance(value, People):
        return [{"object": "user", "id": key} for key in value.user_ids]
    if isinstance(value, Files):
        return [_file(workspace, attachment) for attachment in value.files]
    if one.config.kind == "checkbox":
        return False
    return [] if one.config.kind in ("title", "rich_text", "multi_select", "people", "files") else None


def _file(workspace: Workspace, attachment: Attachment) -> Json:
    if attachment.url is not None:
        return {"name": attachment.name, "type": "external", "external": {"url": attachment.url}}
    # The signature changes at each reading, so that nobody compares these addresses.
    url = f"https://files.notion.example/{attachment.upload_id}/{attachment.name}?signature={workspace.ids.uuid()}"
    expires = show_minute(workspace.now() + timedelta(hours=1))
    return {"name": attachment.name, "type": "file", "file": {"url": url, "expiry_time": expires}}


def _number(value: float | None) -> float | int | None:
    # JavaScript writes whole doubles without a decimal point.
    return int(value) if value is not None and value.is_integer() and abs(value) < 1e21 else value
