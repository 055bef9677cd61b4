"""The workspace from inside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox.notion import NotionApi


def by_hand(api: NotionApi) -> Any:
    """The two databases as a person makes them, with accents."""
    store = api.store
    services = store.make_database("Services LLM", {"Nom": {"title": {}}, "Notes": {"rich_text": {}}})
    relation = {"data_source_id": services.source_id, "dual_property": {"synced_property_name": "Usages"}}
    usages = store.make_database(
        "Usages LLM",
        {
            "Identifiant": {"title": {}},
            "Service": {"relation": relation},
            "Coût USD": {"number": {"format": "dollar"}},
            "Tokens Input": {"number": {"format": "number_with_commas"}},
            "Tokens Total": {"formula": {"expression": 'prop("Tokens Input") + 1'}},
            "Statut": {"select": {"options": [{"name": "Succes"}]}},
            "Collecte Le": {"date": {}},
            "Fait": {"checkbox": {}},
            "Étiquettes": {"multi_select": {"options": []}},
        },
    )
    total = {"relation_property_name": "Usages", "rollup_property_name": "Coût USD", "function": "sum"}
    store.change_schema(services, {"Total": {"rollup": total}})
    return services, usages


def test_a_person_makes_and_edits(api: NotionApi, moving: Any) -> None:
    services, usages = by_hand(api)
    store = api.store
    service = store.add_row(services, {"Nom": "OpenAI"})
    row = store.add_row(
        usages,
        {
            "Identifiant": "2026-01 - OpenAI - Production",
            "Service": (service.id,),
            "Coût USD": 1234.5,
            "Tokens Input": 12_000,
            "Statut": "succes",
            "Collecte Le": datetime(2026, 2, 1, 6, 30, tzinfo=UTC),
            "Fait": True,
            "Étiquettes": ("a", "b"),
        },
    )
    assert row.values() == {
        "Identifiant": "2026-01 - OpenAI - Production",
        "Service": (service.id,),
        "Coût USD": 1234.5,
        "Tokens Input": 12_000,
        "Tokens Total": 12_001,
        "Statut": "Succes",
        "Collecte Le": datetime(2026, 2, 1, 6, 30, tzinfo=UTC),
        "Fait": True,
        "Étiquettes": ("a", "b"),
    }
    assert service.value("Total") == 1234.5
    assert [one.title for one in service.linked("Usages")] == [row.title]
    moving.move(minutes=5)
    store.edit(row, {"Coût USD": None, "Collecte Le": date(2026, 2, 2)})
    assert (row.value("Coût USD"), row.value("Collecte Le")) == (None, date(2026, 2, 2))
    assert (row.last_edited_time - row.created_time).seconds == 300
    assert row.edited_by_person
    with pytest.raises(TypeError, match="cannot hold"):
        store.edit(row, {"Coût USD": "cher"})
    with pytest.raises(LookupError, match="no column"):
        row.value("Cout USD")


def test_the_tables_as_the_screen_shows_them(api: NotionApi) -> None:
    services, usages = by_hand(api)
    store = api.store
    service = store.add_row(services, {"Nom": "OpenAI", "Notes": "à voir"})
    store.add_row(
        usages,
        {
            "Identifiant": "janvier",
            "Service": (service.id,),
            "Coût USD": 1234.5,
            "Tokens Input": 12_000,
            "Statut": "Succes",
            "Collecte Le": datetime(2026, 2, 1, 6, 30, tzinfo=UTC),
        },
    )
    first, second = store.tables()
    assert (first.title, first.columns) == ("Services LLM", ("Nom", "Notes", "Usages", "Total"))
    assert first.rows == (("OpenAI", "à voir", "janvier", "$1,234.50"),)
    assert second.rows == (
        ("janvier", "OpenAI", "$1,234.50", "12,000", "12,001", "Succes", "2026-02-01 06:30", "", ""),
    )
    store.trash(usages)
    assert [table.title for table in store.tables()] == ["Services LLM"]


def test_columns_follow_the_table_view(api: NotionApi, notion: Any) -> None:
    services, _ = by_hand(api)
    listed = notion.ask("GET", f"/views?database_id={services.id}")["results"]
    ids = {name: one["id"] for name, one in notion.source(services.source_id)["properties"].items()}
    shown = [{"property_id": ids["Total"]}, {"property_id": ids["Notes"], "visible": False}]
    body = {"configuration": {"type": "table", "properties": shown}}
    notion.ask("PATCH", f"/views/{listed[0]['id']}", body)
    assert api.store.tables()[0].columns == ("Total", "Nom", "Usages")


def test_trash_restore_rename_and_look_up(api: NotionApi, notion: Any) -> None:
    services, _ = by_hand(api)
    store = api.store
    row = store.add_row(services, {"Nom": "OpenAI"})
    store.trash(row)
    assert row.in_trash
    assert services.rows() == []
    assert services.rows(trashed=True) == [row]
    store.restore(row)
    assert services.row("OpenAI") == row
    store.trash(services)
    assert row.in_trash
    with pytest.raises(LookupError, match="0 databases titled"):
        store.database("Services LLM")
    store.restore(services)
    store.rename(services, "Services IA")
    assert store.database("Services IA").kinds == {
        "Nom": "title",
        "Notes": "rich_text",
        "Usages": "relation",
        "Total": "rollup",
    }
    store.add_source(services, "Archives", {"Nom": {"title": {}}})
    assert [one["name"] for one in notion.ask("GET", f"/databases/{services.id}")["data_sources"]] == [
        "Services LLM",
        "Archives",
    ]
    assert [table.title for table in store.tables()][:2] == ["Services IA / Services LLM", "Services IA / Archives"]


def test_a_row_made_through_the_api_is_no_persons(api: NotionApi, notion: Any) -> None:
    services, _ = by_hand(api)
    notion.row({"id": services.source_id})
    assert not services.rows()[0].edited_by_person


def test_the_same_seed_gives_the_same_ids(moving: Any) -> None:
    one, other, third = NotionApi(moving), NotionApi(moving), NotionApi(moving, seed=2)
    assert one.parent_page_id == other.parent_page_id != third.parent_page_id
    assert by_hand(one)[0].id == by_hand(other)[0].id


def test_an_option_is_renamed_and_rows_keep_it(api: NotionApi) -> None:
    base = api.store.make_database("Base", {"Nom": {"title": {}}, "Etat": {"select": {"options": [{"name": "Oui"}]}}})
    api.store.add_row(base, {"Nom": "a", "Etat": "Oui"})
    api.store.rename_option(base, "Etat", "Oui", "OUI")
    assert base.row("a").values()["Etat"] == "OUI"
