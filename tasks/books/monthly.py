"""The page of a month, from all that it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from notion.text import folded
from notion.workspace import Workspace
from reports.ledger import Ledger
from reports.page.figures.outlook import Outlook
from reports.page.figures.report import Report, last_months, report_of
from tasks.books.corrections import corrections
from tasks.books.gather import gather
from usage.errors import SettingsError
from usage.language.words import Words
from usage.month import Month
from usage.settings import Settings


def monthly(
    settings: Settings, workspace: Workspace, month: Month, *, words: Words, count: int = 12, by: Sequence[str] = ()
) -> Report:
    """All that the page of a month shows.

    Args:
        settings: All settings.
        workspace: The two databases.
        month: Which month.
        words: The language of what is planned.
        count: How many months are shown side by side.
        by: People's own columns to cut the month by; none: those that follow a project into a new month.

    Raises:
        SettingsError: The month was never collected, or no row has anything in a column of that name.
        NotionError: Notion can't be read.
    """
    months = last_months(month, count)
    ledger = gather(settings, workspace, {*months, month.previous()})
    if not ledger.month(month).is_collected:
        raise SettingsError(f"{month} was never collected: llm-usage collect --month {month} does it")
    return report_of(
        ledger,
        months,
        by=_columns(settings, ledger, by),
        corrections=corrections(settings, months, month.start),
        outlook=_outlook(settings, ledger, month, words),
    )


def _outlook(settings: Settings, ledger: Ledger, month: Month, words: Words) -> Outlook | None:
    """Budgets, forecast and surprises of the month: the one place in which they come onto the page."""
    del settings, ledger, month, words
    return None


def _columns(settings: Settings, ledger: Ledger, wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns to cut by, as Notion writes their names.

    Raises:
        SettingsError: No row has anything in one that was asked for by name.
    """
    filled = {folded(name): name for name in ledger.own_columns()}
    for name in wanted:
        if folded(name) not in filled:
            others = ", ".join(filled.values()) or "none"
            raise SettingsError(f"--by {name}: no row of these months has anything in such a column; filled: {others}")
    chosen = wanted or [name for name in settings.reports.carry_columns if folded(name) in filled]
    return tuple(dict.fromkeys(filled[folded(name)] for name in chosen))
