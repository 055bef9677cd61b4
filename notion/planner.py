"""What has to be written for one source; see `notion.plan` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from notion.annotations import Note
from notion.coarse import EMPTIED, LESS_FINE, REPLACED, emptied, says_no_more, with_lost_figures
from notion.desired import (
    Wanted,
    compared,
    is_later,
    is_poorer,
    own_row,
    prevailing,
    retold,
    summed,
    wanted_rows,
    zeroed,
)
from notion.doubles import DOUBLE, ERROR_ROW, Doubles, sort_out
from notion.matching import Matching
from notion.ownership import Ownership, identity
from notion.rows import FIGURES, Existing, Values, changed_fields, has_figures, is_error_row
from notion.steps import Action, Claims, Context, Step
from usage.grain import COLLECTION, canonical_workspace
from usage.names import Status
from usage.outcome import SourceOutcome


class SourcePlanner:
    """Decides for one source. `steps` and `outcome` are its results.

    Args:
        outcome: What the source brought.
        rows: All rows of its provider and month that stand in Notion.
        context: What else the plan is made against.
        claims: What accounts before this one have decided about.
    """

    def __init__(self, outcome: SourceOutcome, rows: Sequence[Existing], context: Context, claims: Claims) -> None:
        self.outcome = outcome
        self.steps: list[Step] = []
        self._context, self._claims = context, claims
        self._service = context.services[outcome.source.provider]
        self._labels = context.labels[outcome.source.provider]
        self._owns = Ownership(outcome, rows, self._labels)
        free = [row for row in rows if row.page_id not in claims.pages]
        self._matching = Matching(outcome, free, self._owns, context.earlier)
        self._clashes = 0

    def plan(self) -> None:
        """Data rows first, the source's own row last: a publication that was cut short shows by its absence."""
        if not self.outcome.failed:
            self._doubt_an_empty_answer()
            self._data_rows()
        self._own_row()

    def _data_rows(self) -> None:
        wanted = list(wanted_rows(self.outcome, self._service))
        meant = {identity(one.values) for one in wanted}
        others = [row for row in self._owned() if identity(row.values) not in meant and self._owns.has_other_grain(row)]
        if self.outcome.coarse:
            wanted = self._without_finer(wanted, others)
        elif self._keeps_grain(others):
            # Rows of the new grain beside those of the old one would count everything twice.
            self._note("Les lignes restent à l’ancien grain : la réponse est incomplète ou plus ancienne.")
            self._keep_all(self._owned(), "Reste à l’ancien grain.")
            return
        for one in wanted:
            self._one(one.values)
        left = {row.page_id for row in self._matching.left()}
        self._replaced([row for row in others if row.page_id in left])
        self._errors()
        self._vanished()

    # -- one row

    def _one(self, original: Values) -> None:
        """Create, update or keep one row; its doubles go to the trash."""
        values = self._matching.with_known_key(original)
        if identity(values) in self._claims.identities:
            return
        found = self._matches(values, original)
        if found is None:
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))
            return
        standing = prevailing(found.rows, self.outcome.month)
        why = self._why_kept(found.rows, standing, values)
        fuller = with_lost_figures(values, standing) if self.outcome.coarse else values
        target = standing if why else retold(fuller, standing, self.outcome.month)
        # The oldest row takes the place of those read at other times.
        self._settle(found.kept, target, why, timed=bool(found.surplus), notes=found.notes)

    def _why_kept(self, matches: Sequence[Existing], standing: Values, values: Values) -> str:
        """Why a row stays as it is; empty where it gets new values."""
        if self.outcome.rule.workspace == "account" and self._is_of_earlier_account(standing.workspace):
            return "Déjà comptée avec un autre compte qui voit la même chose."
        if any(is_later(row.values, self.outcome.attempted_at) for row in matches):
            return "Lue plus récemment par une autre collecte."
        if self.outcome.coarse and says_no_more(values, standing):
            return LESS_FINE
        return "La ligne en place est plus complète." if is_poorer(values, standing, self.outcome.month) else ""

    def _is_of_earlier_account(self, workspace: str) -> bool:
        earlier = self._labels[: self._labels.index(self.outcome.label)]
        return canonical_workspace(workspace) in {canonical_workspace(label) for label in earlier}

    def _own_row(self) -> None:
        title = self._own_values()
        found = self._matches(title, title)
        if self._clashes:
            self._note(f"Lignes en double à réunir à la main : {self._clashes}. llm-usage heal dit lesquelles.")
        values = self._own_values()
        if found is None:
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))
            return
        standing = prevailing(found.rows, self.outcome.month)
        if is_later(standing, self.outcome.attempted_at):
            why = "Une collecte plus récente l’a écrite."
            self._settle(found.kept, standing, why, timed=True, notes=found.notes)
        else:
            # Written by every run, whatever it found.
            changed = changed_fields(found.kept.values, values, self._context.usages)
            self._update(found.kept, values, changed, notes=found.notes)

    def _own_values(self) -> Values:
        return own_row(self.outcome, self._service, several=len(self._labels) > 1)

    def _matches(self, values: Values, original: Values) -> Doubles | None:
        """The rows that are meant, sorted out; those that can't become one with the others stay as they are."""
        rows = self._matching.rows_for(values, original)
        if not rows:
            return None
        found = sort_out(rows)
        self._matching.take(found.kept)
        for double in found.surplus:
            self._trash(double, DOUBLE, into=found.kept)
        for clash in found.clashes:
            self._keep(clash.other, clash.why)
        self._clashes += len(found.clashes)
        return found

    # -- what the answer does not have

    def _errors(self) -> None:
        """Rows `… - Error` of older collectors: this source's own row tells the story now."""
        for row in self._matching.left():
            if is_error_row(row) and self._owns.may_be(row):
                self._trash(row, ERROR_ROW)

    def _vanished(self) -> None:
        """Rows of this source that the answer no longer has."""
        gone = [row for row in self._owned() if row.values.key]
        if not self.outcome.complete:
            self._keep_all(gone, "Absente d’une réponse qui ne prouve pas qu’elle est nulle.")
            return
        for row in gone:
            if is_later(row.values, self.outcome.attempted_at):
                self._keep(row, "Lue plus récemment par une autre collecte.")
            else:
                self._settle(row, retold(zeroed(row.values, self.outcome), row.values, self.outcome.month))

    def _doubt_an_empty_answer(self) -> None:
        outcome = self.outcome
        if outcome.rows or outcome.complete or outcome.status is not Status.SUCCES:
            return
        if any(has_figures(row) for row in self._owned()):
            sentence = "Réponse vide alors que Notion a des chiffres pour ce mois : ils restent."
            self._note(sentence)
            self.outcome = self.outcome.model_copy(update={"status": Status.PARTIEL, "rerun": True, "reason": sentence})

    # -- grain

    def _keeps_grain(self, others: Sequence[Existing]) -> bool:
        """Whether rows of the old grain stay, because the new ones, all together, would say less or are older."""
        if any(is_later(row.values, self.outcome.attempted_at) for row in others):
            return True
        if self.outcome.complete or not others:
            return False
        old, new = summed(row.values for row in others), summed(one.values for one in wanted_rows(self.outcome, ""))
        lost = any(getattr(new, name) is None and getattr(old, name) is not None for name in FIGURES)
        # A millionth of a dollar: sums of doubles are not exact.
        return lost or any(compared(new, old, name) < -1e-6 for name in FIGURES)

    def _replaced(self, others: Sequence[Existing]) -> None:
        """Rows of another grain, beside those of the answer; what people wrote keeps a row, its figures do not."""
        if self.outcome.coarse:
            self._keep_all(others, LESS_FINE)
            return
        noted = [row for row in others if row.notes or row.is_written_on]
        for row in others:
            if row in noted:
                self._settle(row, emptied(row.values, self.outcome.attempted_at), EMPTIED)
            else:
                self._trash(row, REPLACED)
        if noted:
            self._note(f"Lignes de l’ancien grain gardées sans chiffres, car vous y avez écrit : {len(noted)}.")

    def _without_finer(self, wanted: Sequence[Wanted], others: Sequence[Existing]) -> list[Wanted]:
        """The coarse rows that no finer ones of the same workspace or project tell already."""
        finer = {
            canonical_workspace(row.values.workspace)
            for row in others
            if self._owns.is_finer(row) and row.values.log != EMPTIED
        }
        return [one for one in wanted if canonical_workspace(one.values.workspace) not in finer]

    # -- steps

    def _owned(self) -> list[Existing]:
        """Rows of projects and keys that belong to this source and that nothing has been decided about."""
        left = self._matching.left()
        return [row for row in left if row.values.key != COLLECTION and self._owns.row(row)]

    def _settle(
        self, row: Existing, values: Values, why: str = "", *, timed: bool = False, notes: Sequence[Note] = ()
    ) -> None:
        """Give a row its values, where Notion shows others; the time alone is another value only when `timed`."""
        changed = changed_fields(row.values, values, self._context.usages)
        if notes or (changed and (changed != ("collecte_le",) or timed)):
            self._update(row, values, changed, why, notes=notes)
        else:
            self._keep(row, why)

    def _update(
        self, row: Existing, values: Values, changed: Sequence[str], why: str = "", *, notes: Sequence[Note] = ()
    ) -> None:
        self._matching.take(row)
        fields = tuple(dict.fromkeys((*changed, "collecte_le")))
        self.steps.append(Step(Action.UPDATE, self.outcome.source, values, row.page_id, fields, why, tuple(notes)))

    def _keep_all(self, rows: Sequence[Existing], why: str) -> None:
        for row in rows:
            self._keep(row, why)

    def _keep(self, row: Existing, why: str) -> None:
        self._matching.take(row)
        self.steps.append(Step(Action.KEEP, self.outcome.source, row.values, row.page_id, why=why))

    def _trash(self, row: Existing, why: str, into: Existing | None = None) -> None:
        self._matching.take(row)
        step = Step(Action.TRASH, self.outcome.source, row.values, row.page_id, why=why, unless_written_on=True)
        self.steps.append(step if into is None else replace(step, into=into.page_id))

    def _note(self, sentence: str) -> None:
        self.outcome = self.outcome.model_copy(update={"log": f"{self.outcome.log} {sentence}"})
