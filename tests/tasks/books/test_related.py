"""Titles in place of the ids of related pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notion.client.gateway import Gateway
from notion.setup.databases import set_up
from notion.workspace import Workspace
from reports.grouping import group_by
from sandbox.everything import Sandbox
from tasks.books.gather import gather
from tasks.books.related import RelatedTitles, with_titles
from usage.month import Month
from usage.names import ProviderName
from usage.settings import Settings, load_settings

JANUARY = Month(2026, 1)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(lambda: datetime(2026, 2, 14, tzinfo=UTC)) as sandbox:
        yield sandbox


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return load_settings(sandbox.environment() | {"LLM_USAGE_ARCHIVE": "off"}, None)


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    with_token = Gateway(settings.notion)
    yield with_token
    with_token.close()


def test_relations_are_grouped_by_titles(
    sandbox: Sandbox, settings: Settings, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    set_up(gateway, settings.notion, frozenset(ProviderName))
    store = sandbox.notion.store
    usages, service = store.database("Usages LLM"), store.database("Services LLM").row("OpenAI")
    clients = store.make_database("Clients", {"Nom": {"title": {}}})
    relation = {"relation": {"data_source_id": clients.source_id, "type": "single_property", "single_property": {}}}
    store.change_schema(usages, {"Client": relation, "Note": {"rich_text": {}}})
    pages = [store.add_row(clients, {"Nom": name}) for name in ("ACME", "acme", "Béta", "Gamma")]
    store.unshare(pages[3])
    for number, page in enumerate([*pages, pages[2]]):
        values: dict[str, Any] = {
            "Identifiant": f"2026-01 - OpenAI - p{number}",
            "Service": (service.id,),
            "Mois": "2026-01",
            "Projet/API Key": f"p{number}",
            "Cout USD": number + 1,
            "Client": (page.id,),
            "Note": page.id,
        }
        store.add_row(usages, values, by_connection=True)
    workspace = Workspace(settings, frozenset(), gateway)
    ledger = gather(settings, workspace, [JANUARY])
    titles = RelatedTitles(gateway, workspace.databases.usages)
    sandbox.journal.clear()
    assert titles.name(ledger, "Note") is ledger
    assert sandbox.journal.requests() == []
    for _ in range(2):
        named = titles.name(ledger, "Client")
        assert len(sandbox.journal.requests()) == len(pages)
    sandbox.journal.clear()
    assert with_titles(workspace, ledger, ["note"]) is ledger
    assert sandbox.journal.requests() == []
    # As it is written in a file of budgets, or all.
    assert with_titles(workspace, ledger, ["CLIENT"]) == with_titles(workspace, ledger) == named
    grouping = group_by(named.month(JANUARY).rows, "Client")
    shown = {group.name: group.cost for group in grouping.groups}
    assert shown == {
        "Béta": 8,
        pages[3].id: 4,
        f"acme ({pages[1].id[-4:]})": 2,
        f"ACME ({pages[0].id[-4:]})": 1,
    }
    assert "1 page of the column Client is not shared" in caplog.text
