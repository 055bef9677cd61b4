"""Months of a backfill that are given to workers. A worker here is a function that is called instead of waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tasks.backfill.ranges import BackfillMonth
from tests.flows.world import Prefect, World
from usage.month import Month
from usage.names import ProviderName

Worker = Callable[[Any], None]
MONTHS = list(Month(2025, 1).until(Month(2025, 6)))
FOR_EVER = float("inf")


@pytest.fixture
def deployments(prefect_api: str) -> Iterator[dict[str, Any]]:
    """Ids of the deployments `collect/collect` and `backfill/backfill`."""
    from prefect.client.orchestration import get_client

    from flows.backfill import backfill
    from flows.collect import collect

    made: dict[str, Any] = {}
    with get_client(sync_client=True) as client:
        for flow in (collect, backfill):
            schema = flow.parameters.model_dump()
            made[flow.name] = client.create_deployment(
                client.create_flow(flow),
                flow.name,
                parameter_openapi_schema=schema,
                enforce_parameter_schema=True,
                # What somebody has set there in the UI is not meant for backfills.
                parameters={"dry_run": True} if flow is collect else {},
            )
        yield made
        for deployment in made.values():
            client.delete_deployment(deployment)


class Workers:
    """Takes each scheduled month, in place of waiting for real workers. `most` is how many were there at once."""

    def __init__(self, prefect: Prefect, deployment: Any, work: Worker) -> None:
        self._prefect, self._deployment, self._work = prefect, deployment, work
        self.most, self.taken = 0, list[str]()

    def __call__(self, _seconds: float) -> None:
        from prefect.client.schemas.filters import FlowRunFilterDeploymentId, FlowRunFilterState, FlowRunFilterStateType

        waiting = self._prefect.runs(
            deployment_id=FlowRunFilterDeploymentId(any_=[self._deployment]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=["SCHEDULED"])),
        )
        assert waiting, "nobody would ever come"
        self.most = max(self.most, len(waiting))
        run = min(waiting, key=lambda run: str(run.parameters["month"]))
        self.taken.append(str(run.parameters["month"]))
        self._work(run)


def setting(*states: Any) -> Worker:
    """A worker that does nothing but end one run after the other in these states."""
    left = list(states)

    def work(run: Any) -> None:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, left.pop(0), force=True)

    return work


def given(
    turns: list[BackfillMonth],
    sleep: Callable[[float], None],
    *,
    grace: float = FOR_EVER,
    here: Callable[[BackfillMonth], Any] | None = None,
) -> list[Any]:
    """How the months ended that a run gave to workers."""
    from prefect import flow

    from tasks.backfill.children import collect_on_workers

    ended: list[Any] = []

    def nobody(month: BackfillMonth) -> Any:
        raise AssertionError(f"{month.month} was for a worker")

    @flow
    def parent() -> None:
        ended.extend(collect_on_workers(turns, here or nobody, grace=grace, sleep=sleep))

    parent()
    return ended


def test_months_go_to_workers_some_at_a_time(deployments: Any, prefect: Prefect) -> None:
    from prefect.states import Completed, Failed

    from tasks.backfill.children import AT_ONCE, MonthRun

    ends: list[Any] = [
        *(Completed(message=f"{month}: done") for month in MONTHS[:5]),
        Failed(message="2025-06: deepgram: x"),
    ]
    workers = Workers(prefect, deployments["collect"], setting(*ends))
    turns = [BackfillMonth(MONTHS[0], (ProviderName.DEEPGRAM,)), *(BackfillMonth(month) for month in MONTHS[1:])]
    assert given(turns, workers) == [
        *(MonthRun(month, True, f"{month}: done") for month in MONTHS[:5]),
        MonthRun(MONTHS[5], False, "2025-06: deepgram: x"),
    ]
    assert workers.most == AT_ONCE < len(MONTHS)


def test_a_month_that_crashed_is_begun_once_more(deployments: Any, prefect: Prefect) -> None:
    from prefect.states import Completed, Crashed

    states: Any = (
        Crashed(message="gone"),
        Completed(message="done"),
        Crashed(message="gone"),
        Crashed(message="gone again"),
    )
    workers = Workers(prefect, deployments["collect"], setting(*states))
    first, second = given([BackfillMonth(month) for month in MONTHS[:2]], workers)
    assert workers.taken == ["2025-01", "2025-01", "2025-02", "2025-02"]
    assert (first.succeeded, first.message) == (True, "done")
    assert (second.succeeded, second.message) == (False, "gone again")


def test_a_month_whose_run_was_deleted_is_not_waited_for(deployments: Any, prefect: Prefect) -> None:
    from prefect.client.orchestration import get_client

    def delete(run: Any) -> None:
        with get_client(sync_client=True) as client:
            client.delete_flow_run(run.id)

    (only,) = given([BackfillMonth(MONTHS[0])], Workers(prefect, deployments["collect"], delete))
    assert not only.succeeded
    assert only.message.startswith("2025-01: ")


def test_what_no_worker_begins_the_backfill_takes_itself(deployments: Any, prefect: Prefect) -> None:
    from prefect.client.schemas.filters import FlowRunFilterDeploymentId

    from tasks.backfill.children import MonthRun

    def never(seconds: float) -> None:
        raise AssertionError("there is no time to wait")

    def here(month: BackfillMonth) -> MonthRun:
        return MonthRun(month.month, True, "here")

    turns = [BackfillMonth(month) for month in MONTHS[:2]]
    assert given(turns, never, grace=0, here=here) == [MonthRun(month, True, "here") for month in MONTHS[:2]]
    # No worker takes them later on.
    runs = prefect.runs(deployment_id=FlowRunFilterDeploymentId(any_=[deployments["collect"]]))
    assert {run.state_name for run in runs} == {"Cancelled"}


def test_a_backfill_on_workers_then_retried(
    deployments: Any, world: World, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilterParentFlowRunId

    import flows.backfill
    from flows.backfill import backfill
    from flows.collect import collect
    from tasks.backfill.children import collect_on_workers

    world.only("DEEPGRAM_API_KEY_PROD")
    workers = Workers(prefect, deployments["collect"], lambda run: prefect.begin(collect, run))
    given_to = partial(collect_on_workers, grace=FOR_EVER, sleep=workers)
    monkeypatch.setattr(flows.backfill, "collect_on_workers", given_to)
    world.fail("deepgram", path="/breakdown", when=lambda query, _body: query.get("start", "").startswith("2026-01"))

    with get_client(sync_client=True) as client:
        parameters = {"first": "2025-12", "last": "last"}
        run = client.create_flow_run_from_deployment(deployments["backfill"], parameters=parameters)
    failed = prefect.begin(backfill, run)
    assert failed.message.startswith("1 of 2 months are complete. To run again: 2026-01: deepgram/prod: ")
    children = FlowRunFilterParentFlowRunId(any_=[run.id])
    before = {child.name: child for child in prefect.runs(parent_flow_run_id=children)}
    assert {name: child.state_name for name, child in before.items()} == {
        "2025-12 collect": "Completed",
        "2026-01 collect": "Failed",
    }
    assert {child.deployment_id for child in before.values()} == {deployments["collect"]}
    assert set(before["2026-01 collect"].tags) == {"backfill", "month:2026-01"}
    assert set(world.own_rows()) == {"2025-12 - Deepgram", "2026-01 - Deepgram"}

    world.sandbox.faults.clear()
    world.at(datetime(2026, 2, 14, 16, tzinfo=UTC))
    ended = prefect.retry(backfill, failed)
    assert ended.message == "2 of 2 months are complete (1 was before)"
    after = {child.name: child for child in prefect.runs(parent_flow_run_id=children)}
    assert {name: (child.id, child.run_count) for name, child in after.items()} == {
        "2025-12 collect": (before["2025-12 collect"].id, 1),
        "2026-01 collect": (before["2026-01 collect"].id, 2),
    }
    assert {row["Statut Collecte"] for row in world.own_rows().values()} == {"Succes"}


def test_whether_there_are_workers(deployments: Any, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.client.orchestration import get_client

    from tasks.backfill.children import has_workers

    # A command at a terminal.
    assert not has_workers()
    # A run that came through a deployment.
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", str(deployments["backfill"]))
    assert has_workers()
    with get_client(sync_client=True) as client:
        client.pause_deployment(deployments["collect"])
        assert not has_workers()
        client.delete_deployment(deployments["collect"])
        assert not has_workers()
        # The fixture deletes it, too.
        deployments.pop("collect")


@pytest.mark.parametrize(
    ("flow", "parameters"),
    [
        ("collect", {"month": "2026-13"}),
        ("collect", {"providers": ["gemini"]}),
        ("backfill", {"first": "2026-1"}),
        ("backfill", {"first": "2026-01", "last": "next"}),
        ("backfill", {"last": "2026-01"}),
    ],
)
def test_the_server_refuses_what_the_form_does(deployments: Any, flow: str, parameters: dict[str, Any]) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    with get_client(sync_client=True) as client, pytest.raises(PrefectHTTPStatusError, match=r"'(409|422) "):
        client.create_flow_run_from_deployment(deployments[flow], parameters=parameters)
