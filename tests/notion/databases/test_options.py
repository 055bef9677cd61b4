"""Options and columns under the names that people give them, before a run and in the middle of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from notion.databases.declared import Statut
from notion.databases.options import option_here
from notion.databases.services import set_statut
from notion.setup.checkup import Severity, check_notion
from notion.setup.log import SetupLog
from notion.setup.seeds import seed_services
from notion.summary import summarise
from tests.notion.office import Office
from tests.notion.tables import Made
from usage.errors import NotionAccessError
from usage.language.sentence import SILENCE
from usage.names import ProviderName, Source, Status

SPELLINGS = ["SUCCES", "Succès", "SUCCÈS", "succes"]


def options(office: Office, base: str, column: str) -> list[str]:
    found = getattr(office.open(office.notion.connection).databases, base)
    select = found.match(column).found[0].select
    return [option.name for option in select.options]


@pytest.mark.parametrize("spelling", ["INACTIF", "inactif", "Ìnactif"])
def test_an_inactive_service_however_it_is_spelled(office: Office, spelling: str) -> None:
    store, services = office.notion.api.store, office.notion.services
    store.rename_option(services, "Statut", "Inactif", spelling)
    store.edit(services.row("Deepgram"), {"Statut": spelling})
    before = options(office, "services", "Statut")
    assert office.open(office.notion.connection).inactive == {ProviderName.DEEPGRAM}
    assert office.notion.set_up().done == ()
    assert options(office, "services", "Statut") == before
    assert office.open(office.notion.connection).inactive == {ProviderName.DEEPGRAM}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_of_a_status_rewrites_nothing(office: Office, made: Made, spelling: str) -> None:
    outcome = made.outcome(made.row("p1"), made.row("p2"))
    office.collect(outcome)
    office.notion.api.store.rename_option(office.base, "Statut Collecte", "Succes", spelling)
    before = options(office, "usages", "Statut Collecte")
    again = office.collect(outcome)
    # The source's own row is written by every run.
    assert (again.counts.created, again.counts.updated, again.counts.unchanged) == (0, 1, 2)
    workspace = office.open(office.notion.connection)
    (line,) = summarise(workspace.rows(), workspace.services, datetime(2026, 2, 14, tzinfo=UTC))
    assert line.status is Status.SUCCES
    assert options(office, "usages", "Statut Collecte") == before


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_rows_are_written_with_the_option_that_is_there(office: Office, made: Made, spelling: str) -> None:
    office.notion.api.store.rename_option(office.base, "Statut Collecte", "Succes", spelling)
    before = options(office, "usages", "Statut Collecte")
    office.collect(made.outcome(made.row("p1")))
    assert {row["Statut Collecte"] for row in office.rows()} == {spelling}
    assert options(office, "usages", "Statut Collecte") == before


def test_services_are_marked_with_the_option_that_is_there(office: Office) -> None:
    store, services = office.notion.api.store, office.notion.services
    store.rename_option(services, "Statut", "En attente API", "EN ATTENTE API")
    workspace = office.open(office.notion.connection)
    set_statut(office.notion.connection, workspace.databases.services, workspace.services[0], Statut.EN_ATTENTE)
    assert services.row("OpenAI").values()["Statut"] == "EN ATTENTE API"
    waiting = next(one for one in office.open().services if one.provider is ProviderName.OPENAI)
    assert waiting.statut == Statut.EN_ATTENTE


def test_check_knows_the_other_spelling(office: Office) -> None:
    office.notion.api.store.rename_option(office.base, "Statut Collecte", "Succes", "SUCCÈS")
    report = check_notion(office.notion.connection, office.settings.notion)
    (row,) = [row for row in report.rows if row.property == "Statut Collecte"]
    assert (row.severity, row.todo) == (Severity.OK, SILENCE)


def test_of_two_spellings_the_declared_one_is_written(office: Office) -> None:
    store = office.notion.api.store
    store.rename_option(office.base, "Statut Collecte", "Echec", "SUCCÈS")
    usages = office.open().databases.usages
    assert option_here(usages, "Statut Collecte", "Succes") == "Succes"
    assert option_here(usages, "Statut Collecte", "Echec") == "Echec"


# -- columns that are renamed while a run goes on


def rename_all(office: Office) -> None:
    """A person gives every column of both databases another name."""
    store = office.notion.api.store
    for base in (office.base, office.notion.services):
        store.change_schema(base, {name: {"name": f"{name} bis"} for name in base.kinds})


def test_columns_that_are_renamed_in_the_middle_of_a_run(office: Office, made: Made) -> None:
    office.collect(made.outcome(made.row("p1"), made.row("p3")))
    workspace = office.open(office.notion.connection)
    rename_all(office)
    outcome = made.outcome(made.row("p1", "7"), made.row("p2"), made.row("p3"))
    plan = workspace.plan(outcome.month, [outcome])
    done = workspace.publish(plan, unfiltered=True)
    assert (done.counts.created, done.counts.updated, done.counts.unchanged) == (1, 2, 1)
    shown = {row.values()["Projet/API Key bis"]: row.values() for row in office.base.rows()}
    assert shown["p1"]["Cout USD bis"] == 7
    assert shown["p2"]["Statut Collecte bis"] == "Succes"
    assert len(shown) == 4


def test_notes_of_people_under_a_column_that_is_renamed(office: Office, made: Made) -> None:
    """What a double takes along goes to its column, whatever the name is by then."""
    store = office.notion.api.store
    store.change_schema(office.base, {"Remarque": {"rich_text": {}}})
    office.collect(made.outcome(made.row("p1")))
    row = next(one for one in office.base.rows() if one.values()["Projet/API Key"] == "p1")
    copied = {name: row.values()[name] for name in ("Identifiant", "Mois", "Projet/API Key", "Service", "Cout USD")}
    store.add_row(office.base, {**copied, "Remarque": "à garder"}, by_connection=True)
    workspace = office.open(office.notion.connection)
    outcome = made.outcome(made.row("p1"))
    plan = workspace.plan(outcome.month, [outcome])
    rename_all(office)
    workspace.publish(plan, unfiltered=False)
    (left,) = [one for one in office.base.rows() if one.values()["Projet/API Key bis"] == "p1"]
    assert left.values()["Remarque bis"] == "à garder"


def test_services_that_are_filled_in_under_columns_that_are_renamed(office: Office) -> None:
    office.notion.api.store.edit(office.notion.services.row("OpenAI"), {"ID Provider": None, "Statut": None})
    gateway, rename = office.notion.gateway(), office.notion.api.store.change_schema
    update = gateway.update_row

    def renamed_first(page_id: str, properties: Any) -> Any:
        rename(office.notion.services, {"ID Provider": {"name": "Autre"}})
        return update(page_id, properties)

    gateway.update_row = renamed_first  # type: ignore[method-assign]
    found = office.open(office.notion.connection).databases.services
    seed_services(gateway, found, frozenset(ProviderName), SetupLog())
    assert office.notion.services.row("OpenAI").values()["Autre"] == "openai"


# -- a relation that is full


def test_a_full_relation_says_what_to_do(office: Office, made: Made) -> None:
    office.notion.api.references_limit = 2
    with pytest.raises(Exception, match="10 000 lignes") as caught:
        office.collect(made.outcome(made.row("p1"), made.row("p2"), made.row("p3")))
    assert "déplacez les lignes des mois les plus anciens" in str(caught.value)


def test_rows_of_a_full_relation_are_still_updated(office: Office, made: Made) -> None:
    source = Source(provider=ProviderName.OPENAI)
    office.collect(made.outcome(made.row("p1"), source=source))
    office.notion.api.references_limit = 2
    done = office.collect(made.outcome(made.row("p1", "9"), source=source))
    assert (done.counts.created, done.counts.updated) == (0, 2)


def test_another_refusal_says_nothing_of_relations(office: Office) -> None:
    workspace = office.open(office.notion.connection)
    found = workspace.databases.usages
    service = found.columns["Service"].id
    properties = {service: {"relation": [{"id": workspace.services[0].page_id}]}, "nope": {"number": 1}}
    with pytest.raises(NotionAccessError, match="nope is not a property that exists") as caught:
        office.notion.connection.create_row(found.data_source_id, properties)
    assert "10 000" not in str(caught.value)
