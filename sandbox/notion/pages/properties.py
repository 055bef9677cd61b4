"""Single properties of a page: whole, or item by item where they can be long."""

from __future__ import annotations

from typing import Final

from sandbox.notion.answers import show_page
from sandbox.notion.answers.computed import Items, linked_pages, rollup
from sandbox.notion.errors import Json, Refusal, invalid
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.columns import Property, Rollup
from sandbox.notion.stored.ids import encode_property_id
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.workspace import Workspace

_LISTED: Final = frozenset({"title", "rich_text", "relation", "people", "rollup"})
_UNSUPPORTED_ROLLUPS: Final = frozenset({"unique", "median", "show_unique"})


def retrieve(call: Call) -> Json:
    """`GET /v1/pages/{id}/properties/{property_id}`."""
    workspace = call.workspace
    page = workspace.page(call.id("page_id"))
    key = call.params["property_id"]
    source = workspace.sources[page.source_id] if page.source_id is not None else None
    one = source.find(key) if source is not None else None
    if source is None or one is None:
        raise Refusal(404, "object_not_found", f"Could not find property with id: {key}")
    kind, shown_id = one.config.kind, encode_property_id(one.id)
    if kind not in _LISTED:
        return {"object": "property_item", "id": shown_id, **show_page.cell(workspace, source, page, one)}
    items = _items(workspace, source, page, one)
    part = listing(
        workspace,
        {"page": page.id, "property": one.id},
        cursor=call.one("start_cursor"),
        size=read_size(call.one("page_size"), part="query"),
        ids=lambda: [str(index) for index in range(len(items))],
    )
    found = [items[int(index)] for index in part.ids if int(index) < len(items)]
    results = [{"object": "property_item", "id": shown_id, **item} for item in found]
    answer = page_of("property_item", results, part)
    next_url = None
    if part.following is not None:
        next_url = f"{call.origin}/v1/pages/{page.id}/properties/{shown_id}?start_cursor={part.following}"
    answer["property_item"] = {"id": shown_id, "next_url": next_url, "type": kind, kind: _total(workspace, page, one)}
    return answer


def _items(workspace: Workspace, source: SourceRecord, page: PageRecord, one: Property) -> list[Json]:
    kind = one.config.kind
    if kind == "relation":
        return [{"type": kind, kind: {"id": linked.id}} for linked in linked_pages(workspace, page, one)]
    if not isinstance(one.config, Rollup):
        return [{"type": kind, kind: item} for item in show_page.cell(workspace, source, page, one)[kind]]
    if one.config.function in _UNSUPPORTED_ROLLUPS:
        raise invalid(f"The rollup function {one.config.function} is not supported by this endpoint.")
    relation = source.properties.get(one.config.relation_id)
    result = rollup(workspace, source, page, one.config)
    if isinstance(result, Items):
        return [part for value in result.values for part in _parts(show_page.item(workspace, result.property, value))]
    linked = linked_pages(workspace, page, relation) if relation is not None else []
    return [{"type": "relation", "relation": {"id": other.id}} for other in linked]


def _parts(item: Json) -> list[Json]:
    """A linked value, split where a property item holds one element of it."""
    kind = item["type"]
    if kind in ("title", "rich_text", "people"):
        return [{"type": kind, kind: element} for element in item[kind]]
    return [item]


def _total(workspace: Workspace, page: PageRecord, one: Property) -> Json:
    if not isinstance(one.config, Rollup) or page.source_id is None:
        return {}
    source = workspace.sources[page.source_id]
    body = show_page.rollup_body(workspace, one.config, rollup(workspace, source, page, one.config))
    return {**body, "array": []} if body["type"] == "array" else body
