"""`llm-usage collect`, from the arguments to the rows in Notion."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault, Kind
from tests.cli.programs import Cli
from tests.standins import StandIn
from usage.settings import KEY_VARIABLES

STATUSES = ("Succes", "Donnees indisponibles", "Partiel", "Echec")
FEW = ("DEEPGRAM_API_KEY_PROD", "DEEPGRAM_API_KEY_LABS", "ELEVENLABS_API_KEY")


@pytest.fixture
def few(ready: Cli) -> Cli:
    """Two providers, one of them with two accounts: the ones that need the fewest requests."""
    ready.only(*FEW)
    return ready


def down(cli: Cli, api: str) -> None:
    """The key of this provider is refused until `faults.clear()`."""
    cli.sandbox.faults.add(Fault(api=api, kind=Kind.STATUS, status=401, times=-1))


def test_it_ends_with_the_total_and_what_moved(few: Cli) -> None:
    assert "Nothing of November 2025 can be held against it." in few("collect", "--month", "2025-12").out
    rehearsed = few("collect", "--month", "2026-01", "--dry-run")
    told = few("collect", "--month", "2026-01")
    assert told.status == rehearsed.status == 0
    end = told.out.splitlines()[-4:]
    assert end == rehearsed.out.splitlines()[-4:]
    assert re.fullmatch(r"Total of January 2026: \$[\d,.]+, [+-]\$.+ against December 2025 \(.+\)\.", end[0])
    assert all(re.match(r"(Deepgram|ElevenLabs), .+: [+-]\$", line) for line in end[1:])
    few.set(LLM_USAGE_LANG="fr")
    assert "Total de janvier 2026" in few("collect", "--month", "2026-01").out


def test_the_answer_has_the_comparison_where_there_is_one(few: Cli) -> None:
    few("collect", "--month", "2025-12")
    answer = few("collect", "--month", "2026-01", "--json").json
    assert list(answer) == ["month", "status", "sources", "notion", "comparison"]
    comparison = answer["comparison"]
    assert Decimal(comparison["total_usd"]) == sum(Decimal(one["cost_usd"]) for one in answer["sources"])
    change = Decimal(comparison["now_usd"]) - Decimal(comparison["before_usd"])
    assert Decimal(comparison["change_usd"]) == change
    assert (comparison["previous"], comparison["until"], len(comparison["movers"])) == ("2025-12", None, 3)


def test_every_source_lands_in_notion_and_in_the_answer(ready: Cli) -> None:
    told = ready("collect", "--month", "2026-01", "--json")
    assert (told.status, told.err) == (0, "")
    answer = told.json
    assert list(answer) == ["month", "status", "sources", "notion"]
    assert (answer["month"], answer["status"]) == ("2026-01", "Succes")
    assert list(answer["notion"]) == ["created", "updated", "unchanged", "trashed", "requests", "kept"]
    names = [(source["provider"], source["account"]) for source in answer["sources"]]
    assert names == [
        ("anthropic", "default"),
        ("deepgram", "labs"),
        ("deepgram", "prod"),
        ("elevenlabs", "default"),
        ("openai", "labo"),
        ("openai", "memoways"),
        ("openrouter", "default"),
    ]
    providers: tuple[StandIn, ...] = ready.sandbox.providers
    bills = {
        (api.name, (account.name or "default").lower()): api.bill(account, "2026-01").total
        for api in providers
        for account in api.accounts
    }
    assert {name: Decimal(s["cost_usd"]) for name, s in zip(names, answer["sources"], strict=True)} == bills
    figures = ready.figures()
    assert answer["notion"]["created"] == len(figures) == sum(s["rows"] + 1 for s in answer["sources"])
    assert answer["notion"]["requests"] == len(ready.sandbox.journal.requests("notion"))

    again = ready("collect", "--month", "2026-01", "--json").json
    assert again["notion"] | {"requests": 0} == {
        "kept": [],
        "created": 0,
        "updated": len(names),
        "unchanged": len(figures) - len(names),
        "trashed": 0,
        "requests": 0,
    }


def test_a_figure_that_is_not_there_is_null(few: Cli) -> None:
    sources = few("collect", "--json").json["sources"]
    keys = ["provider", "account", "status", "cost_usd", "tokens_input", "tokens_output", "requests", "rows", "log"]
    assert [list(source) for source in sources] == [keys] * 3
    voice = next(source for source in sources if source["provider"] == "elevenlabs")
    assert (voice["tokens_input"], voice["tokens_output"]) == (None, None)
    assert isinstance(voice["cost_usd"], str)
    assert all(source["status"] in STATUSES and source["log"] for source in sources)


def test_without_json_a_table(few: Cli) -> None:
    told = few("collect", "--month", "last")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("2026-01: Success")
    assert "deepgram/labs" in told.out
    assert "rows were created" in told.out
    assert "\x1b" not in told.out


def test_month_running(few: Cli) -> None:
    answer = few("collect", "--month", "current", "--json").json
    assert (answer["month"], answer["status"]) == ("2026-02", "Succes")
    assert all("en cours" in source["log"] for source in answer["sources"])
    assert few("collect", "--month", "current").out.startswith("2026-02: Success, in progress, day 14/28 ")
    assert re.search(r"ElevenLabs .* in progress, day 14/28 ", few("status").out)


def test_dry_run_tells_the_plan_and_writes_nothing(few: Cli) -> None:
    told = few("collect", "--dry-run", "--json")
    assert told.status == 0
    assert list(told.json) == ["month", "status", "sources", "notion", "plan"]
    assert few.rows() == {}
    assert [line for line in few.asked() if line.startswith("notion") and " GET " not in line] == []
    plan = told.json["plan"]
    assert {step["action"] for step in plan} == {"create"}
    assert len(plan) == told.json["notion"]["created"]
    real = few("collect", "--json").json
    assert real["notion"]["created"] == len(plan)
    assert sorted(step["row"] for step in plan) == sorted(str(row.title) for row in few.rows().values())


def test_dry_run_as_a_table(few: Cli) -> None:
    told = few("collect", "--dry-run")
    assert told.status == 0
    assert "Plan" in told.out
    assert "rows would be created" in told.out
    assert "2026-01 - ElevenLabs - Collecte" in told.out


@pytest.mark.parametrize(
    ("arguments", "touched"),
    [
        (("--provider", "elevenlabs"), {"ElevenLabs"}),
        (("--provider", "ElevenLabs", "deepgram"), {"ElevenLabs", "Deepgram"}),
        (("--account", "labs"), {"Deepgram"}),
    ],
)
def test_a_filter_leaves_the_others_alone(few: Cli, arguments: tuple[str, ...], touched: set[str]) -> None:
    few("collect")
    before = few.figures()
    few.set(LLM_USAGE_NOW="2026-02-14T18:00:00Z")
    answer = few("collect", *arguments, "--json").json
    assert {source["provider"] for source in answer["sources"]} == {name.lower() for name in touched}
    changed = {name for name, values in few.figures().items() if values != before[name]}
    assert {name.split(" - ")[1] for name in changed} == touched
    if "labs" in arguments:
        assert changed == {"2026-01 - Deepgram - Collecte (labs) (collecte)"}


def test_a_service_that_is_switched_off_is_left_out_unless_named(few: Cli) -> None:
    store = few.sandbox.notion.store
    service = store.database("Services LLM").row("Deepgram")
    store.edit(service, {"Statut": "Inactif"})
    answer = few("collect", "--json").json
    assert [source["provider"] for source in answer["sources"]] == ["elevenlabs"]
    answer = few("collect", "--provider", "deepgram", "--json").json
    assert {source["provider"] for source in answer["sources"]} == {"deepgram"}
    assert service.value("Statut") == "Inactif"


def test_one_source_down_then_mended(ready: Cli) -> None:
    down(ready, "elevenlabs")
    told = ready("collect", "--json")
    assert told.status == 1
    answer = told.json
    assert answer["status"] == "Partiel"
    by_name = {(source["provider"], source["account"]): source for source in answer["sources"]}
    failed = by_name.pop(("elevenlabs", "default"))
    assert failed == failed | {
        "status": "Echec",
        "cost_usd": None,
        "tokens_input": None,
        "tokens_output": None,
        "requests": None,
        "rows": 0,
    }
    assert {source["status"] for source in by_name.values()} == {"Succes"}
    own = ready.figures()["2026-01 - ElevenLabs - Collecte (collecte)"]
    assert own["Statut Collecte"] == "Echec"
    assert own["Cout USD"] is None
    assert "401" in str(own["Log Status"])
    before = ready.figures()

    ready.sandbox.faults.clear()
    told = ready("collect", "--provider", "elevenlabs", "--json")
    assert (told.status, told.json["status"]) == (0, "Succes")
    after = ready.figures()
    assert after["2026-01 - ElevenLabs - Collecte (collecte)"]["Statut Collecte"] == "Succes"
    assert {name for name, values in before.items() if after[name] != values} == {
        "2026-01 - ElevenLabs - Collecte (collecte)"
    }
    assert any(name.startswith("2026-01 - ElevenLabs - ") for name in after.keys() - before.keys())


def test_a_refused_key_is_named_with_the_command_to_run(few: Cli) -> None:
    few.set(ELEVENLABS_API_KEY="sk-or-v1-secret")
    told = few("collect")
    assert told.status == 1
    assert told.out.startswith("2026-01: Partial, 2 of 3 sources ")
    (sentence,) = (line for line in told.out.splitlines() if line.startswith("elevenlabs: "))
    assert "The key comes from ELEVENLABS_API_KEY and looks like one of OpenRouter’s." in sentence
    assert sentence.endswith("To run it again: llm-usage collect --month 2026-01 --provider elevenlabs.")
    assert "secret" not in told.out + told.err + str(few.figures())


def test_what_may_keep_a_provider_away_is_said(few: Cli) -> None:
    assert few("collect").err == ""
    few.only("DEEPGRAM_API_KEY_PROD", "DEEPGRAM_API_KEY_LABS")
    few.set(ELEVENLAB_API_KEY="secret")
    told = few("collect", "--json")
    assert (told.status, told.json["status"]) == (0, "Succes")
    slip, absent = told.err.splitlines()
    assert slip.startswith("note: ELEVENLAB_API_KEY (in the environment) ")
    assert slip.endswith("did you mean ELEVENLABS_API_KEY?")
    assert absent.startswith("note: ElevenLabs has rows in Notion but no key here")
    assert "secret" not in told.err
    # Whoever names a provider has not forgotten the others, and who has switched one off does not miss it.
    assert few("collect", "--provider", "deepgram").err.splitlines() == [slip]
    store = few.sandbox.notion.store
    store.edit(store.database("Services LLM").row("ElevenLabs"), {"Statut": "Inactif"})
    assert few("collect").err.splitlines() == [slip]


def test_a_failed_attempt_leaves_the_figures(few: Cli) -> None:
    few("collect")
    before = few.figures()
    down(few, "deepgram")
    told = few("collect", "--provider", "deepgram")
    assert told.status == 1
    assert "deepgram/labs: " in told.out
    assert told.err == ""
    assert {name for name, values in few.figures().items() if values != before[name]} == {
        "2026-01 - Deepgram - Collecte (labs) (collecte)",
        "2026-01 - Deepgram - Collecte (prod) (collecte)",
    }


def test_a_source_that_is_down_for_a_moment_is_tried_again(few: Cli) -> None:
    few.sandbox.faults.add(Fault(api="elevenlabs", kind=Kind.STATUS, status=503, headers={"retry-after": "0"}))
    told = few("collect", "--json")
    assert (told.status, told.json["status"]) == (0, "Succes")


def test_a_key_without_a_scope(ready: Cli) -> None:
    account = next(one for one in ready.sandbox.deepgram.accounts if one.name.lower() == "prod")
    ready.only("DEEPGRAM_API_KEY_PROD")
    ready.set(DEEPGRAM_API_KEY_PROD=account.member_key)
    told = ready("collect", "--json")
    assert (told.status, told.json["status"]) == (1, "Partiel")
    assert told.json["sources"][0]["cost_usd"] is None


def test_a_key_of_the_wrong_kind(ready: Cli) -> None:
    ready.only("OPENROUTER_MANAGEMENT_KEY")
    ready.set(OPENROUTER_MANAGEMENT_KEY=ready.sandbox.openrouter.accounts[0].inference_key)
    told = ready("collect", "--json")
    assert (told.status, told.json["status"]) == (1, "Echec")
    assert "clé de gestion" in told.json["sources"][0]["log"]


def test_a_month_without_usage_is_seen_to_be_empty(ready: Cli) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO")
    for account in ready.sandbox.openai.accounts:
        account.clear("2026-01")
    told = ready("collect", "--json")
    assert (told.status, told.json["status"]) == (0, "Succes")
    assert list(ready.rows()) == ["2026-01 - OpenAI - Collecte (collecte)"]


def test_names_of_other_people_are_shown_not_obeyed(ready: Cli) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO")
    for project in ready.sandbox.openai.accounts[1].projects + ready.sandbox.openai.accounts[0].projects:
        project.name = "[bold red]Prod[/] \x1b]0;owned\x07 \u202etxt"
    told = ready("collect", "--dry-run")
    assert "[bold red]Prod[/]" in told.out
    assert not {"\x1b", "\x07", "\u202e"} & set(told.out)


def test_no_key_is_written_anywhere(ready: Cli, prefect_api: str, tmp_path: Path) -> None:
    import os

    down(ready, "deepgram")
    told = ready("collect")
    told_json = ready("collect", "--json")
    everything = [told.out, told.err, told_json.out, told_json.err, str(ready.figures())]
    home = Path(os.environ["PREFECT_HOME"])
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(path.suffix == ".db" for path in files)
    keys = [value for name, value in os.environ.items() if name.startswith(tuple(KEY_VARIABLES.values()))]
    assert len(keys) == 7
    for key in [*keys, os.environ["NOTION_TOKEN"]]:
        assert not any(key in text for text in everything)
        assert [path for path, content in files.items() if key.encode() in content] == []


def test_the_run_is_red_exactly_where_the_exit_status_is_1(few: Cli, prefect_api: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    def last_run() -> Any:
        with get_client(sync_client=True) as client:
            return client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]

    assert few("collect", "--month", "2025-11").status == 0
    assert last_run().state_name == "Completed"
    asked: dict[str, Any] = {
        "month": "2025-11",
        "providers": [],
        "account": None,
        "dry_run": False,
        "accept_lower": False,
    }
    assert last_run().parameters == asked
    down(few, "elevenlabs")
    assert few("collect").status == 1
    assert last_run().state_name == "Failed"
    assert "elevenlabs" in last_run().state.message


def test_late_figures_do_not_overwrite_newer_ones(few: Cli) -> None:
    few("collect")
    before = few.figures()
    few.set(LLM_USAGE_NOW=datetime(2026, 2, 14, 12, tzinfo=UTC).isoformat())
    assert few("collect", "--json").json["notion"]["updated"] == 0
    assert few.figures() == before


def test_a_line_of_a_crontab_leaves_a_closed_month_alone(ready: Cli) -> None:
    ready.only("DEEPGRAM_API_KEY_PROD")
    first = ready("collect", "--month", "2026-01", "--json")
    ready.sandbox.journal.clear()
    again = ready("collect", "--month", "2026-01", "--scheduled", "--json")
    assert again.status == 0
    assert {request.api for request in ready.sandbox.journal.requests()} == {"notion"}
    assert "deepgram/prod (read on 2026-02-14)" in " ".join(again.err.split())
    (read,), (kept,) = first.json["sources"], again.json["sources"]
    assert {name: value for name, value in kept.items() if name != "log"} == {
        name: value for name, value in read.items() if name != "log"
    }
    assert kept["log"] == f"Mois clos, non relu : chiffres du 2026-02-14. {read['log']}"
    ready.sandbox.journal.clear()
    assert ready("collect", "--month", "2026-01").status == 0
    assert "deepgram" in {request.api for request in ready.sandbox.journal.requests()}
