"""`llm-usage heal`: what it says, its exit status, and that it needs no provider's key."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import Fault, Kind

Cli = Any


@pytest.fixture
def old(cli: Cli) -> Cli:
    """Databases with rows of an older collector, and no key but Notion's."""
    cli.only()
    assert cli("setup").status == 0
    base = cli.sandbox.notion.store.database("Usages LLM")
    cli.sandbox.notion.store.change_schema(base, {"Remarque": {"rich_text": {}}, "Budget": {"number": {}}})
    put(cli, "2025-12", "proj_a", "Production", Workspace="labo")
    put(cli, "2026-01", "Production", "Production", Remarque="à revoir", **{"Cout USD": 3})
    put(cli, "2026-01", "Test", "Test", Remarque="a")
    put(cli, "2026-01", "Test", "Test", Remarque="b")
    put(cli, "2026-01", "", "Error")
    return cli


def put(cli: Cli, month: str, key: str, name: str, **cells: Any) -> Any:
    store = cli.sandbox.notion.store
    service = store.database("Services LLM").row("OpenAI")
    fields = {"Identifiant": f"{month} - OpenAI - {name}", "Service": (service.id,), "Mois": month}
    return store.add_row(store.database("Usages LLM"), {**fields, "Projet/API Key": key, **cells})


def test_it_says_what_it_did_and_the_second_time_there_is_nothing(old: Cli) -> None:
    told = old("heal", "--json")
    assert (told.status, told.err) == (0, "")
    expected = {"months": ["2026-01"], "merged": 1, "trashed": 2, "completed": 1, "left": []}
    requests = len(old.sandbox.journal.requests("notion"))
    assert {**expected, "requests": told.json["requests"]} == told.json
    assert 0 < told.json["requests"] < requests
    rows = old.figures()
    assert rows["2026-01 - OpenAI - Production proj_a"]["Workspace"] == "labo"
    assert rows["2026-01 - OpenAI - Production proj_a"]["Remarque"] == "à revoir"
    assert set(rows["2026-01 - OpenAI - Test Test"]["Remarque"].splitlines()) == {"a", "b"}
    assert len(rows) == 3
    again = old("heal")
    assert again.status == 0
    assert again.out.startswith("Nothing to heal (")
    assert old.figures() == rows


def test_dry_run_tells_the_same_and_writes_nothing(old: Cli) -> None:
    before = old.figures()
    told = old("heal", "--dry-run", "--json")
    assert told.status == 0
    assert list(told.json) == ["months", "merged", "trashed", "completed", "left", "requests", "plan"]
    assert old.figures() == before
    plan = told.json["plan"]
    assert sorted(step["action"] for step in plan) == ["trash", "trash", "update", "update"]
    assert {"Remarque"} in [set(step["columns"]) for step in plan]
    real = old("heal", "--json").json
    assert {name: told.json[name] for name in real} == real | {"requests": told.json["requests"]}


def test_without_json_a_table(old: Cli) -> None:
    told = old("heal", "--dry-run")
    assert told.out.startswith("Plan")
    assert "Ligne en double, la plus ancienne est gardée." in told.out
    assert "1 rows would be merged, 2 trashed, 1 completed, 0 left to you" in told.out
    told = old("heal")
    assert told.out.startswith("Healed")
    assert "1 rows were merged" in told.out


def test_what_only_a_person_can_do_is_told_with_both_addresses(old: Cli) -> None:
    rows = [put(old, "2025-11", "proj_b", "Site\x1b[2J", Budget=number) for number in (5, 6)]
    told = old("heal", "--json")
    assert told.status == 1
    (left,) = told.json["left"]
    assert (left["month"], left["columns"]) == ("2025-11", ["Budget"])
    ids = {row.id.replace("-", "") for row in rows}
    assert {left[name].rpartition("-")[2] for name in ("kept", "other")} == ids
    shown = old("heal")
    assert shown.status == 1
    assert "« Budget »" in shown.out
    assert "\x1b" not in shown.out
    assert all(left[name] in shown.out for name in ("kept", "other"))
    old.sandbox.notion.store.edit(rows[0], {"Budget": 6})
    assert old("heal", "--json").json["merged"] == 1


def test_one_month(old: Cli) -> None:
    for _ in range(2):
        put(old, "2025-12", "proj_a", "Production")
    told = old("heal", "--month", "2025-12", "--json").json
    assert (told["months"], told["merged"], told["trashed"]) == (["2025-12"], 1, 2)
    assert old("heal", "--month", "last", "--json").json["months"] == ["2026-01"]


def test_a_month_that_has_not_begun(old: Cli) -> None:
    told = old("heal", "--month", "2026-03", "--json")
    assert told.status == 2
    assert "has not begun" in told.json["error"]


def test_notion_goes_away_and_comes_back(old: Cli) -> None:
    fault = old.sandbox.faults.add(
        Fault("notion", Kind.STATUS, "/pages/", method="PATCH", status=403, skip=1, times=-1)
    )
    told = old("heal", "--json")
    assert told.status == 1
    assert "il reprendra où il en est" in told.json["error"]
    assert fault.times == -1
    old.sandbox.faults.clear()
    assert old("heal").status == 0
    assert old("heal", "--json").json["months"] == []
    assert len(old.figures()) == 3


def test_columns_that_can_t_be_used(old: Cli) -> None:
    base = old.sandbox.notion.store.database("Usages LLM")
    old.sandbox.notion.store.change_schema(base, {"Mois": None})
    told = old("heal")
    assert told.status == 2
    assert "Il manque la colonne « Mois »" in told.err
