"""Where the figures in Notion differ from those of an answer, whatever a plan would do about it.

Rows are met as a plan meets them: by the provider's ids, whatever accounts and projects are called.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from notion.plan.desired import add_up, wanted_rows
from notion.plan.ownership import Matching, Ownership, Peers
from notion.plan.steps import Context
from notion.rows.titles import is_of_service
from notion.rows.values import FIGURES, Existing, Values, has_figures
from usage.grain import COLLECTION, canonical_workspace
from usage.money import exact_sum
from usage.names import Source
from usage.outcomes.outcome import SourceOutcome

_TOLERANCE: Final = 1e-6
"""By which the sum of several rows may differ, for each of them: Notion's numbers are doubles."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A project or key of which Notion and the answer tell different figures."""

    source: Source
    row: Values
    """As it is in the answer; as it stands in Notion where the answer does not have it."""
    notion: Values
    """The figures in Notion; all empty where it has no such row."""
    now: Values
    """The figures of the answer; all empty where it does not have the row."""
    figures: tuple[str, ...]
    """Fields of `Values` that differ."""


def find_differences(
    outcomes: Sequence[SourceOutcome], existing: Sequence[Existing], context: Context
) -> tuple[RowDifference, ...]:
    """Rows whose figures differ; what failed is not compared, nor what belongs to accounts that were not read.

    Args:
        outcomes: What the sources brought.
        existing: The rows of the month.
        context: What a plan would be made against.
    """
    found: list[RowDifference] = []
    for provider in sorted({outcome.source.provider for outcome in outcomes}):
        part = [one for one in outcomes if one.source.provider is provider]
        service, labels = context.services.get(provider, ""), context.labels[provider]
        rows = [row for row in existing if is_of_service(row, service, provider)]
        taken: set[str] = set()
        for outcome in sorted(part, key=lambda one: one.source.account):
            if outcome.failed:
                continue
            of_one = _SourceComparison(outcome, rows, Peers.of(outcome, part, labels), taken, context)
            found += of_one.differences(context.fields)
            taken |= of_one.taken
    return tuple(found)


class _SourceComparison:
    """One source's answer beside its rows."""

    def __init__(
        self, outcome: SourceOutcome, rows: Sequence[Existing], peers: Peers, taken: Collection[str], context: Context
    ) -> None:
        self._outcome = outcome
        self._owns = Ownership(outcome, rows, peers, taken)
        free = sorted((row for row in rows if row.page_id not in taken), key=lambda row: row.age)
        matching = Matching(outcome, free, self._owns, (), peers.labels)
        service = context.services.get(outcome.source.provider, "")
        wanted = wanted_rows(outcome, service, context.language, several=len(peers.labels) > 1)
        self._pairs = [
            (one.values, rows) for one, rows in matching.match(matching.with_known_key(one) for one in wanted)
        ]
        self._left = [row for row in matching.left() if self._is_mine(row)]
        if outcome.coarse:
            self._meet_finer()
        matched = [row for _, rows in self._pairs for row in rows]
        self.taken = {row.page_id for row in (*matched, *self._left, *self._owns.own_rows)}

    def differences(self, fields: Collection[str]) -> Iterator[RowDifference]:
        """First the rows of the answer, then those that it does not have."""
        source = self._outcome.source
        for values, rows in self._pairs:
            old = rows[0].values if len(rows) == 1 else _together(rows)
            names = tuple(name for name in FIGURES if name in fields and self._differs(name, old, values, len(rows)))
            if names:
                yield RowDifference(source, values, old, values, names)
        for row in self._left:
            names = tuple(name for name in FIGURES if getattr(row.values, name))
            yield RowDifference(source, row.values, row.values, Values(), names)

    def _is_mine(self, row: Existing) -> bool:
        is_data = row.values.key not in ("", COLLECTION)
        return is_data and has_figures(row) and self._owns.has(row)

    def _meet_finer(self) -> None:
        """A row for a whole workspace stands for the finer ones in it, where Notion has those in its place."""
        finer: dict[str, list[Existing]] = defaultdict(list)
        for row in self._left:
            if self._owns.is_finer(row):
                finer[canonical_workspace(row.values.workspace)].append(row)
        self._pairs = [
            (values, rows or finer.pop(canonical_workspace(values.workspace), [])) for values, rows in self._pairs
        ]
        met = {row.page_id for _, rows in self._pairs for row in rows}
        self._left = [row for row in self._left if row.page_id not in met]

    def _differs(self, name: str, old: Values, new: Values, count: int) -> bool:
        was, now = getattr(old, name), getattr(new, name)
        if now is None:
            # A coarse answer lacks some figures for good.
            return was is not None and not self._outcome.coarse
        if was is None:
            return True
        if count == 1:
            return float(was) != float(now)
        return abs(float(was) - float(now)) > _TOLERANCE * count


def _together(rows: Sequence[Existing]) -> Values:
    """The figures of several rows, or of none."""
    return replace(add_up(row.values for row in rows), cost=exact_sum(row.values.dollars for row in rows))
