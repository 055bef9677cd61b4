"""A backfill's months as runs of their own: given to workers, or taken by the backfill itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self, cast
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Scheduled

from tasks.backfill.ranges import BackfillMonth
from usage.language.reader import phrase
from usage.language.saying import say
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
class MonthRun:
    """How a month's run ended."""

    month: Month
    succeeded: bool
    message: str

    @classmethod
    def of(cls, month: Month, state: State) -> Self:
        """From the final state of the run."""
        return cls(month, state.is_completed(), state.message or f"{month}: {state.name}")


CollectHere = Callable[[BackfillMonth], MonthRun]
"""Collects a month in this process."""


@dataclass(slots=True)
class _UnderWay:
    """A month that was given to a run."""

    month: BackfillMonth
    since: float
    """On the monotonic clock."""
    again: bool = False
    """Whether its run had crashed before."""


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
    months: Sequence[BackfillMonth],
    collect_here: CollectHere,
    *,
    grace: float = GRACE,
    sleep: Callable[[float], None] = time.sleep,
) -> list[MonthRun]:
    """One run for each month, some at a time, on whatever worker is free.

    When a backfill is retried its months are found again: those that have ended well are not repeated, the others are
    retried, which reads what had failed. A month whose run has crashed, because its process or its machine is gone, is
    begun once more.

    Args:
        months: The months.
        collect_here: Takes a month that no worker begins.
        grace: Seconds that a worker has to begin one.
        sleep: Replaced in tests; seconds.
    """
    waiting, under_way, done = deque(months), dict[UUID, _UnderWay](), list[MonthRun]()
    with get_client(sync_client=True) as client:
        while waiting or under_way:
            while waiting and len(under_way) < AT_ONCE:
                month = waiting.popleft()
                under_way[_start(client, month)] = _UnderWay(month, time.monotonic())
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(under_way))))
            over = [run for run in runs if run.state is not None and run.state.is_final()]
            for run in over:
                if not _begin_once_more(client, run, under_way[run.id]):
                    done.append(MonthRun.of(under_way.pop(run.id).month.month, _state(run)))
            deleted = under_way.keys() - {run.id for run in runs}
            for gone in deleted:
                which = under_way.pop(gone).month.month
                done.append(MonthRun(which, False, str(say("{month}: its run was deleted", month=which))))
            late = [run for run in runs if _not_begun(run) and time.monotonic() - under_way[run.id].since >= grace]
            if late:
                month = under_way.pop(late[0].id).month
                client.set_flow_run_state(
                    late[0].id, Cancelled(message=phrase("No worker was free: the backfill took it."))
                )
                done.append(collect_here(month))
            elif not over and not deleted:
                sleep(_POLL)
    return sorted(done, key=lambda item: item.month)


def _start(client: SyncPrefectClient, month: BackfillMonth) -> UUID:
    started = run_deployment(
        COLLECT,
        parameters={
            "month": str(month.month),
            "providers": [provider.value for provider in month.providers],
            # Not what a person may have made the deployment's defaults.
            "account": None,
            "dry_run": False,
        },
        tags=["backfill", f"month:{month.month}"],
        # The same run when this backfill is retried.
        idempotency_key=f"{runtime.flow_run.id} {month.month}",
        timeout=0,
    )
    # Typed for callers that are asynchronous, too.
    run = cast(FlowRun, started)
    if run.state is not None and run.state.is_final() and not run.state.is_completed():
        _begin_again(client, run.id, phrase("Retried with its backfill."))
    return run.id


def _begin_once_more(client: SyncPrefectClient, run: FlowRun, month: _UnderWay) -> bool:
    """Begin a run that has crashed once more; returns whether it was begun."""
    if month.again or not _state(run).is_crashed():
        return False
    month.again, month.since = True, time.monotonic()
    _begin_again(client, run.id, phrase("Its process was gone: the backfill begins it once more."))
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
