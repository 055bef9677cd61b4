"""Costs that OpenAI tells by project alone, divided among keys by the usage reports, where rows are keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from providers.openai.reports import ReportFigures
from providers.shared.amounts import sum_known
from usage.grain import NO_API_KEY
from usage.money import to_the_cent
from usage.outcomes.report import Gap, GapKind, RowNote
from usage.records.allocation import allocate
from usage.records.record import UsageRecord

_LEFT: Final = (
    "{} USD restent ici : OpenAI ne les donne que par projet, et aucune clé n’a d’usage du même modèle et du même type "
    "ce jour-là."
)


@dataclass(frozen=True, slots=True)
class Allocated:
    """A month's costs after what is told by project was divided, as far as it could be."""

    costs: ReportFigures
    records: tuple[UsageRecord, ...] = ()
    """What became of the money that is told by project; none where nothing of it could be divided."""

    @property
    def divided(self) -> Decimal:
        """USD that were divided."""
        return sum_known(record.allocated for record in self.records)

    @property
    def left(self) -> Decimal:
        """USD that stay without a key."""
        return sum_known(record.cost for record in self.records if record.allocated is None)

    @property
    def row_notes(self) -> tuple[RowNote, ...]:
        """What rows without a key say of money that could not be divided."""
        return tuple(self._row_notes())

    def _row_notes(self) -> Iterator[RowNote]:
        for project in sorted({record.project or "" for record in self.records}):
            mine = [one for one in self.records if (one.project or "") == project and one.allocated is None]
            if left := sum_known(record.cost for record in mine):
                yield RowNote(sentence=_LEFT.format(to_the_cent(left)), key=NO_API_KEY, workspace=project)

    @property
    def remark(self) -> str:
        """What was divided, and what was not, for the source's own row; empty where nothing was."""
        if not self.records:
            return ""
        left = f" ; {to_the_cent(self.left)} USD restent sans clé" if self.left else ""
        return f"répartis entre les clés selon l’usage, {to_the_cent(self.divided)} USD{left}"


def allocate_costs(costs: ReportFigures, usage: Iterable[ReportFigures], gaps: Sequence[Gap]) -> Allocated:
    """Costs by key, also where they are told by project, as far as usage tells whose they are.

    Where a usage report is missing nothing is divided: what it holds would change the shares.

    Args:
        costs: A month's costs; `charges` are those that are told by project.
        usage: What each key used.
        gaps: What could not be read.
    """
    if not costs.charges or any(gap.kind is GapKind.MISSING for gap in gaps):
        return Allocated(costs)
    records = allocate(costs.charges, (use for figures in usage for use in figures.uses))
    if all(record.allocated is None for record in records):
        return Allocated(costs)
    # Days are told by key or by project, never by both.
    keyed = costs.records if costs.by_key else ()
    by_project = {charge.record.day for charge in costs.charges}
    rest = tuple(record for record in keyed if record.day not in by_project)
    return Allocated(replace(costs, records=(*rest, *records), by_key=True), records)
