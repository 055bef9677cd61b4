"""What the form of a run shows and refuses, and what the repository declares for the server. Needs no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cli.deploy import load_alerts
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
    path, _, name = deployment["entrypoint"].partition(":")
    assert (ROOT / path).is_file()
    # `first` of a backfill has no default: a person chooses it.
    first = {"first": "2025-01"} if name == "backfill" else {}
    for parameters in ({}, *(schedule.get("parameters", {}) for schedule in deployment["schedules"])):
        whole = first | deployment["parameters"] | parameters
        assert mistakes(name, whole) == []
        assert set(whole) <= set(schema(name)["properties"])
    assert deployment["work_pool"]["name"] == "llm-usage"
    assert ("scheduled" in deployment["tags"]) == bool(deployment["schedules"])
    assert "job_variables" not in deployment["work_pool"]


def test_the_schedules() -> None:
    from prefect.client.schemas.schedules import CronSchedule

    found = {
        f"{deployment['name']}/{schedule['slug']}": CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
        for deployment in declared()
        for schedule in deployment["schedules"]
    }
    assert {name: schedule.cron for name, schedule in found.items()} == {
        "monthly/last-month": "0 7 2,5 * *",
        "daily/running-month": "0 6 * * *",
        "daily/last-month-while-it-moves": "30 6 1-10 * *",
    }
    assert {schedule.timezone for schedule in found.values()} == {"Europe/Paris"}


def test_the_alerts_are_what_prefect_takes() -> None:
    from uuid import uuid4

    from prefect.events.schemas.automations import EventTrigger, Posture

    from tasks.report import COLLECTED

    block = uuid4()
    automations = [alert.automation(block) for alert in load_alerts(ROOT / "automations.yaml")]
    assert len({automation.name for automation in automations}) == len(automations) == 3
    triggers = {automation.name: automation.trigger for automation in automations}
    assert all(isinstance(trigger, EventTrigger) for trigger in triggers.values())
    failed, late, missing = (
        triggers[f"llm-usage: {name}"]
        for name in ("a scheduled run failed", "a scheduled run has not started", "no month was collected")
    )
    assert isinstance(failed, EventTrigger)
    assert isinstance(late, EventTrigger)
    assert isinstance(missing, EventTrigger)
    assert failed.expect == {f"prefect.flow-run.{name}" for name in ("Failed", "Crashed", "TimedOut")}
    assert late.expect == {"prefect.flow-run.Late"}
    assert (missing.posture, missing.expect) == (Posture.Proactive, {COLLECTED})
    for automation in automations:
        assert [action.model_dump()["block_document_id"] for action in automation.actions] == [block]
        assert automation.enabled
