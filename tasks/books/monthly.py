"""The page of a month, from all that it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from notion.client.gateway import Gateway
from notion.workspace import Workspace
from reports.grouping import choose_columns, find_column
from reports.page.figures.report import Report, last_months, report_of
from reports.planning.outlook import look_ahead
from reports.planning.surprises import MONTHS_BACK
from tasks.books.budgets import load_budgets
from tasks.books.corrections import corrections
from tasks.books.gather import gather
from tasks.books.related import RelatedTitles
from usage.errors import SettingsError
from usage.language.saying import say
from usage.month import Month
from usage.settings import Settings


def monthly(settings: Settings, gateway: Gateway, month: Month, *, count: int = 12, by: Sequence[str] = ()) -> Report:
    """All that the page of a month shows.

    Args:
        settings: All settings.
        gateway: The connection to Notion.
        month: Which month.
        count: How many months are shown side by side.
        by: People's own columns to cut the month by; none: those that follow a project into a new month.

    Raises:
        SettingsError: The month was never collected, no row has anything in a column of that name, or the file of
            budgets can't be used.
        NotionError: Notion can't be read.
    """
    budgets = load_budgets(settings)
    workspace = Workspace(settings, frozenset(), gateway)
    months = last_months(month, count)
    # Surprises are the same on every page of the month, however many months it shows.
    ledger = gather(settings, workspace, {*months, *last_months(month, MONTHS_BACK + 1)})
    if not ledger.month(month).is_collected:
        raise SettingsError(say("{month} was never collected: llm-usage collect --month {month} does it", month=month))
    rows = [row for one in ledger.months for row in one.rows]
    columns = choose_columns(rows, by, settings.reports.carry_columns)
    titles = RelatedTitles(gateway, workspace.databases.usages)
    bounded = [find_column(rows, one.subject.column) for one in budgets.of(month) if one.subject.column]
    for column in dict.fromkeys((*columns, *bounded)):
        ledger = ledger if column is None else titles.name(ledger, column)
    return report_of(
        ledger,
        months,
        by=columns,
        corrections=corrections(settings, months, month.start),
        outlook=look_ahead(ledger, month, budgets),
    )
