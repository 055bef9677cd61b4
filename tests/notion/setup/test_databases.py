from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from notion.databases.declared import SERVICES, USAGES
from notion.setup.databases import SetupResult, set_up
from sandbox.faults import Fault, Kind
from sandbox.notion.switches import RollupOverFormula
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from usage.errors import NotionAccessError
from usage.names import ProviderName

ALL = frozenset(ProviderName)


def refused(notion: Notion, **settings: Any) -> str:
    with pytest.raises(NotionAccessError) as caught:
        notion.set_up(**settings)
    assert are_told_in_both([caught.value.sentence])
    return str(caught.value)


# -- from nothing


@pytest.mark.parametrize("honoured", [False, True])
def test_from_nothing(notion: Notion, honoured: bool) -> None:
    notion.api.synced_property_name_honoured = honoured
    result = notion.set_up()
    assert (result.services_db_id, result.usages_db_id) == (notion.services.id, notion.usages.id)
    assert result.warnings == ()
    assert notion.services.kinds == {item.name: item.type.value for item in SERVICES.properties}
    assert notion.usages.kinds == {item.name: item.type.value for item in USAGES.properties}
    rows = {row.title: row for row in notion.services.rows()}
    assert list(rows) == ["OpenAI", "Anthropic", "ElevenLabs", "Deepgram", "OpenRouter"]
    for provider in ProviderName:
        row = rows[provider.label]
        assert row.value("ID Provider") == provider.value
        assert row.value("URL Console") == provider.spec.console
        assert row.value("Statut") == "Actif"
        assert row.value("Notes") is None
    assert len(notion.writes()) == (15 if honoured else 16)


@pytest.mark.parametrize("honoured", [False, True])
def test_again_writes_nothing(notion: Notion, honoured: bool) -> None:
    notion.api.synced_property_name_honoured = honoured
    first = notion.set_up()
    before = notion.state()
    notion.server.journal.clear()
    again = notion.set_up()
    assert again == SetupResult((), (), first.services_db_id, first.usages_db_id)
    assert notion.writes() == []
    assert len(notion.asked()) == 15
    assert notion.state() == before


def test_what_it_did_is_told(notion: Notion) -> None:
    done = [one.en for one in notion.set_up().done]
    assert done[0] == "Created the database “Services LLM”."
    assert "Renamed “Related to Usages LLM (Service)” of “Services LLM” to “Usages”." in done
    assert "Added the service Deepgram." in done


def test_columns_are_in_the_declared_order(notion: Notion) -> None:
    notion.set_up()
    assert list(notion.usages.kinds) == [item.name for item in USAGES.properties]


def test_amounts_and_rollups_compute(notion: Notion) -> None:
    notion.set_up()
    service = notion.services.row("OpenAI")
    values: dict[str, Any] = {"Service": (service.id,), "Tokens Input": 2.0, "Tokens Output": 3.0, "Cout USD": 1.5}
    notion.api.store.add_row(notion.usages, {"Identifiant": "x", **values})
    shown = [service.value(name) for name in ("Total Tokens", "Total Cout USD", "Nombre Collectes")]
    assert shown == [5.0, 1.5, 1.0]


# -- rollups over the formula


def test_a_rollup_that_notion_refuses(notion: Notion) -> None:
    notion.api.rollup_over_formula = RollupOverFormula.REFUSED
    result = notion.set_up()
    (warning,) = result.warnings
    assert "ouvrez la formule « Tokens Total » de « Usages LLM »" in str(warning)
    assert set(notion.services.kinds) == {item.name for item in SERVICES.properties} - {"Total Tokens"}
    assert len(notion.services.rows()) == 5
    assert notion.set_up().warnings == (warning,)

    notion.api.store.save_formula(notion.usages, "Tokens Total")
    again = notion.set_up()
    assert [one.en for one in again.done] == ["Added to “Services LLM”: Total Tokens."]
    assert again.warnings == ()


def test_a_rollup_that_notion_does_not_compute(notion: Notion) -> None:
    notion.api.rollup_over_formula = RollupOverFormula.UNSUPPORTED
    for _ in range(2):
        (warning,) = notion.set_up().warnings
        assert "Total Tokens" in str(warning)
        assert "enregistrez-la une fois" in str(warning)
    notion.api.store.save_formula(notion.usages, "Tokens Total")
    assert notion.set_up().warnings == ()


# -- where it stops


def test_databases_under_different_parents(notion: Notion) -> None:
    notion.make_by_hand()
    ids: dict[str, Any] = {"services_db_id": notion.services.id, "usages_db_id": notion.usages.id}
    result = notion.set_up(parent_page_id=None, **ids)
    assert (result.services_db_id, result.usages_db_id) == tuple(ids.values())
    assert "GET /blocks/*/children" not in notion.asked()


def test_a_missing_database_without_a_page(notion: Notion) -> None:
    assert "NOTION_PARENT_PAGE_ID" in refused(notion, parent_page_id=None)
    notion.make_by_hand()
    sentence = refused(notion, parent_page_id=None, services_db_id=notion.services.id)
    assert "NOTION_USAGES_DB_ID" in sentence
    assert notion.writes() == []


def test_two_of_one_title_before_anything_is_created(notion: Notion) -> None:
    for _ in range(2):
        notion.api.store.make_database("Usages LLM", {"Nom": {"title": {}}})
    assert "2 bases « Usages LLM »" in refused(notion)
    assert notion.writes() == []


def test_a_page_in_the_trash(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    notion.server.faults.add(
        Fault(
            "notion",
            Kind.STATUS,
            path="/databases$",
            status=400,
            body={"code": "validation_error", "message": "No."},
        )
    )
    in_trash = Fault(
        "notion", Kind.REWRITE, path="/pages/", method="GET", rewrite=lambda body: {**body, "in_trash": True}
    )
    notion.server.faults.add(in_trash)
    assert "NOTION_PARENT_PAGE_ID est dans la corbeille" in refused(notion)


def test_a_locked_database(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.locked_refuses_api = True
    notion.api.store.lock(notion.services)
    assert "« Services LLM » est verrouillée" in refused(notion)
    notion.api.store.lock(notion.services, locked=False)
    notion.api.store.lock(notion.usages)
    assert "« Usages LLM » est verrouillée" in refused(notion)


def test_a_lock_that_refuses_nothing(notion: Notion) -> None:
    notion.make_by_hand()
    notion.api.store.lock(notion.services)
    assert notion.set_up().warnings == ()


def test_a_connection_that_may_read_only(notion: Notion) -> None:
    settings = notion.settings(token=SecretStr(notion.api.read_only_token))
    with pytest.raises(NotionAccessError, match="droits"):
        set_up(notion.gateway(settings), settings, ALL)


def test_no_request_is_out_of_line(notion: Notion) -> None:
    notion.set_up()
    assert notion.api.pace.tokens_in_urls == []
    assert all(request.status == 200 for request in notion.server.journal.requests())
