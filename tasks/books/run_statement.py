"""The page of a month as a page of the run that has collected it."""

from __future__ import annotations

import logging
from math import ceil
from typing import Final

from notion.workspace import Workspace
from reports.ledger import Ledger
from tasks.books.corrections import corrections
from tasks.books.gather import gather
from tasks.pages.chart import Costs
from usage.errors import NotionError
from usage.language.words import Words
from usage.outcomes.result import MonthResult
from usage.settings import Settings

MONTHS: Final = 12
_ALWAYS: Final = 8
"""Requests to Notion that a month may take beside its writes and the reading of its rows."""
_log = logging.getLogger(__name__)


def run_statement(settings: Settings, workspace: Workspace, result: MonthResult, known: Costs) -> str | None:
    """The page in Markdown; None where nothing was written, or where its figures would cost too many requests.

    Args:
        settings: All settings.
        workspace: The two databases.
        result: What was collected.
        known: Costs of earlier months by provider, which need not be read again.
    """
    if result.plan is not None or result.problem:
        return None
    ledger = ledger_of_run(settings, workspace, result)
    if ledger is None or not ledger.month(result.month).is_collected:
        return None
    from reports.page.figures.report import last_months, report_of  # noqa: PLC0415
    from reports.page.telling.teller import tell  # noqa: PLC0415
    from tasks.pages.statement import as_markdown  # noqa: PLC0415  # matplotlib takes a second to load

    months = last_months(result.month, MONTHS)
    report = report_of(
        ledger,
        months,
        by=[name for name in settings.reports.carry_columns if name in ledger.own_columns()],
        corrections=corrections(settings, [result.month.previous(), result.month], result.month.start),
        known=known,
    )
    words = Words(settings.reports.language)
    return as_markdown(report, tell(report, words), words)


def ledger_of_run(settings: Settings, workspace: Workspace, result: MonthResult) -> Ledger | None:
    """The month and the one before, read from Notion with the requests that are left to the run; None where too few."""
    written = result.notion.created + result.notion.updated + result.notion.trashed
    rows = sum(source.rows for source in result.sources) + len(result.sources)
    left = written + ceil(rows / 100) + _ALWAYS - workspace.requests
    if left < 2 * ceil(rows / 100):
        return None
    try:
        return gather(settings, workspace, (result.month.previous(), result.month))
    except NotionError as error:
        _log.warning("The run comes without the page of its month: %s", error)
        return None
