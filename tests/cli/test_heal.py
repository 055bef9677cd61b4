"""`llm-usage heal`: what it says, its exit status, and that it needs no provider's key."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from notion.workspace import Workspace
from notion.writer import Writer
from sandbox.faults import Fault, Kind
from sandbox.notion import trouble
from sandbox.notion.screen.cells import Cell
from tasks.prefect.limits import month_limit
from tests.cli.programs import Cli, Program
from tests.ports import free_port
from usage.month import Month


@pytest.fixture
def old(cli: Cli) -> Cli:
    """Databases with rows of an older collector, and neither a key but Notion's nor a Prefect server."""
    cli.only()
    cli.unset("PREFECT_API_URL")
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
    fields: dict[str, Cell] = {"Identifiant": f"{month} - OpenAI - {name}", "Service": (service.id,), "Mois": month}
    return store.add_row(store.database("Usages LLM"), {**fields, "Projet/API Key": key, **cells})


def test_it_says_what_it_did_and_the_second_time_there_is_nothing(old: Cli) -> None:
    told = old("heal", "--yes", "--json")
    assert (told.status, told.err) == (0, "")
    expected = {"months": ["2025-12", "2026-01"], "merged": 1, "trashed": 2, "completed": 1, "linked": 0, "adopted": 1}
    expected |= {"left": [], "skipped": 0}
    requests = len(old.sandbox.journal.requests("notion"))
    assert {**expected, "requests": told.json["requests"]} == told.json
    assert 0 < told.json["requests"] < requests
    rows = old.figures()
    assert rows["2026-01 - OpenAI - Production proj_a"]["Workspace"] == "labo"
    assert rows["2026-01 - OpenAI - Production proj_a"]["Remarque"] == "à revoir"
    assert set(rows["2026-01 - OpenAI - Test Test"]["Remarque"].splitlines()) == {"a", "b"}
    assert len(rows) == 3
    again = old("heal", "--yes")
    assert again.status == 0
    assert again.out.startswith("Nothing to heal (")
    assert old.figures() == rows


def test_dry_run_tells_the_same_and_writes_nothing(old: Cli) -> None:
    before = old.figures()
    told = old("heal", "--dry-run", "--json")
    assert told.status == 0
    names = ["months", "merged", "trashed", "completed", "linked", "adopted", "left", "skipped", "requests", "plan"]
    assert list(told.json) == names
    assert old.figures() == before
    plan = told.json["plan"]
    assert sorted(step["action"] for step in plan) == ["trash", "trash", "update", "update", "update"]
    assert {"Remarque"} in [set(step["columns"]) for step in plan]
    real = old("heal", "--yes", "--json").json
    assert {name: told.json[name] for name in real} == real | {"requests": told.json["requests"]}


def test_without_json_a_table(old: Cli) -> None:
    told = old("heal", "--dry-run")
    assert told.out.startswith("Plan")
    assert "Double of another row: the oldest one is kept." in told.out
    assert "1 rows would be merged, 2 trashed, 1 completed, 0 linked, 1 taken over, 0 left to you" in told.out
    told = old("heal", "--yes")
    assert told.out.startswith("Healed")
    assert "1 rows were merged" in told.out


def test_what_only_a_person_can_do_is_told_with_both_addresses(old: Cli) -> None:
    rows = [put(old, "2025-11", "proj_b", "Site\x1b[2J", Budget=number) for number in (5, 6)]
    told = old("heal", "--yes", "--json")
    assert told.status == 1
    (left,) = told.json["left"]
    assert (left["month"], left["columns"]) == ("2025-11", ["Budget"])
    ids = {row.id.replace("-", "") for row in rows}
    assert {left[name].rpartition("-")[2] for name in ("kept", "other")} == ids
    shown = old("heal", "--yes")
    assert shown.status == 1
    assert "unite “Budget” by hand" in shown.out
    assert "\x1b" not in shown.out
    assert all(left[name] in shown.out for name in ("kept", "other"))
    old.sandbox.notion.store.edit(rows[0], {"Budget": 6})
    assert old("heal", "--yes", "--json").json["merged"] == 1


def test_one_month(old: Cli) -> None:
    for _ in range(2):
        put(old, "2025-12", "proj_a", "Production")
    told = old("heal", "--yes", "--month", "2025-12", "--json").json
    assert (told["months"], told["merged"], told["trashed"]) == (["2025-12"], 1, 2)
    assert old("heal", "--yes", "--month", "last", "--json").json["months"] == ["2026-01"]


def test_a_month_that_has_not_begun(old: Cli) -> None:
    told = old("heal", "--yes", "--month", "2026-03", "--json")
    assert told.status == 2
    assert "has not begun" in told.json["error"]


def test_notion_goes_away_and_comes_back(old: Cli) -> None:
    old.sandbox.faults.add(trouble.too_many_requests(600, path="/pages/", method="PATCH", skip=1, times=-1))
    told = old("heal", "--yes", "--json")
    assert told.status == 1
    assert "it goes on where it stopped" in told.json["error"]
    old.sandbox.faults.clear()
    assert old("heal", "--yes").status == 0
    assert old("heal", "--yes", "--json").json["months"] == []
    assert len(old.figures()) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_as_it_is(old: Cli, status: int) -> None:
    """Another run would be refused, too."""
    old.sandbox.faults.add(Fault("notion", Kind.STATUS, "/pages/", method="PATCH", status=status, times=-1))
    told = old("heal", "--yes", "--json")
    assert told.status == 2
    assert f"(HTTP {status})" in told.json["error"]
    assert "Relancez" not in told.json["error"]


def test_a_row_alone_is_told_too(old: Cli) -> None:
    for key, month in (("proj_1", "2025-12"), ("proj_2", "2025-11")):
        put(old, month, key, "Jumeaux")
    row = put(old, "2026-01", "", "Jumeaux")
    told = old("heal", "--yes", "--json")
    assert told.status == 1
    (left,) = told.json["left"]
    assert (left["kept"], left["row"]) == (None, "2026-01 - OpenAI - Jumeaux")
    assert left["other"].endswith(row.id.replace("-", ""))
    shown = old("heal", "--yes")
    assert (shown.status, "None" in shown.out, left["other"] in shown.out) == (1, False, True)


def test_rows_that_change_meanwhile_are_told(old: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = [row for title, row in old.rows().items() if title == "2026-01 - OpenAI - Production Production"]
    heal = Workspace.heal

    def late(workspace: Workspace, *arguments: Any) -> Any:
        if row.value("Remarque") == "à revoir":
            old.sandbox.notion.store.edit(row, {"Remarque": "vu"})
        return heal(workspace, *arguments)

    monkeypatch.setattr(Workspace, "heal", late)
    told = old("heal", "--yes")
    assert told.status == 1
    assert "rows stay as they are" in told.out
    old.sandbox.notion.store.edit(row, {"Remarque": "à revoir"})
    told = old("heal", "--yes", "--json")
    assert (told.status, told.json["skipped"] > 0, told.json["completed"]) == (1, True, 0)
    assert (old("heal", "--yes").status, row.value("Remarque"), row.value("Projet/API Key")) == (0, "vu", "proj_a")


# -- asking


class Terminal(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y", "YES", " oui "])
def test_it_shows_its_plan_and_asks(old: Cli, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    told = old("heal")
    assert told.status == 0
    plan, _, rest = told.out.partition("Write to 5 rows? [y/N]")
    assert plan.startswith("Plan")
    assert "Double of another row: the oldest one is kept." in plan
    assert "1 rows were merged" in rest
    # The same table is not shown twice.
    assert "Double of another row" not in rest
    # Nothing to do, nothing to ask.
    assert "[y/N]" not in old("heal").out


@pytest.mark.parametrize("answer", ["n\n", "\n", "yesterday\n", ""])
def test_without_a_yes_nothing_is_written(old: Cli, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    before = old.figures()
    told = old("heal")
    assert told.status == 1
    assert told.out.endswith("Nothing was written.\n")
    assert old.figures() == before


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--month", "2026-01")])
def test_where_nobody_can_answer_it_wants_a_word(old: Cli, monkeypatch: pytest.MonkeyPatch, arguments: Any) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n") if arguments == ("--json",) else io.StringIO("y\n"))
    old.sandbox.journal.clear()
    told = old("heal", *arguments)
    assert told.status == 2
    sentence = told.json["error"] if arguments == ("--json",) else told.err
    assert "--yes" in sentence
    assert "--dry-run" in sentence
    assert old.asked() == []


# -- whose rows


def test_the_service_column_made_anew(cli: Cli) -> None:
    """Set-up leads the rollups to the new relation, and heal links the rows by their titles."""
    cli.only("ELEVENLABS_API_KEY")
    cli.unset("PREFECT_API_URL")
    assert cli("setup").status == 0
    store = cli.sandbox.notion.store
    usages, services = store.database("Usages LLM"), store.database("Services LLM")
    for month in ("2025-12", "2026-01"):
        for key, provider in (("proj_a", "OpenAI"), ("key_b", "Anthropic"), ("(collecte)", "Deepgram")):
            cells = {"Identifiant": f"{month} - {provider} - {key}", "Mois": month, "Projet/API Key": key}
            store.add_row(usages, {**cells, "Cout USD": 2.5, "Service": (services.row(provider).id,)})
    store.add_row(usages, {"Identifiant": "2026-01 - Mistral - Essais", "Mois": "2026-01", "Cout USD": 7})
    total = {row.title: row.value("Total Cout USD") for row in services.rows()}
    store.change_schema(usages, {"Service": None})
    told = cli("setup")
    assert (told.status, told.err) == (0, "")
    assert "formule" not in told.out
    assert "Mended “Total Cout USD” of “Services LLM”." in told.out
    assert "Rows of “Usages LLM” without a service: 6 " in cli("check").out
    told = cli("heal", "--yes", "--json")
    assert (told.status, told.json["linked"], told.json["left"]) == (0, 6, [])
    assert {row.title: row.value("Total Cout USD") for row in services.rows()} == total
    assert cli("heal", "--yes", "--json").json["months"] == []
    assert "n’ont pas de service" not in cli("check").out


def test_rows_of_people_stay_as_they_are(old: Cli) -> None:
    store = old.sandbox.notion.store
    base, service = store.database("Usages LLM"), store.database("Services LLM").row("OpenAI")
    mine: dict[str, Cell] = {"Service": (service.id,), "Mois": "2026-01"}
    written: list[tuple[str, dict[str, Cell]]] = [
        ("ChatGPT Team", {"Cout USD": 300}),
        ("ChatGPT Team", {"Cout USD": 300}),
        ("Facture à vérifier - Erreur", {}),
        ("2026-01 - Facture - Error", {"Projet/API Key": "proj_a"}),
        ("2025-12 - OpenAI - Production", {"Projet/API Key": "proj_a", "Cout USD": 9}),
    ]
    kept = [store.add_row(base, {**mine, "Identifiant": title, **cells}) for title, cells in written]
    empty = store.add_row(base, {"Identifiant": "2025-11 - OpenAI - Erreur", "Service": (service.id,)})
    before = [(row.values(), row.last_edited_time) for row in kept]
    told = old("heal", "--yes", "--json")
    assert (told.status, empty.in_trash) == (1, True)
    assert [(row.values(), row.last_edited_time) for row in kept] == before
    assert not any(row.in_trash for row in kept)
    (left,) = told.json["left"]
    # As in Notion’s cells, whatever the terminal speaks.
    assert "des mois différents" in left["why"]
    assert left["other"].endswith(kept[-1].id.replace("-", ""))
    store.edit(kept[-1], {"Mois": "2025-12"})
    assert old("heal", "--yes", "--json").json["merged"] == 1


def test_what_is_taken_over_is_written_by_this_connection(old: Cli) -> None:
    row = old.rows()["2025-12 - OpenAI - Production proj_a"]
    before = row.values()
    assert row.edited_by_person
    assert old("heal", "--yes", "--json").json["adopted"] == 1
    assert (row.edited_by_person, row.values()) == (False, before)


# -- beside collections


@pytest.fixture
def limited(prefect_api: str) -> Iterator[str]:
    """The limit of January's writers, at a Prefect server."""
    from prefect.client.orchestration import get_client

    name = month_limit(Month(2026, 1))
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(name, 1)
        yield name
        client.delete_global_concurrency_limit_by_name(name)


def test_where_workers_share_the_months_it_takes_its_turn(
    old: Cli, limited: str, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    def taken() -> int:
        with get_client(sync_client=True) as client:
            return client.read_global_concurrency_limit_by_name(limited).active_slots

    slots, write = [], Writer.write

    def watched(writer: Writer, *arguments: Any) -> None:
        slots.append(taken())
        write(writer, *arguments)

    monkeypatch.setattr(Writer, "write", watched)
    old.set(PREFECT_API_URL=prefect_api)
    assert old("heal", "--yes").status == 0
    # The completions of the month, another month that no other writer waits for, and the rest.
    assert (slots, taken()) == ([1, 0, 1], 0)


def test_a_server_that_is_named_has_to_be_there(old: Cli, program: Program) -> None:
    """Whoever named it may have workers that write at this moment."""
    program.variables["PREFECT_API_URL"] = f"http://127.0.0.1:{free_port()}/api"
    before = old.figures()
    told = program.run("heal", "--yes", "--json")
    assert told.status == 1
    assert "take PREFECT_API_URL away" in told.json["error"]
    assert old.figures() == before


def test_without_a_server_none_is_started_nor_prefect_imported(old: Cli, program: Program) -> None:
    code = "import sys; from cli.main import main; sys.exit(main(['heal', '--yes']) or 9 * ('prefect' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=program.folder,
        env=program.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.startswith("Healed")) == (0, True), done.stderr


def test_columns_that_can_t_be_used(old: Cli) -> None:
    base = old.sandbox.notion.store.database("Usages LLM")
    old.sandbox.notion.store.change_schema(base, {"Mois": None})
    told = old("heal", "--yes")
    assert told.status == 2
    assert "The column “Mois” is missing" in told.err
