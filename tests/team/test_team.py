"""The product as a team runs it: a Prefect server on PostgreSQL, runs started through its API, workers that die."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli.commands.deploy import load_automations
from sandbox.faults import Fault, Kind
from tasks.prefect.limits import LEASE, month_limit
from tests.team.plain import clean, held
from tests.team.processes import until
from tests.team.team import WORKERS, Team
from usage.month import Month

KEYS = ("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")
PROVIDERS = {"deepgram", "elevenlabs"}
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def keys() -> Collection[str]:
    """A key each for two providers."""
    return KEYS


@pytest.fixture(autouse=True)
def quiet(team: Team) -> Iterator[None]:
    """Every test begins with the two workers of the start alone, no trouble, and an empty journal."""
    for name in team.workers - WORKERS.keys():
        team.lose(name)
    team.start_workers(**{name: limit for name, limit in WORKERS.items() if name not in team.workers})
    team.only(*WORKERS)
    team.sandbox.faults.clear()
    team.sandbox.journal.clear()
    yield
    team.sandbox.faults.clear()


def asked(team: Team) -> set[str]:
    """Providers that were asked since the last time."""
    names = {request.api for request in team.sandbox.journal.requests()} - {"notion"}
    team.sandbox.journal.clear()
    return names


def hold(team: Team, month: str) -> None:
    """Have Notion ask for some patience when the fourth row of a month is created.

    Not for more than it takes to lose a machine: a machine of the same name remembers it.
    """

    def of_month(_: Any, body: bytes) -> bool:
        return f'"{month}"'.encode() in body

    wait = {"retry-after": "15"}
    team.sandbox.faults.add(
        Fault("notion", Kind.STATUS, "/pages$", "POST", status=429, headers=wait, when=of_month, skip=3)
    )


def no_sign_of_life(team: Team, *runs: str) -> None:
    """Let the server see that a sign of life has not come in time: the next one is from an hour later."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    tag = {"prefect.resource.id": "prefect.tag.llm-usage", "prefect.resource.role": "tag"}
    events = [
        {
            "id": str(uuid4()),
            "occurred": later,
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
            "related": [tag],
        }
        for run in runs
    ]
    team.api("POST", "/events", events)


def installed(team: Team) -> dict[str, Any]:
    """All that a deploy puts on the server, by kind and name, without the moments of its writing."""

    def lasting(value: Any) -> Any:
        if isinstance(value, dict):
            # A trigger is another one when it is written again; only its automation is the same.
            passing = (*MOMENTS, "id") if "posture" in value else MOMENTS
            return {name: lasting(inner) for name, inner in value.items() if name not in passing}
        return sorted(map(lasting, value), key=json.dumps) if isinstance(value, list) else value

    def named(path: str) -> dict[str, Any]:
        found = lasting(team.api("POST", path, {}))
        assert len({one["name"] for one in found}) == len(found), path
        return {one["name"]: one for one in found}

    paths = ("/deployments/filter", "/v2/concurrency_limits/filter", "/work_pools/filter", "/automations/filter")
    return {path: named(path) for path in paths}


MOMENTS = ("created", "updated", "last_polled", "status")


def test_deployed_again_nothing_is_doubled_and_what_was_switched_off_stays_off(team: Team) -> None:
    monthly = team.api("GET", "/deployments/name/collect/monthly")
    daily = team.api("GET", "/deployments/name/collect/daily")
    team.api("PATCH", f"/deployments/{monthly['id']}/schedules/{monthly['schedules'][0]['id']}", {"active": False})
    team.api("PATCH", f"/deployments/{daily['id']}/schedules/{daily['schedules'][0]['id']}", {"active": False})
    team.api("POST", f"/deployments/{daily['id']}/pause_deployment")
    before = installed(team)
    assert set(before["/deployments/filter"]) == {"monthly", "daily", "collect", "backfill"}
    assert len(before["/v2/concurrency_limits/filter"]) == 13
    assert set(before["/work_pools/filter"]) == {"llm-usage"}
    assert set(before["/automations/filter"]) == {
        "llm-usage: a run without a sign of life has crashed",
        "llm-usage: a run that was taken and not begun has crashed",
    }
    done = team.command("deploy")
    assert done.returncode == 0, done.stderr
    assert "off until somebody switches them on in the server's pages: daily, monthly/last-month\n" in done.stdout
    assert installed(team) == before
    secrets = [
        value for name, value in team.environment.items() if name.startswith((*KEYS, "NOTION_TOKEN", "NOTION_PARENT"))
    ]
    assert len(secrets) == 4
    kept = json.dumps(before)
    assert not any(secret in kept for secret in secrets)
    assert all(one["job_variables"] == {} for one in before["/deployments/filter"].values())


def test_a_deploy_that_fails_half_way_leaves_off_what_was_off(team: Team) -> None:
    monthly = team.api("GET", "/deployments/name/collect/monthly")
    off = monthly["schedules"][0]["id"]
    team.api("PATCH", f"/deployments/{monthly['id']}/schedules/{off}", {"active": False})
    path = team.checkout / "prefect.yaml"
    whole = path.read_text(encoding="utf-8")
    path.unlink()
    broken = whole.replace("flows.backfill.backfill", "flows.nowhere.backfill").replace("0 7 2,5 * *", "0 8 2,5 * *")
    path.write_text(broken, encoding="utf-8")
    try:
        done = team.command("deploy")
    finally:
        path.write_text(whole, encoding="utf-8")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    (schedule,) = team.api("GET", f"/deployments/{monthly['id']}")["schedules"]
    # It had come to this deployment, and no further.
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 8 2,5 * *", False)


def test_automations_of_an_earlier_version_are_removed_and_nobody_else_s(team: Team) -> None:
    before = installed(team)["/automations/filter"].keys()
    declared = load_automations(team.checkout / "automations.yaml")
    automation = declared.upkeep[0].automation().model_dump(mode="json") | {"enabled": False}
    ours, theirs = "llm-usage: as it was called before", "somebody's own"
    for name in (ours, theirs):
        team.api("POST", "/automations/", automation | {"name": name})
    done = team.command("deploy")
    assert done.returncode == 0, done.stderr
    assert f"removed, as automations.yaml has it no longer: {ours}\n" in done.stdout
    assert installed(team)["/automations/filter"].keys() == before | {theirs}


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({"month": "2026-13"}, "2026-13"), ({"providers": ["nobody"]}, "nobody")],
)
def test_the_form_refuses_what_is_no_month_or_provider(team: Team, parameters: dict[str, Any], name: str) -> None:
    where = {"deployments": {"name": {"any_": ["collect"]}}}
    before = team.api("POST", "/flow_runs/count", where)
    answer = team.submit("collect", **parameters)
    assert answer.status_code in (409, 422)
    assert name in answer.text
    assert team.api("POST", "/flow_runs/count", where) == before


def failed_tasks(team: Team, run: str) -> set[str]:
    """Names of a run's red tasks. The server notes what becomes of tasks some seconds behind the run."""
    until(lambda: {"report", "deepgram/prod"} <= {name.split()[0] for name in team.tasks(run)}, 60)
    return {name for name, state in team.tasks(run).items() if state == "Failed"}


def test_a_provider_that_fails_and_retry(team: Team) -> None:
    team.only("oak")
    team.sandbox.faults.add(Fault("deepgram", Kind.STATUS, status=401, times=-1))
    near, far = (team.start("collect", month=month) for month in ("2026-01", "2025-06"))
    for run, month in ((near, "2026-01"), (far, "2025-06")):
        ended = team.ended(run)
        assert ended["state_type"] == "FAILED"
        assert ended["state"]["message"].startswith(f"{month}: deepgram/prod: /projects refuses the key (HTTP 401)")
        assert failed_tasks(team, run) == {f"deepgram/prod {month}"}
    team.sandbox.faults.clear()
    assert asked(team) == PROVIDERS

    team.retry(near)
    assert team.ended(near)["state_type"] == "COMPLETED"
    assert asked(team) == {"deepgram"}

    # Another machine can't see what the first one has read.
    team.only("elm")
    team.retry(far)
    assert team.ended(far)["state_type"] == "COMPLETED"
    assert asked(team) == PROVIDERS
    assert [team.worker_of(run) for run in (near, far)] == ["oak", "elm"]
    months = ["2025-06", "2026-01"]
    assert held(team.sandbox, months) == clean(months, KEYS)


def on_another_machine(team: Team, first: str, last: str) -> str:
    """A backfill that runs on a machine without room for its months; the run's id."""
    team.start_workers(ash=1)
    team.only("ash")
    backfill = team.start("backfill", first=first, last=last)
    team.reached(backfill, "RUNNING")
    return backfill


def test_a_machine_that_goes_down_during_a_backfill(team: Team) -> None:
    """It is writing a month just then, and holds the limit of that month."""
    months = [f"2025-{number:02}" for number in range(7, 13)]
    hold(team, "2025-08")
    backfill = on_another_machine(team, months[0], months[-1])
    team.only("ash", *WORKERS)
    until(lambda: [one for one in team.sandbox.journal.requests("notion") if one.status == 429], 120)
    begun = team.below(backfill)
    lost = begun["2025-08"]["id"]
    machine = team.worker_of(lost)
    there = {
        month: run["id"]
        for month, run in begun.items()
        if run["state_type"] != "SCHEDULED" and team.worker_of(run["id"]) == machine
    }
    assert {team.worker_of(begun[month]["id"]) for month in months[:4]} == set(WORKERS)

    team.lose(machine)
    assert held(team.sandbox, ["2025-08"])
    assert team.run(lost)["state_type"] == "RUNNING"
    assert "2025-08" in [month for month in there if frees_itself(team, month)]
    no_sign_of_life(team, *there.values())
    ended = team.ended(backfill)
    assert (ended["state_type"], ended["state"]["message"]) == ("COMPLETED", "6 of 6 months are complete")

    below = team.below(backfill)
    assert sorted(below) == months
    assert {run["state_type"] for run in below.values()} == {"COMPLETED"}
    assert (below["2025-08"]["id"], below["2025-08"]["run_count"]) == (lost, 2)
    said = [state["message"] for state in team.api("GET", f"/flow_run_states/?flow_run_id={lost}")]
    assert any("There was no sign of life" in str(message) for message in said)
    assert team.worker_of(lost) != machine
    assert held(team.sandbox, months) == clean(months, KEYS)


def frees_itself(team: Team, month: str) -> bool:
    """Whether a month's limit is held by a machine that is gone; waits until it is free, without the waiting."""
    name = month_limit(Month.parse(month))
    limit = team.api("GET", f"/v2/concurrency_limits/{name}")
    if not limit["active_slots"]:
        return False
    leases = team.folder / "server" / "concurrency_leases"
    (lease,) = [path for path in leases.glob("*-*.json") if limit["id"] in path.read_text()]
    end = datetime.fromisoformat(json.loads(lease.read_text())["expiration"])
    assert end - datetime.now(UTC) <= timedelta(seconds=LEASE)
    expire(lease)
    until(lambda: team.api("GET", f"/v2/concurrency_limits/{name}")["active_slots"] == 0, 60)
    return True


def expire(lease: Path) -> None:
    """Put a lease's end into the past, as if it had been waited for."""
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    index = lease.parent / "expirations.json"
    lease.write_text(json.dumps(json.loads(lease.read_text()) | {"expiration": past}))
    index.write_text(json.dumps(json.loads(index.read_text()) | {lease.stem: past}))


def test_the_machine_of_a_backfill_itself_goes_down(team: Team) -> None:
    months = ["2025-03", "2025-04"]
    backfill = on_another_machine(team, months[0], months[-1])
    until(lambda: len(team.below(backfill)) == len(months), 60)
    team.lose("ash")
    team.only(*WORKERS)
    for run in team.below(backfill).values():
        assert team.ended(run["id"])["state_type"] == "COMPLETED"
    assert team.run(backfill)["state_type"] == "RUNNING"
    no_sign_of_life(team, backfill)
    assert team.ended(backfill)["state_type"] == "CRASHED"
    team.sandbox.journal.clear()

    team.retry(backfill)
    ended = team.reached(backfill, "COMPLETED", "FAILED")
    assert (ended["state_type"], ended["state"]["message"]) == (
        "COMPLETED",
        "2 of 2 months are complete (2 were before)",
    )
    assert asked(team) == set()
    assert {run["run_count"] for run in team.below(backfill).values()} == {1}
    assert held(team.sandbox, months) == clean(months, KEYS)


def test_two_runs_of_one_month_at_the_same_time(team: Team) -> None:
    team.sandbox.faults.add(Fault("notion", Kind.STATUS, status=429, headers={"retry-after": "5"}, times=-1))
    both = []
    for worker in WORKERS:
        team.only(worker)
        both.append(team.start("collect", month="2025-05"))
        team.reached(both[-1], "PENDING", "RUNNING")
    team.only(*WORKERS)
    for run in both:
        team.reached(run, "RUNNING")
    team.sandbox.faults.clear()
    assert [team.ended(run)["state_type"] for run in both] == ["COMPLETED", "COMPLETED"]
    assert {team.worker_of(run) for run in both} == set(WORKERS)
    assert held(team.sandbox, ["2025-05"]) == clean(["2025-05"], KEYS)
