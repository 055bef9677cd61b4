"""Collect a range of months: one run for each, and a summary."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

from prefect import flow, get_run_logger, runtime, tags
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.collect import IS_MONTH, Providers, collect, month_field
from tasks.backfill.children import MonthRun, collect_on_workers, has_workers
from tasks.backfill.ranges import BackfillMonth, Range, open_backfill
from tasks.prefect.runs import month_for_name, resolve_month
from tasks.summary import describe, summary
from usage.errors import LlmUsageError
from usage.language.marks import to_say

FirstMonth = Annotated[
    str,
    IS_MONTH,
    month_field(
        to_say("First month"),
        to_say("In UTC, like 2025-01; “last” and “current” work, too."),
        ["2025-01"],
        written=True,
    ),
]
LastMonth = Annotated[
    str,
    IS_MONTH,
    month_field(
        to_say("Last month"),
        to_say("Included. In UTC, like 2025-12; “last” for the last closed month, or “current”."),
        ["2025-12", "last"],
    ),
]


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    ends = [month_for_name(str(parameters.get(name, "last"))) for name in ("first", "last")]
    return " ".join([*ends, "backfill", *(str(name) for name in parameters.get("providers") or ())])


def _collect_here(one: BackfillMonth) -> MonthRun:
    with tags("backfill", f"month:{one.month}"):
        return MonthRun.of(one.month, collect(str(one.month), list(one.providers), return_state=True))


@flow(name="backfill", flow_run_name=_run_name)
def backfill(
    first: FirstMonth,
    last: LastMonth = "last",
    providers: Providers = [],  # noqa: B006  # Prefect shows it in the form and never changes it
) -> State[Any]:
    """Read each month of a range and write it to Notion, both ends included.

    Each month is a run of its own, on workers where there are some. What stands in Notion complete and settled is not
    read again, unless its provider is named. A month that fails does not stop the others; the run then ends Failed, and
    running it again does what is missing.
    """
    on_workers = has_workers()
    with ExitStack() as stack:
        try:
            asked = Range(resolve_month(first), resolve_month(last), tuple(providers))
            session = stack.enter_context(open_backfill(asked, on_workers=on_workers))
        except LlmUsageError as error:
            # Nothing was fetched: the sentence is all there is to say.
            return Failed(message=str(error))
        for line in session.beyond:
            get_run_logger().warning("%s", line)
        to_read = [one for one in session.months if not one.skipped]
        runs = collect_on_workers(to_read, _collect_here) if on_workers else [_collect_here(one) for one in to_read]
        summary(session.months[0].month, session.months[-1].month, runs, return_state=True)
    message = describe(session.months, runs, session.warnings).told_in(session.settings.reports.language)
    return Completed(message=message) if all(run.succeeded for run in runs) else Failed(message=message)


if __name__ == "__main__":
    backfill("last")
