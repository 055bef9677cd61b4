"""Set-up on databases that people made or changed: theirs stays theirs."""

from __future__ import annotations

from typing import Any

import pytest

from notion.setup.checkup import check_notion
from sandbox.faults import Fault, Kind
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.names import ProviderName


def test_hand_made_databases_are_completed(notion: Notion) -> None:
    notion.make_by_hand()
    result = notion.set_up()
    assert result.warnings == ()
    assert len(notion.api.store.databases()) == 2
    kinds = notion.usages.kinds
    assert {"Ligne", "Coût USD", "Tokens entrée", "Tokens Output", "Tokens Total", "Nom Projet"} <= set(kinds)
    assert not {"Identifiant", "Cout USD", "Tokens Input"} & set(kinds)
    assert notion.services.kinds["Contact"] == "email"
    service = notion.services.row("Anthropic")
    values: dict[str, Any] = {"Service": (service.id,), "Tokens entrée": 2.0, "Tokens Output": 3.0, "Coût USD": 1.5}
    notion.api.store.add_row(notion.usages, {"Ligne": "x", **values})
    assert [service.value(name) for name in ("Total Tokens", "Total Cout USD")] == [5.0, 1.5]


def test_people_s_rows_and_words_stay(notion: Notion) -> None:
    notion.make_by_hand()
    notion.set_up()
    assert len(notion.services.rows()) == 6
    row = notion.services.row("Open AI")
    shown = {name: row.value(name) for name in ("Statut", "Notes", "Contact", "ID Provider", "URL Console")}
    assert shown == {
        "Statut": "Inactif",
        "Notes": "à revoir",
        "Contact": "a@b.ch",
        "ID Provider": "openai",
        "URL Console": "https://platform.openai.com",
    }
    assert notion.services.row("Mistral").value("Statut") == "En test"


def test_options_are_added_to_those_that_are_there(notion: Notion) -> None:
    notion.make_by_hand()
    result = notion.set_up()
    options = dict(notion.state()[0][1])["Statut"][1]
    assert options == ["Inactif", "En test", "Actif", "En attente API"]
    assert "Added options to “Statut” of “Services LLM”." in [one.en for one in result.done]


def test_a_wrong_type_is_told_and_left_alone(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.change_schema(notion.usages, {"Mois": {"date": {}}, "Statut Collecte": {"checkbox": {}}})
    warnings = notion.set_up().warnings
    assert len(warnings) == 2
    assert "« Mois » de « Usages LLM » est de type date au lieu de rich_text" in str(warnings[0])
    assert "checkbox au lieu de select" in str(warnings[1])
    assert notion.usages.kinds["Mois"] == "date"


def test_a_formula_waits_for_its_columns(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.change_schema(notion.usages, {"Tokens entrée": {"name": "Tokens Input", "rich_text": {}}})
    warnings = notion.set_up().warnings
    assert any("« Tokens Total » attend" in str(warning) for warning in warnings)
    assert any("« Total Tokens » attend" in str(warning) for warning in warnings)
    assert len(notion.services.rows()) == 6


def test_nobody_s_name_for_the_relation_is_changed(notion: Notion) -> None:
    notion.set_up()
    notion.api.store.change_schema(notion.services, {"Usages": {"name": "Lignes"}})
    notion.server.journal.clear()
    assert notion.set_up().done == ()
    assert notion.writes() == []


def test_the_other_side_keeps_notion_s_name_where_ours_is_taken(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.change_schema(notion.services, {"Usages": {"rich_text": {}}})
    for _ in range(2):
        (warning,) = notion.set_up().warnings
        assert "garde le nom « Related to Usages LLM (Service) »" in str(warning)
    assert notion.services.kinds["Usages"] == "rich_text"
    assert notion.services.kinds["Nombre Collectes"] == "rollup"


def test_a_one_way_relation_is_for_a_person(notion: Notion) -> None:
    notion.make_by_hand()
    relation = {"data_source_id": notion.services.source_id, "single_property": {}}
    notion.api.store.change_schema(notion.usages, {"Service": {"relation": relation}})
    warnings = notion.set_up().warnings
    assert "« Afficher sur Services LLM »" in str(warnings[0])
    assert len(warnings) == 5
    assert len(notion.services.rows()) == 6


def test_a_relation_to_elsewhere_is_for_a_person(notion: Notion) -> None:
    notion.make_by_hand()
    other = notion.api.store.make_database("Équipes", {"Nom": {"title": {}}})
    relation = {"data_source_id": other.source_id, "dual_property": {}}
    notion.api.store.change_schema(notion.usages, {"Service": {"relation": relation}})
    assert any("mène à une autre base que « Services LLM »" in str(warning) for warning in notion.set_up().warnings)
    assert len(other.kinds) == 2


@pytest.mark.parametrize("honoured", [False, True])
def test_rollups_follow_a_relation_that_was_made_anew(notion: Notion, honoured: bool) -> None:
    notion.api.synced_property_name_honoured = honoured
    notion.set_up()
    kept = {"relation_property_name": "Usages", "rollup_property_name": "Requetes", "function": "max"}
    notion.api.store.change_schema(notion.services, {"Total Cout USD": {"name": "Coût total USD", "rollup": kept}})
    before = [base[:2] for base in notion.state()]
    notion.api.store.change_schema(notion.usages, {"Service": None})
    report = check_notion(notion.connection, notion.settings())
    lost = [row for row in report.rows if "suit une relation supprimée" in str(row.todo)]
    assert len(lost) == 4
    assert are_told_in_both(row.todo for row in lost)
    assert all("lancez llm-usage setup" in str(row.todo) for row in lost)
    assert not any("enregistrez-la" in str(sentence) for sentence in report.sentences)

    result = notion.set_up()
    assert "Mended “Total Tokens” of “Services LLM”." in [one.en for one in result.done]
    assert sum(one.en.startswith("Mended") for one in result.done) == 4
    assert result.warnings == ()
    assert [base[:2] for base in notion.state()] == before
    service = notion.services.row("OpenAI")
    values: dict[str, Any] = {"Service": (service.id,), "Tokens Input": 2.0, "Tokens Output": 3.0, "Requetes": 7.0}
    notion.api.store.add_row(notion.usages, {"Identifiant": "x", **values})
    assert [service.value(name) for name in ("Total Tokens", "Coût total USD")] == [5.0, 7.0]
    assert notion.set_up().done == ()


def test_rollups_calculate_with_a_column_that_was_made_anew(notion: Notion) -> None:
    notion.set_up()
    notion.api.store.change_schema(notion.usages, {"Tokens Total": None, "Cout USD": None})
    assert notion.set_up().warnings == ()
    report = check_notion(notion.connection, notion.settings())
    assert [row for row in report.rows if row.todo] == []
    service = notion.services.row("OpenAI")
    values: dict[str, Any] = {"Service": (service.id,), "Tokens Input": 2.0, "Tokens Output": 3.0, "Cout USD": 1.5}
    notion.api.store.add_row(notion.usages, {"Identifiant": "x", **values})
    assert [service.value(name) for name in ("Total Tokens", "Total Cout USD")] == [5.0, 1.5]
    assert notion.set_up().done == ()


def test_a_rollup_without_its_column_is_told(notion: Notion) -> None:
    notion.set_up()
    notion.api.store.change_schema(notion.usages, {"Cout USD": None})
    rows = check_notion(notion.connection, notion.settings()).rows
    (lost,) = [row for row in rows if row.property == "Total Cout USD"]
    assert lost.todo.en == "This rollup calculates with a column that is deleted: run llm-usage setup."


def test_rollups_that_notion_leaves_as_they_are_are_told(notion: Notion) -> None:
    notion.set_up()
    notion.api.store.change_schema(notion.usages, {"Service": None})
    passed_over = Fault("notion", Kind.REWRITE, "/data_sources/", method="PATCH", skip=2, rewrite=unmended, times=-1)
    notion.server.faults.add(passed_over)
    warnings = notion.set_up().warnings
    assert sum("suit une relation supprimée : supprimez-le dans Notion" in str(warning) for warning in warnings) == 4


def unmended(source: Any) -> Any:
    """A data source whose rollups follow nothing."""
    lost = {"relation_property_name": "", "relation_property_id": "gone"}
    columns = {
        name: {**column, "rollup": {**column["rollup"], **lost}} if column["type"] == "rollup" else column
        for name, column in source["properties"].items()
    }
    return {**source, "properties": columns}


def test_a_person_s_rollup_over_another_relation_stays(notion: Notion) -> None:
    notion.set_up()
    store = notion.api.store
    other = store.make_database("Équipes", {"Nom": {"title": {}}, "Budget": {"number": {}}})
    relation = {"data_source_id": other.source_id, "single_property": {}}
    store.change_schema(notion.services, {"Équipes": {"relation": relation}})
    rollup = {"relation_property_name": "Équipes", "rollup_property_name": "Budget", "function": "sum"}
    store.change_schema(notion.services, {"Total Cout USD": {"rollup": rollup}})
    assert notion.set_up().done == ()


# -- the services


def test_a_service_without_key_and_rows_waits(notion: Notion) -> None:
    notion.set_up(frozenset({ProviderName.OPENAI}))
    shown = {row.title: row.value("Statut") for row in notion.services.rows()}
    assert shown.pop("OpenAI") == "Actif"
    assert set(shown.values()) == {"En attente API"}


def test_status_follows_the_keys_but_not_over_people_s(notion: Notion) -> None:
    notion.set_up()
    store, base = notion.api.store, notion.services
    store.edit(base.row("OpenAI"), {"Statut": "Inactif"})
    store.edit(base.row("Anthropic"), {"Statut": "En test"})
    store.edit(base.row("Deepgram"), {"Statut": None})
    store.add_row(notion.usages, {"Identifiant": "x", "Service": (base.row("ElevenLabs").id,)})
    notion.set_up(frozenset())
    shown = {row.title: row.value("Statut") for row in base.rows()}
    assert shown == {
        "OpenAI": "Inactif",
        "Anthropic": "En test",
        "ElevenLabs": "Actif",
        "Deepgram": "En attente API",
        "OpenRouter": "En attente API",
    }
    notion.set_up()
    assert {row.title: row.value("Statut") for row in base.rows()} == {
        **shown,
        "Deepgram": "Actif",
        "OpenRouter": "Actif",
    }


def test_an_id_provider_is_never_doubled(notion: Notion) -> None:
    notion.make_by_hand()
    notion.set_up()
    notion.api.store.edit(notion.services.row("Open AI"), {"Nom du service": "ChatGPT"})
    assert notion.set_up().done == ()
    notion.api.store.add_row(notion.services, {"Nom du service": "double", "ID Provider": "OpenAI"})
    (warning,) = notion.set_up().warnings
    assert "2 lignes de « Services LLM » sont OpenAI" in str(warning)
