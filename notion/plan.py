"""What has to be written for a month, decided before anything is: create, update, trash, keep.

Pure: outcomes and the rows that stand in Notion go in, a plan comes out. The rules are those of the design:

1. A row's identity is month, service and key; the workspace separates only our bracketed keys. Never the title.
2. A source changes only rows that it owns: those with its ids, or whose workspace is its account or in its registry.
3. A failed attempt changes the source's own row alone.
4. A row read later than these figures is left alone, and so is a fuller row when the answer is poorer.
5. A row that has vanished from a complete answer is set to 0; from an empty one only where emptiness is proven.
6. Several rows of one identity: the oldest stays, the others go to the trash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from notion.databases import Found
from notion.desired import Wanted, is_poorer, retold, wanted_rows, zeroed
from notion.ownership import Ownership
from notion.rows import FIGURES, Existing, Values, changed_fields
from notion.text import folded
from usage.grain import COLLECTION, LABEL, canonical_workspace, is_bracketed
from usage.names import ProviderName, Source, Status
from usage.outcome import SourceOutcome


class Action(StrEnum):
    """What is done with a row."""

    CREATE = "create"
    UPDATE = "update"
    TRASH = "trash"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """One row's turn.

    `fields` are those that a write changes (of an update); `why` is a French sentence where it is not obvious.
    """

    action: Action
    source: Source
    values: Values
    page_id: str | None = None
    fields: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a month, and the outcomes with what only the comparison with Notion could tell."""

    steps: tuple[Step, ...]
    outcomes: tuple[SourceOutcome, ...]

    def of(self, action: Action) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.action is action)


@dataclass(frozen=True, slots=True)
class Context:
    """What the plan is made against.

    `services` are page ids; `labels` are those of all accounts that have a key, in the order of the accounts: the
    first one wins an id that several reach.
    """

    usages: Found
    services: Mapping[ProviderName, str]
    labels: Mapping[ProviderName, tuple[str, ...]]


def make_plan(outcomes: Sequence[SourceOutcome], existing: Sequence[Existing], context: Context) -> Plan:
    """Decide every write of one month."""
    steps: list[Step] = []
    final: list[SourceOutcome] = []
    for outcome in outcomes:
        service = context.services[outcome.source.provider]
        # What another account of the provider has a step for is not this one's any more.
        taken = {step.page_id for step in steps}
        mine = [
            row
            for row in existing
            if row.page_id not in taken and row.values.service and _same_id(row.values.service, service)
        ]
        planner = _SourcePlanner(outcome, mine, context)
        planner.plan()
        steps += planner.steps
        final.append(planner.outcome)
    return Plan(tuple(steps), tuple(final))


class _SourcePlanner:
    """Decides for one source. `steps` and `outcome` are its results."""

    def __init__(self, outcome: SourceOutcome, rows: Iterable[Existing], context: Context) -> None:
        self.outcome = outcome
        self.steps: list[Step] = []
        self._context = context
        self._service = context.services[outcome.source.provider]
        self._labels = context.labels[outcome.source.provider]
        self._owns = Ownership(outcome)
        self._rows = sorted(rows, key=lambda row: row.age)
        self._left = {row.page_id for row in self._rows}

    def plan(self) -> None:
        """Data rows first, the source's own row last: a publication that was cut short shows by its absence."""
        if not self.outcome.failed:
            self._data_rows()
        self._own_row()

    def _data_rows(self) -> None:
        other_grain = [
            row
            for row in self._rows
            if self._owns.row(row) and not self._is_own(row) and self._owns.has_other_grain(row)
        ]
        if other_grain and not self.outcome.coarse and not self.outcome.complete:
            # Writing rows of the new grain beside those of the old one would count everything twice.
            self._note("Les lignes restent à l’ancien grain : la réponse est incomplète.")
            return
        for wanted in wanted_rows(self.outcome, self._service):
            if self.outcome.coarse and self._owns.has_finer(wanted.row, other_grain):
                continue
            self._one(wanted)
        if not self.outcome.coarse:
            for row in other_grain:
                self._trash(row, "Remplacée par des lignes d’un autre grain.")
        self._errors()
        self._vanished()

    def _errors(self) -> None:
        """Rows `… - Error` of older collectors: this source's own row tells the story now."""
        for row in self._rows:
            is_error = folded(row.values.identifiant).endswith((" - error", " - erreur"))
            empty = all(not getattr(row.values, name) for name in FIGURES)
            if is_error and empty and row.page_id in self._left and self._owns.row(row):
                self._trash(row, "Ligne d’erreur d’un ancien collecteur.")

    def _one(self, wanted: Wanted) -> None:
        """Create, update or keep one row; its doubles go to the trash."""
        values = self._with_known_key(wanted.values)
        oldest = self._oldest(values)
        if oldest is None:
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))
        elif oldest.values.workspace in self._labels[: self._labels.index(self.outcome.label)]:
            self._keep(oldest, "Déjà comptée avec un autre compte qui voit la même chose.")
        elif _is_later(oldest, values):
            self._keep(oldest, "Lue plus récemment par une autre collecte.")
        elif is_poorer(values, oldest.values):
            self._keep(oldest, "La ligne en place est plus complète.")
        else:
            self._update(oldest, retold(values, oldest.values, self.outcome.month))

    def _oldest(self, values: Values) -> Existing | None:
        """The row that stands for these values, if any; its doubles go to the trash."""
        matches = self._matches(values)
        for double in matches[1:]:
            self._trash(double, "Ligne en double, la plus ancienne est gardée.")
        self._left -= {row.page_id for row in matches}
        return matches[0] if matches else None

    def _own_row(self) -> None:
        values = self._owns.own_row(self._service, several=len(self._labels) > 1)
        oldest = self._oldest(values)
        if oldest is None:
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))
        elif _is_later(oldest, values):
            self._keep(oldest, "Une collecte plus récente l’a écrite.")
        else:
            self._update(oldest, values)

    def _vanished(self) -> None:
        """Rows of this source that the answer no longer has."""
        gone = [
            row
            for row in self._rows
            if row.page_id in self._left
            and row.values.key not in ("", COLLECTION)
            and self._owns.row(row)
            and not self._owns.has_other_grain(row)
        ]
        for row in gone:
            if self.outcome.complete:
                values = zeroed(row.values, self.outcome)
                if _is_later(row, values):
                    self._keep(row, "Lue plus récemment par une autre collecte.")
                else:
                    self._update(row, retold(values, row.values, self.outcome.month))
            else:
                self._keep(row, "Absente d’une réponse qui ne prouve pas qu’elle est nulle.")
        told = any(getattr(row.values, name) for row in gone for name in FIGURES)
        if told and self.outcome.status is Status.SUCCES and not self.outcome.complete and not self.outcome.rows:
            self._doubt()

    def _doubt(self) -> None:
        sentence = "Réponse vide alors que Notion a des chiffres pour ce mois : ils restent."
        self.outcome = self.outcome.model_copy(
            update={
                "status": Status.PARTIEL,
                "rerun": True,
                "reason": sentence,
                "log": f"{self.outcome.log} {sentence}",
            }
        )
        self._owns = Ownership(self.outcome)

    def _note(self, sentence: str) -> None:
        self.outcome = self.outcome.model_copy(update={"log": f"{self.outcome.log} {sentence}"})
        self._owns = Ownership(self.outcome)

    def _matches(self, wanted: Values) -> list[Existing]:
        """Rows of the same identity, oldest first; else the one row of an older account label or an older collector."""
        same = [row for row in self._rows if row.page_id in self._left and same_identity(row.values, wanted)]
        return same or self._relabelled(wanted) or self._legacy(wanted)

    def _relabelled(self, wanted: Values) -> list[Existing]:
        """Our bracketed rows of an account that has been given another name since."""
        if not is_bracketed(wanted.key) or wanted.workspace != self.outcome.label:
            return []
        known = {canonical_workspace(label) for label in self._labels}
        orphans = [
            row
            for row in self._rows
            if row.page_id in self._left
            and row.values.key == wanted.key
            and canonical_workspace(row.values.workspace) not in known
        ]
        return orphans if len(orphans) == 1 and len(self._labels) == 1 else []

    def _with_known_key(self, wanted: Values) -> Values:
        """A label whose key is deleted is the row of that workspace that had this name before, where there is one."""
        if not wanted.key.startswith(LABEL):
            return wanted
        taken = {row.key for row in self.outcome.rows}
        for row in self._rows:
            if (
                row.values.identifiant == wanted.identifiant
                and row.values.workspace == wanted.workspace
                and not is_bracketed(row.values.key)
                and row.values.key not in taken
            ):
                return replace(wanted, key=row.values.key)
        return wanted

    def _legacy(self, wanted: Values) -> list[Existing]:
        """Rows of older collectors hold a name where the id belongs, or nothing. Doubtful ones are left alone."""
        names = {folded(wanted.nom), folded(wanted.identifiant)}
        found = [
            row
            for row in self._rows
            if row.page_id in self._left
            and not is_bracketed(row.values.key)
            and row.values.key not in self._owns.ids
            and (
                (not row.values.key and folded(row.values.identifiant) in names)
                or (row.values.key and folded(row.values.key) in names)
            )
        ]
        others = [item for item in self.outcome.rows if folded(item.name) == folded(wanted.nom)]
        return found if len(others) == 1 else []

    def _is_own(self, row: Existing) -> bool:
        mine = canonical_workspace(self.outcome.label)
        return row.values.key == COLLECTION and canonical_workspace(row.values.workspace) == mine

    def _update(self, row: Existing, values: Values) -> None:
        changed = changed_fields(row.values, values, self._context.usages)
        if set(changed) <= {"collecte_le"} and values.key != COLLECTION:
            self._keep(row, "")
        else:
            fields = tuple(dict.fromkeys((*changed, "collecte_le")))
            self.steps.append(Step(Action.UPDATE, self.outcome.source, values, row.page_id, fields))

    def _keep(self, row: Existing, why: str) -> None:
        self._left.discard(row.page_id)
        self.steps.append(Step(Action.KEEP, self.outcome.source, row.values, row.page_id, why=why))

    def _trash(self, row: Existing, why: str) -> None:
        self._left.discard(row.page_id)
        self.steps.append(Step(Action.TRASH, self.outcome.source, row.values, row.page_id, why=why))


def same_identity(left: Values, right: Values) -> bool:
    """Whether two rows of one service and month stand for the same thing."""
    if left.key != right.key:
        return False
    return not is_bracketed(left.key) or canonical_workspace(left.workspace) == canonical_workspace(right.workspace)


def _is_later(row: Existing, values: Values) -> bool:
    """Whether the row was read after these figures, to the minute that Notion keeps."""
    at, then = values.collecte_le, row.values.collecte_le
    return then is not None and at is not None and then > at


def _same_id(left: str, right: str) -> bool:
    return left.replace("-", "") == right.replace("-", "")
