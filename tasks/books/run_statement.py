"""The page of a month as a page of the run that has collected it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from notion.workspace import Workspace
from reports.grouping import find_column
from reports.ledger import Ledger, LedgerRow
from reports.planning.budgets import Budgets, budgets_of
from reports.planning.outlook import Outlook, look_ahead
from tasks.books.budgets import load_budgets
from tasks.books.corrections import corrections
from tasks.books.rates import second_currency
from tasks.pages.chart import Costs
from usage.errors import SettingsError
from usage.language.words import Words
from usage.month import Month
from usage.settings import Settings

MONTHS: Final = 12


def run_statement(settings: Settings, workspace: Workspace, ledger: Ledger, month: Month, known: Costs) -> str:
    """The page in Markdown. It asks Notion for nothing: what would have to be read for it stays away.

    Args:
        settings: All settings.
        workspace: The two databases.
        ledger: The month and the one before, as the plan leaves them.
        month: The month.
        known: Costs of earlier months by provider.

    Raises:
        SettingsError: The file of rates can't be used.
    """
    from reports.page.figures.report import last_months, report_of  # noqa: PLC0415
    from reports.page.telling.teller import tell  # noqa: PLC0415
    from tasks.pages.statement import as_markdown  # noqa: PLC0415  # matplotlib takes a second to load

    words = Words(settings.reports.language)
    report = report_of(
        ledger,
        last_months(month, MONTHS),
        by=_columns(settings, workspace, ledger, month),
        corrections=corrections(settings, [month.previous(), month], month.start),
        outlook=_outlook(settings, ledger, month),
        known=known,
    )
    return as_markdown(report, tell(report, words, second_currency(settings, report, words)), words)


def _columns(settings: Settings, workspace: Workspace, ledger: Ledger, month: Month) -> tuple[str, ...]:
    """People's own columns that rows tell as people read them."""
    rows: list[LedgerRow] = [row for one in ledger.months for row in one.rows]
    if not all(row.url for row in ledger.month(month.previous()).rows):
        # Rows that come from the archive have no columns: all of the month would seem to be new.
        return ()
    schema = workspace.databases.usages.schema
    found = (find_column(rows, name) for name in settings.reports.carry_columns)
    # Titles of related pages would have to be asked for.
    return tuple(dict.fromkeys(one for one in found if one is not None and schema[one].type != "relation"))


def _outlook(settings: Settings, ledger: Ledger, month: Month) -> Outlook:
    """Budgets and forecast. Surprises take more months than are at hand."""
    return replace(look_ahead(ledger, month, _budgets(settings)), surprises=())


def _budgets(settings: Settings) -> Budgets:
    try:
        return load_budgets(settings)
    except SettingsError:
        # Said in a warning by whoever tells of budgets.
        return budgets_of({})
