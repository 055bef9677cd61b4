"""A month beside the one before, told where a command or a run ends. It never costs what it is told about."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TypeVar

from notion.plan.steps import Plan
from notion.rows.values import Existing
from notion.workspace import Workspace
from reports.comparison import compare
from reports.ledger import Ledger
from reports.telling import told
from tasks.books.gather import gather, gather_kept
from tasks.books.rates import known_rates
from usage.errors import NotionError
from usage.grain import COLLECTION
from usage.language.saying import say
from usage.language.words import Words
from usage.month import Month
from usage.outcomes.told import Told
from usage.settings import Settings

T = TypeVar("T")
_log = logging.getLogger(__name__)
_ALWAYS = 8
"""Requests to Notion that a month may take beside its writes and the reading of its rows."""


def tell_beside(
    settings: Settings, workspace: Workspace, month: Month, known: Mapping[Month, Sequence[Existing]]
) -> Told | None:
    """A month beside the one before, both read from Notion as far as they are not known; None where that fails.

    Args:
        settings: All settings.
        workspace: The two databases.
        month: The later one.
        known: Rows of months that were read already.
    """
    months = month.previous(), month
    return _safely(lambda: _told(settings, gather(settings, workspace, months, known), month))


def tell_ledger(settings: Settings, ledger: Ledger, month: Month) -> Told | None:
    """A month of a ledger beside the one before; None where that fails."""
    return _safely(lambda: _told(settings, ledger, month))


def planned_ledger(settings: Settings, workspace: Workspace, month: Month, plan: Plan, *, writes: int) -> Ledger | None:
    """A month and the one before, as they stand once a plan is carried out; None where that fails.

    Of the requests to Notion that a month may take, few are left. The month itself is not read again. The one before is
    where its rows cost no more; else its figures come from the archive, as far as the sources' own rows bear them out.

    Args:
        settings: All settings.
        workspace: The two databases.
        month: The later one.
        plan: The plan.
        writes: How many rows were written.
    """

    def ledger() -> Ledger:
        rows, previous = plan.rows_after, month.previous()
        figures = sum(row.values.key != COLLECTION for row in rows)
        left = writes + ceil(figures / 100) + _ALWAYS + workspace.requests_to_carry - workspace.requests
        if left >= ceil(len(rows) / 100):
            before = workspace.rows_at_most(previous, left)
            if before is not None:
                return gather(settings, workspace, (previous, month), {month: rows, previous: before})
        here = gather(settings, workspace, (month,), {month: rows})
        return replace(here, months=(gather_kept(settings, workspace, previous, plan.own_rows_before), *here.months))

    return _safely(ledger)


def _told(settings: Settings, ledger: Ledger, month: Month) -> Told:
    return told(compare(ledger, month), Words(settings.reports.language), known_rates(settings, [month]))


def _safely(make: Callable[[], T]) -> T | None:
    try:
        return make()
    except NotionError as error:
        _log.warning("%s", say("The month is not compared with the one before: {why}", why=error.sentence))
    except Exception as error:  # noqa: BLE001  # whatever it is, what was collected must be seen
        # The text may hold anything.
        told = say("The month is not compared with the one before ({kind}).", kind=type(error).__name__)
        _log.warning("%s", told, exc_info=True)
    return None
