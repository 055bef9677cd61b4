from __future__ import annotations

from typing import Any

import pytest

from notion.databases import find_databases, locate
from notion.found import Verdict
from notion.schema import SERVICES, USAGES, Property, Type
from notion.setup import set_up
from notion.wire import Reference
from usage.errors import NotionAccessError
from usage.settings import load_settings

Notion = Any


@pytest.fixture
def ready(notion: Notion) -> Notion:
    """Both databases, as set-up makes them."""
    set_up(notion.gateway(), notion.settings(), frozenset(), sleep=notion.nap)
    notion.server.journal.clear()
    return notion


def refused(notion: Notion, **settings: Any) -> str:
    with pytest.raises(NotionAccessError) as caught:
        find_databases(notion.gateway(), notion.settings(**settings))
    return str(caught.value)


def test_under_the_page(ready: Notion) -> None:
    databases = find_databases(ready.gateway(), ready.settings())
    assert databases.services.database_id == ready.api.store.database("Services LLM").id
    assert databases.usages.data_source_id == ready.api.store.database("Usages LLM").source_id
    assert set(databases.usages.columns) == {item.name for item in USAGES.properties}
    assert ready.asked() == ["GET /blocks/*/children"] + 2 * ["GET /databases/*", "GET /data_sources/*"]


@pytest.mark.parametrize(
    "form", ["{id}", "{bare}", "https://www.notion.so/equipe/Services-LLM-{bare}?v=0123456789abcdef0123456789abcdef"]
)
def test_by_id_in_each_form(ready: Notion, form: str) -> None:
    environment = ready.server.environment()
    del environment["NOTION_PARENT_PAGE_ID"]
    for variable, title in (("NOTION_SERVICES_DB_ID", "Services LLM"), ("NOTION_USAGES_DB_ID", "Usages LLM")):
        key = ready.api.store.database(title).id
        environment[variable] = form.format(id=key, bare=key.replace("-", ""))
    settings = load_settings(environment, dotenv=None).notion
    find_databases(ready.gateway(settings), settings)
    assert "GET /blocks/*/children" not in ready.asked()


def test_by_the_data_source_s_id(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    other = ready.api.store.add_source(base, "Autre", {"Nom": {"title": {}}})
    found = locate(ready.gateway(), ready.settings(usages_db_id=base.source_id)).usages
    assert (found.database_id, found.data_source_id) == (base.id, base.source_id)
    found = locate(ready.gateway(), ready.settings(usages_db_id=other)).usages
    assert (found.database_id, found.data_source_id) == (base.id, other)


def test_one_by_id_and_one_under_the_page(ready: Notion) -> None:
    key = ready.api.store.database("Usages LLM").id
    ready.api.store.rename(ready.api.store.database("Usages LLM"), "Consommation")
    assert find_databases(ready.gateway(), ready.settings(usages_db_id=key)).usages.database_id == key
    assert "Aucune base « Usages LLM »" in refused(ready)


def test_in_the_trash(ready: Notion) -> None:
    base = ready.api.store.database("Services LLM")
    ready.api.store.trash(base)
    assert "corbeille" in refused(ready, services_db_id=base.id)
    assert "corbeille" in refused(ready, services_db_id=base.source_id)
    assert "llm-usage setup" in refused(ready)


def test_a_data_source_in_the_trash(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    ready.connection.ask(Reference, "PATCH", f"data_sources/{base.source_id}", body={"in_trash": True})
    assert "La source de données de la base « Usages LLM » est dans la corbeille" in refused(ready)
    assert "corbeille" in refused(ready, usages_db_id=base.source_id)


def test_not_shared(ready: Notion) -> None:
    base = ready.api.store.database("Services LLM")
    ready.api.store.unshare(base)
    assert "partagez la base" in refused(ready, services_db_id=base.id)
    assert "NOTION_SERVICES_DB_ID" in refused(ready, services_db_id=base.id)


def test_a_page_that_is_not_shared(ready: Notion) -> None:
    assert "NOTION_PARENT_PAGE_ID" in refused(ready, parent_page_id="00000000-0000-4000-8000-000000000000")


def test_nothing_to_go_by(ready: Notion) -> None:
    sentence = refused(ready, parent_page_id=None)
    assert "NOTION_SERVICES_DB_ID" in sentence
    assert "NOTION_PARENT_PAGE_ID" in sentence


def test_two_of_one_title(ready: Notion) -> None:
    ready.api.store.make_database("services llm", {"Nom": {"title": {}}})
    assert "2 bases « Services LLM »" in refused(ready)


def test_several_data_sources(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    ready.api.store.add_source(base, "Archive", {"Nom": {"title": {}}})
    find_databases(ready.gateway(), ready.settings())
    ready.api.store.add_source(base, "usages LLM", {"Nom": {"title": {}}})
    assert "3 sources de données" in refused(ready)


def test_accents_case_and_other_names(ready: Notion) -> None:
    names = {"Cout USD": "coût usd", "Modeles": "Modèles", "Requetes": "Nb requêtes", "Identifiant": "Ligne"}
    base = ready.api.store.database("Usages LLM")
    ready.api.store.change_schema(base, {old: {"name": new} for old, new in names.items()})
    columns = find_databases(ready.gateway(), ready.settings()).usages.columns
    assert {name: columns[name].name for name in names} == names


def test_the_declared_name_wins_over_the_others(ready: Notion) -> None:
    ready.api.store.change_schema(ready.api.store.database("Usages LLM"), {"Month": {"rich_text": {}}})
    assert find_databases(ready.gateway(), ready.settings()).usages.columns["Mois"].name == "Mois"


def test_two_that_could_be_it(ready: Notion) -> None:
    changes: dict[str, Any] = {"Mois": {"name": "MOIS"}, "Moîs": {"rich_text": {}}}
    ready.api.store.change_schema(ready.api.store.database("Usages LLM"), changes)
    assert "« MOIS » et « Moîs »" in refused(ready) or "« Moîs » et « MOIS »" in refused(ready)


def test_a_wrong_type_is_told_with_both_types(ready: Notion) -> None:
    ready.api.store.change_schema(ready.api.store.database("Usages LLM"), {"Mois": {"date": {}}})
    assert "de type date au lieu de rich_text" in refused(ready)


def test_another_s_column_of_another_type_is_not_ours(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    ready.api.store.change_schema(base, {"Mois": None, "Month": {"date": {}}})
    assert "Il manque la colonne « Mois »" in refused(ready)


def test_all_that_is_wrong_is_told_at_once(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    ready.api.store.change_schema(base, {"Mois": None, "Workspace": {"number": {}}})
    sentence = refused(ready)
    assert "« Mois »" in sentence
    assert "« Workspace »" in sentence


@pytest.mark.parametrize("declared", [*SERVICES.properties, *USAGES.properties], ids=lambda item: item.name)
def test_what_the_job_can_do_without(ready: Notion, declared: Property) -> None:
    if declared.type is Type.TITLE or declared.name == "Usages":  # which goes with `Service`
        return
    base = ready.api.store.database(SERVICES.title if declared in SERVICES.properties else USAGES.title)
    ready.api.store.change_schema(base, {declared.name: None})
    if declared.for_people or declared.optional:
        find_databases(ready.gateway(), ready.settings())
    else:
        assert declared.name in refused(ready)


# -- the relation


def test_a_relation_to_another_database(ready: Notion) -> None:
    store = ready.api.store
    other = store.make_database("Fournisseurs", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": other.source_id, "single_property": {}}}
    store.change_schema(store.database("Usages LLM"), {"Service": relation})
    assert "mène à une autre base que « Services LLM »" in refused(ready)


def test_the_other_side_is_known_whatever_its_name(ready: Notion) -> None:
    store = ready.api.store
    base = store.database("Services LLM")
    store.change_schema(base, {"Usages": {"name": "Lignes du mois"}})
    found = find_databases(ready.gateway(), ready.settings()).services
    assert found.columns["Usages"].name == "Lignes du mois"


def test_a_relation_that_goes_one_way(ready: Notion) -> None:
    store = ready.api.store
    relation = {"relation": {"data_source_id": store.database("Services LLM").source_id, "single_property": {}}}
    store.change_schema(store.database("Usages LLM"), {"Service": relation})
    found = find_databases(ready.gateway(), ready.settings()).services
    assert found.match("Usages").verdict is Verdict.ONE_WAY
    assert not found.has("Usages")


def test_a_namesake_of_the_other_side(ready: Notion) -> None:
    store = ready.api.store
    other = store.make_database("Usages", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": other.source_id, "single_property": {}}}
    store.change_schema(store.database("Usages LLM"), {"Service": None})
    store.change_schema(store.database("Services LLM"), {"Usages": relation})
    found = locate(ready.gateway(), ready.settings()).services
    assert found.match("Usages").verdict is Verdict.ELSEWHERE
