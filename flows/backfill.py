"""Collect a range of months: one run for each, and a summary."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, runtime, tags
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.collect import Providers, collect
from providers.reading import backfilling
from tasks.children import Ended, collect_on_workers, ended, has_workers
from tasks.prefect.runs import meant, shown_month
from tasks.ranges import Range, Turn, finish_range, months_to_read, prepare_range
from tasks.summary import summary, told
from usage.errors import LlmUsageError
from usage.month import MONTH_PATTERN

FirstMonth = Annotated[
    str,
    Field(
        pattern=MONTH_PATTERN,
        examples=["2025-01"],
        json_schema_extra={
            "title": "First month",
            "description": "In UTC, like 2025-01; “last” and “current” work, too.",
        },
    ),
]
LastMonth = Annotated[
    str,
    Field(
        pattern=MONTH_PATTERN,
        examples=["2025-12", "last"],
        json_schema_extra={
            "title": "Last month",
            "description": "Included. In UTC, like 2025-12; “last” for the last closed month, or “current”.",
        },
    ),
]


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    ends = [shown_month(str(parameters.get(name, "last"))) for name in ("first", "last")]
    return " ".join([*ends, "backfill", *(str(name) for name in parameters.get("providers") or ())])


def _here(turn: Turn) -> Ended:
    with tags("backfill", f"month:{turn.month}"):
        return ended(turn.month, collect(str(turn.month), list(turn.providers), return_state=True))


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
    try:
        asked = Range(meant(first), meant(last), tuple(providers))
        ready = prepare_range(asked)
    except LlmUsageError as error:
        # Nothing was fetched: the sentence is all there is to say.
        return Failed(message=str(error))
    try:
        turns = [turn for turn in ready.turns if not turn.skipped]
        on_workers = has_workers()
        with backfilling({} if on_workers else months_to_read(turns)):
            months = collect_on_workers(turns, _here) if on_workers else [_here(turn) for turn in turns]
        summary(asked, months, return_state=True)
    finally:
        finish_range(asked)
    message = told(ready.turns, months, ready.warnings)
    return Completed(message=message) if all(month.succeeded for month in months) else Failed(message=message)


if __name__ == "__main__":
    backfill("last")
