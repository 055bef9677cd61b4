"""Limits that several workers share through Prefect's global concurrency limits.

`llm-usage deploy` creates them. Where they don't exist, as on a machine without a server, they cost a request and hold
nobody up: Notion's rate is then kept by the client itself, and two runs that write the same month at the same time
still leave what one would have left. That is why nothing about them ends a run: neither a server that can't be reached
or is being restarted, nor a limit that somebody has changed. What has been read is written all the same.

Prefect is imported where it is needed: a command asks Notion for its first answers while Prefect is still being
imported.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx

from notion.client.pace import Pace
from usage.language.marks import to_say
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.settings import NotionSettings

log = logging.getLogger(__name__)

NOTION_REQUESTS: Final = "llm-usage-notion-requests"
"""Requests to Notion, of all workers together."""
LEASE: Final = 60.0
"""Seconds after which the slot of a worker that has died is free again; the shortest that Prefect's server takes."""
PATIENCE: Final = 900.0
"""Seconds to wait for another run that writes the same month."""
_TURN_WITHIN: Final = 300.0
"""Seconds to wait for a turn of the common rate; its slots become free again within one or two."""


def month_limit(month: Month) -> str:
    """Name of the limit that lets one run at a time write a month.

    One for each month of the calendar, whatever the year: twelve that can be created beforehand.
    """
    return f"llm-usage-month-{str(month)[5:]}"


def all_limits(requests_per_minute: int) -> dict[str, tuple[int, float | None]]:
    """Every limit: slots, and how many of them become free again each second (None: when they are given back)."""
    burst = max(1, requests_per_minute // 60)
    # The burst counts, too: no 60 seconds may see more than the plan's budget.
    limits: dict[str, tuple[int, float | None]] = {NOTION_REQUESTS: (burst, max(1, requests_per_minute - burst) / 60)}
    limits |= {month_limit(Month(2000, number)): (1, None) for number in range(1, 13)}
    return limits


class SharedPace(Pace):
    """The pace of this machine, and of all workers from the moment when `share` finds their common limit."""

    def __init__(self, settings: NotionSettings) -> None:
        token = settings.token.get_secret_value() if settings.token else ""
        super().__init__(f"{settings.base_url} {token}", settings.requests_per_minute)
        self._shared = False

    def share(self) -> None:
        """Look whether the limit can be had. Before that Prefect's server may not even have started."""
        with if_reached(to_say("the workers’ common rate")):
            self._shared = exists(NOTION_REQUESTS)

    def wait(self) -> None:
        """Wait for this request's turn."""
        if self._shared:
            from prefect.concurrency.sync import rate_limit  # noqa: PLC0415

            taken = False
            with if_reached(to_say("the workers’ common rate")):
                rate_limit(NOTION_REQUESTS, timeout_seconds=_TURN_WITHIN)
                taken = True
            # Each further request would wait in vain.
            self._shared = self._shared and taken
        super().wait()


def exists(name: str) -> bool:
    """Whether Prefect's server has a global concurrency limit of that name."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return False
    return True


@contextmanager
def if_reached(what: str) -> Iterator[None]:
    """Go on without `what` where Prefect's server can't be reached or refuses it; a warning says so.

    Any other error is raised. Of the block, nothing that has to happen may come after the request to the server.
    """
    try:
        yield
    except Exception as error:
        why = _refusal(error)
        if why is None:
            raise
        log.warning("%s", say("{why}: going on without {what}", why=why, what=say(what)))


def _refusal(error: BaseException) -> Sentence | None:
    """Why Prefect's server gave nothing, or None of another error; Prefect wraps some of these in its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx.HTTPStatusError):
            status = str(cause.response.status_code)
            return say("Prefect’s server does not give it (HTTP {status})", status=status)
        if isinstance(cause, httpx.TransportError):
            return say("Prefect’s server can’t be reached ({kind})", kind=type(cause).__name__)
        if isinstance(cause, TimeoutError):
            return say("Prefect’s server did not give it in time")
        cause = cause.__cause__
    return None


@contextmanager
def one_writer(month: Month, *, patience: float = PATIENCE) -> Iterator[None]:
    """Let one run at a time plan and write a month.

    The lease is renewed while the block runs. One that gets lost, and one that can't be had in `patience` seconds or at
    all, ends nothing: the limit spares two runs the work of healing each other's doubles, it is not what keeps rows
    single.
    """
    slot = ExitStack()
    with if_reached(to_say("the month’s limit")):
        _take(slot, month, patience)
    try:
        yield
    finally:
        with if_reached(to_say("giving the month’s limit back")):
            slot.close()


def _take(slot: ExitStack, month: Month, patience: float) -> None:
    from prefect.concurrency.sync import concurrency  # noqa: PLC0415

    name = month_limit(month)
    # Prefect warns of a limit that does not exist; here that is nothing to worry about.
    if not exists(name):
        return
    lease = concurrency(name, timeout_seconds=patience, lease_duration=LEASE, raise_on_lease_renewal_failure=False)
    try:
        slot.enter_context(lease)
    except TimeoutError:
        told = say(
            "{month}: another run has been writing for {seconds} s; going on beside it",
            month=month,
            seconds=f"{patience:.0f}",
        )
        log.warning("%s", told)
