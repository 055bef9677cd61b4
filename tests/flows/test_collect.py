"""The flow `collect` against the sandbox: what a run writes, how it ends, and what a retry of it reads."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from cli.commands.deploy import load_automations
from tests.flows.world import Prefect, World
from usage.settings import load_settings

ROOT = Path(__file__).parents[2]

FEW = ("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")
LATER = "2026-02-15T09:00:00+00:00"


def collect(*arguments: Any, **options: Any) -> Any:
    """The final state of a run."""
    from flows.collect import collect as flow

    return flow(*arguments, **options, return_state=True)


def retry(prefect: Prefect, state: Any) -> Any:
    from flows.collect import collect as flow

    return prefect.retry(flow, state)


@pytest.fixture
def few(world: World) -> World:
    """Two providers with a key each."""
    world.only(*FEW)
    return world


def states_of_tasks(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Final states of the fetch tasks by name, as they end."""
    from tasks.fetch import fetch

    ended: dict[str, str] = {}

    def note(task: Any, run: Any, state: Any) -> None:
        ended[run.name] = state.name

    monkeypatch.setattr(fetch, "on_failure_hooks", [note])
    monkeypatch.setattr(fetch, "on_completion_hooks", [note])
    return ended


def test_a_provider_that_is_down_then_retried(world: World, prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = states_of_tasks(monkeypatch)
    world.fail("deepgram")
    failed = collect("last")
    down = {"deepgram/labs 2026-01", "deepgram/prod 2026-01"}
    assert {name for name, state in tasks.items() if state == "Failed"} == down
    assert {name for name, state in tasks.items() if state == "Completed"} == {
        f"{source} 2026-01" for source in ("openai/labo", "openai/memoways", "anthropic", "elevenlabs", "openrouter")
    }
    run = prefect.run(failed)
    assert (run.name, run.state_name) == ("2026-01 collect", "Failed")
    for account in ("labs", "prod"):
        assert f"deepgram/{account}: /projects refuses the key (HTTP 401)" in run.state.message
    assert "openai" not in run.state.message
    first = world.own_rows()
    assert {name: row["Statut Collecte"] for name, row in first.items()} == {
        "2026-01 - Anthropic": "Succes",
        "2026-01 - Deepgram (labs)": "Echec",
        "2026-01 - Deepgram (prod)": "Echec",
        "2026-01 - ElevenLabs": "Succes",
        "2026-01 - OpenAI (labo)": "Succes",
        "2026-01 - OpenAI (memoways)": "Succes",
        "2026-01 - OpenRouter": "Succes",
    }
    written = len(world.rows()) + len(first)
    # N new rows of projects and keys, S of the sources, and a few to read what stands there.
    assert world.asked()["notion"] <= written + ceil(written / 100) + 8

    world.sandbox.faults.clear()
    world.set(LLM_USAGE_NOW=LATER)
    ended = retry(prefect, failed)
    again = prefect.run(ended)
    assert (again.id, again.run_count, again.state_name) == (run.id, 2, "Completed")
    asked = world.asked()
    assert set(asked) == {"deepgram", "notion"}
    assert {name for name, state in tasks.items() if state == "Completed"} == down
    assert {state for name, state in tasks.items() if name not in down} == {"Cached"}
    # What was read the day before keeps its moment.
    for name, row in world.own_rows().items():
        assert row["Statut Collecte"] == "Succes"
        if "Deepgram" in name:
            assert row["Collecte Le"] == datetime.fromisoformat(LATER)
        else:
            assert row["Collecte Le"] == first[name]["Collecte Le"]
    assert any(" - Deepgram - " in name for name in world.rows())
    assert prefect.artifacts(run.id)["report-2026-01"].startswith("# 🟢 2026-01: Success")


def test_a_retry_does_not_put_old_figures_over_newer_ones(few: World, prefect: Prefect) -> None:
    few.fail("deepgram")
    failed = collect()
    few.sandbox.faults.clear()
    few.set(LLM_USAGE_NOW=LATER)
    assert collect(providers=["elevenlabs"]).is_completed()
    # The provider has corrected the month meanwhile.
    store = few.sandbox.notion.store
    for row in store.database("Usages LLM").rows():
        if "ElevenLabs" in row.title and row.value("Cout USD") is not None:
            store.edit(row, {"Cout USD": 1000, "Collecte Le": datetime.fromisoformat(LATER)})
    newer = {name: row for name, row in {**few.rows(), **few.own_rows()}.items() if "ElevenLabs" in name}
    assert {row["Collecte Le"] for row in newer.values()} == {datetime.fromisoformat(LATER)}
    few.asked()
    assert retry(prefect, failed).is_completed()
    assert set(few.asked()) == {"deepgram", "notion"}
    assert {name: row for name, row in {**few.rows(), **few.own_rows()}.items() if "ElevenLabs" in name} == newer
    # Nor do later runs compare with the old ones.
    costs = {cost["provider"]: cost for cost in json.loads(prefect.latest("costs-2026-01"))}
    assert datetime.fromisoformat(costs["elevenlabs"]["read_at"]) == datetime.fromisoformat(LATER)


@pytest.mark.parametrize("trouble", ["on another machine", "damaged"])
def test_a_retry_that_can_t_read_the_first_results_reads_all(
    few: World, prefect: Prefect, tmp_path: Path, trouble: str
) -> None:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    few.fail("deepgram")
    here, there = tmp_path / "here", tmp_path / "there"
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: here}):
        failed = collect()
    assert failed.is_failed()
    before = few.rows()
    assert before
    kept = [path for path in here.iterdir() if "SourceReport" in path.read_text()]
    assert len(kept) == 1
    if trouble == "damaged":
        kept[0].write_text(kept[0].read_text()[:-100])
    few.sandbox.faults.clear()
    few.asked()
    few.set(LLM_USAGE_NOW=LATER)
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: here if trouble == "damaged" else there}):
        ended = retry(prefect, failed)
    assert ended.is_completed()
    assert set(few.asked()) == {"deepgram", "elevenlabs", "notion"}
    # Figures that have not changed are not written again; what was missing is there.
    assert {name: row for name, row in few.rows().items() if name in before} == before
    assert len(few.rows()) > len(before)
    own = few.own_rows().values()
    assert {(row["Statut Collecte"], row["Collecte Le"]) for row in own} == {("Succes", datetime.fromisoformat(LATER))}


def test_a_run_of_its_own_for_what_failed(few: World, prefect: Prefect) -> None:
    few.fail("deepgram")
    assert collect().is_failed()
    few.sandbox.faults.clear()
    few.asked()
    state = collect("2026-01", ["deepgram"])
    assert state.is_completed()
    assert prefect.run(state).name == "2026-01 collect deepgram"
    assert set(few.asked()) == {"deepgram", "notion"}
    assert {row["Statut Collecte"] for row in few.own_rows().values()} == {"Succes"}


def test_a_key_that_lacks_a_scope_then_a_better_one(few: World, prefect: Prefect) -> None:
    better = os.environ["DEEPGRAM_API_KEY_PROD"]
    account = next(one for one in few.sandbox.deepgram.accounts if one.key == better)
    few.set(DEEPGRAM_API_KEY_PROD=account.member_key)
    failed = collect()
    assert failed.is_failed()
    assert failed.message.startswith("2026-01: deepgram/prod: ")
    assert few.own_rows()["2026-01 - Deepgram"]["Statut Collecte"] == "Partiel"
    rows = {name: row for name, row in few.rows().items() if " - Deepgram - " in name}
    assert rows
    assert {row["Cout USD"] for row in rows.values()} == {None}
    # Waiting gives no key a scope: one attempt.
    assert few.asked()["deepgram"] < 20

    few.set(DEEPGRAM_API_KEY_PROD=better, LLM_USAGE_NOW=LATER)
    assert retry(prefect, failed).is_completed()
    assert set(few.asked()) == {"deepgram", "notion"}
    assert any(row["Cout USD"] for name, row in few.rows().items() if " - Deepgram - " in name)


def test_one_family_that_is_forbidden(world: World, prefect: Prefect) -> None:
    world.only("OPENAI_ADMIN_KEY_LABO")
    world.sandbox.openai.forbidden.add("/organization/usage/embeddings")
    failed = collect()
    assert failed.is_failed()
    assert "openai/labo: " in failed.message
    assert "embeddings" in failed.message
    assert world.own_rows()["2026-01 - OpenAI"]["Statut Collecte"] == "Partiel"
    assert world.rows()
    world.sandbox.openai.forbidden.clear()
    world.asked()
    assert retry(prefect, failed).is_completed()
    assert set(world.asked()) == {"openai", "notion"}


def test_what_a_provider_never_offers_is_not_red(world: World) -> None:
    world.only("ELEVENLABS_API_KEY", "OPENROUTER_MANAGEMENT_KEY")
    assert collect("2015-01").is_completed()
    own = world.own_rows()
    assert {row["Statut Collecte"] for row in own.values()} == {"Donnees indisponibles"}
    assert "ElevenLabs ne donne rien avant 2020." in own["2015-01 - ElevenLabs"]["Log Status"]
    assert "OpenRouter ne remonte qu’à 365 jours" in own["2015-01 - OpenRouter"]["Log Status"]
    # What does not exist is not asked for time and again.
    asked = world.asked()
    assert asked["elevenlabs"] + asked["openrouter"] <= 4


def test_nothing_to_collect(world: World) -> None:
    world.only("ELEVENLABS_API_KEY")
    store = world.sandbox.notion.store
    store.edit(store.database("Services LLM").row("ElevenLabs"), {"Statut": "Inactif"})
    assert collect().is_completed()
    assert set(world.asked()) == {"notion"}
    assert world.own_rows() == {}


def test_an_outage_that_outlasts_the_retries_of_one_request(world: World) -> None:
    world.only("ELEVENLABS_API_KEY")
    # As often as one request is tried.
    world.fail("elevenlabs", status=503, times=5, headers={"retry-after": "0"})
    state = collect()
    assert state.is_completed()


def test_a_wait_that_is_too_long_is_not_tried_again(world: World) -> None:
    world.only("ELEVENLABS_API_KEY")
    world.fail("elevenlabs", status=429, headers={"retry-after": "7200"})
    state = collect()
    assert state.is_failed()
    assert "7200 s" in state.message
    first = world.asked()["elevenlabs"]
    collect()
    assert world.asked()["elevenlabs"] == first <= 4


def test_a_source_that_does_not_end_is_not_waited_for(few: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.fetch.longest_wait", lambda _: 0.0)
    state = collect()
    assert state.is_failed()
    assert "The reading did not end in time" in state.message
    assert {row["Statut Collecte"] for row in few.own_rows().values()} == {"Echec"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"month": "2031-01"}, "2031-01 has not begun yet"),
        ({"account": "nobody"}, "no account is called 'nobody'"),
        ({"providers": ["openai"]}, "no key for openai"),
    ],
)
def test_refused_before_anything_is_fetched(few: World, arguments: dict[str, Any], sentence: str) -> None:
    state = collect(**arguments)
    assert state.is_failed()
    assert state.message.startswith(sentence)
    assert few.asked() == {}


def test_a_dry_run_writes_nothing_and_is_not_remembered(
    few: World, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = events_of(monkeypatch)
    state = collect("2025-03", account="prod", dry_run=True)
    run = prefect.run(state)
    assert (run.name, run.state_name) == ("2025-03 collect prod (dry run)", "Completed")
    assert few.rows() == few.own_rows() == {}
    artifacts = prefect.artifacts(run.id)
    assert list(artifacts) == ["report-2025-03"]
    assert "would be created" in artifacts["report-2025-03"]
    assert events == []


def test_notion_that_fails_while_it_is_written(few: World, prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    events = events_of(monkeypatch)
    few.fail(
        "notion", status=403, method="POST", path="/pages$", body={"object": "error", "code": "restricted_resource"}
    )
    state = collect()
    assert state.is_failed()
    assert state.message.startswith("2026-01: ")
    # An alert that waits for a month must not take this for one.
    assert [event.event for event in events] == ["llm-usage.month.not-written"]
    assert prefect.artifacts(prefect.run(state).id)["report-2026-01"].startswith("# 🔴 2026-01: Failure")
    few.sandbox.faults.clear()
    few.asked()
    # All sources had been read: the retry only writes.
    assert retry(prefect, state).is_completed()
    assert set(few.asked()) == {"notion"}
    assert {row["Statut Collecte"] for row in few.own_rows().values()} == {"Succes"}


def events_of(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events of our own that are sent to Prefect's server, as they are sent."""
    from prefect.events import emit_event

    sent: list[Any] = []
    monkeypatch.setattr("tasks.report.emit_event", lambda *args, **more: sent.append(emit_event(*args, **more)))
    return sent


def test_what_automations_hear(few: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.events.schemas.automations import EventTrigger

    alerts = load_automations(ROOT / "automations.yaml").alerts
    (missing,) = [alert.trigger for alert in alerts if "no month" in alert.name]
    waited_for = EventTrigger.model_validate(missing)
    match: Any = waited_for.match
    events = events_of(monkeypatch)
    heard: dict[str, bool] = {}
    asked: dict[str, dict[str, Any]] = {
        "last": {},
        "running": {"month": "current"},
        "in part": {"providers": ["deepgram"]},
    }
    for name, arguments in asked.items():
        assert collect(**arguments).is_completed()
        (event,) = events
        heard[name] = event.event in waited_for.expect and match.matches(event.resource)
        events.clear()
    assert heard == {"last": True, "running": False, "in part": False}

    few.fail("elevenlabs")
    assert collect("2025-12").is_failed()
    month, source = events
    assert (month.event, source.event) == ("llm-usage.month.collected", "llm-usage.source.to-rerun")
    assert month.resource.id == "llm-usage.month.2025-12"
    assert month.resource["llm-usage.age"] == "older"
    assert month.payload["status"] == "Partiel"
    assert month.payload["costs_usd"]["elevenlabs"] is None
    assert Decimal(month.payload["costs_usd"]["deepgram/prod"]) > 0
    assert month.payload["notion"]["created"] > 0
    assert source.resource.id == "llm-usage.source.elevenlabs"
    assert source.resource["prefect.resource.name"] == "elevenlabs 2025-12"
    assert "refuses the key" in source.payload["reason"]
    assert not source.payload["reason"].startswith("elevenlabs")
    assert not any(key in str(event) for event in events for key in few.secrets())


def test_the_report_compares_with_the_month_before(world: World, prefect: Prefect) -> None:
    world.only("ELEVENLABS_API_KEY")
    api = world.sandbox.elevenlabs
    before, now = (api.bill(api.accounts[0], month).total for month in ("2025-08", "2025-09"))
    assert collect("2025-08").is_completed()
    state = collect("2025-09")
    text = prefect.artifacts(prefect.run(state).id)["report-2025-09"]
    (row,) = [line for line in text.splitlines() if line.startswith("| [elevenlabs]")]
    assert f"| {now:,.2f} | {now - before:+,.2f} ({(now - before) / before:+.0%}) |" in row
    # The chart's table.
    for month, cost in (("2025-08", before), ("2025-09", now)):
        assert f"| {month} | – | – | {cost:,.2f} | – | – | **{cost:,.2f}** |" in text
    assert "![Cost by service and month](data:image/svg+xml;base64," in text


def test_prefect_keeps_months_and_no_days(world: World, prefect: Prefect) -> None:
    storage = Path(os.environ["PREFECT_HOME"]) / "storage"
    before = set(storage.rglob("*"))
    assert collect().is_completed()
    reports = [path.read_text() for path in set(storage.rglob("*")) - before if "records" in path.read_text()]
    assert reports
    # Days are in the archive: 31 times as much would travel through each result.
    assert not [one for one in reports if re.search(r'day\\*": *\\*"20', one)]


def test_no_key_in_what_prefect_keeps(world: World, prefect: Prefect, caplog: pytest.LogCaptureFixture) -> None:
    from prefect.logging.handlers import APILogWorker

    keys = world.secrets()
    assert len(keys) == 8
    # A provider that says the key again, as some do.
    for api in ("deepgram", "openai"):
        told = [key for name, key in os.environ.items() if name.startswith(api.upper()) and "_KEY" in name]
        world.fail(api, body={"error": {"message": f"Incorrect API key provided: {told}"}})
    failed = collect()
    assert failed.is_failed()
    world.sandbox.faults.clear()
    ended = retry(prefect, failed)
    assert ended.is_completed()
    APILogWorker.drain_all(timeout=30)

    run = prefect.run(failed)
    artifacts = prefect.artifacts(run.id)
    assert set(artifacts) == {"report-2026-01", "llm-usage", "rows-2026-01"}
    home = Path(os.environ["PREFECT_HOME"])
    kept = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(path.parent.name == "storage" for path in kept)
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        dump = "\n".join(database.iterdump())
    # The reason of the failure is there, in states and in logs.
    assert dump.count("refuses the key (HTTP 401)") > 4
    texts = [dump, caplog.text, str(failed.message), str(ended.message), str(run.parameters), repr(load_settings())]
    for key in keys:
        assert not any(key in text for text in (*texts, *artifacts.values()))
        assert [path for path, content in kept.items() if key.encode() in content] == []
