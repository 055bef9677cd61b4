"""Querying a data source: filter, order, the properties asked for, pages."""

from __future__ import annotations

from typing import Any, Final

from sandbox.notion.answers import show_page
from sandbox.notion.answers.computed import Beyond, Computed, Items, formula, linked_pages, rollup, scalar
from sandbox.notion.errors import Json, invalid, malformed
from sandbox.notion.query.filters import TIMESTAMPS, FilterReader
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.columns import Formula, Property, Rollup, Select
from sandbox.notion.stored.contents import Choice
from sandbox.notion.stored.dates import DateSpan, instant
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.workspace import Workspace

_ALLOWED: Final = frozenset(
    {"filter", "sorts", "start_cursor", "page_size", "result_type", "in_trash", "archived", "is_archived"}
)
_DIRECTIONS: Final = ("ascending", "descending")


def query(call: Call) -> Json:
    """`POST /v1/data_sources/{id}/query`."""
    workspace = call.workspace
    source = workspace.source(call.id("data_source_id"))
    body = call.closed(_ALLOWED)
    only = only_properties(call, source)
    if body.get("result_type") not in (None, "page", "data_source"):
        raise malformed("result_type", '`"page"` or `"data_source"`', body["result_type"])
    trashed = bool(call.trash_wish())

    def found() -> list[str]:
        rows = select(workspace, source, body.get("filter"), body.get("sorts"), trashed=trashed)
        return [page.id for page in _seen(workspace, source, rows)]

    part = listing(
        workspace,
        {"source": source.id, "trash": trashed, "filter": body.get("filter"), "sorts": body.get("sorts")},
        cursor=body.get("start_cursor"),
        size=read_size(body.get("page_size")),
        ids=list if body.get("result_type") == "data_source" else found,
        limit=workspace.switches.query_limit,
    )
    pages = [workspace.pages[key] for key in part.ids]
    results = [show_page.page(workspace, page, only) for page in pages if workspace.page_trashed(page) is trashed]
    return page_of("page_or_data_source", results, part)


def select(
    workspace: Workspace, source: SourceRecord, condition: Any, sorts: Any, *, trashed: bool = False
) -> list[PageRecord]:
    """Rows that fulfil a filter, in order; newest first where no sort says otherwise (recorded).

    Raises:
        Refusal: 400 for a filter or a sort that Notion would not take.
    """
    test = FilterReader(workspace, source).read(condition) if condition is not None else None
    rows = [page for page in workspace.rows(source, trashed=trashed) if test is None or test(page)]
    rows.sort(key=lambda page: page.serial, reverse=True)
    for index, sort in reversed(list(enumerate(_sorts(sorts)))):
        rows = _sorted(workspace, source, rows, sort, f"sorts[{index}]")
    return rows


def only_properties(call: Call, source: SourceRecord | None) -> frozenset[str] | None:
    """Unencoded ids of the properties in `filter_properties`; None when all are wanted.

    Raises:
        Refusal: 400 for a property that does not exist, or over 100.
    """
    names = call.all("filter_properties")
    if not names:
        return None
    if len(names) > 100:
        raise invalid(
            f"query failed validation: query.filter_properties.length should be ≤ `100`, instead was `{len(names)}`."
        )
    ids = set()
    for name in names:
        one = source.find(name) if source is not None else None
        if one is None:
            raise invalid(f"Could not find property with name or id: {name}")
        ids.add(one.id)
    return frozenset(ids)


def _seen(workspace: Workspace, source: SourceRecord, found: list[PageRecord]) -> list[PageRecord]:
    """The rows that this listing already sees; one listing more has then passed."""
    seen = [page for page in found if page.hidden_from == 0]
    for page in workspace.pages_in(source):
        if page.hidden_from > 0:
            page.hidden_from -= 1
    return seen


def _sorts(value: Any) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed("sorts", "an array", value)
    for index, sort in enumerate(value):
        if not isinstance(sort, dict) or sort.get("direction") not in _DIRECTIONS:
            raise malformed(f"sorts[{index}].direction", '`"ascending"` or `"descending"`', sort)
    return value


def _sorted(
    workspace: Workspace, source: SourceRecord, rows: list[PageRecord], sort: Json, path: str
) -> list[PageRecord]:
    down = sort["direction"] == "descending"
    if "timestamp" in sort:
        name = sort["timestamp"]
        if name not in TIMESTAMPS:
            raise malformed(f"{path}.timestamp", '`"created_time"` or `"last_edited_time"`', name)
        # Times show minutes only, but Notion orders by more than it shows.
        return sorted(
            rows,
            key=lambda page: (
                (page.stamp.created if name == "created_time" else page.stamp.edited).timestamp(),
                page.serial,
            ),
            reverse=down,
        )
    one = source.find(str(sort.get("property")))
    if one is None:
        raise invalid(f"Could not find sort property with name or id: {sort.get('property')}")
    keys = {page.id: _key(workspace, source, page, one) for page in rows}
    filled = [page for page in rows if keys[page.id] is not None]
    empty = [page for page in rows if keys[page.id] is None]
    return sorted(filled, key=lambda page: keys[page.id] or (0.0, ""), reverse=down) + empty


def _key(workspace: Workspace, source: SourceRecord, page: PageRecord, one: Property) -> tuple[float, str] | None:
    value: Computed = None
    if isinstance(one.config, Formula):
        value = formula(workspace, source, page, one.config)
    elif isinstance(one.config, Rollup):
        value = rollup(workspace, source, page, one.config, in_answer=True)
    elif one.config.kind in TIMESTAMPS:
        value = DateSpan(page.stamp.created if one.config.kind == "created_time" else page.stamp.edited)
    elif one.config.kind == "relation":
        value = next((linked.title for linked in linked_pages(workspace, page, one)), None)
    elif isinstance(one.config, Select):
        chosen = page.values.get(one.id)
        order = [option.id for option in one.config.options]
        value = float(order.index(chosen.option_ids[0])) if isinstance(chosen, Choice) else None
    else:
        stored = page.values.get(one.id)
        value = stored if isinstance(stored, DateSpan) else scalar(page, one)
    if value is None or value == "" or isinstance(value, Items | Beyond):
        return None
    if isinstance(value, DateSpan):
        return (instant(value.start).timestamp(), "")
    return (0.0, value.casefold()) if isinstance(value, str) else (float(value), "")
