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
from tasks.pages.markdown import MARKS, NOTHING, escape, link, money, table
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
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
    costs = [(Month.parse(line.month), line.cost_usd) for line in lines]
    beside = _tell_beside(backfill, months, rows, costs)
    create_markdown_artifact(
        key=f"backfill-{first}-{last}",
        markdown=range_report(backfill, runs, grid, beside),
        description=describe(backfill.months, runs, backfill.warnings),
    )


def _tell_beside(
    backfill: Backfill,
    months: Sequence[Month],
    rows: Mapping[Month, Sequence[Existing]],
    costs: Iterable[tuple[Month, Decimal | None]],
) -> tuple[str, ...]:
    """What the range came to, and its last month beside the one before."""
    from tasks.books.beside import tell_beside  # noqa: PLC0415  # Babel is not needed before
    from tasks.books.rates import known_rates  # noqa: PLC0415
    from usage.language.words import Words  # noqa: PLC0415

    first, last = months[0], months[-1]
    told = tell_beside(backfill.settings, backfill.workspace, last, rows)
    if told is None:
        return ()
    words = Words(backfill.settings.reports.language)
    rates = known_rates(backfill.settings, months)
    total = rates.show(rates.total(costs), words)
    whole = words("{first} to {last}: {total} in all.", first=first, last=last, total=total)
    tell(RangeEnded(whole, told))
    return (whole, *told.lines)


def describe(months: Sequence[BackfillMonth], runs: Iterable[MonthRun], warnings: Sequence[str] = ()) -> str:
    """How many months are done, the first of those that need another run, and what may keep a provider away."""
    return ". ".join([_progress(months, runs), *warnings])


def _progress(months: Sequence[BackfillMonth], runs: Iterable[MonthRun]) -> str:
    failed = [run for run in runs if not run.succeeded]
    skipped = sum(one.skipped for one in months)
    counts = f"{len(months) - len(failed)} of {len(months)} months are complete"
    counts += f" ({skipped} {'was' if skipped == 1 else 'were'} before)" if skipped else ""
    if not failed:
        return counts
    first = " / ".join(_message(run) for run in failed[:_SHOWN_IN_MESSAGE])
    more = f" / and {len(failed) - _SHOWN_IN_MESSAGE} more" if len(failed) > _SHOWN_IN_MESSAGE else ""
    return f"{counts}. To run again: {first}{more}"


def range_report(backfill: Backfill, runs: Iterable[MonthRun], grid: Grid, beside: Sequence[str] = ()) -> str:
    """The summary of a backfill, in Markdown; `beside` are sentences about the range and its last month."""
    months = [one.month for one in backfill.months]
    failed = [f"- {escape(_message(run))}" for run in runs if not run.succeeded]
    now = backfill.settings.now()
    rows = [_row(one, grid, running_mark(one.month, now)) for one in backfill.months]
    totals = [exact_sum(grid[key].cost_usd for key in grid if key[1] is provider) for provider in ProviderName]
    rows.append(("**Total**", *(f"**{money(total)}**" for total in totals), f"**{money(exact_sum(totals))}**", ""))
    costs = {
        month: {
            provider: cost
            for provider in ProviderName
            if (line := grid.get((month, provider))) is not None and (cost := line.cost_usd) is not None
        }
        for month in months
    }
    usages = backfill.workspace.databases.usages
    parts = [
        f"# {months[0]} to {months[-1]}",
        *(["\n".join(f"- {escape(line)}" for line in beside)] if beside else []),
        *(["## To run again", "\n".join(failed)] if failed else []),
        table(("Month", *(provider.label for provider in ProviderName), "Total", "This run"), rows),
        ", ".join(f"{mark} {status}" for status, mark in MARKS.items()),
        f"US dollars, as {link(usages.declared.title, usages.url)} holds them.",
        f"![Cost by service and month]({as_address(chart(costs, months))})",
    ]
    return "\n\n".join(parts)


def _message(run: MonthRun) -> str:
    """Begins with the month, also where its run ended before it knew which one it was."""
    month = str(run.month)
    return run.message if run.message.startswith(month) else f"{month}: {run.message}"


def _row(one: BackfillMonth, grid: Grid, running: str) -> tuple[str, ...]:
    lines = [grid.get((one.month, provider)) for provider in ProviderName]
    total = exact_sum(line.cost_usd for line in lines if line is not None)
    did = "not needed" if one.skipped else "read" if not one.kept else f"read {len(one.providers)}"
    month = f"{one.month} ({running})" if running else str(one.month)
    return (month, *(_cell(line) for line in lines), money(total), did)


def _cell(line: MonthStatus | None) -> str:
    if line is None:
        return NOTHING
    return f"{MARKS[line.status] if line.status else ''} {money(line.cost_usd)}".strip()
