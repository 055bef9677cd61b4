"""Set-up on databases that people made or changed: theirs stays theirs."""

from __future__ import annotations

from typing import Any

from usage.names import ProviderName

Notion = Any


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
    values = {"Service": (service.id,), "Tokens entrée": 2.0, "Tokens Output": 3.0, "Coût USD": 1.5}
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
    assert "Added options to “Statut” of “Services LLM”." in result.done


def test_a_wrong_type_is_told_and_left_alone(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.change_schema(notion.usages, {"Mois": {"date": {}}, "Statut Collecte": {"checkbox": {}}})
    warnings = notion.set_up().warnings
    assert len(warnings) == 2
    assert "« Mois » de « Usages LLM » est de type date au lieu de rich_text" in warnings[0]
    assert "checkbox au lieu de select" in warnings[1]
    assert notion.usages.kinds["Mois"] == "date"


def test_a_formula_waits_for_its_columns(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.change_schema(notion.usages, {"Tokens entrée": {"name": "Tokens Input", "rich_text": {}}})
    warnings = notion.set_up().warnings
    assert any("« Tokens Total » attend" in warning for warning in warnings)
    assert any("« Total Tokens » attend" in warning for warning in warnings)
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
        assert "garde le nom « Related to Usages LLM (Service) »" in warning
    assert notion.services.kinds["Usages"] == "rich_text"
    assert notion.services.kinds["Nombre Collectes"] == "rollup"


def test_a_one_way_relation_is_for_a_person(notion: Notion) -> None:
    notion.make_by_hand()
    relation = {"data_source_id": notion.services.source_id, "single_property": {}}
    notion.api.store.change_schema(notion.usages, {"Service": {"relation": relation}})
    warnings = notion.set_up().warnings
    assert "« Afficher sur Services LLM »" in warnings[0]
    assert len(warnings) == 5
    assert len(notion.services.rows()) == 6


def test_a_relation_to_elsewhere_is_for_a_person(notion: Notion) -> None:
    notion.make_by_hand()
    other = notion.api.store.make_database("Équipes", {"Nom": {"title": {}}})
    relation = {"data_source_id": other.source_id, "dual_property": {}}
    notion.api.store.change_schema(notion.usages, {"Service": {"relation": relation}})
    assert any("mène à une autre base que « Services LLM »" in warning for warning in notion.set_up().warnings)
    assert len(other.kinds) == 2


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
    assert "2 lignes de « Services LLM » sont OpenAI" in warning
