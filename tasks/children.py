"""A backfill's months as runs of their own: given to workers, or taken by the backfill itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Scheduled

from tasks.ranges import Turn
from usage.month import Month

COLLECT: Final = "collect/collect"
"""The deployment that a backfill gives its months to."""
AT_ONCE: Final = 4
"""Months under way at a time: more would only wait for the rate limits of the providers and of Notion."""
GRACE: Final = 60.0
"""Seconds after which a month that no worker has begun is taken by the backfill itself. A single worker that is busy
with the backfill could never begin it."""
_POLL: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a month's run ended."""

    month: Month
    succeeded: bool
    message: str


Here = Callable[[Turn], Ended]
"""Collects a month in this process."""


@dataclass(slots=True)
class _Begun:
    """A month that was given to a run."""

    turn: Turn
    since: float
    """On the monotonic clock."""
    again: bool = False
    """Whether its run had crashed before."""


def ended(month: Month, state: State) -> Ended:
    """How a month ended, from the final state of its run."""
    return Ended(month, state.is_completed(), state.message or f"{month}: {state.name}")


def has_workers() -> bool:
    """Whether this run came through a worker, and its months can, too."""
    if runtime.deployment.id is None:
        return False
    with get_client(sync_client=True) as client:
        try:
            return not client.read_deployment_by_name(COLLECT).paused
        except ObjectNotFound:
            return False


def collect_on_workers(
    turns: Sequence[Turn], here: Here, *, grace: float = GRACE, sleep: Callable[[float], None] = time.sleep
) -> list[Ended]:
    """One run for each month, some at a time, on whatever worker is free.

    When a backfill is retried its months are found again: those that have ended well are not repeated, the others are
    retried, which reads what had failed. A month whose run has crashed, because its process or its machine is gone, is
    begun once more.

    Args:
        turns: The months.
        here: Takes a month that no worker begins.
        grace: Seconds that a worker has to begin one.
        sleep: Replaced in tests; seconds.
    """
    waiting, under_way, done = deque(turns), dict[UUID, _Begun](), list[Ended]()
    with get_client(sync_client=True) as client:
        while waiting or under_way:
            while waiting and len(under_way) < AT_ONCE:
                turn = waiting.popleft()
                under_way[_start(client, turn)] = _Begun(turn, time.monotonic())
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(under_way))))
            over = [run for run in runs if run.state is not None and run.state.is_final()]
            for run in over:
                if not _begun_once_more(client, run, under_way[run.id]):
                    done.append(ended(under_way.pop(run.id).turn.month, _state(run)))
            deleted = under_way.keys() - {run.id for run in runs}
            for gone in deleted:
                month = under_way.pop(gone).turn.month
                done.append(Ended(month, False, f"{month}: its run was deleted"))
            late = [run for run in runs if _not_begun(run) and time.monotonic() - under_way[run.id].since >= grace]
            if late:
                turn = under_way.pop(late[0].id).turn
                client.set_flow_run_state(late[0].id, Cancelled(message="No worker was free: the backfill took it."))
                done.append(here(turn))
            elif not over and not deleted:
                sleep(_POLL)
    return sorted(done, key=lambda item: item.month)


def _start(client: SyncPrefectClient, turn: Turn) -> UUID:
    started = run_deployment(
        COLLECT,
        parameters={
            "month": str(turn.month),
            "providers": [provider.value for provider in turn.providers],
            # Not what a person may have made the deployment's defaults.
            "account": None,
            "dry_run": False,
        },
        tags=["backfill", f"month:{turn.month}"],
        # The same run when this backfill is retried.
        idempotency_key=f"{runtime.flow_run.id} {turn.month}",
        timeout=0,
    )
    # Typed for callers that are asynchronous, too.
    run = cast(FlowRun, started)
    if run.state is not None and run.state.is_final() and not run.state.is_completed():
        _begin_again(client, run.id, "Retried with its backfill.")
    return run.id


def _begun_once_more(client: SyncPrefectClient, run: FlowRun, begun: _Begun) -> bool:
    if begun.again or not _state(run).is_crashed():
        return False
    begun.again, begun.since = True, time.monotonic()
    _begin_again(client, run.id, "Its process was gone: the backfill begins it once more.")
    return True


def _begin_again(client: SyncPrefectClient, run: UUID, message: str) -> None:
    client.set_flow_run_state(run, Scheduled(message=message), force=True)


def _not_begun(run: FlowRun) -> bool:
    # A worker's machine may go between taking a run and beginning it, which leaves it pending.
    return run.state is not None and (run.state.is_scheduled() or run.state.is_pending())


def _state(run: FlowRun) -> State:
    if run.state is None:
        raise ValueError(f"run {run.id} has no state")
    return run.state
