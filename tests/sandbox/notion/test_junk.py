"""Whatever is put into a body, it is taken or refused; and what is refused changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

JUNK: tuple[Any, ...] = (1.5, [{"x": 1}], {"type": 5}, "", [], None, True, {"": {}}, 10**400, [None], -1, "title")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    changed = copy.deepcopy(value)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = junk
    return changed


@pytest.fixture
def bodies(notion: Any, words: Any) -> list[tuple[str, str, Any]]:
    """One long valid request of each kind."""
    services = notion.services()
    more = {"Boîte": {"checkbox": {}}, "Mots": {"multi_select": {"options": []}}, "Fichiers": {"files": {}}}
    usages = notion.usages(services, **more)
    service, parent = notion.row(services), {"type": "page_id", "page_id": notion.api.parent_page_id}
    styled = [{**words("x")[0], "annotations": {"bold": True, "color": "red"}}]
    values = {
        "Identifiant": {"type": "title", "title": styled},
        "Service": {"relation": [{"id": service["id"]}]},
        "Cout USD": {"number": 1.5},
        "Statut": {"select": {"name": "Nouveau", "color": "red"}},
        "Mots": {"multi_select": [{"name": "a"}]},
        "Collecte Le": {"date": {"start": "2026-01-01", "end": "2026-01-02", "time_zone": None}},
        "Lien": {"url": "https://example.org"},
        "Boîte": {"checkbox": True},
        "Fichiers": {"files": [{"name": "a", "external": {"url": "https://example.org"}}]},
    }
    code = {"code": {"rich_text": styled, "language": "json", "caption": []}}
    condition = {"property": "Identifiant", "title": {"equals": "x"}}
    schema = {
        "Nom": {"title": {}},
        "Lien": {"relation": {"data_source_id": usages["id"], "dual_property": {"synced_property_name": "Retour"}}},
        "Prix": {"number": {"format": "dollar"}, "description": "le prix"},
        "Double": {"formula": {"expression": 'prop("Prix") * 2'}},
        "Etat": {"select": {"options": [{"name": "OK", "color": "green"}]}},
        "Total": {"rollup": {"relation_property_name": "Lien", "rollup_property_name": "Cout USD", "function": "sum"}},
    }
    database = {"parent": parent, "title": styled, "is_inline": False, "icon": {"type": "emoji", "emoji": "📊"}}
    row = notion.row(usages, **values)
    page = {"properties": values, "icon": {"emoji": "📊"}, "cover": {"external": {"url": "https://example.org"}}}
    query = {
        "filter": {"and": [{"or": [condition]}, {"timestamp": "created_time", "created_time": {"past_week": {}}}]},
        "sorts": [{"property": "Cout USD", "direction": "ascending"}],
        "page_size": 10,
    }
    chart = {"type": "chart", "chart_type": "bar", "y_axis": {"aggregator": "sum", "property_id": "Cout USD"}}
    view = {"data_source_id": usages["id"], "database_id": usages["parent"]["database_id"], "name": "V"}
    return [
        ("POST", "/pages", {"parent": {"data_source_id": usages["id"]}, "children": [code], **page}),
        ("PATCH", f"/pages/{row['id']}", {**page, "is_locked": False, "erase_content": False}),
        ("POST", f"/data_sources/{usages['id']}/query", query),
        ("POST", "/databases", {**database, "initial_data_source": {"properties": schema}}),
        ("PATCH", f"/databases/{usages['parent']['database_id']}", {**database, "is_locked": True}),
        ("PATCH", f"/data_sources/{services['id']}", {"title": styled, "properties": {**schema, "Statut": None}}),
        ("POST", "/views", {**view, "type": "chart", "configuration": chart, "filter": condition}),
        ("POST", "/search", {"query": "x", "filter": {"property": "object", "value": "page"}}),
        (
            "PATCH",
            f"/blocks/{row['id']}/children",
            {"children": [code], "position": {"type": "after_block", "after_block": {"id": row["id"]}}},
        ),
    ]


def test_junk_in_every_place(notion: Any, bodies: list[tuple[str, str, Any]]) -> None:
    workspace, junk = notion.api._workspace, cycle(JUNK)

    def state() -> str:
        kept = ("pages", "databases", "sources", "blocks", "views", "uploads")
        return repr([getattr(workspace, name) for name in kept])

    before = state()
    for method, path, body in bodies:
        for place in places(body):
            content = put(body, place, next(junk))
            answer = notion.send(method, path, content)
            assert answer.status_code in (200, 400, 404), (place, answer.text)
            if answer.status_code == 200:
                before = state()
            assert state() == before, (method, path, place)
