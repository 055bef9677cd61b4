"""Which rows a source may touch, and its own row."""

from __future__ import annotations

from collections.abc import Sequence

from notion.rows import Existing, Values, to_minute
from notion.text import one_line, printable
from usage.grain import COLLECTION, canonical_workspace, is_bracketed, row_rule
from usage.names import Kind
from usage.outcome import SourceOutcome, UsageRow


class Ownership:
    """What belongs to one source."""

    def __init__(self, outcome: SourceOutcome) -> None:
        self._outcome = outcome
        self.ids = frozenset(thing.id for thing in outcome.things) | frozenset(
            row.key for row in outcome.rows if not is_bracketed(row.key)
        )
        self._workspaces = frozenset(thing.id for thing in outcome.things if thing.kind is not Kind.API_KEY) | {
            row.workspace for row in outcome.rows if row.workspace
        }
        self._projects = frozenset(thing.id for thing in outcome.things if thing.kind is Kind.PROJECT)

    def row(self, row: Existing) -> bool:
        """Whether a row of the source's provider is the source's."""
        values = row.values
        if values.key in self.ids and not is_bracketed(values.key):
            return True
        if canonical_workspace(values.workspace) == canonical_workspace(self._outcome.label):
            return True
        return values.workspace in self._workspaces

    def has_other_grain(self, row: Existing) -> bool:
        """Whether the row stands for something else than this source's rows do now."""
        values = row.values
        if not values.key:
            return False
        rule = row_rule(self._outcome.source.provider, values.key, values.workspace, self._projects)
        return rule != self._outcome.rule

    def has_finer(self, row: UsageRow, finer: Sequence[Existing]) -> bool:
        """Whether finer rows already tell what this coarse row would: those of the same workspace or project."""
        return any(canonical_workspace(other.values.workspace) == canonical_workspace(row.workspace) for other in finer)

    def own_row(self, service: str, *, several: bool) -> Values:
        """The row that tells the source's own story."""
        outcome = self._outcome
        title = f"{outcome.month} - {outcome.source.provider.label} - Collecte"
        if several:
            title += f" - {outcome.source.account}"
        return Values(
            identifiant=one_line(title),
            service=service,
            mois=str(outcome.month),
            key=COLLECTION,
            workspace=outcome.label,
            collecte_le=to_minute(outcome.attempted_at),
            statut=outcome.status.value,
            log=printable(outcome.log),
            nom=COLLECTION,
        )
