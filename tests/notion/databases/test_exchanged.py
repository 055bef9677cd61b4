"""Databases taken for each other are refused before anything is written, and people's own databases are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.client.models import DataSource, PropertySchema
from notion.databases.declared import SERVICES, USAGES, Database
from notion.databases.exchanged import are_exchanged
from notion.databases.find import find_databases
from notion.databases.found import Found
from notion.setup.checkup import check_notion
from notion.setup.databases import set_up
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.errors import NotionAccessError
from usage.names import ProviderName

BOTH = ("NOTION_SERVICES_DB_ID", "NOTION_USAGES_DB_ID")
ALL = frozenset(ProviderName)


def setup(notion: Notion, settings: Any) -> None:
    set_up(notion.connection, settings, ALL)


def collect(notion: Notion, settings: Any) -> None:
    """And `status` and `heal`: all of them begin like this."""
    find_databases(notion.connection, settings)


def check(notion: Notion, settings: Any) -> None:
    report = check_notion(notion.connection, settings)
    assert not report.usable
    # A table of missing columns would lead to the set-up that spoils both.
    assert report.rows == ()
    raise NotionAccessError(report.sentences[0])


COMMANDS = pytest.mark.parametrize("command", [setup, collect, check])


def refused(notion: Notion, command: Callable[[Notion, Any], None], **ids: str) -> str:
    before = notion.state()
    notion.server.journal.clear()
    with pytest.raises(NotionAccessError) as caught:
        command(notion, notion.settings(**ids))
    assert notion.writes() == []
    assert notion.state() == before
    assert are_told_in_both([caught.value.sentence])
    return str(caught.value)


def exchanged(notion: Notion) -> dict[str, str]:
    return {"services_db_id": notion.usages.id, "usages_db_id": notion.services.id}


def spoil(notion: Notion) -> None:
    """What a set-up with exchanged ids once did: each has the columns and the services of both."""
    store = notion.api.store
    text: dict[str, Any] = {"rich_text": {}}
    number: dict[str, Any] = {"number": {}}
    store.change_schema(
        notion.usages,
        {"Statut": {"select": {"options": []}}, "URL Console": {"url": {}}, "ID Provider": text, "Notes": text},
    )
    for provider in ProviderName:
        store.add_row(notion.usages, {"Identifiant": provider.label, "ID Provider": provider.value})
    texts = ("Mois", "Projet/API Key", "Workspace", "Modeles", "Breakdown JSON", "Log Status", "Nom Projet")
    numbers = ("Tokens Input", "Tokens Output", "Cout USD", "Requetes")
    relation = {
        "data_source_id": notion.usages.source_id,
        "dual_property": {"synced_property_name": "Usages"},
    }
    columns = {**dict.fromkeys(texts, text), **dict.fromkeys(numbers, number), "Collecte Le": {"date": {}}}
    store.change_schema(notion.services, {**columns, "Service": {"relation": relation}})
    for name, target in (("Total Cout USD", "Cout USD"), ("Nombre Collectes", "Nom"), ("Total Tokens", "Tokens Input")):
        rollup = {"relation_property_name": "Usages", "rollup_property_name": target, "function": "count"}
        store.change_schema(notion.usages, {name: {"rollup": rollup}})


def add_usage(notion: Notion) -> None:
    row = {"Identifiant": "2026-01 - OpenAI - Production", "Mois": "2026-01", "Projet/API Key": "proj_1"}
    notion.api.store.add_row(notion.usages, row)


def retitle(notion: Notion) -> tuple[str, str]:
    services, usages = notion.services, notion.usages
    notion.api.store.rename(services, "Fournisseurs")
    notion.api.store.rename(usages, "Nos dépenses d’IA")
    return services.id, usages.id


@COMMANDS
def test_exchanged_ids(notion: Notion, command: Any) -> None:
    notion.set_up()
    sentence = refused(notion, command, **exchanged(notion))
    assert "sont échangés" in sentence
    assert f"NOTION_SERVICES_DB_ID={notion.services.id}" in sentence
    assert f"NOTION_USAGES_DB_ID={notion.usages.id}" in sentence


@COMMANDS
def test_exchanged_ids_whatever_the_titles(notion: Notion, command: Any) -> None:
    notion.set_up()
    services, usages = retitle(notion)
    assert "sont échangés" in refused(notion, command, services_db_id=usages, usages_db_id=services)


@COMMANDS
@pytest.mark.parametrize("titled", [True, False])
def test_after_an_earlier_accident(notion: Notion, command: Any, titled: bool) -> None:
    notion.set_up()
    add_usage(notion)
    spoil(notion)
    ids = exchanged(notion)
    if not titled:
        retitle(notion)
    assert "sont échangés" in refused(notion, command, **ids)
    mended = {"services_db_id": ids["usages_db_id"], "usages_db_id": ids["services_db_id"]}
    command_works(notion, mended)


def command_works(notion: Notion, ids: dict[str, str]) -> None:
    settings = notion.settings(**ids)
    setup(notion, settings)
    collect(notion, settings)
    assert check_notion(notion.connection, settings).usable


@COMMANDS
def test_one_database_for_both(notion: Notion, command: Any) -> None:
    notion.set_up()
    for one in (notion.usages.id, notion.services.id):
        sentence = refused(notion, command, services_db_id=one, usages_db_id=one)
        assert "mènent à la même base" in sentence
        assert all(variable in sentence for variable in BOTH)
    # By the id of the data source, and with the other one found under the page.
    assert "même base" in refused(notion, command, services_db_id=notion.usages.source_id)


def test_hand_made_databases_exchanged(notion: Notion) -> None:
    notion.make_by_hand()
    assert "sont échangés" in refused(notion, setup, **exchanged(notion))


def test_rows_tell_where_columns_and_titles_don_t(notion: Notion) -> None:
    store = notion.api.store
    services = store.make_database("Fournisseurs", {"Nom": {"title": {}}})
    usages = store.make_database("Détail", {"Nom": {"title": {}}, "Month": {"rich_text": {}}})
    store.add_row(services, {"Nom": "Mistral"})
    store.add_row(services, {"Nom": "Open AI"})
    store.add_row(usages, {"Nom": "OpenAI, janvier", "Month": "2026-01"})
    assert "sont échangés" in refused(notion, setup, services_db_id=usages.id, usages_db_id=services.id)
    setup(notion, notion.settings(services_db_id=services.id, usages_db_id=usages.id))
    assert usages.kinds["Cout USD"] == "number"


def test_the_usages_in_place_of_services_that_are_not_there_yet(notion: Notion) -> None:
    notion.set_up()
    _, usages = retitle(notion)
    sentence = refused(notion, setup, services_db_id=usages)
    assert "« Nos dépenses d’IA »" in sentence
    assert all(variable in sentence for variable in BOTH)


# -- what is refused to nobody

OWN = {
    "Notes": "rich_text",
    "URL": "url",
    "Projet": "rich_text",
    "Modèles": "rich_text",
    "Coût": "number",
    "Statut": "select",
    "Contact": "email",
    "Provider": "rich_text",
}


def found(declared: Database, title: str, columns: dict[str, str]) -> Found:
    schema = {name: PropertySchema(id=name, name=name, type=kind) for name, kind in columns.items()}
    source = DataSource(
        id=f"source-{declared.title}",
        properties={"Titre": PropertySchema(id="t", name="Titre", type="title"), **schema},
    )
    return Found(declared, declared.title, source.id, "", (), title=title).with_schema(source)


def declared_columns(declared: Database) -> dict[str, str]:
    return {item.name: item.type.value for item in declared.properties if item.type.value not in ("title", "relation")}


titles = st.sampled_from(["", "Suivi", "IA", "Services LLM", "Usages LLM", "Services et usages"])
own = st.lists(st.sampled_from(sorted(OWN)), unique=True).map(lambda names: {name: OWN[name] for name in names})


@given(first=titles, second=titles, services=own, usages=own)
def test_complete_databases_are_never_refused_in_their_places(
    first: str, second: str, services: dict[str, str], usages: dict[str, str]
) -> None:
    """Nor accepted in each other's, whatever their titles are and which columns of their own they have."""
    of_services, of_usages = declared_columns(SERVICES) | services, declared_columns(USAGES) | usages
    right = found(SERVICES, first, of_services), found(USAGES, second, of_usages)
    wrong = found(SERVICES, first, of_usages), found(USAGES, second, of_services)
    assert not are_exchanged(*right, lambda _: [])
    assert are_exchanged(*wrong, lambda _: [])
    assert not are_exchanged(right[0], None, lambda _: [])
    assert not are_exchanged(None, right[1], lambda _: [])


@given(columns=own)
def test_a_few_columns_of_somebody_s_own_are_no_sign(columns: dict[str, str]) -> None:
    few = dict(list(columns.items())[:2])
    for title in ("Services LLM", "IA"):
        assert not are_exchanged(found(SERVICES, title, few), found(USAGES, "Suivi", {}), lambda _: [])


def test_rows_are_read_in_doubt_only(notion: Notion) -> None:
    notion.set_up()
    notion.server.journal.clear()
    find_databases(notion.connection, notion.settings())
    assert not any(line.endswith("/query") for line in notion.asked())
