from __future__ import annotations

import re

import pytest

from tests.cli.programs import Cli


def test_setup_prints_lines_for_env(cli: Cli) -> None:
    told = cli("setup")
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    ids = dict(line.split("=") for line in lines if line.startswith("NOTION_"))
    assert list(ids) == ["NOTION_SERVICES_DB_ID", "NOTION_USAGES_DB_ID"]
    cli.unset("NOTION_PARENT_PAGE_ID")
    cli.set(**ids)
    again = cli("setup", "--json")
    assert again.json == {
        "services_db_id": ids["NOTION_SERVICES_DB_ID"],
        "usages_db_id": ids["NOTION_USAGES_DB_ID"],
    }
    assert "nothing to do" in cli("setup").out


def test_setup_writes_the_ids_into_the_file_of_settings(cli: Cli) -> None:
    file = cli.folder / ".env"
    file.write_text("# mine\nNOTION_USAGES_DB_ID=\nOPENAI_GRAIN=project")
    file.chmod(0o600)
    told = cli("setup", "--write-env")
    assert told.status == 0
    assert f"Written into {file}:" in told.out
    ids = cli("setup", "--json").json
    assert file.read_text() == (
        f"# mine\nNOTION_USAGES_DB_ID={ids['usages_db_id']}\nOPENAI_GRAIN=project\n"
        f"NOTION_SERVICES_DB_ID={ids['services_db_id']}\n"
    )
    assert file.stat().st_mode & 0o777 == 0o600


def test_setup_dry_run_tells_what_it_would_do(cli: Cli) -> None:
    told = cli("setup", "--dry-run")
    assert (told.status, told.err) == (0, "")
    assert "Would create the database “Services LLM”." in told.out
    assert "Would add the service Deepgram." in told.out
    assert told.out.endswith("Nothing was written.\n")
    assert "rehearsal-" not in told.out
    assert cli.sandbox.notion.store.databases() == []
    as_json = cli("setup", "--dry-run", "--json").json
    assert (as_json.pop("services_db_id"), as_json.pop("usages_db_id")) == (None, None)
    assert list(as_json) == ["would"]
    assert set(as_json["would"]) <= set(told.out.splitlines())

    ids = cli("setup", "--json").json
    assert cli("setup", "--dry-run", "--json").json == {**ids, "would": []}
    assert "nothing would be done" in cli("setup", "--dry-run").out
    store = cli.sandbox.notion.store
    store.change_schema(store.database("Usages LLM"), {"Mois": None})
    assert cli("setup", "--dry-run", "--json").json["would"] == ["Would add to “Usages LLM”: Mois."]
    assert cli("setup").out.startswith("Added to “Usages LLM”: Mois.")


@pytest.mark.parametrize("command", ["setup", "status", "heal", "check", "collect"])
def test_exchanged_ids_are_refused_by_every_command(cli: Cli, prefect_api: str, command: str) -> None:
    cli.only("ELEVENLABS_API_KEY")
    ids = cli("setup", "--json").json
    store = cli.sandbox.notion.store
    cli.set(NOTION_SERVICES_DB_ID=ids["usages_db_id"], NOTION_USAGES_DB_ID=ids["services_db_id"])
    before = store.tables()
    told = cli(command, *(["--yes"] if command == "heal" else []))
    assert told.status == (1 if command == "check" else 2)
    words = " ".join((told.out + told.err).split())
    assert "NOTION_SERVICES_DB_ID and NOTION_USAGES_DB_ID are exchanged" in words
    assert store.tables() == before


def test_status_ends_with_the_latest_month_beside_the_one_before(ready: Cli) -> None:
    ready.only("ELEVENLABS_API_KEY")
    assert "comparison" not in ready("status", "--json").json
    for month in ("2025-12", "2026-01"):
        ready("collect", "--month", month)
    every, one = ready("status"), ready("status", "--month", "2026-01")
    lines = [line for line in every.out.splitlines() if line.startswith(("Total of", "ElevenLabs, "))]
    assert lines == [line for line in one.out.splitlines() if line.startswith(("Total of", "ElevenLabs, "))]
    assert lines[0].startswith("Total of January 2026: $")
    assert len(lines) == 4
    answer = ready("status", "--json").json
    assert answer["comparison"] == ready("status", "--month", "2026-01", "--json").json["comparison"]
    assert "comparison" not in ready("status", "--month", "2025-12", "--json").json
    assert "Nothing of November 2025" in ready("status", "--month", "2025-12").out


def test_setup_shows_other_peoples_names_as_they_are(cli: Cli) -> None:
    cli("setup")
    store = cli.sandbox.notion.store
    services = store.database("Services LLM")
    store.change_schema(services, {"Notes": None})
    store.change_schema(services, {"Notes\x1b[2J [red]": {"number": {}}, "notes": {"number": {}}})
    told = cli("setup")
    assert "\x1b" not in told.out + told.err
    assert "number" in told.err


def test_status(ready: Cli) -> None:
    ready.only("ELEVENLABS_API_KEY", "DEEPGRAM_API_KEY_PROD")
    assert ready("status", "--json").json == {"months": []}
    ready("collect", "--month", "2025-12")
    cost = ready("collect", "--month", "2026-01", "--json").json["sources"][1]["cost_usd"]
    told = ready("status")
    assert told.status == 0
    assert "2025-12" in told.out
    assert "Deepgram" in told.out
    lines = ready("status", "--month", "last", "--json").json["months"]
    assert [(line["month"], line["provider"]) for line in lines] == [("2026-01", "elevenlabs"), ("2026-01", "deepgram")]
    voice = lines[0]
    assert voice["status"] == "Succes"
    assert voice["last_collection"].startswith("2026-02-14T15:30")
    assert voice["figures_at"].startswith("2026-02-14T15:30")
    assert "Figures of (UTC)" in told.out
    assert "Last attempt (UTC)" in told.out
    assert "en cours" not in told.out
    assert abs(float(voice["cost_usd"]) - float(cost)) < 1e-6
    assert len(ready("status", "--json").json["months"]) == 4


def test_status_tells_what_is_proven(ready: Cli) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO", "ELEVENLABS_API_KEY")
    for month in ("2026-01", "2026-02"):
        ready("collect", "--month", month)
    found = ready("status", "--proof", "--json").json

    plain = ready("status", "--json").json
    assert plain == {name: value for name, value in found.items() if name != "proofs"}
    assert {(line["month"], line["provider"]): line["state"] for line in plain["months"]} == {
        ("2026-01", "openai"): "closed",
        ("2026-01", "elevenlabs"): "closed",
        ("2026-02", "openai"): "open",
        ("2026-02", "elevenlabs"): "open",
    }
    january, voice = found["proofs"][:2]
    assert (january["provider"], january["account"], january["days"]) == ("openai", "labo", "31/31")
    assert (january["missing_days"], january["unproven"], january["control_agrees"]) == ([], [], True)
    assert january["sum_usd"] == january["control_usd"]
    assert float(january["difference_usd"]) == 0
    assert january["pages"] > 1
    assert (january["fresh_until"], january["delay_hours"]) == (None, 24)
    assert (voice["days"], voice["unproven"]) == ("31/31", [])
    told = ready("status", "--proof", "--month", "2026-01")
    assert told.status == 0
    assert january["control_usd"] in told.out
    assert "31/31" in told.out
    assert "24 h after the month’s end" in told.out


def test_status_tells_what_gets_out_of_reach_uncollected(ready: Cli) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO", "ANTHROPIC_ADMIN_KEY", "ELEVENLABS_API_KEY", "OPENROUTER_MANAGEMENT_KEY")
    told = ready("status", "--month", "last")
    assert told.status == 0
    openai, openrouter = [line for line in told.out.splitlines() if line.startswith("note: ")]
    assert openai == (
        "note: openai/labo: Notion holds no complete figures of 2025-03, of which OpenAI gives tokens, requests "
        "perhaps only until 2026-02-28. Run llm-usage collect --month 2025-03 --provider openai --account labo"
    )
    assert openrouter == (
        "note: openrouter: Notion holds no complete figures of 2025-03, which OpenRouter gives until 2026-02-28. "
        "Run llm-usage collect --month 2025-03 --provider openrouter"
    )
    as_json = ready("status", "--json").json
    assert as_json["months"] == []
    assert as_json["leaving"][1] == {
        "provider": "openrouter",
        "account": "default",
        "month": "2025-03",
        "lost": [],
        "sure": True,
        "last_day": "2026-02-28",
        "command": "llm-usage collect --month 2025-03 --provider openrouter",
    }
    # `check` tells the same.
    assert [line for line in ready("check").out.splitlines() if "no complete figures" in line] == [openai, openrouter]
    # The command that is told is one that works, and ends it.
    for one in as_json["leaving"]:
        assert ready(*one["command"].split()[1:]).status == 0
    for command in (("status",), ("status", "--month", "last"), ("check",)):
        assert "no complete figures" not in ready(*command).out
    assert "leaving" not in ready("status", "--json").json


def test_a_service_that_is_switched_off_is_not_told_of(ready: Cli) -> None:
    ready.only("OPENROUTER_MANAGEMENT_KEY")
    store = ready.sandbox.notion.store
    store.edit(store.database("Services LLM").row("OpenRouter"), {"Statut": "Inactif"})
    for command in ("status", "check"):
        assert "no complete figures" not in ready(command).out


@pytest.mark.parametrize(
    "command",
    [("collect", "--month", "2026-01"), ("status",), ("status", "--proof"), ("backfill", "2026-01", "2026-01")],
)
def test_one_output_writes_its_figures_in_one_way(ready: Cli, command: tuple[str, ...]) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO", "DEEPGRAM_API_KEY_PROD")
    assert ready("collect", "--month", "2026-01", "--json").status == 0
    # In a French output no decimal point, in an English one no decimal comma.
    for language, written, other in (("fr", r"\d,\d", r"\d\.\d"), ("en", r"\d\.\d", r"\d,\d{1,2}\b")):
        ready.set(LLM_USAGE_LANG=language)
        told = ready(*command).out.splitlines()
        figures = "\n".join(line for line in told if any(word in line for word in ("Total", " Succes ", " closed ")))
        assert re.search(written, figures), (language, figures)
        assert not re.search(other, figures), (language, figures)
