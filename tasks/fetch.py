"""Fetch one source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from math import ceil
from typing import Any

from prefect import get_run_logger, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture

from providers.reading import read_source
from providers.shared.patience import LONGEST_READING
from tasks.aggregate import Fetched
from tasks.backfill.ranges import current_memory, current_shared
from tasks.keep import Keeper
from tasks.session import current_session
from usage.errors import SourceError, TransientError
from usage.language.saying import say, together
from usage.month import Month
from usage.names import Source, Status
from usage.outcomes.progress import PageRead, SourceBegun, SourceEnded, tell
from usage.outcomes.report import IncompleteError, SourceReport

RETRY_DELAYS: list[float] = [5, 20]
"""Seconds. Each request has its own retries; these are for an outage that outlasts them."""
_PREFECT = 60.0
"""Seconds for what Prefect does around the tries."""


AT_ONCE = 16
"""Sources that are read at the same time."""


def longest_wait(sources: int) -> float:
    """Seconds that reading so many sources takes at most, with all tries; a run waits no longer."""
    tries = len(RETRY_DELAYS) + 1
    return ceil(sources / AT_ONCE) * (tries * LONGEST_READING + sum(RETRY_DELAYS) + _PREFECT)


def gather(sources: Sequence[Source], futures: Sequence[PrefectFuture[Any]]) -> Fetched:
    """Wait for all sources. One that takes longer than any should counts as failed; what others brought is there."""
    ends = time.monotonic() + longest_wait(len(sources))
    return {
        source: _wait_for(future, max(0.0, ends - time.monotonic()))
        for source, future in zip(sources, futures, strict=True)
    }


def _wait_for(future: PrefectFuture[Any], seconds: float) -> SourceReport | BaseException:
    future.wait(seconds)
    state: State[Any] = future.state
    if not state.is_final():
        return TransientError(say("The reading did not end in time; the rest of the month is written without it."))
    ended: SourceReport | BaseException = state.result(raise_on_failure=False)
    return ended


def waiting_can_mend(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed fetch is worth another try: not for a wrong key or a changed API."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, IncompleteError):
        return any(gap.passing for gap in error.report.gaps)
    # Any other kind of error is a mistake of ours.
    return isinstance(error, TransientError) and not error.final


def _key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Under which a result is found again by a retry of the run.

    Prefect's own key is a hash of the pickled parameters. Models keep the names of their fields in a set, whose order
    is another one in every process.
    """
    source, month = parameters["source"], parameters["month"]
    return f"{context.task_run.flow_run_id}-{source.provider}-{source.account}-{month}"


@task(
    name="fetch",
    task_run_name="{source} {month}",
    retries=len(RETRY_DELAYS),
    retry_delay_seconds=RETRY_DELAYS,
    retry_condition_fn=waiting_can_mend,
    cache_key_fn=_key,
    persist_result=True,
    result_serializer="json",
)
def fetch(source: Source, month: Month) -> SourceReport:
    """Read one month of one source, and keep the reading in the archive.

    Args:
        source: Provider and account.
        month: Calendar month, UTC.

    Raises:
        SourceError: It could not be read.
        IncompleteError: It was read in part; the report is attached. A task that fails is fetched again by a retry.
    """
    settings, memory = current_session().settings, current_memory()
    reading, now = Keeper(settings, current_shared()), settings.now()

    def on_page() -> None:
        tell(PageRead(source, month))

    tell(SourceBegun(source, month))
    try:
        report = asyncio.run(
            read_source(settings, source, month, on_page=on_page, memory=memory, listener=reading.listener, now=now)
        )
    except SourceError:
        tell(SourceEnded(source, month, Status.ECHEC))
        raise
    tell(SourceEnded(source, month, report.status))
    logger = get_run_logger()
    logger.info("%s %s: %s records, %s requests", source, month, len(report.records), report.requests)
    others = memory.together(source, month, now) if memory is not None else None
    unkept = reading.keep(report, now, others.months if others is not None else ())
    if unkept:
        logger.warning("%s", say("This reading is not kept: {why}", why=unkept))
    # What goes on from here, and into Prefect's results, are the sums of the month.
    report = report.by_month().model_copy(update={"unkept": unkept})
    for gap in report.gaps:
        logger.warning("%s", gap.sentence)
    if report.missing:
        raise IncompleteError(together(report.missing), report)
    return report
