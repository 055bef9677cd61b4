"""Pages and their values, as answers show them."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from typing import Any, Final

from sandbox.notion.answers.computed import Beyond, Computed, Items, formula, linked_pages, rollup
from sandbox.notion.answers.show_schema import address, in_answer_order, minutes, option, shown
from sandbox.notion.errors import Json
from sandbox.notion.stored.columns import Formula, Plain, Property, Relation, Rollup, UniqueId
from sandbox.notion.stored.contents import Amount, Check, Choice, Files, Link, People, Value, Words
from sandbox.notion.stored.dates import DateSpan, show_minute, show_span
from sandbox.notion.stored.files import show_file
from sandbox.notion.stored.formulas import Scalar
from sandbox.notion.stored.ids import encode_property_id
from sandbox.notion.stored.options import as_select
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.text import show_text
from sandbox.notion.stored.workspace import Workspace

_EMPTY: Final[dict[str, Any]] = {
    "checkbox": False,
    "title": [],
    "rich_text": [],
    "multi_select": [],
    "people": [],
    "files": [],
}
"""What an empty cell is answered as; null for the other types."""
_CUT: Final = 25
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
    kind, stamp = one.config.kind, record.stamp
    body: Any
    match one.config:
        case Relation():
            linked = linked_pages(workspace, record, one)
            return {"type": kind, kind: [{"id": other.id} for other in linked[:_CUT]], "has_more": len(linked) > _CUT}
        case Formula() as config:
            body = formula_body(formula(workspace, source, record, config))
        case Rollup() as config:
            body = rollup_body(workspace, config, rollup(workspace, source, record, config, in_answer=True))
        case UniqueId(prefix=prefix):
            value = record.values.get(one.id)
            body = {"prefix": prefix, "number": _number(value.number) if isinstance(value, Amount) else None}
        case Plain(kind="created_time" | "last_edited_time"):
            body = show_minute(stamp.created if kind == "created_time" else stamp.edited)
        case Plain(kind="created_by" | "last_edited_by"):
            body = {"object": "user", "id": stamp.created_by if kind == "created_by" else stamp.edited_by}
        case _:
            body = _stored(workspace, one, record.values.get(one.id))
    return {"type": kind, kind: body}


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
    body: Any
    match value:
        case Words(text=text):
            body = show_text(text)
        case Amount(number=number):
            body = _number(number)
        case Link(address=link):
            body = link
        case Check(ticked=ticked):
            body = ticked
        case DateSpan():
            body = show_span(value)
        case Choice(option_ids=keys):
            chosen = [option(choice) for key in keys for choice in as_select(one).options if choice.id == key]
            body = chosen if one.config.kind == "multi_select" else chosen[0]
        case People(user_ids=keys):
            body = [{"object": "user", "id": key} for key in keys]
        case Files(files=files):
            body = [show_file(workspace, attachment) for attachment in files]
        case _:
            body = copy(_EMPTY.get(one.config.kind))
    return body


def _number(value: float | None) -> float | int | None:
    # JavaScript writes whole doubles without a decimal point.
    return int(value) if value is not None and value.is_integer() and abs(value) < 1e21 else value
