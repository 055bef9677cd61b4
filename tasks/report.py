"""What a person finds on the run's page: the sources, what they cost, what was written, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event
from prefect.settings import get_current_settings

from notion.workspace import Workspace
from reports.ledger import Ledger
from tasks.books.run_statement import run_statement
from tasks.pages.chart import Costs, as_address, chart
from tasks.pages.corrections import correction_table
from tasks.pages.history import History, Known, by_service, keep, last_months, read_history, remember
from tasks.pages.markdown import MARKS, change, escape, link, table
from tasks.pages.overview import KEY, overview, report_key
from tasks.pages.overview import MONTHS_SHOWN as OVERVIEW_MONTHS
from tasks.session import current_session
from usage.errors import LlmUsageError
from usage.language.choice import Language
from usage.language.marks import headings
from usage.language.saying import say
from usage.language.words import Words
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.naming import status_name
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.result import MonthResult, SourceResult
from usage.outcomes.story import running_mark
from usage.outcomes.told import Told

MONTHS_SHOWN: Final = 12
COLLECTED: Final = "llm-usage.month.collected"
NOT_WRITTEN: Final = "llm-usage.month.not-written"
TO_RERUN: Final = "llm-usage.source.to-rerun"


@task(name="report", task_run_name="report {result.month}", cache_policy=NO_CACHE, persist_result=False)
def report(outcomes: Sequence[SourceOutcome], result: MonthResult, ledger: Ledger | None = None) -> None:
    """Leave the run's report as artifacts, and tell Prefect's events about it.

    Args:
        outcomes: What was read.
        result: What it came to.
        ledger: The month and the one before as they stand now, where they are known.
    """
    session = current_session()
    now, words = session.settings.now(), Words(session.settings.reports.language)
    months, latest = last_months(result.month, MONTHS_SHOWN), last_months(Month.of(now), OVERVIEW_MONTHS + 1)
    history = read_history(dict.fromkeys((*months, *latest)))
    if result.plan is None:
        read_at = {outcome.source: outcome.archived_at or outcome.attempted_at for outcome in outcomes}
        # What was left alone is as old as it was.
        read_at |= {one.result.source: one.read_at for one in session.spared}
        sources = [credential.source for credential in session.settings.credentials]
        history = remember(result, read_at, history, sources=sources)
        keep(result.month, history)
        _emit_events(result, Month.of(now), words.language, unfiltered=session.request.unfiltered)
    page = month_report(result, history, months, session.workspace, words=words, outcomes=outcomes)
    known = {month: costs for month, costs in by_service(history).items() if month in months}
    statement = None
    try:
        statement = _statement(result, ledger, known)
    finally:
        # A mistake in the page of the month costs that page alone.
        create_markdown_artifact(
            key=report_key(result.month),
            markdown=page if statement is None else f"{page}\n\n---\n\n{statement}",
            description=result.heading.told_in(words.language),
        )
    if result.plan is None:
        create_markdown_artifact(
            key=KEY,
            # The first of the months only tells what the second is held against.
            markdown=overview(
                history,
                latest[1:],
                session.workspace,
                now,
                pages=str(get_current_settings().ui_url or ""),
                words=words,
            ),
            description=words("The latest months, by service: always current."),
        )


def _statement(result: MonthResult, ledger: Ledger | None, known: Costs) -> str | None:
    """The page of the month; None where the month is not known, or somebody has to see to something first."""
    if ledger is None or result.plan is not None:
        return None
    session = current_session()
    try:
        return run_statement(session.settings, session.workspace, ledger, result.month, known)
    except LlmUsageError as error:
        told = say("The run comes without the page of its month: {why}", why=error.sentence)
        get_run_logger().warning("%s", told)
        return None


def month_report(
    result: MonthResult,
    history: History,
    months: Sequence[Month],
    workspace: Workspace,
    *,
    words: Words,
    outcomes: Sequence[SourceOutcome] = (),
) -> str:
    """The report of one month, in Markdown."""
    language = words.language
    rerun = [f"- {escape(one.sentence.told_in(language))}" for one in result.to_rerun]
    problem = [f"**{escape(result.problem.told_in(language))}**"] if result.problem else []
    notes = "\n".join(f"- {escape(note.told_in(language))}" for note in result.warnings)
    parts = [
        f"# {MARKS[result.word]} {result.heading.told_in(language)}",
        *problem,
        *_beside(result.comparison),
        *([f"## {words('To run again')}", "\n".join(rerun)] if rerun else []),
        *([notes] if notes else []),
        _sources(result, history.get(result.month.previous(), {}), workspace, words),
        _written(result, workspace, words),
        *correction_table(outcomes, words),
        *_chart(history, months, words),
        f"## {words('What was read')}",
        "\n".join(f"- **{escape(item.source.name)}** {escape(item.log.told_in(language))}" for item in result.sources),
    ]
    return "\n\n".join(parts)


def _beside(told: Told | None) -> list[str]:
    """The month beside the one before, a line a sentence."""
    return [] if told is None else ["\n".join(f"- {escape(line)}" for line in told.lines)]


def _sources(result: MonthResult, before: Mapping[Source, Known], workspace: Workspace, words: Words) -> str:
    pages = {service.provider: service.url for service in workspace.services}
    previous = result.month.previous()
    # A part of a month is not held against a whole one, nor the other way round.
    whole = {source: known.cost_usd for source, known in before.items() if known.read_at >= previous.end}
    compared = not result.running

    def against(item: SourceResult) -> tuple[str, ...]:
        return (change(item.cost, whole.get(item.source), words),) if compared else ()

    against_what = (words("Against {month}", month=previous),) if compared else ()
    names = headings("Tokens in", "Tokens out", "Requests", "Rows")
    head = (words("Source"), words("Status"), words("Cost USD"), *against_what, *map(words, names))
    rows = [
        (
            link(item.source.name, pages.get(item.provider, "")),
            f"{MARKS[item.status]} {status_name(item.status).told_in(words.language)}",
            words.amount(item.cost),
            *against(item),
            words.whole(item.tokens_input),
            words.whole(item.tokens_output),
            words.whole(item.requests),
            words.whole(item.rows),
        )
        for item in result.sources
    ]
    costs = [item.cost for item in result.sources]
    rows_in_all = sum(item.rows for item in result.sources)
    sum_ = f"**{words.amount(exact_sum(costs))}**"
    sum_ += f" ({result.running.told_in(words.language)})" if result.running else ""
    total = (f"**{words('Total')}**", "", sum_, *([""] if compared else []), "", "", "", words.whole(rows_in_all))
    return table(head, [*rows, total], left=2)


def _written(result: MonthResult, workspace: Workspace, words: Words) -> str:
    counts, usages, services = result.notion, workspace.databases.usages, workspace.databases.services
    numbers = {name: words.whole(count) for name, count in counts.model_dump(exclude={"kept"}).items()}
    done = (
        words(
            "Rows created: **{created}**, updated: **{updated}**, trashed: **{trashed}**, unchanged: {unchanged} "
            "({requests} requests to Notion).",
            **numbers,
        )
        if result.plan is None
        else words(
            "Rows that would be created: **{created}**, updated: **{updated}**, trashed: **{trashed}**, unchanged: "
            "{unchanged} ({requests} requests to Notion).",
            **numbers,
        )
    )
    where = words(
        "In Notion: {usages}, {services}.",
        usages=link(usages.declared.title, usages.url),
        services=link(services.declared.title, services.url),
    )
    return " ".join([done, *(escape(one.told_in(words.language)) for one in result.left_alone), where])


def _chart(history: History, months: Sequence[Month], words: Words) -> list[str]:
    costs = by_service(history)
    if not any(costs.values()):
        return []
    labels = [provider.label for provider in ProviderName]
    rows = [
        (
            _label(month, history, words),
            *(words.amount(costs[month].get(provider)) for provider in ProviderName),
            f"**{words.amount(exact_sum(costs[month].values()))}**",
        )
        for month in months
        if month in costs
    ]
    picture = f"![{words('Cost by service and month')}]({as_address(chart(costs, months, words))})"
    head = (words("Month"), *labels, words("Total"))
    return [f"## {words('Cost by service')}", picture, table(head, rows)]


def _label(month: Month, history: History, words: Words) -> str:
    """The month, with a mark where what is known of it was read before it had ended."""
    running = running_mark(month, max((known.read_at for known in history[month].values()), default=month.end))
    return f"{month} ({running.told_in(words.language)})" if running else str(month)


def _emit_events(result: MonthResult, running: Month, language: Language, *, unfiltered: bool) -> None:
    """Events are what automations listen to; one of them notices when a month that stands in Notion stays away."""
    ages = {running: "running", running.previous(): "last"}
    emit_event(
        NOT_WRITTEN if result.problem else COLLECTED,
        resource={
            "prefect.resource.id": f"llm-usage.month.{result.month}",
            "prefect.resource.name": result.heading.told_in(language),
            "llm-usage.age": ages.get(result.month, "older"),
            "llm-usage.whole": str(unfiltered).lower(),
        },
        payload={
            "status": result.word.value,
            "costs_usd": {item.source.name: item.cost_usd for item in result.sources},
            "notion": result.notion.model_dump(context=language),
        },
    )
    for one in result.to_rerun:
        emit_event(
            TO_RERUN,
            resource={
                "prefect.resource.id": f"llm-usage.source.{one.source}",
                "prefect.resource.name": f"{one.source} {result.month}",
                "llm-usage.month": str(result.month),
            },
            payload={"reason": one.reason.told_in(language)},
        )
