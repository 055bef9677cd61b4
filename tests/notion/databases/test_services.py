from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notion.client.models import Page
from notion.databases.declared import Statut
from notion.databases.find import find_databases
from notion.databases.found import Found
from notion.databases.services import Service, read_services, rows_of, set_statut
from notion.setup.databases import set_up
from sandbox.notion.store import Database
from tests.notion.office import Notion
from usage.errors import NotionAccessError
from usage.names import ProviderName

OPENAI = ProviderName.OPENAI


@pytest.fixture
def found(notion: Notion) -> Found:
    set_up(notion.connection, notion.settings(), frozenset(ProviderName))
    found = find_databases(notion.connection, notion.settings()).services
    notion.server.journal.clear()
    return found


@pytest.fixture
def base(notion: Notion, found: Found) -> Database:
    base: Database = notion.api.store.database("Services LLM")
    return base


def service(notion: Notion, found: Found, provider: ProviderName = OPENAI) -> Service:
    return next(one for one in read_services(notion.connection, found) if one.provider is provider)


def test_all_in_one_query(notion: Notion, found: Found, base: Database) -> None:
    services = read_services(notion.connection, found)
    assert notion.asked() == ["POST /data_sources/*/query"]
    assert [one.provider for one in services] == list(ProviderName)
    assert [one.page_id for one in services] == [row.id for row in base.rows()]
    assert {(one.statut, one.has_rows) for one in services} == {("Actif", False)}
    assert all(one.url.startswith("https://") for one in services)


def test_rows_are_seen_through_the_relation(notion: Notion, found: Found, base: Database) -> None:
    usages = notion.api.store.database("Usages LLM")
    notion.api.store.add_row(usages, {"Identifiant": "x", "Service": (base.row("Deepgram").id,)})
    assert [one.provider for one in read_services(notion.connection, found) if one.has_rows] == [ProviderName.DEEPGRAM]


def test_rows_that_cannot_be_seen_are_taken_to_be_there(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.change_schema(notion.api.store.database("Usages LLM"), {"Service": None})
    blind = found.with_schema(notion.connection.data_source(found.data_source_id))
    assert all(one.has_rows for one in read_services(notion.connection, blind))


@pytest.mark.parametrize("written", ["OpenAI", " openai ", "Open AI", "open-ai"])
def test_id_provider_as_people_write_it(notion: Notion, found: Found, base: Database, written: str) -> None:
    notion.api.store.edit(base.row("OpenAI"), {"Nom": "Chat", "ID Provider": written})
    assert service(notion, found).page_id == base.row("Chat").id


def test_by_name_where_there_is_no_id(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.edit(base.row("OpenAI"), {"Nom": "open ai", "ID Provider": None})
    assert service(notion, found).page_id == base.row("open ai").id


def test_the_id_wins_over_the_name(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.edit(base.row("OpenAI"), {"Nom": "Chat"})
    notion.api.store.add_row(base, {"Nom": "OpenAI"})
    assert service(notion, found).page_id == base.row("Chat").id


def test_a_name_with_another_id_is_another_service(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.edit(base.row("OpenAI"), {"ID Provider": "azure"})
    with pytest.raises(NotionAccessError, match="pour OpenAI : lancez llm-usage setup"):
        read_services(notion.connection, found)


def test_a_provider_that_is_not_needed_may_be_missing(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.trash(base.row("OpenRouter"))
    services = read_services(notion.connection, found, [OPENAI])
    assert ProviderName.OPENROUTER not in {one.provider for one in services}
    with pytest.raises(NotionAccessError, match="OpenRouter"):
        read_services(notion.connection, found)


def test_of_several_rows_the_oldest_then_the_smallest_id(found: Found) -> None:
    key, early, late = (
        found.columns["ID Provider"].id,
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=UTC),
    )
    value = {"id": key, "type": "rich_text", "rich_text": [{"plain_text": "openai"}]}
    pages = [
        Page.model_validate({"id": name, "created_time": created, "properties": {"x": value}})
        for name, created in (("a", late), ("c", early), ("b", early))
    ]
    assert [page.id for page in rows_of(OPENAI, found, pages)] == ["b", "c", "a"]


def test_marking_is_one_request_and_touches_nothing_else(notion: Notion, found: Found, base: Database) -> None:
    notion.api.store.edit(base.row("OpenAI"), {"Notes": "à garder"})
    before = base.row("OpenAI").values()
    one = service(notion, found)
    notion.server.journal.clear()
    set_statut(notion.connection, found, one, Statut.EN_ATTENTE)
    assert notion.asked() == ["PATCH /pages/*"]
    assert base.row("OpenAI").values() == {**before, "Statut": "En attente API"}
