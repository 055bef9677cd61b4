from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from sandbox.notion import RollupOverFormula

ROLLUPS = {
    "Total Cout": {"rollup": {"relation_property_name": "R", "rollup_property_name": "Cout USD", "function": "sum"}},
    "Total": {"rollup": {"relation_property_name": "R", "rollup_property_name": "Total", "function": "sum"}},
    "Nombre": {"rollup": {"relation_property_name": "R", "rollup_property_name": "Identifiant", "function": "count"}},
    "Derniere": {
        "rollup": {"relation_property_name": "R", "rollup_property_name": "Collecte Le", "function": "latest_date"}
    },
}


def other_side(notion: Any, services: Any) -> Any:
    columns = notion.source(services["id"])["properties"].values()
    return next(one for one in columns if one["type"] == "relation")


def with_rollups(notion: Any) -> tuple[Any, Any]:
    """Services and usages, the other side renamed to `R` and the rollups there."""
    services = notion.services()
    usages = notion.usages(services)
    notion.change(services, {other_side(notion, services)["id"]: {"name": "R"}})
    return notion.change(services, ROLLUPS), usages


def test_a_top_level_properties_key_is_passed_over(notion: Any, words: Any) -> None:
    parent = {"type": "page_id", "page_id": notion.api.parent_page_id}
    body = {"parent": parent, "title": words("X"), "properties": {"Nom": {"title": {}}}, "nonsense": 1}
    made = notion.ask("POST", "/databases", body)
    assert list(notion.source(made["data_sources"][0]["id"])["properties"]) == ["Name"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"A": {"rich_text": {}}}, "Title is not provided"),
        ({"A": {"title": {}}, "B": {"title": {}}}, "Cannot create multiple title properties."),
        ({"A": {"title": {}}, "B": {"nonsense": {}}}, "should be a known property type"),
        ({"A": {"title": {}}, "B": {"number": {"format": "sous"}}}, "should be a known number format"),
        ({"A": {"title": {}}, "B": {"select": {"options": [{"name": "a, b"}]}}}, "commas not allowed: a, b"),
        ({"A": {"title": {}}, "B": {"select": {"options": [{"name": "x"}] * 2}}}, "must be unique"),
        ({"A": {"title": {}}, "B": {"formula": {"expression": 'prop("Z") + 1'}}}, "Undefined property Z"),
        ({"A": {"title": {}}, "B": {"relation": {"single_property": {}}}}, "data_source_id should be defined"),
    ],
)
def test_a_wrong_schema_creates_nothing(notion: Any, properties: Any, message: str) -> None:
    parent = {"type": "page_id", "page_id": notion.api.parent_page_id}
    body = {"parent": parent, "initial_data_source": {"properties": properties}}
    assert message in notion.refused(400, "POST", "/databases", body)
    assert notion.api.store.databases() == []
    assert notion.ask("GET", f"/blocks/{notion.api.parent_page_id}/children")["results"] == []


def test_the_block_of_a_database_has_its_id_and_title(notion: Any) -> None:
    services = notion.services()
    block = notion.ask("GET", f"/blocks/{notion.api.parent_page_id}/children")["results"][0]
    assert (block["id"], block["type"]) == (services["parent"]["database_id"], "child_database")
    assert block["child_database"] == {"title": "Services"}


def test_the_two_ids_cannot_be_crossed(notion: Any) -> None:
    services = notion.services()
    database_id = services["parent"]["database_id"]
    assert f"Could not find database with ID: {database_id}." in notion.refused(
        404, "GET", f"/data_sources/{database_id}"
    )
    notion.refused(404, "GET", f"/databases/{services['id']}")
    parent = {"type": "data_source_id", "data_source_id": database_id}
    notion.refused(404, "POST", "/pages", {"parent": parent, "properties": {}})


def test_ids_are_taken_without_dashes(notion: Any) -> None:
    services = notion.services()
    assert notion.source(services["id"].replace("-", "").upper())["id"] == services["id"]


@pytest.mark.parametrize("honoured", [False, True])
def test_the_name_of_the_other_side(notion: Any, honoured: bool) -> None:
    notion.api.synced_property_name_honoured = honoured
    services = notion.services()
    usages = notion.usages(services)
    back = other_side(notion, services)
    assert back["name"] == ("Usages" if honoured else "Related to Usages (Service)")
    own = usages["properties"]["Service"]
    assert own["relation"]["dual_property"] == {"synced_property_name": back["name"], "synced_property_id": back["id"]}
    assert own["relation"]["database_id"] == services["parent"]["database_id"]
    assert back["relation"]["data_source_id"] == usages["id"]


def test_renaming_the_other_side_by_its_id(notion: Any) -> None:
    services = notion.services()
    usages = notion.usages(services)
    renamed = notion.change(services, {other_side(notion, services)["id"]: {"name": "Collectes"}})
    assert "Collectes" in renamed["properties"]
    shown = notion.source(usages["id"])["properties"]["Service"]["relation"]["dual_property"]
    assert shown["synced_property_name"] == "Collectes"


def test_rollups_in_one_patch_hold_unencoded_ids(notion: Any) -> None:
    services, usages = with_rollups(notion)
    shown = services["properties"]["Total Cout"]["rollup"]
    assert shown["relation_property_id"] == unquote(services["properties"]["R"]["id"])
    assert shown["rollup_property_id"] == unquote(usages["properties"]["Cout USD"]["id"])
    assert services["properties"]["Nombre"]["rollup"]["rollup_property_id"] == "title"


def test_a_patch_is_done_whole_or_not_at_all(notion: Any) -> None:
    services = notion.services()
    usages = notion.usages(services)
    before = [notion.source(services["id"]), notion.source(usages["id"])]
    dual = {"relation": {"data_source_id": services["id"], "dual_property": {}}}
    bad = {"rollup": {"relation_property_name": "Service", "rollup_property_name": "?", "function": "sum"}}
    body: dict[str, Any] = {"properties": {"New": {"number": {}}, "Statut": None, "Autre": dual, "Bad": bad}}
    assert "Could not find property with name or id: ?" in notion.refused(
        400, "PATCH", f"/data_sources/{usages['id']}", body
    )
    after = [notion.source(services["id"]), notion.source(usages["id"])]
    assert [one["properties"] for one in after] == [one["properties"] for one in before]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Nom": None}, "Cannot delete the title property."),
        ({"Nom": {"number": {}}}, "Cannot change the type of the title property."),
        ({"Autre": {"title": {}}}, "Cannot create multiple title properties."),
        ({"Absent": {"name": "X"}}, "Could not find property with name or id: Absent"),
        ({"Absent": None}, "Could not find property with name or id: Absent"),
        ({"Statut": {"name": "Nom"}}, "a property of that name exists"),
        ({"New": {"type": "number"}}, "should be a property schema"),
    ],
)
def test_schema_changes_that_are_refused(notion: Any, properties: Any, message: str) -> None:
    services = notion.services()
    assert message in notion.refused(400, "PATCH", f"/data_sources/{services['id']}", {"properties": properties})


def test_add_rename_retype_and_remove(notion: Any) -> None:
    source = notion.database("X", {"Nom": {"title": {}}, "N": {"number": {}}, "Old": {"url": {}}})
    key = source["properties"]["N"]["id"]
    notion.row(source, N={"number": 3})
    changed = notion.change(source, {key: {"name": "M"}, "Old": None, "New": {"number": {"format": "euro"}}})
    assert {name: one["type"] for name, one in changed["properties"].items()} == {
        "Nom": "title",
        "M": "number",
        "New": "number",
    }
    assert changed["properties"]["M"]["id"] == key
    retyped = notion.change(source, {"M": {"formula": {"expression": 'prop("Nom") + "!"'}}})
    assert retyped["properties"]["M"]["type"] == "formula"
    assert notion.change(source, {"New": {"number": {"format": "dollar"}}})["properties"]["New"]["number"] == {
        "format": "dollar"
    }


def test_a_list_of_options_replaces_the_old_one(notion: Any) -> None:
    source = notion.database(
        "X", {"Nom": {"title": {}}, "S": {"select": {"options": [{"name": "A", "color": "red"}, {"name": "B"}]}}}
    )
    kept = source["properties"]["S"]["select"]["options"][0]
    row = notion.row(source, S={"select": {"name": "B"}})
    new = [{"id": kept["id"], "name": "Renamed", "color": "blue"}, {"name": "C", "color": "green"}]
    options = notion.change(source, {"S": {"select": {"options": new}}})["properties"]["S"]["select"]["options"]
    assert [(one["name"], one["color"]) for one in options] == [("A", "red"), ("C", "green")]
    assert notion.ask("GET", f"/pages/{row['id']}")["properties"]["S"]["select"] is None


def test_a_schema_over_its_limit_names_the_largest_property(notion: Any) -> None:
    source = notion.database("X", {"Nom": {"title": {}}})
    notion.api.schema_limit = 5_000
    options = [{"name": f"option {index}"} for index in range(100)]
    body = {"properties": {"Petit": {"number": {}}, "Grand": {"select": {"options": options}}}}
    assert "Its largest property is Grand." in notion.refused(400, "PATCH", f"/data_sources/{source['id']}", body)
    assert list(notion.source(source["id"])["properties"]) == ["Nom"]


def test_rollup_over_a_formula_refused_until_it_is_saved(notion: Any) -> None:
    notion.api.rollup_over_formula = RollupOverFormula.REFUSED
    services = notion.services()
    usages = notion.usages(services)
    notion.change(services, {other_side(notion, services)["id"]: {"name": "R"}})
    body = {"properties": {"Total": ROLLUPS["Total"]}}
    assert "formula of unknown type" in notion.refused(400, "PATCH", f"/data_sources/{services['id']}", body)
    notion.change(services, {"Total Cout": ROLLUPS["Total Cout"]})
    notion.api.store.save_formula(notion.api.store.database("Usages"), "Total")
    assert "Total" in notion.change(services, {"Total": ROLLUPS["Total"]})["properties"]
    assert usages["properties"]["Total"]["type"] == "formula"


def test_several_data_sources(notion: Any, words: Any) -> None:
    services = notion.services()
    database_id = services["parent"]["database_id"]
    second = notion.ask(
        "POST",
        "/data_sources",
        {
            "parent": {"type": "database_id", "database_id": database_id},
            "title": words("Archives"),
            "properties": {"Nom": {"title": {}}},
        },
    )
    listed = notion.ask("GET", f"/databases/{database_id}")["data_sources"]
    assert [one["name"] for one in listed] == ["Services", "Archives"]
    answer = notion.send("POST", "/pages", {"parent": {"database_id": database_id}, "properties": {}})
    assert answer.json()["additional_data"]["child_data_source_ids"] == [services["id"], second["id"]]
    notion.version = "2022-06-28"
    old = notion.send("GET", f"/databases/{database_id}").json()
    assert old["additional_data"]["error_type"] == "multiple_data_sources_for_database"


def test_a_locked_database_still_takes_schema_changes_unless_told_otherwise(notion: Any) -> None:
    services = notion.services()
    store = notion.api.store
    store.lock(store.database("Services"))
    assert notion.ask("GET", f"/databases/{services['parent']['database_id']}")["is_locked"] is True
    notion.change(services, {"A": {"number": {}}})
    notion.api.locked_refuses_api = True
    body: dict[str, Any] = {"properties": {"B": {"number": {}}}}
    assert "locked" in notion.refused(400, "PATCH", f"/data_sources/{services['id']}", body)
    notion.row(services)


def test_what_is_not_shared_cannot_be_found(notion: Any) -> None:
    services = notion.services()
    usages = notion.usages(services)
    row = notion.row(services)
    store = notion.api.store
    store.unshare(store.database("Services"))
    for path in (f"/data_sources/{services['id']}", f"/databases/{services['parent']['database_id']}"):
        notion.refused(404, "GET", path)
    notion.refused(404, "GET", f"/pages/{row['id']}")
    notion.refused(404, "POST", f"/data_sources/{services['id']}/query", {})
    listed = notion.ask("GET", f"/blocks/{notion.api.parent_page_id}/children")["results"]
    assert [one["child_database"]["title"] for one in listed] == ["Usages"]
    assert "Service" not in notion.source(usages["id"])["properties"]
    store.share(store.database("Services"))
    assert notion.source(services["id"])["id"] == services["id"]


def test_the_trash_of_a_database(notion: Any) -> None:
    services = notion.services()
    row = notion.row(services)
    database_id = services["parent"]["database_id"]
    assert notion.ask("PATCH", f"/databases/{database_id}", {"in_trash": True})["in_trash"] is True
    assert notion.source(services["id"])["in_trash"] is True
    assert notion.ask("GET", f"/blocks/{notion.api.parent_page_id}/children")["results"] == []
    assert notion.query(services)["results"] == []
    body = {"parent": {"data_source_id": services["id"]}, "properties": {}}
    assert "unarchive" in notion.refused(400, "POST", "/pages", body)
    assert "unarchive" in notion.refused(400, "PATCH", f"/pages/{row['id']}", {"properties": {}})
    assert "unarchive" in notion.refused(400, "PATCH", f"/data_sources/{services['id']}", {"properties": {}})
    notion.ask("PATCH", f"/databases/{database_id}", {"in_trash": False})
    assert len(notion.query(services)["results"]) == 1
