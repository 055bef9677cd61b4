"""All that the page of a month shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reports.comparison import Comparison, compare
from reports.ledger import Ledger, MonthLedger
from reports.page.figures.calendar import Days, MonthCost, days_of, months_of
from reports.page.figures.evidence import Correction, Evidence, Missing, evidence_of, missing_of
from reports.page.figures.shares import Breakdown, Compared
from reports.planning.outlook import Outlook
from usage.month import Month
from usage.names import ProviderName


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One month as the page shows it. Costs are USD, exact; what is shown adds up to Notion's rows."""

    month: MonthLedger
    now: datetime
    """When the page was made, UTC."""
    url: str
    """Of *Usages*."""
    comparison: Comparison
    providers: Breakdown
    projects: Breakdown
    models: Breakdown
    own: tuple[tuple[str, Breakdown], ...]
    """By people's own columns: the column's name, and its lines."""
    months: tuple[MonthCost, ...]
    """The last months, this one last."""
    days: Days
    evidence: Evidence
    missing: tuple[Missing, ...]
    corrections: tuple[Correction, ...] | None
    """None where nobody knows them: no archive."""
    outlook: Outlook | None
    """None where nobody looked."""
    names: Mapping[str, str]
    """What people call projects, keys and workspaces, by their ids at the provider."""


def last_months(month: Month, count: int) -> tuple[Month, ...]:
    """So many months, the last of which is this one."""
    found = [month]
    while len(found) < count:
        found.append(found[-1].previous())
    return tuple(reversed(found))


def report_of(
    ledger: Ledger,
    months: Sequence[Month],
    *,
    by: Iterable[str] = (),
    corrections: Sequence[Correction] | None = None,
    outlook: Outlook | None = None,
    known: Mapping[Month, Mapping[ProviderName, Decimal]] | None = None,
) -> Report:
    """What the page of a month shows.

    Args:
        ledger: The figures of these months, and of the month before the one that is told.
        months: Those that are shown side by side; the last of them is told.
        by: People's own columns to cut the month by.
        corrections: What changed in months that were over; None where nobody knows.
        outlook: Budgets, forecast and surprises.
        known: Costs of months that the ledger does not have, by provider.
    """
    month = ledger.month(months[-1])
    compared = Compared(month, ledger.month(month.month.previous()), compare(ledger, month.month))
    return Report(
        month=month,
        now=ledger.now,
        url=ledger.url,
        comparison=compared.comparison,
        providers=compared.by_provider(),
        projects=compared.by_project(),
        models=compared.by_model(),
        own=tuple((column, compared.by_column(column)) for column in by),
        months=months_of(ledger, months, known),
        days=days_of(month, ledger.now),
        evidence=evidence_of(month, ledger.now),
        missing=missing_of(month.sources, ledger.language),
        corrections=None if corrections is None else tuple(corrections),
        outlook=outlook,
        names={row.key: row.title for one in ledger.months for row in one.rows},
    )
