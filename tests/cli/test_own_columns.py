"""People's own columns that follow into a new month, from the command line."""

from __future__ import annotations

from typing import Any

from tests.cli.programs import Cli

ONE = ("DEEPGRAM_API_KEY_PROD",)


def test_new_rows_take_over_own_columns(ready: Cli) -> None:
    ready.only(*ONE)
    store = ready.sandbox.notion.store
    usages = store.database("Usages LLM")
    store.change_schema(usages, {"Client": {"select": {"options": [{"name": "ACME"}]}}, "Note": {"rich_text": {}}})
    assert ready("collect", "--month", "2025-12", "--json").status == 0
    for row in usages.rows():
        if row.value("Projet/API Key") != "(collecte)":
            store.edit(row, {"Client": "ACME", "Note": "à suivre"})
    ready.set(NOTION_CARRY_COLUMNS="client, Équipe, Cout USD")

    def planned(*more: str) -> list[Any]:
        told = ready("collect", "--month", "2026-01", "--dry-run", "--json", *more)
        assert "“Équipe” does not follow" in told.err
        assert "“Cout USD” does not follow" in told.err
        return [step for step in told.json["plan"] if step["key"] != "(collecte)"]

    assert planned()
    assert all(step["carried"] == ["Client"] for step in planned())
    shown = ready("collect", "--month", "2026-01", "--dry-run").out
    assert "Client" in shown
    assert "“Équipe” does not follow" in ready("check").out

    assert ready("collect", "--month", "2026-01").status == 0
    new = [row for row in usages.rows() if row.value("Mois") == "2026-01" and row.value("Cout USD") is not None]
    assert new
    assert {(row.value("Client"), row.value("Note")) for row in new} == {("ACME", None)}
    assert ready("collect", "--month", "2026-01", "--dry-run", "--json").json["notion"]["created"] == 0

    ready.set(NOTION_CARRY_COLUMNS="Client, Note")
    told = ready("backfill", "2026-02", "2026-02", "--json")
    assert told.status == 0, told.err
    fresh = [row for row in usages.rows() if row.value("Mois") == "2026-02" and row.value("Cout USD") is not None]
    # January's rows have no note, and December's is not theirs.
    assert {(row.value("Client"), row.value("Note")) for row in fresh} == {("ACME", None)}
