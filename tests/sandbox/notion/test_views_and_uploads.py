from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def usages(notion: Any) -> Any:
    return notion.usages(notion.services())


def view(source: Any, **more: Any) -> Any:
    place = {} if {"view_id", "create_database"} & set(more) else {"database_id": source["parent"]["database_id"]}
    return {"data_source_id": source["id"], "name": "Cout par mois", "type": "table", **place, **more}


def chart(source: Any, column: str = "Cout USD", **more: Any) -> Any:
    ids = {name: one["id"] for name, one in source["properties"].items()}
    by_month = {"type": "text", "property_id": ids["Mois"], "group_by": "exact", "sort": {"type": "ascending"}}
    amount = {"aggregator": "sum", "property_id": ids[column]}
    configuration = {"type": "chart", "chart_type": "column", "x_axis": by_month, "y_axis": amount, **more}
    return view(source, type="chart", configuration=configuration)


def test_a_new_database_has_one_table_view(notion: Any, usages: Any) -> None:
    listed = notion.ask("GET", f"/views?database_id={usages['parent']['database_id']}")["results"]
    shown = notion.ask("GET", f"/views/{listed[0]['id']}")
    assert (len(listed), shown["name"], shown["type"]) == (1, "Default view", "table")


def test_a_chart_and_how_it_is_changed(notion: Any, usages: Any, published: Any) -> None:
    made = notion.ask("POST", "/views", chart(usages))
    published("CreateViewResponse", made)
    changed = notion.ask("PATCH", f"/views/{made['id']}", {"name": "Couts"})
    assert (changed["name"], changed["configuration"]) == ("Couts", made["configuration"])
    body = {"type": "table"}
    assert "cannot be changed" in notion.refused(400, "PATCH", f"/views/{made['id']}", body)
    deleted = notion.ask("DELETE", f"/views/{made['id']}")
    published("DeleteViewResponse", deleted)
    assert "name" not in deleted
    notion.refused(404, "GET", f"/views/{made['id']}")


def test_charts_that_are_refused(notion: Any, usages: Any) -> None:
    assert "unknown type" in notion.refused(400, "POST", "/views", chart(usages, "Total"))
    store = notion.api.store
    store.save_formula(store.database("Usages"), "Total")
    notion.api.charts_allowed = 1
    notion.ask("POST", "/views", chart(usages, "Total"))
    assert "plan" in notion.refused(403, "POST", "/views", chart(usages))
    assert store.database("Usages").views == {"Default view": "table", "Cout par mois": "chart"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"database_id": None}, "Exactly one of"),
        ({"view_id": "00000000-0000-4000-8000-000000000000"}, "Exactly one of"),
        ({"type": "pie"}, "a known view type"),
        ({"type": "chart"}, "configuration should be defined"),
        ({"type": "board", "configuration": {"type": "board"}}, "group_by should be defined"),
        ({"configuration": {"type": "list"}}, 'should be `"table"`'),
        ({"configuration": {"type": "table", "properties": [{"property_id": "absent"}]}}, "Could not find property"),
        ({"filter": {"property": "absent", "number": {"equals": 1}}}, "Could not find property"),
        ({"name": 1}, "should be a string"),
    ],
)
def test_views_that_are_refused(notion: Any, usages: Any, changes: Any, message: str) -> None:
    body = view(usages) | {"view_id": changes.get("view_id")} | changes
    assert message in notion.refused(400, "POST", "/views", body)


def test_dashboards_and_linked_views(notion: Any, usages: Any) -> None:
    dashboard = notion.ask("POST", "/views", view(usages, type="dashboard"))
    widget = notion.ask("POST", "/views", view(usages, view_id=dashboard["id"]))
    assert widget["dashboard_view_id"] == dashboard["id"]
    parent = {"type": "page_id", "page_id": notion.api.parent_page_id}
    linked = notion.ask("POST", "/views", view(usages, create_database={"parent": parent}))
    shell = notion.ask("GET", f"/databases/{linked['parent']['database_id']}")
    assert shell["data_sources"] == []


def test_the_rows_of_a_view(notion: Any, usages: Any) -> None:
    notion.row(usages, **{"Cout USD": {"number": 1}})
    dear = notion.row(usages, **{"Cout USD": {"number": 9}})
    condition = {"property": "Cout USD", "number": {"greater_than": 5}}
    made = notion.ask("POST", "/views", view(usages, filter=condition))
    asked = notion.ask("POST", f"/views/{made['id']}/queries", {"page_size": 10})
    assert (asked["total_count"], asked["results"]) == (1, [{"object": "page", "id": dear["id"]}])


def test_a_file_on_its_way_to_a_row(notion: Any, moving: Any) -> None:
    source = notion.database("X", {"Nom": {"title": {}}, "Fichier": {"files": {}}})
    upload = notion.ask("POST", "/file_uploads", {"filename": "usage.json"})
    assert (upload["status"], upload["content_type"]) == ("pending", "application/json")
    value = {"Fichier": {"files": [{"type": "file_upload", "file_upload": {"id": upload["id"]}}]}}
    body = {"parent": {"data_source_id": source["id"]}, "properties": value}
    assert "has not been uploaded" in notion.refused(400, "POST", "/pages", body)
    content = b'{"cost":\r\n45.5}\r\n'
    sent = notion.ask("POST", f"/file_uploads/{upload['id']}/send", files={"file": ("usage.json", content)})
    assert (sent["status"], sent["content_length"]) == ("uploaded", len(content))
    page = notion.row(source, **value)
    first, second = (notion.ask("GET", f"/pages/{page['id']}")["properties"]["Fichier"]["files"][0] for _ in range(2))
    assert (first["name"], first["type"]) == ("usage.json", "file")
    assert first["file"]["url"] != second["file"]["url"]
    assert notion.api.store.database("X").rows()[0].files("Fichier") == [content]
    moving.move(hours=2)
    notion.row(source, **value)


def test_a_file_on_a_page(notion: Any, moving: Any) -> None:
    row = notion.row(notion.database("X", {"Nom": {"title": {}}}))
    upload = notion.ask("POST", "/file_uploads", {"filename": "usage.json"})
    attached = {"type": "file_upload", "file_upload": {"id": upload["id"]}, "name": "janvier.json"}
    body = {"children": [{"type": "file", "file": attached}]}
    path = f"/blocks/{row['id']}/children"
    assert "has not been uploaded" in notion.refused(400, "PATCH", path, body)
    assert notion.ask("GET", path)["results"] == []
    notion.ask("POST", f"/file_uploads/{upload['id']}/send", files={"file": ("usage.json", b"[]")})
    (block,) = notion.ask("PATCH", path, body)["results"]
    assert (block["type"], block["file"]["name"], block["file"]["caption"]) == ("file", "janvier.json", [])
    moving.move(hours=2)
    (again,) = notion.ask("GET", path)["results"]
    assert again["file"]["file"]["url"] != block["file"]["file"]["url"]
    (shown,) = notion.api.store.database("X").rows()
    assert shown.attached() == [b"[]"]
    notion.ask("DELETE", f"/blocks/{block['id']}")
    assert shown.attached() == []


def test_an_upload_waits_an_hour(notion: Any, moving: Any) -> None:
    upload = notion.ask("POST", "/file_uploads", {"filename": "usage.json"})
    moving.move(minutes=61)
    assert notion.ask("GET", f"/file_uploads/{upload['id']}")["status"] == "expired"
    path = f"/file_uploads/{upload['id']}/send"
    assert "not pending" in notion.refused(400, "POST", path, files={"file": ("usage.json", b"x")})


def test_a_file_that_is_too_large(notion: Any) -> None:
    notion.api.upload_limit = 10
    small = notion.ask("POST", "/file_uploads", {"filename": "a.txt"})["id"]
    sent = {"file": ("a.txt", b"x" * 11)}
    assert "limit of 10 bytes" in notion.refused(400, "POST", f"/file_uploads/{small}/send", files=sent)


def test_what_the_workspace_may_upload_tells_its_plan(notion: Any) -> None:
    def limits() -> Any:
        return notion.ask("GET", "/users/me")["bot"]["workspace_limits"]

    assert limits() == {"max_file_upload_size_in_bytes": 5 * 1024**3}
    notion.api.upload_limit = 5 * 1024**2
    assert limits() == {"max_file_upload_size_in_bytes": 5 * 1024**2}
