"""Which rows belong to a source, and which of them stand for something else than its rows do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from notion.rows import Existing, Values
from notion.text import printable
from usage.grain import COLLECTION, GRAINS, LABEL, Rule, canonical_workspace, is_bracketed, row_rule
from usage.names import Kind, Status
from usage.outcome import SourceOutcome

Identity = tuple[str, str]


def identity(values: Values) -> Identity:
    """What makes a row unique within a service and a month: its key, and the workspace of keys that are ours."""
    return values.key, canonical_workspace(values.workspace) if is_ours(values.key) else ""


def is_ours(key: str) -> bool:
    """Whether a key is a word or a name in an id's place: such keys repeat from one workspace to the next."""
    return is_bracketed(key) or key.startswith(LABEL)


class Ownership:
    """What belongs to one source.

    Args:
        outcome: What the source brought.
        rows: All rows of its provider and month that stand in Notion.
        labels: Those of all the provider's accounts that have a key.
    """

    def __init__(self, outcome: SourceOutcome, rows: Sequence[Existing], labels: Sequence[str]) -> None:
        self._outcome = outcome
        self._is_only = len(labels) == 1
        things = outcome.things
        self.ids: Final = frozenset(thing.id for thing in things) | {
            printable(row.key) for row in outcome.rows if not is_bracketed(row.key) and outcome.rule.key != "account"
        }
        self._kinds = {thing.id: thing.kind for thing in things}
        self._workspaces = frozenset(thing.id for thing in things if thing.kind is not Kind.API_KEY) | {
            row.workspace for row in outcome.rows if row.workspace != outcome.label
        }
        self.old_label: Final = self._find_old_label(rows, {canonical_workspace(label) for label in labels})
        self._labels = {canonical_workspace(outcome.label), self.old_label}

    def row(self, row: Existing) -> bool:
        """Whether a row of the source's provider is the source's."""
        values = row.values
        if values.key in self.ids and not is_ours(values.key):
            return True
        return canonical_workspace(values.workspace) in self._labels or values.workspace in self._workspaces

    def may_be(self, row: Existing) -> bool:
        """Whether a row of an older collector, without ids of the provider's, can only be the source's."""
        return self.row(row) or self._is_only

    def rule_of(self, values: Values) -> Rule:
        """The rule that an existing row was written by."""
        grains = GRAINS[self._outcome.source.provider]
        if values.key in (values.workspace, canonical_workspace(values.workspace)):
            return grains.coarse
        # The registry knows best; ids and workspaces tell where it could not be read.
        kind = self._kinds.get(values.key)
        if kind is Kind.API_KEY:
            return grains.api_key
        if kind is Kind.PROJECT:
            return grains.project
        provider, projects = self._outcome.source.provider, self._workspaces
        return row_rule(provider, values.key, values.workspace, projects)

    def has_other_grain(self, row: Existing) -> bool:
        """Whether the row stands for something else than this source's rows do now."""
        key, rule = row.values.key, self._outcome.rule
        if not key or key == COLLECTION:
            return False
        if is_bracketed(key):
            return rule.key == "account" or key != rule.nobody
        return self.rule_of(row.values) != rule

    def is_finer(self, row: Existing) -> bool:
        """Whether the row stands for one key, where this source could be read by workspace or account only."""
        api_key = GRAINS[self._outcome.source.provider].api_key
        if is_bracketed(row.values.key):
            return row.values.key == api_key.nobody
        return self.rule_of(row.values) == api_key

    def _find_old_label(self, rows: Sequence[Existing], known: set[str]) -> str | None:
        """The label under which this account was collected before it was given its present one, if it was.

        Labels that were in use are those of the sources' own rows, and an own row takes its new label last. Whose an
        old one was, the ids beside it tell; without any, only an account that is alone can be meant.
        """
        own = [row.values for row in rows if row.values.key == COLLECTION]
        old = {canonical_workspace(values.workspace) for values in own} - known
        # Attempts that failed under the present label have moved nothing yet.
        moved = [values for values in own if values.statut != Status.ECHEC]
        is_moved = canonical_workspace(self._outcome.label) in {canonical_workspace(v.workspace) for v in moved}
        if is_moved or len(old) != 1 or self._outcome.failed:
            return None
        label = next(iter(old))
        peers = [row for row in rows if not is_ours(row.values.key) and self._could_be_of(row, label)]
        is_its = any(row.values.key in self.ids for row in peers) if peers else self._is_only
        return label if is_its else None

    def _could_be_of(self, row: Existing, label: str) -> bool:
        if row.values.key in (row.values.workspace, canonical_workspace(row.values.workspace)):
            # A row of a whole account holds no id, that of a whole workspace does.
            return row.values.key in self.ids
        return self._outcome.rule.workspace != "account" or canonical_workspace(row.values.workspace) == label
