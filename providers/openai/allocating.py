"""Costs that OpenAI tells by project alone, divided among keys by the usage reports, where rows are keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from providers.openai.reports import ReportFigures
from providers.shared.amounts import sum_known
from usage.grain import NO_API_KEY
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.outcomes.report import Gap, GapKind, RowNote
from usage.records.allocation import allocate
from usage.records.record import UsageRecord


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
                sentence = say(
                    "{left} USD stay here: OpenAI gives them only by project, and no key has usage of the same model "
                    "and kind on that day.",
                    left=left,
                )
                yield RowNote(sentence=sentence, key=NO_API_KEY, workspace=project)

    @property
    def remark(self) -> Sentence:
        """What was divided, and what was not, for the source's own row; silent where nothing was."""
        if not self.records:
            return SILENCE
        if not self.left:
            return say("divided among the keys by usage, {divided} USD", divided=self.divided)
        return say(
            "divided among the keys by usage, {divided} USD; {left} USD stay without a key",
            divided=self.divided,
            left=self.left,
        )


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
