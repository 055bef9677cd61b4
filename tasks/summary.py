"""What a backfill came to: a grid of months and services, as Notion holds them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from notion.rows.values import Existing
from notion.summary import MonthStatus, summarise
from tasks.backfill.children import MonthRun
from tasks.backfill.ranges import Backfill, BackfillMonth, current_backfill
from tasks.pages.chart import as_address, chart
from tasks.pages.markdown import MARKS, NOTHING, escape, link, table
from usage.language.saying import say, say_count, together
from usage.language.sentence import Sentence
from usage.language.words import Words
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.naming import status_name
from usage.outcomes.progress import RangeEnded, tell
from usage.outcomes.story import running_mark

Grid = Mapping[tuple[Month, ProviderName], MonthStatus]
_SHOWN_IN_MESSAGE: Final = 3


@task(name="summary", task_run_name="summary {first} {last}", cache_policy=NO_CACHE, persist_result=False)
def summary(first: Month, last: Month, runs: Sequence[MonthRun]) -> None:
    """Leave the grid as an artifact.

    Args:
        first: The range's first month.
        last: Its last one.
        runs: How the months' runs ended; months without a run stood in Notion for good.
    """
    backfill = current_backfill()
    months = [one.month for one in backfill.months]
    workspace = backfill.workspace
    now = backfill.settings.now()
    rows = {month: workspace.rows(month) for month in months}
    lines = [line for month in months for line in summarise(rows[month], workspace.services, now)]
    grid = {(Month.parse(line.month), line.provider): line for line in lines}
    beside = _tell_beside(backfill, months, rows, exact_sum(line.cost_usd for line in lines))
    create_markdown_artifact(
        key=f"backfill-{first}-{last}",
        markdown=range_report(backfill, runs, grid, beside),
        description=describe(backfill.months, runs, backfill.warnings).told_in(backfill.settings.reports.language),
    )


def _tell_beside(
    backfill: Backfill, months: Sequence[Month], rows: Mapping[Month, Sequence[Existing]], total: Decimal | None
) -> tuple[str, ...]:
    """What the range came to, and its last month beside the one before."""
    from tasks.books.beside import tell_beside  # noqa: PLC0415  # Babel is not needed before

    first, last = months[0], months[-1]
    told = tell_beside(backfill.settings, backfill.workspace, last, rows)
    if told is None:
        return ()
    words = Words(backfill.settings.reports.language)
    whole = words("{first} to {last}: {total} in all.", first=first, last=last, total=words.dollars(total))
    tell(RangeEnded(whole, told))
    return (whole, *told.lines)


def describe(months: Sequence[BackfillMonth], runs: Iterable[MonthRun], warnings: Sequence[Sentence] = ()) -> Sentence:
    """How many months are done, the first of those that need another run, and what may keep a provider away."""
    return together([_progress(months, runs), *warnings], between=". ")


def _progress(months: Sequence[BackfillMonth], runs: Iterable[MonthRun]) -> Sentence:
    failed = [run for run in runs if not run.succeeded]
    skipped = sum(one.skipped for one in months)
    done, every = len(months) - len(failed), len(months)
    counts = (
        say_count(
            "{done} of {all} months are complete ({number} was before)",
            "{done} of {all} months are complete ({number} were before)",
            skipped,
            done=done,
            all=every,
        )
        if skipped
        else say("{done} of {all} months are complete", done=done, all=every)
    )
    if not failed:
        return counts
    first = [_message(run) for run in failed[:_SHOWN_IN_MESSAGE]]
    if len(failed) > _SHOWN_IN_MESSAGE:
        first.append(say("and {number} more", number=len(failed) - _SHOWN_IN_MESSAGE))
    return say("{counts}. To run again: {months}", counts=counts, months=together(first, between=" / "))


def range_report(backfill: Backfill, runs: Iterable[MonthRun], grid: Grid, beside: Sequence[str] = ()) -> str:
    """The summary of a backfill, in Markdown; `beside` are sentences about the range and its last month."""
    months = [one.month for one in backfill.months]
    words = Words(backfill.settings.reports.language)
    failed = [f"- {escape(_message(run).told_in(words.language))}" for run in runs if not run.succeeded]
    now = backfill.settings.now()
    rows = [_row(one, grid, running_mark(one.month, now).told_in(words.language), words) for one in backfill.months]
    totals = [exact_sum(grid[key].cost_usd for key in grid if key[1] is provider) for provider in ProviderName]
    sums = (f"**{words.amount(total)}**" for total in (*totals, exact_sum(totals)))
    rows.append((f"**{words('Total')}**", *sums, ""))
    costs = {
        month: {
            provider: cost
            for provider in ProviderName
            if (line := grid.get((month, provider))) is not None and (cost := line.cost_usd) is not None
        }
        for month in months
    }
    usages = backfill.workspace.databases.usages
    head = (words("Month"), *(provider.label for provider in ProviderName), words("Total"), words("This run"))
    parts = [
        f"# {words('{first} to {last}', first=months[0], last=months[-1])}",
        *(["\n".join(f"- {escape(line)}" for line in beside)] if beside else []),
        *([f"## {words('To run again')}", "\n".join(failed)] if failed else []),
        table(head, rows),
        ", ".join(f"{mark} {status_name(status).told_in(words.language)}" for status, mark in MARKS.items()),
        words("US dollars, as {database} holds them.", database=link(usages.declared.title, usages.url)),
        f"![{words('Cost by service and month')}]({as_address(chart(costs, months, words))})",
    ]
    return "\n\n".join(parts)


def _message(run: MonthRun) -> Sentence:
    """Begins with the month, also where its run ended before it knew which one it was."""
    if run.message.startswith(str(run.month)):
        return Sentence.of(run.message)
    return say("{month}: {what}", month=run.month, what=run.message)


def _row(one: BackfillMonth, grid: Grid, running: str, words: Words) -> tuple[str, ...]:
    lines = [grid.get((one.month, provider)) for provider in ProviderName]
    total = exact_sum(line.cost_usd for line in lines if line is not None)
    if one.skipped:
        did = words("not needed")
    else:
        did = words("read {number}", number=len(one.providers)) if one.kept else words("read")
    month = f"{one.month} ({running})" if running else str(one.month)
    return (month, *(_cell(line, words) for line in lines), words.amount(total), did)


def _cell(line: MonthStatus | None, words: Words) -> str:
    if line is None:
        return NOTHING
    return f"{MARKS[line.status] if line.status else ''} {words.amount(line.cost_usd)}".strip()
