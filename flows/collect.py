"""Collect one month: fetch every source, aggregate, publish, report."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any, Final

from prefect import flow, get_run_logger, runtime, unmapped
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tasks.aggregate import Fetched, aggregate
from tasks.books.tell import tell
from tasks.fetch import AT_ONCE, fetch, gather
from tasks.prefect.runs import RELATIVE, is_scheduled, month_for_name, resolve_month
from tasks.prefect.sentences import tell_in_sentences
from tasks.publish import publish
from tasks.report import report
from tasks.session import Request, current_session, open_session
from usage.errors import LlmUsageError, SettingsError
from usage.language.marks import to_say
from usage.month import MONTH_PATTERN, Month
from usage.names import ProviderName

# A worker imports a flow and runs it: there is no other place of ours before that.
tell_in_sentences()


# Prefect puts a title and a description of its own over those of a field, but not over what is in `json_schema_extra`.
def form_field(title: str, description: str, examples: list[Any], **more: Any) -> Any:
    """A field of the form in which people start a run; `more` is JSON schema.

    The form's texts are English here; `llm-usage deploy` tells them to the server in the reader's language.
    """
    extra = {"title": title, "description": description, **more}
    return Field(examples=examples, json_schema_extra=extra)


def _require_month(text: str) -> str:
    """Refuse what is no month in the words of the command line; which months have begun is seen when the run starts."""
    try:
        return text if text in RELATIVE else str(Month.parse(text))
    except SettingsError as error:
        raise PydanticCustomError("month", "{told}", {"told": str(error)}) from None


IS_MONTH: Final = AfterValidator(_require_month)
_CHOICES: Final = (
    {"title": to_say("Choose"), "type": "string", "enum": list(RELATIVE)},
    {"title": to_say("Write a month"), "type": "string"},
)


def month_field(title: str, description: str, examples: list[str], *, written: bool = False) -> Any:
    """A field for a month. Prefect's form offers the words to choose from, and beside them a line to write one.

    Args:
        title: As the form shows it.
        description: As the form shows it.
        examples: Of what may be written.
        written: Whether the line comes first.
    """
    # The pattern is for the server, which holds a month against it before a run is made, and says so.
    choices = list(reversed(_CHOICES)) if written else list(_CHOICES)
    return form_field(title, description, examples, pattern=MONTH_PATTERN, anyOf=choices)


MonthText = Annotated[
    str,
    IS_MONTH,
    month_field(
        to_say("Month"),
        to_say("In UTC, like 2026-01; “last” for the last closed month, “current” for the running one."),
        ["last", "current", "2026-01"],
    ),
]
Providers = Annotated[
    list[ProviderName],
    form_field(
        to_say("Providers"),
        to_say("Only these. None: all that have a key, except services set to “Inactif” in Notion."),
        [["deepgram"]],
        uniqueItems=True,
    ),
]
Account = Annotated[
    str | None,
    Field(pattern=r"^[A-Za-z0-9]+$"),
    form_field(to_say("Account"), to_say("Only this account of the providers. None: all of them."), ["memoways"]),
]
DryRun = Annotated[bool, form_field(to_say("Dry run"), to_say("Say what would be written, write nothing."), [False])]
AcceptLower = Annotated[
    bool,
    form_field(
        to_say("Accept lower figures"),
        to_say("Follow an answer that takes figures from a month that is over, without proof."),
        [False],
    ),
]

_threads: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=AT_ONCE)


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    only = [str(name) for name in parameters.get("providers") or ()]
    account = parameters.get("account")
    words = [month_for_name(str(parameters.get("month", "last"))), "collect", *only, *([account] if account else [])]
    return " ".join([*words, *(["(dry run)"] if parameters.get("dry_run") else [])])


@flow(name="collect", flow_run_name=_run_name, task_runner=_threads)
def collect(
    month: MonthText = "last",
    providers: Providers = [],  # noqa: B006  # Prefect shows it in the form and never changes it
    account: Account = None,
    dry_run: DryRun = False,
    accept_lower: AcceptLower = False,
) -> State[Any]:
    """Read one month from every source and write it to Notion.

    The run ends Failed, naming the sources, where a rerun or a better key would bring more; what succeeded is written.
    A run that a schedule has made leaves a month alone that is closed; one that somebody starts reads it.
    """
    with ExitStack() as stack:
        try:
            request = Request(resolve_month(month), tuple(providers), account, accept_lower, scheduled=is_scheduled())
            session = stack.enter_context(open_session(request))
        except LlmUsageError as error:
            # Nothing was fetched: the sentence is all there is to say.
            return Failed(message=str(error))
        if session.spared:
            get_run_logger().info("%s.", session.sparing)
        fetched = gather(session.sources, fetch.map(session.sources, month=unmapped(session.month)))
        return publish_all(session.month, fetched, dry_run=dry_run)


def publish_all(month: Month, fetched: Fetched, *, dry_run: bool) -> State[Any]:
    """From what the sources brought to Notion and the run's page; the run's final state."""
    outcomes = aggregate(month, fetched)
    result, ledger = publish(month, outcomes, dry_run=dry_run)
    # A report that can't be made is a red task, not a red run: the figures are written.
    # Prefect would look for futures in every figure of the ledger.
    report(outcomes, result, quote(ledger), return_state=True)
    # Nor is one whose digest did not get through.
    tell(result, return_state=True)
    message = result.summary.told_in(current_session().settings.reports.language)
    return Completed(message=message) if result.succeeded else Failed(message=message)


if __name__ == "__main__":
    collect()
