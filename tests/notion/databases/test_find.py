from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from notion.databases.declared import SERVICES, USAGES, Property, Type
from notion.databases.find import find_databases, locate
from notion.databases.found import ColumnState
from notion.setup.databases import set_up
from sandbox.faults import Fault, Kind
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.errors import NotionAccessError
from usage.settings import load_settings


@pytest.fixture
def ready(notion: Notion) -> Notion:
    """Both databases, as set-up makes them."""
    set_up(notion.gateway(), notion.settings(), frozenset())
    notion.server.journal.clear()
    return notion


def refused(notion: Notion, **settings: Any) -> str:
    with pytest.raises(NotionAccessError) as caught:
        find_databases(notion.gateway(), notion.settings(**settings))
    assert are_told_in_both([caught.value.sentence])
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
    settings = load_settings(environment, ()).notion
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
    ready.connection.data_sources.update(base.source_id, in_trash=True)
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


# -- ids of something else

NOT_DATABASE = {"code": "validation_error", "message": "Provided database_id is a page, not a database."}


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("variable", ["NOTION_SERVICES_DB_ID", "NOTION_USAGES_DB_ID"])
def test_a_page_where_a_database_is_expected(ready: Notion, variable: str, status: int) -> None:
    fault = Fault("notion", Kind.STATUS, "/(databases|data_sources)/", status=status, body=NOT_DATABASE, times=-1)
    ready.server.faults.add(replace(fault, path=f"(databases|data_sources)/{ready.api.parent_page_id}"))
    sentence = refused(ready, **{variable.lower().removeprefix("notion_"): ready.api.parent_page_id})
    assert f"{variable} mène à une page, pas à une base" in sentence
    assert "corbeille" not in sentence


@pytest.mark.parametrize(
    "message",
    [
        "Database with ID {id} does not contain any data sources accessible by this API bot.",
        "Database with ID {id} is a linked database. Database retrievals do not support linked databases.",
    ],
)
def test_a_linked_view_that_notion_refuses(ready: Notion, message: str) -> None:
    key = ready.api.store.database("Usages LLM").id
    body = {"code": "validation_error", "message": message.format(id=key)}
    ready.server.faults.add(Fault("notion", Kind.STATUS, f"/databases/{key}", status=400, body=body))
    sentence = refused(ready)
    assert "NOTION_USAGES_DB_ID mène à une vue liée" in sentence
    assert "l’adresse de la base d’origine" in sentence
    assert "corbeille" not in sentence


def test_a_linked_view_names_the_original(ready: Notion) -> None:
    base = ready.api.store.database("Usages LLM")
    place = {"data_source_id": base.source_id, "name": "Vue", "type": "table"}
    linked = {"create_database": {"parent": {"type": "page_id", "page_id": ready.api.parent_page_id}}}
    # The linked database that the view is in.
    view: Any = ready.connection.views.create(**place, **linked)
    ids = {
        "services_db_id": ready.api.store.database("Services LLM").id,
        "usages_db_id": view["parent"]["database_id"],
    }
    sentence = refused(ready, **ids)
    assert f"la base d’origine ({base.id})" in sentence


@pytest.mark.parametrize("lost", [False, True])
def test_a_database_without_data_sources_is_a_linked_view(ready: Notion, lost: bool) -> None:
    """Where its views tell nothing, either."""
    key = ready.api.store.database("Usages LLM").id
    nothing = Fault(
        "notion", Kind.REWRITE, f"/databases/{key}", rewrite=lambda one: {**one, "data_sources": [], "title": []}
    )
    ready.server.faults.add(nothing)
    if lost:
        ready.server.faults.add(
            Fault("notion", Kind.STATUS, "/views", status=403, body={"code": "restricted_resource"})
        )
    sentence = refused(ready, services_db_id=ready.api.store.database("Services LLM").id, usages_db_id=key)
    assert "vue liée" in sentence
    assert "corbeille" not in sentence


@pytest.mark.parametrize("title", ["Services LLM", "Usages LLM"])
@pytest.mark.parametrize("form", ["id", "source_id"])
def test_a_parent_page_that_is_a_database(ready: Notion, title: str, form: str) -> None:
    key = getattr(ready.api.store.database(title), form)
    for use in (find_databases, lambda gateway, settings: set_up(gateway, settings, frozenset())):
        with pytest.raises(NotionAccessError, match="NOTION_PARENT_PAGE_ID mène à une base") as caught:
            use(ready.connection, ready.settings(parent_page_id=key))
        assert "NOTION_SERVICES_DB_ID" in str(caught.value)
    assert ready.writes() == []


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
    assert found.match("Usages").state is ColumnState.ONE_WAY
    assert not found.has("Usages")


def test_a_namesake_of_the_other_side(ready: Notion) -> None:
    store = ready.api.store
    other = store.make_database("Usages", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": other.source_id, "single_property": {}}}
    store.change_schema(store.database("Usages LLM"), {"Service": None})
    store.change_schema(store.database("Services LLM"), {"Usages": relation})
    found = locate(ready.gateway(), ready.settings()).services
    assert found.match("Usages").state is ColumnState.ELSEWHERE
