"""Publish one month again from what is kept of it; no provider is asked."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from prefect import flow, runtime, unmapped
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.collect import AcceptLower, Account, DryRun, MonthText, Providers, publish_all
from tasks.fetch import gather
from tasks.prefect.runs import month_for_name, resolve_month
from tasks.replay import replay as replay_source
from tasks.session import Request, open_session
from usage.errors import LlmUsageError


def _run_name() -> str:
    return f"{month_for_name(str(runtime.flow_run.parameters.get('month', 'last')))} replay"


@flow(name="replay", flow_run_name=_run_name)
def replay(
    month: MonthText,
    providers: Providers = [],  # noqa: B006  # Prefect shows it in the form and never changes it
    account: Account = None,
    dry_run: DryRun = False,
    accept_lower: AcceptLower = False,
) -> State[Any]:
    """Make the records of one month again from the archived answers, and write it to Notion.

    Rows that were read later stay as they are. What can't be replayed is named, changes nothing, and fails the run.
    """
    with ExitStack() as stack:
        try:
            request = Request(resolve_month(month), tuple(providers), account, accept_lower, replays=True)
            session = stack.enter_context(open_session(request))
        except LlmUsageError as error:
            # Nothing was read: the sentence is all there is to say.
            return Failed(message=str(error))
        futures = replay_source.map(session.sources, month=unmapped(session.month), dry_run=unmapped(dry_run))
        return publish_all(session.month, gather(session.sources, futures), dry_run=dry_run)


if __name__ == "__main__":
    replay("last")
