"""What the form of a run shows and refuses, and what the repository declares for the server. Needs no server."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import yaml
from jsonschema import Draft202012Validator

from cli.commands.deploy import load_automations
from usage.names import ProviderName

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


def flow(name: str) -> Any:
    import flows.backfill
    import flows.collect

    return {"collect": flows.collect.collect, "backfill": flows.backfill.backfill}[name]


def schema(name: str) -> Json:
    """The schema of a flow's parameters, as the server keeps it."""
    kept: Json = flow(name).parameters.model_dump()
    return kept


def mistakes(name: str, parameters: Json) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(parameters)]


def declared() -> list[Json]:
    deployments: list[Json] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return deployments


@pytest.mark.parametrize("name", ["collect", "backfill"])
def test_every_parameter_is_told(name: str) -> None:
    for parameter, told in schema(name)["properties"].items():
        assert told["title"][0].isupper(), parameter
        assert told["description"].endswith("."), parameter
        assert all(not mistakes(name, {"first": "2025-01", parameter: example}) for example in told["examples"])
        assert told["examples"], parameter
    order = sorted(schema(name)["properties"].items(), key=lambda item: item[1]["position"])
    assert [parameter for parameter, _ in order] == list(schema(name)["properties"])


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "26-01", "2026/01", "next", "2026-01 ", ""])
def test_what_is_no_month_is_refused_by_the_schema(month: str) -> None:
    assert mistakes("collect", {"month": month})
    assert mistakes("backfill", {"first": month})
    assert mistakes("backfill", {"first": "2025-01", "last": month})


@pytest.mark.parametrize("month", ["2026-01", "2026-12", "last", "current"])
def test_what_is_a_month(month: str) -> None:
    assert mistakes("collect", {"month": month}) == mistakes("backfill", {"first": month, "last": month}) == []


@pytest.mark.parametrize("name", ["collect", "backfill"])
def test_providers_are_a_closed_list(name: str) -> None:
    assert schema(name)["definitions"]["ProviderName"]["enum"] == [provider.value for provider in ProviderName]
    first = {"first": "2025-01"} if name == "backfill" else {}
    assert mistakes(name, first | {"providers": ["gemini"]})
    assert mistakes(name, first | {"providers": ["openai", "openai"]})
    assert mistakes(name, first | {"providers": "openai"})
    assert mistakes(name, first | {"providers": list(ProviderName)}) == []


def test_a_range_needs_its_first_month() -> None:
    assert mistakes("backfill", {"last": "2025-01"})


@pytest.mark.parametrize("account", ["a b", "", "../x", "*"])
def test_an_account_is_letters_and_digits(account: str) -> None:
    assert mistakes("collect", {"account": account})


@pytest.mark.parametrize("name", ["collect", "backfill"])
def test_unknown_parameters_are_refused(name: str) -> None:
    from prefect.exceptions import SignatureMismatchError

    with pytest.raises(SignatureMismatchError):
        flow(name).validate_parameters({"first": "2025-01", "months": "2025-01"})


@pytest.mark.parametrize("deployment", declared(), ids=lambda deployment: str(deployment["name"]))
def test_a_deployment_and_its_schedules_fit_the_flow(deployment: Json) -> None:
    from prefect.flows import load_flow_from_entrypoint

    name = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False).name
    # `first` of a backfill has no default: a person chooses it.
    first = {"first": "2025-01"} if name == "backfill" else {}
    for parameters in ({}, *(schedule.get("parameters", {}) for schedule in deployment["schedules"])):
        whole = first | deployment["parameters"] | parameters
        assert mistakes(name, whole) == []
        assert set(whole) <= set(schema(name)["properties"])
    assert deployment["work_pool"]["name"] == "llm-usage"
    assert ("scheduled" in deployment["tags"]) == bool(deployment["schedules"])
    assert "job_variables" not in deployment["work_pool"]


def test_names_are_given_once() -> None:
    names = [(deployment["entrypoint"].rpartition(".")[2], deployment["name"]) for deployment in declared()]
    assert len(set(names)) == len(names)
    # The one that a backfill gives its months to.
    from tasks.backfill.children import COLLECT

    assert COLLECT in ["/".join(name) for name in names]
    slugs = [schedule["slug"] for deployment in declared() for schedule in deployment["schedules"]]
    assert len(set(slugs)) == len(slugs)


def times(deployment: str, slug: str, number: int) -> list[tuple[str, str]]:
    """The month of a schedule's run, and when it begins in Paris, from the spring of 2026 on."""
    from anyio import run
    from prefect.server.schemas.schedules import CronSchedule

    (found,) = [one for one in declared() if one["name"] == deployment]
    (schedule,) = [one for one in found["schedules"] if one["slug"] == slug]
    assert schedule["active"]
    month = (found["parameters"] | schedule.get("parameters", {}))["month"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    dates = run(cron.get_dates, number, datetime(2026, 3, 28, tzinfo=ZoneInfo("Europe/Paris")))
    return [(month, date.astimezone(ZoneInfo("Europe/Paris")).strftime("%m-%d %H:%M")) for date in dates]


def test_the_schedules_are_what_the_guide_says() -> None:
    guide = " ".join((ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8").split())
    assert "Times are Europe/Paris" in guide
    assert "| `collect/monthly` | on the 2nd and the 5th at 07:00 |" in guide
    monthly = times("monthly", "last-month", 3)
    assert monthly == [("last", f"{day} 07:00") for day in ("04-02", "04-05", "05-02")]
    assert "| `collect/daily` | each day at 06:00, and again at 06:30 |" in guide
    # Over the change to summer time.
    running = times("daily", "running-month", 3)
    assert running == [("current", f"{day} 06:00") for day in ("03-28", "03-29", "03-30")]
    # Providers correct a month for thirty days.
    moving = times("daily", "last-month-while-it-moves", 35)
    days = (*("03-28", "03-29", "03-30", "03-31"), *(f"04-{n:02}" for n in range(1, 31)), "05-01")
    assert moving == [("last", f"{day} 06:30") for day in days]
    assert sum(len(deployment["schedules"]) for deployment in declared()) == 3


def test_what_the_server_watches_is_what_prefect_takes() -> None:
    from prefect.events.schemas.automations import EventTrigger, Posture

    from tasks.report import COLLECTED

    declared = load_automations(ROOT / "automations.yaml")
    block = uuid4()
    alerts = [alert.automation(block) for alert in declared.alerts]
    automations = [*alerts, *(upkeep.automation() for upkeep in declared.upkeep)]
    assert len(declared.names) == len(automations)
    # By this `deploy` knows which ones to remove when the file declares them no longer.
    assert all(name.startswith("llm-usage: ") for name in declared.names)
    assert all(automation.enabled for automation in automations)
    for automation in alerts:
        assert [action.model_dump()["block_document_id"] for action in automation.actions] == [block]
    triggers = {automation.name: automation.trigger for automation in alerts}
    failed, late, missing = (
        triggers[f"llm-usage: {name}"]
        for name in ("a scheduled run failed", "a scheduled run has not started", "no month was collected")
    )
    assert isinstance(failed, EventTrigger)
    assert isinstance(late, EventTrigger)
    assert isinstance(missing, EventTrigger)
    assert failed.expect == {f"prefect.flow-run.{name}" for name in ("Failed", "Crashed", "TimedOut")}
    assert late.expect == {"prefect.flow-run.Late"}
    # From the 5th to the 2nd are 27 to 28 days; a month that is late by a day is no reason yet.
    assert (missing.posture, missing.expect) == (Posture.Proactive, {COLLECTED})
    assert missing.within > timedelta(days=28)
    # The tag that both refer to is on every deployment with a schedule, and on no other.
    for trigger in (failed, late):
        related: Any = trigger.match_related
        assert related.model_dump()["prefect.resource.id"] in ("prefect.tag.scheduled", ["prefect.tag.scheduled"])


@pytest.mark.parametrize(
    ("language", "address", "link"),
    [
        ("en", "http://127.0.0.1:4200", "http://127.0.0.1:4200/runs/flow-run/{run}"),
        ("en", None, "PREFECT_UI_URL is not set"),
        ("fr", "http://127.0.0.1:4200", "http://127.0.0.1:4200/runs/flow-run/{run}"),
        ("fr", None, "PREFECT_UI_URL manque au serveur"),
    ],
)
def test_alerts_link_to_the_run_or_say_why_not(
    language: str, address: str | None, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.server.events.jinja_filters import all_filters
    from prefect.server.schemas.responses import FlowRunResponse
    from prefect.server.utilities.user_templates import register_user_template_filters, render_user_template
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

    monkeypatch.setenv("LLM_USAGE_LANG", language)
    register_user_template_filters(all_filters)
    run = FlowRunResponse(id=uuid4(), flow_id=uuid4(), name="2999-01 collect", labels={})
    bodies = [alert.body for alert in load_automations(ROOT / "automations.yaml").alerts if "ui_url" in alert.body]
    assert len(bodies) == 2
    # The server of the guide is first started before anybody has set PREFECT_API_URL.
    with temporary_settings({PREFECT_UI_URL: address, PREFECT_API_URL: None}):
        for body in bodies:
            text = asyncio.run(render_user_template(body, {"flow_run": run}))
            assert link.format(run=run.id) in text
            assert "None" not in text.rpartition(":")[2]
