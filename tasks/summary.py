"""What a backfill came to: a grid of months and services, as Notion holds them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from notion.summary import MonthStatus, summarise
from tasks.children import Ended
from tasks.pages.chart import as_address, chart
from tasks.pages.markdown import NOTHING, escaped, link, money, table
from tasks.ranges import Range, RangePreparation, Turn, prepare_range
from tasks.report import MARKS
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.story import running_mark

Grid = Mapping[tuple[Month, ProviderName], MonthStatus]
_SHOWN_IN_MESSAGE: Final = 3


@task(name="summary", task_run_name="summary {asked.first} {asked.last}", cache_policy=NO_CACHE, persist_result=False)
def summary(asked: Range, ended: Sequence[Ended]) -> None:
    """Leave the grid as an artifact.

    Args:
        asked: The range.
        ended: How the months' runs ended; months without a run stood in Notion for good.
    """
    ready = prepare_range(asked)
    months = [turn.month for turn in ready.turns]
    lines = [line for month in months for line in summarise(ready.workspace.rows(month), ready.workspace.services)]
    grid = {(Month.parse(line.month), line.provider): line for line in lines}
    create_markdown_artifact(
        key=f"backfill-{months[0]}-{months[-1]}",
        markdown=range_report(ready, ended, grid),
        description=told(ready.turns, ended, ready.warnings),
    )


def told(turns: Sequence[Turn], ended: Iterable[Ended], warnings: Sequence[str] = ()) -> str:
    """How many months are done, the first of those that need another run, and what may keep a provider away."""
    return ". ".join([_progress(turns, ended), *warnings])


def _progress(turns: Sequence[Turn], ended: Iterable[Ended]) -> str:
    failed = [item for item in ended if not item.succeeded]
    skipped = sum(turn.skipped for turn in turns)
    counts = f"{len(turns) - len(failed)} of {len(turns)} months are complete"
    counts += f" ({skipped} {'was' if skipped == 1 else 'were'} before)" if skipped else ""
    if not failed:
        return counts
    first = " / ".join(_message(item) for item in failed[:_SHOWN_IN_MESSAGE])
    more = f" / and {len(failed) - _SHOWN_IN_MESSAGE} more" if len(failed) > _SHOWN_IN_MESSAGE else ""
    return f"{counts}. To run again: {first}{more}"


def range_report(ready: RangePreparation, ended: Iterable[Ended], grid: Grid) -> str:
    """The summary of a backfill, in Markdown."""
    months = [turn.month for turn in ready.turns]
    failed = [f"- {escaped(_message(item))}" for item in ended if not item.succeeded]
    now = ready.settings.now()
    rows = [_row(turn, grid, running_mark(turn.month, now)) for turn in ready.turns]
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
    usages = ready.workspace.databases.usages
    parts = [
        f"# {months[0]} to {months[-1]}",
        *(["## To run again", "\n".join(failed)] if failed else []),
        table(("Month", *(provider.label for provider in ProviderName), "Total", "This run"), rows),
        ", ".join(f"{mark} {status}" for status, mark in MARKS.items()),
        f"US dollars, as {link(usages.declared.title, usages.url)} holds them.",
        f"![Cost by service and month]({as_address(chart(costs, months))})",
    ]
    return "\n\n".join(parts)


def _message(item: Ended) -> str:
    """Begins with the month, also where its run ended before it knew which one it was."""
    month = str(item.month)
    return item.message if item.message.startswith(month) else f"{month}: {item.message}"


def _row(turn: Turn, grid: Grid, running: str) -> tuple[str, ...]:
    lines = [grid.get((turn.month, provider)) for provider in ProviderName]
    total = exact_sum(line.cost_usd for line in lines if line is not None)
    did = "not needed" if turn.skipped else "read" if not turn.kept else f"read {len(turn.providers)}"
    month = f"{turn.month} ({running})" if running else str(turn.month)
    return (month, *(_cell(line) for line in lines), money(total), did)


def _cell(line: MonthStatus | None) -> str:
    if line is None:
        return NOTHING
    return f"{MARKS[line.status] if line.status else ''} {money(line.cost_usd)}".strip()
