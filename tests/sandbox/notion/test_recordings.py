"""The stand-in's answers have the shape of recorded and published ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Json = dict[str, Any]
Recorded = Callable[[str], Json]
Published = Callable[[str, Json], None]


def same_keys(ours: Any, theirs: Any, at: str = "$") -> None:
    """Both have the same keys, at every depth; lists are compared by their first item, open maps not at all."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if at.endswith(".properties"):
            return
        assert set(ours) == set(theirs), at
        for key in theirs:
            same_keys(ours[key], theirs[key], f"{at}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and ours and theirs:
        same_keys(ours[0], theirs[0], f"{at}[0]")


def test_every_kind_of_property(notion: Any, recorded: Recorded, published: Published) -> None:
    asked = recorded("databases_create_all_property_types")
    target = notion.database("Schema A", {"Name": {"title": {}}})
    text = json.dumps(asked["request_body"])
    text = text.replace("c4be9b3b-bf52-4e44-9da6-16649dac0f21", target["id"])
    text = text.replace("00000000-0000-4000-8000-000000000001", notion.api.parent_page_id)
    made = notion.ask("POST", "/databases", json.loads(text))
    same_keys(made, asked["response_body"])
    published("CreateDatabaseResponse", made)

    source = notion.ask("PATCH", f"/data_sources/{made['data_sources'][0]['id']}", {"properties": {}})
    expected = recorded("data_sources_retrieve_all_property_types")["response_body"]
    same_keys(source, expected)
    published("UpdateDataSourceResponse", source)
    assert set(source["properties"]) == set(expected["properties"])
    for name, theirs in expected["properties"].items():
        same_keys(source["properties"][name], theirs, name)
    assert source["properties"]["Rollup"]["rollup"]["rollup_property_id"] == "title"
    assert source["properties"]["Formula"]["formula"]["expression"].startswith("{{notion:block_property:")
    assert source["properties"]["Formula"]["formula"]["expression"].endswith("}} * 2")

    page = notion.row(source)
    published("CreatePageResponse", page)
    published("GetPageResponse", notion.ask("GET", f"/pages/{page['id']}"))


def test_a_row_with_title_number_and_relation(notion: Any, recorded: Recorded, words: Any) -> None:
    asked = recorded("pages_create_row")
    buyers = notion.database("Buyers", {"Name": {"title": {}}})
    relation = {"data_source_id": buyers["id"], "single_property": {}}
    items = notion.database(
        "Items", {"Name": {"title": {}}, "Price": {"number": {}}, "Bought by": {"relation": relation}}
    )
    buyer = notion.row(buyers, Name={"title": words("Customer 1")})
    text = json.dumps(asked["request_body"])
    text = text.replace("96a8b02f-d6b9-4cd2-9569-d396d1d3b7f4", items["id"])
    text = text.replace("38c9ce7b-60a4-8156-a1b7-cf948b230f66", buyer["id"])
    page = notion.ask("POST", "/pages", json.loads(text))
    expected = asked["response_body"]
    same_keys(page, expected)
    for name, theirs in expected["properties"].items():
        same_keys(page["properties"][name], theirs, name)
    assert page["properties"]["Price"] == {
        "id": items["properties"]["Price"]["id"],
        "type": "number",
        "number": 30,
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("databases_create_minimal_2025-09-03", "database"),
        ("databases_retrieve_2025-09-03", "database"),
        ("data_sources_retrieve_2025-09-03", "source"),
        ("data_sources_query_empty_2025-09-03", "query"),
        ("views_create_table", "view"),
        ("views_list", "views"),
        ("views_update", "view"),
        ("views_query_create", "view query"),
        ("users_me_bot", "me"),
        ("file_uploads_create", "upload"),
        ("file_uploads_send", "sent"),
    ],
)
def test_shapes_of_2025_09_03(notion: Any, recorded: Recorded, name: str, kind: str) -> None:
    notion.version = "2025-09-03"
    source = notion.database("Test Database", {"Name": {"title": {}}})
    database_id = source["parent"]["database_id"]
    upload = notion.ask("POST", "/file_uploads", {"filename": "a.txt", "content_type": "text/plain"})
    view = notion.ask(
        "POST",
        "/views",
        {"data_source_id": source["id"], "database_id": database_id, "name": "Test View", "type": "table"},
    )
    answers = {
        "database": lambda: notion.ask("GET", f"/databases/{database_id}"),
        "source": lambda: source,
        "query": lambda: notion.query(source),
        "view": lambda: view,
        "views": lambda: notion.ask("GET", f"/views?database_id={database_id}"),
        "view query": lambda: notion.ask("POST", f"/views/{view['id']}/queries", {}),
        "me": lambda: notion.ask("GET", "/users/me"),
        "upload": lambda: upload,
        "sent": lambda: notion.ask("POST", f"/file_uploads/{upload['id']}/send", files={"file": ("a.txt", b"hello")}),
    }
    theirs = recorded(name)["response_body"]
    if isinstance(theirs.get("icon"), dict):
        theirs["icon"] = None
    same_keys(answers[kind](), theirs)


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("pages_retrieve_404", "GET", "/pages/7855b161-f63e-4683-b7c7-8ca6e97ee266"),
        ("pages_retrieve_bad_uuid_400", "GET", "/pages/12345678-1234-1234-1234-123456789abc"),
        ("data_sources_retrieve_404", "GET", "/data_sources/00da364b-aaca-4b3b-94f5-21db691d804a"),
        ("data_sources_retrieve_bad_uuid_400", "GET", "/data_sources/AAA"),
        ("error_400_invalid_request_url", "GET", "/invalid"),
        ("error_404_object_not_found", "GET", "/pages/00000000-0000-0000-0000-000000000000"),
    ],
)
def test_refusals_say_what_was_recorded(notion: Any, recorded: Recorded, name: str, method: str, path: str) -> None:
    theirs = recorded(name)["response_body"]
    answer = notion.send(method, path)
    ours = answer.json()
    assert (answer.status_code, ours["code"]) == (theirs["status"], theirs["code"])
    head = theirs["message"].split(" with your integration")[0]
    assert ours["message"].startswith(head)


def test_an_invalid_token(notion: Any, recorded: Recorded) -> None:
    theirs = recorded("error_401_unauthorized")["response_body"]
    answer = notion.send("GET", "/users/me", headers={"Authorization": "Bearer ntn_wrong"})
    same_keys(answer.json(), theirs)
    assert answer.json()["message"] == theirs["message"]


def test_a_date_with_a_time_zone_comes_back_to_the_minute(notion: Any, recorded: Recorded) -> None:
    asked = recorded("pages_create_date_with_time_zone")
    wanted = asked["request_body"]["properties"]["Due Date"]
    source = notion.database("Tasks", {"Task": {"title": {}}, "Due Date": {"date": {}}})
    page = notion.row(source, **{"Due Date": wanted})
    assert page["properties"]["Due Date"]["date"] == asked["response_body"]["properties"]["Due Date"]["date"]


def test_text_objects_of_equal_style_come_back_as_one(notion: Any, recorded: Recorded) -> None:
    asked = recorded("blocks_append_code_2001_chars")
    answer = notion.ask("PATCH", f"/blocks/{notion.api.parent_page_id}/children", asked["request_body"])
    theirs = asked["response_body"]
    same_keys(answer, theirs)
    assert answer["results"][0]["code"] == theirs["results"][0]["code"]


def test_a_long_relation_is_cut(notion: Any) -> None:
    services = notion.services()
    usages = notion.usages(services)
    service = notion.row(services)
    for _ in range(30):
        notion.row(usages, Service={"relation": [{"id": service["id"]}]})
    column = next(one for one in notion.source(services["id"])["properties"].values() if one["type"] == "relation")
    shown = notion.ask("GET", f"/pages/{service['id']}")["properties"][column["name"]]
    assert (len(shown["relation"]), shown["has_more"]) == (25, True)


def test_lists_are_as_published(notion: Any, published: Published) -> None:
    services = notion.services()
    usages = notion.usages(services)
    row = notion.row(usages, **{"Cout USD": {"number": 4.5}})
    notion.api.search_lag = 0
    published("QueryDataSourceResponse", notion.query(usages))
    published("SearchResponse", notion.ask("POST", "/search", {"query": ""}))
    published("ListBlockChildrenResponse", notion.ask("GET", f"/blocks/{notion.api.parent_page_id}/children"))
    published("GetSelfResponse", notion.ask("GET", "/users/me"))
    published("ListDatabaseViewsResponse", notion.ask("GET", f"/views?data_source_id={usages['id']}"))
    published("UpdatePageResponse", notion.ask("PATCH", f"/pages/{row['id']}", {"in_trash": True}))
