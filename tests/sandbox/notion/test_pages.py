from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def usages(notion: Any) -> Any:
    return notion.usages(notion.services())


def test_values_as_they_come_back(notion: Any, usages: Any, words: Any) -> None:
    page = notion.row(
        usages,
        Identifiant={"title": words("2026-01 - OpenAI - 🚀 Équipe")},
        Mois={"rich_text": [*words("2026"), *words("-01")]},
        **{
            "Cout USD": {"number": 12.0},
            "Entrée": {"number": 0.1},
            "Statut": {"select": {"name": "ok"}},
            "Lien": {"url": "https://example.org"},
            "Collecte Le": {"date": {"start": "2026-02-03T10:20:59Z"}},
        },
    )
    shown = page["properties"]
    assert [one["plain_text"] for one in shown["Mois"]["rich_text"]] == ["2026-01"]
    assert repr(shown["Cout USD"]["number"]) == "12"
    assert shown["Entrée"]["number"] == 0.1
    assert shown["Statut"]["select"]["name"] == "OK"
    assert shown["Collecte Le"]["date"] == {"start": "2026-02-03T10:20:00.000+00:00", "end": None, "time_zone": None}
    assert page["created_time"] == "2026-02-03T10:20:00.000Z"
    assert page["parent"]["database_id"] == usages["parent"]["database_id"]
    assert list(shown)[-1] == "Identifiant"
    assert "archived" not in page


def test_a_patch_changes_only_what_it_names(notion: Any, usages: Any, words: Any) -> None:
    page = notion.row(usages, Mois={"rich_text": words("2026-01")}, **{"Cout USD": {"number": 1}})
    key = usages["properties"]["Cout USD"]["id"]
    after = notion.ask("PATCH", f"/pages/{page['id']}", {"properties": {key: {"number": None}}})["properties"]
    assert after["Cout USD"]["number"] is None
    assert after["Mois"]["rich_text"][0]["plain_text"] == "2026-01"


def test_a_new_option_is_created_on_write(notion: Any, usages: Any) -> None:
    notion.row(usages, Statut={"select": {"name": "Partiel", "color": "yellow"}})
    options = notion.source(usages["id"])["properties"]["Statut"]["select"]["options"]
    assert [(one["name"], one["color"]) for one in options] == [("OK", "green"), ("Partiel", "yellow")]


def text(length: int) -> Any:
    return [{"text": {"content": "x" * length}}]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Absent": {"number": 1}}, "Absent is not a property that exists."),
        ({"Mois": {"number": 1}}, "Mois is expected to be rich_text."),
        (
            {"Mois": {"rich_text": text(2001)}},
            "body failed validation: body.properties.Mois.rich_text[0].text.content.length should be ≤ `2000`, "
            "instead was `2001`.",
        ),
        ({"Mois": {"rich_text": [{"text": {"content": "🚀" * 1001}}]}}, "instead was `2002`"),
        ({"Mois": {"rich_text": text(1) * 101}}, "properties.Mois.rich_text.length should be ≤ `100`"),
        ({"Mois": {"rich_text": "text"}}, "should be an array"),
        ({"Mois": {"rich_text": [{"text": {"content": "x", "link": {"url": "u" * 2001}}}]}}, "≤ `2000`"),
        ({"Lien": {"url": ""}}, "body.properties.Lien.url.length should be ≥ `1`"),
        ({"Lien": {"url": "x" * 2001}}, "≤ `2000`"),
        ({"Cout USD": {"number": "1"}}, "should be a number"),
        ({"Cout USD": {"number": True}}, "should be a number"),
        ({"Statut": {"select": {"name": "a, b"}}}, "Invalid select option, commas not allowed: a, b"),
        ({"Statut": {"select": {"name": "x" * 101}}}, "≤ `100`"),
        ({"Statut": {"select": {"id": "absent"}}}, "Could not find select option"),
        ({"Statut": {"select": "OK"}}, "should be an object"),
        ({"Collecte Le": {"date": {"start": "soon"}}}, "should be a valid ISO 8601 date string"),
        (
            {"Collecte Le": {"date": {"start": "2026-01-01T00:00:00+01:00", "time_zone": "Europe/Paris"}}},
            "without an offset",
        ),
        ({"Collecte Le": {"date": {"start": "2026-01-02", "end": "2026-01-01"}}}, "after the start"),
        ({"Collecte Le": {"date": {"start": "2026-01-02", "time_zone": "Nowhere"}}}, "a known time zone"),
        ({"Service": {"relation": [{"id": "AAA"}]}}, "properties.Service.relation[0].id should be a valid uuid"),
        ({"Service": {"relation": [{"id": "x"}] * 101}}, "relation.length should be ≤ `100`"),
        ({"Total": {"formula": {"number": 1}}}, "body.properties.Total.formula should be not present"),
        ({"Total": {"number": 1}}, "Total is expected to be formula."),
        ({"Mois": {}}, "should be a property value"),
    ],
)
def test_values_that_are_refused(notion: Any, usages: Any, properties: Any, message: str) -> None:
    parent = {"type": "data_source_id", "data_source_id": usages["id"]}
    assert message in notion.refused(400, "POST", "/pages", {"parent": parent, "properties": properties})
    assert notion.query(usages)["results"] == []
    page = notion.row(usages)
    assert message in notion.refused(400, "PATCH", f"/pages/{page['id']}", {"properties": properties})
    assert notion.ask("GET", f"/pages/{page['id']}") | {"request_id": ""} == page | {"request_id": ""}


def test_several_problems_in_one_message(notion: Any, usages: Any) -> None:
    body = {"parent": {"data_source_id": usages["id"]}, "properties": {"A": {"number": 1}, "Mois": {"number": 1}}}
    assert notion.refused(400, "POST", "/pages", body) == (
        "A is not a property that exists. Mois is expected to be rich_text."
    )


def test_a_refused_write_leaves_no_new_option(notion: Any, usages: Any) -> None:
    values = {"Statut": {"select": {"name": "Nouveau"}}, "Lien": {"url": ""}}
    notion.refused(400, "POST", "/pages", {"parent": {"data_source_id": usages["id"]}, "properties": values})
    options = notion.source(usages["id"])["properties"]["Statut"]["select"]["options"]
    assert [one["name"] for one in options] == ["OK"]


def test_code_points_when_told_so(notion: Any, usages: Any) -> None:
    notion.api.utf16_lengths = False
    notion.row(usages, Mois={"rich_text": [{"text": {"content": "🚀" * 1001}}]})


def test_the_longest_text(notion: Any, usages: Any) -> None:
    page = notion.row(usages, Mois={"rich_text": text(2000) * 100})
    assert len(page["properties"]["Mois"]["rich_text"][0]["plain_text"]) == 200_000


def test_unknown_properties_passed_over_when_told_so(notion: Any, usages: Any) -> None:
    notion.api.unknown_properties_ignored = True
    page = notion.row(usages, Absent={"number": 1}, **{"Cout USD": {"number": 2}})
    assert page["properties"]["Cout USD"]["number"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/pages", {"parent": {"data_source_id": "{source}"}, "properties": {}, "markdwn": ""}),
        ("PATCH", "/pages/{page}", {"archived": True}),
        ("PATCH", "/pages/{page}", {"children": []}),
        ("POST", "/data_sources/{source}/query", {"page": 1}),
        ("POST", "/search", {"queries": ""}),
        ("PATCH", "/blocks/{page}/children", {"children": [], "after": "{page}"}),
    ],
)
def test_closed_bodies(notion: Any, usages: Any, method: str, path: str, body: Any) -> None:
    ids = {"source": usages["id"], "page": notion.row(usages)["id"]}
    if "parent" in body:
        body = body | {"parent": {"data_source_id": usages["id"]}}
    assert "should be not present" in notion.refused(400, method, path.format(**ids), body)


def test_the_trash(notion: Any, usages: Any) -> None:
    page = notion.row(usages, **{"Cout USD": {"number": 1}})
    path = f"/pages/{page['id']}"
    assert notion.ask("PATCH", path, {"in_trash": True})["in_trash"] is True
    assert notion.query(usages)["results"] == []
    assert notion.ask("GET", path)["in_trash"] is True
    message = "Can't edit block that is archived. You must unarchive the block before editing."
    assert notion.refused(400, "PATCH", path, {"properties": {"Cout USD": {"number": 2}}}) == message
    both = {"in_trash": False, "properties": {"Cout USD": {"number": 2}}}
    assert notion.refused(400, "PATCH", path, both) == message
    assert notion.refused(400, "PATCH", path, {"in_trash": True}) == message
    notion.api.trash_twice_refused = False
    notion.ask("PATCH", path, {"in_trash": True})
    assert notion.ask("PATCH", path, {"in_trash": False})["in_trash"] is False
    assert len(notion.query(usages)["results"]) == 1
    notion.ask("DELETE", f"/blocks/{page['id']}")
    assert notion.query(usages, {"in_trash": True})["results"][0]["id"] == page["id"]


def test_archived_before_2026_03_11(notion: Any, usages: Any) -> None:
    notion.version = "2025-09-03"
    page = notion.row(usages)
    assert (page["archived"], page["in_trash"]) == (False, False)
    after = notion.ask("PATCH", f"/pages/{page['id']}", {"archived": True})
    assert (after["archived"], after["in_trash"]) == (True, True)
    assert "archived" in notion.source(usages["id"])


def test_relations_follow_on_both_sides(notion: Any, usages: Any, words: Any) -> None:
    services = {"id": usages["properties"]["Service"]["relation"]["data_source_id"]}
    one, other = (notion.row(services, Nom={"title": words(name)}) for name in ("A", "B"))
    row = notion.row(usages, Service={"relation": [{"id": one["id"].replace("-", "")}, {"id": one["id"]}]})
    assert row["properties"]["Service"]["relation"] == [{"id": one["id"]}]
    back = "Related to Usages (Service)"

    def links(page: Any) -> list[str]:
        shown = notion.ask("GET", f"/pages/{page['id']}")["properties"]
        return [link["id"] for link in shown.get(back, shown.get("Service"))["relation"]]

    assert (links(one), links(other)) == ([row["id"]], [])
    notion.ask("PATCH", f"/pages/{row['id']}", {"properties": {"Service": {"relation": [{"id": other["id"]}]}}})
    assert (links(one), links(other)) == ([], [row["id"]])
    notion.ask("PATCH", f"/pages/{other['id']}", {"properties": {back: {"relation": []}}})
    assert links(row) == []
    notion.ask("PATCH", f"/pages/{one['id']}", {"properties": {back: {"relation": [{"id": row["id"]}]}}})
    assert links(row) == [one["id"]]
    notion.ask("PATCH", f"/pages/{row['id']}", {"in_trash": True})
    assert links(one) == []
    notion.ask("PATCH", f"/pages/{row['id']}", {"in_trash": False})
    assert links(one) == [row["id"]]


def test_relations_to_what_cannot_be_linked(notion: Any, usages: Any) -> None:
    stranger = notion.row(usages)
    body = {"parent": {"data_source_id": usages["id"]}}
    wrong = {"Service": {"relation": [{"id": stranger["id"]}]}}
    assert "is not in the data source" in notion.refused(400, "POST", "/pages", body | {"properties": wrong})
    absent = {"Service": {"relation": [{"id": "00000000-0000-4000-8000-000000000000"}]}}
    notion.refused(404, "POST", "/pages", body | {"properties": absent})


def test_a_page_under_a_page_takes_the_short_title(notion: Any, words: Any) -> None:
    parent = {"type": "page_id", "page_id": notion.api.parent_page_id}
    page = notion.ask("POST", "/pages", {"parent": parent, "properties": {"title": words("Notes")}})
    assert page["properties"]["title"]["title"][0]["plain_text"] == "Notes"
    paragraph = {"paragraph": {"rich_text": words("Bonjour")}}
    notion.ask("PATCH", f"/blocks/{page['id']}/children", {"children": [paragraph, {"divider": {}}]})
    first = notion.ask("GET", f"/blocks/{page['id']}/children")["results"][0]
    start = {"children": [{"heading_1": {"rich_text": words("Titre")}}], "position": {"type": "start"}}
    notion.ask("PATCH", f"/blocks/{page['id']}/children", start)
    after = {"type": "after_block", "after_block": {"id": first["id"]}}
    notion.ask("PATCH", f"/blocks/{page['id']}/children", {"children": [{"divider": {}}], "position": after})
    kinds = [one["type"] for one in notion.ask("GET", f"/blocks/{page['id']}/children")["results"]]
    assert kinds == ["heading_1", "paragraph", "divider", "divider"]
    notion.ask("PATCH", f"/pages/{page['id']}", {"erase_content": True})
    assert notion.ask("GET", f"/blocks/{page['id']}/children")["results"] == []


def test_children_that_are_refused_create_no_page(notion: Any, usages: Any) -> None:
    services = {"id": usages["properties"]["Service"]["relation"]["data_source_id"]}
    service = notion.row(services)
    body = {
        "parent": {"data_source_id": usages["id"]},
        "properties": {"Service": {"relation": [{"id": service["id"]}]}},
        "children": [{"nonsense": {}}],
    }
    notion.refused(400, "POST", "/pages", body)
    assert notion.query(usages)["results"] == []
    shown = notion.ask("GET", f"/pages/{service['id']}")["properties"]["Related to Usages (Service)"]
    assert shown["relation"] == []


# -- tables and pictures on a page


def cells(*row: str) -> Any:
    return {"type": "table_row", "table_row": {"cells": [[{"text": {"content": cell}}] for cell in row]}}


def test_a_table_comes_with_its_rows(notion: Any) -> None:
    page = notion.row(notion.usages(notion.services()))
    table = {"table_width": 2, "has_column_header": True, "children": [cells("Model", "Cost"), cells("gpt", "1.50")]}
    added = notion.ask("PATCH", f"/blocks/{page['id']}/children", {"children": [{"type": "table", "table": table}]})
    (block,) = added["results"]
    assert block["has_children"]
    assert block["table"] == {"table_width": 2, "has_column_header": True, "has_row_header": False}
    rows = notion.ask("GET", f"/blocks/{block['id']}/children")["results"]
    assert [[cell[0]["plain_text"] for cell in row["table_row"]["cells"]] for row in rows] == [
        ["Model", "Cost"],
        ["gpt", "1.50"],
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "table", "table": {"table_width": 2, "children": []}},
        {"type": "table", "table": {"table_width": 2, "children": [cells("one")]}},
        {"type": "table", "table": {"table_width": 0, "children": [cells()]}},
        {"type": "table", "table": {"table_width": 1, "children": [{"type": "divider", "divider": {}}]}},
        cells("on", "the page"),
    ],
    ids=["no rows", "too narrow", "no width", "no row", "no table"],
)
def test_a_table_that_is_none(notion: Any, block: Any) -> None:
    page = notion.row(notion.usages(notion.services()))
    assert notion.refused(400, "PATCH", f"/blocks/{page['id']}/children", {"children": [block]})
    assert notion.ask("GET", f"/blocks/{page['id']}/children")["results"] == []
