"""What has to be written for one source; see `notion.plan.plan` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from notion.plan.authorship import SOMEBODYS, Authors
from notion.plan.coarse import EMPTIED, LESS_FINE, REPLACED, emptied, says_no_more, with_lost_figures
from notion.plan.desired import (
    Wanted,
    compared,
    is_later,
    is_poorer,
    own_row,
    prevailing,
    retold,
    summed,
    titled,
    wanted_rows,
    with_account,
    zeroed,
)
from notion.plan.doubles import DOUBLE, ERROR_ROW, Doubles, sort_out
from notion.plan.hands import is_old_error
from notion.plan.loss import LEFT, Change, accepting_command, doubtful
from notion.plan.matching import Matching
from notion.plan.ownership import Ownership, Peers, identity
from notion.plan.steps import Action, Claims, Context, Step
from notion.rows.annotations import Note
from notion.rows.receipt import Receipt, read_receipt, receipt_of
from notion.rows.values import FIGURES, Existing, Values, changed_fields, has_figures
from usage.grain import COLLECTION, canonical_workspace
from usage.names import Status
from usage.outcomes.outcome import SourceOutcome

_TAKEN_OVER: Final = "Garde un montant d’une lecture plus ancienne et plus fine."
OLD_GRAIN: Final = "Reste à l’ancien grain."
LATER: Final = "Lue plus récemment par une autre collecte."


class SourcePlanner:
    """Decides for one source. `steps` and `outcome` are its results.

    Args:
        outcome: What the source brought.
        rows: The rows of its provider and month that may be changed.
        strangers: Those that somebody else wrote.
        context: What else the plan is made against.
        authors: Who this program is in Notion.
        peers: The provider's other accounts.
        claims: What accounts before this one have decided about.
    """

    def __init__(
        self,
        outcome: SourceOutcome,
        rows: Sequence[Existing],
        strangers: Sequence[Existing],
        context: Context,
        *,
        authors: Authors,
        peers: Peers,
        claims: Claims,
    ) -> None:
        self.outcome = outcome
        self.steps: list[Step] = []
        self.set_aside: list[Values] = []
        """Rows of the answer that are not written, for a reason that the steps or the story tell."""
        self.owns: Final = Ownership(outcome, rows, peers, claims.pages)
        self._context, self._claims, self._peers, self._authors = context, claims, peers, authors
        self._strangers = {identity(row.values): row for row in strangers}
        self._service = context.services[outcome.source.provider]
        self._several = len(peers.labels) > 1
        self._rows = [row for row in rows if row.page_id not in claims.pages]
        self._matching = self._match()
        self._change = Change()
        self._clashes = 0
        self._is_held = False
        """Whether the rows stay as they are, whatever was read."""

    def plan_rows(self) -> None:
        """Decide about the rows of projects and keys."""
        if self.outcome.failed:
            return
        self._doubt_an_empty_answer()
        self._data_rows()
        objection = "" if self._context.accept_lower else self._change.objection(self.outcome)
        if objection:
            self._hold(objection)
        elif self._change.unproven:
            self._doubt(doubtful(self.outcome, f"{self._change.unproven} lignes ont disparu de la réponse"))

    def plan_own_row(self) -> None:
        """Decide about the source's own row, which comes last: a publication that was cut shows by its absence."""
        found = self._doubles(self.owns.own_rows)
        if self._clashes:
            self.note(f"Lignes en double à réunir à la main : {self._clashes}. llm-usage heal dit lesquelles.")
        standing = None if found is None else prevailing(found.rows, self.outcome.month)
        receipt = self._receipt(found)
        values = own_row(self.outcome, self._service, receipt.to_json() if receipt else "", several=self._several)
        created = [step.values for step in self.steps if step.action is Action.CREATE]
        vouches = frozenset(identity(one) for one in created if self.owns.is_label_bound(one))
        if found is None or standing is None:
            step = Step(Action.CREATE, self.outcome.source, values)
            self.steps.append(replace(step, receipt=receipt, vouches=vouches))
        elif is_later(standing, self.outcome.attempted_at):
            why = "Une collecte plus récente l’a écrite."
            if receipt is None or not _is_newer(receipt, read_receipt(standing.breakdown)):
                self._settle(found.kept, standing, why, timed=True, notes=found.notes)
                return
            # That one failed, and the figures that stand there are those of this reading.
            standing = replace(standing, breakdown=receipt.to_json())
            self._settle(found.kept, standing, why, timed=True, notes=found.notes)
            self.steps[-1] = replace(self.steps[-1], receipt=receipt, vouches=vouches)
        else:
            # Written by every run, whatever it found.
            changed = changed_fields(found.kept.values, values, self._context.usages)
            self._update(found.kept, values, changed, notes=found.notes)
            self.steps[-1] = replace(self.steps[-1], receipt=receipt, vouches=vouches)

    def note(self, sentence: str) -> None:
        """Add to the source's story."""
        self.outcome = self.outcome.model_copy(update={"log": f"{self.outcome.log} {sentence}"})

    def keep(self, row: Existing, why: str) -> None:
        """Leave a row as it is."""
        self._matching.take(row)
        self.steps.append(Step(Action.KEEP, self.outcome.source, row.values, row.page_id, why=why))

    def _match(self) -> Matching:
        return Matching(self.outcome, self._rows, self.owns, self._context.earlier, self._peers.labels)

    def _wanted(self) -> list[Wanted]:
        return list(wanted_rows(self.outcome, self._service, several=self._several))

    def _data_rows(self) -> None:
        wanted = self._wanted()
        meant = {identity(one.values) for one in wanted}
        others = [row for row in self._owned() if identity(row.values) not in meant and self.owns.has_other_grain(row)]
        if self.outcome.coarse:
            wanted = self._without_finer(wanted, others)
        elif self._keeps_grain(others):
            # Rows of the new grain beside those of the old one would count everything twice.
            self.note("Les lignes restent à l’ancien grain : la réponse est incomplète ou plus ancienne.")
            self.set_aside += [one.values for one in wanted]
            self._keep_all(self._owned(), OLD_GRAIN)
            return
        for one in wanted:
            self._one(one)
        left = {row.page_id for row in self._matching.left()}
        self._replaced([row for row in others if row.page_id in left])
        self._errors()
        self._vanished()

    # -- one row

    def _one(self, wanted: Wanted) -> None:
        """Create, update or keep one row; its doubles go to the trash."""
        values = self._matching.with_known_key(wanted.values, wanted.name)
        # What only a label tells is this account's: another account may have had this label before.
        if identity(values) in self._claims.identities and not self.owns.is_label_bound(values):
            self.set_aside.append(values)
            return
        found = self._doubles(self._matching.rows_for(values, wanted.values, wanted.name))
        if found is None:
            self._missing(values)
            return
        standing = prevailing(found.rows, self.outcome.month)
        values = self._under_its_label(values, wanted.name, standing)
        why = self._why_kept(found.rows, standing, values)
        fuller = with_lost_figures(values, standing) if self.outcome.coarse else values
        target = standing if why else retold(fuller, standing, self.outcome.month)
        if not why and fuller.cout != values.cout:
            why = _TAKEN_OVER
        self.set_aside += [values] if why else []
        self._change.row(standing, target)
        # The oldest row takes the place of those read at other times; so does a time that is known that of none.
        timed = bool(found.surplus) or standing.collecte_le is None
        self._settle(found.kept, target, why, timed=timed, notes=found.notes)

    def _missing(self, values: Values) -> None:
        """A row that nobody of ours has written yet."""
        stranger = self._strangers.get(identity(values))
        if stranger is not None:
            # A second row of one project would count it twice.
            self.set_aside.append(values)
            self._doubt(f"« {stranger.values.identifiant} » : {SOMEBODYS[0].lower()}{SOMEBODYS[1:]}")
        else:
            self._change.row(None, values)
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))

    def _under_its_label(self, values: Values, name: str, standing: Values) -> Values:
        """The values with the label of the earlier account that counts what both see."""
        if not self._is_labelled(values) or not self.owns.stays_with(standing.workspace):
            return values
        shown = with_account(name, standing.workspace)
        # The row of an account as a whole has the account's name for a key.
        key = standing.key if self.owns.is_label_bound(values) else values.key
        title = titled(self.outcome, shown)
        return replace(values, key=key, workspace=standing.workspace, identifiant=title, nom=shown)

    def _why_kept(self, matches: Sequence[Existing], standing: Values, values: Values) -> str:
        """Why a row stays as it is; empty where it gets new values."""
        if any(is_later(row.values, self.outcome.attempted_at) for row in matches):
            return LATER
        if self.outcome.coarse and says_no_more(values, standing):
            return LESS_FINE
        return "La ligne en place est plus complète." if is_poorer(values, standing, self.outcome.month) else ""

    def _doubles(self, rows: Sequence[Existing]) -> Doubles | None:
        """The rows that are meant, sorted out; those that can't become one with the others stay as they are."""
        if not rows:
            return None
        found = sort_out(rows)
        self._matching.take(found.kept)
        for double in found.surplus:
            self._trash(double, DOUBLE, into=found.kept)
        for clash in found.clashes:
            self.keep(clash.other, clash.why)
        self._clashes += len(found.clashes)
        return found

    def _receipt(self, found: Doubles | None) -> Receipt | None:
        """The receipt of this reading; that of before where it failed, or where its figures were not followed."""
        receipts = [read_receipt(row.values.breakdown) for row in found.rows] if found is not None else []
        known = [receipt for receipt in receipts if receipt is not None]
        latest = max(known, key=lambda one: one.read_at.timestamp() if one.read_at is not None else 0.0, default=None)
        if self.outcome.failed or (self._is_held and latest is not None):
            return latest
        receipt = receipt_of(self.outcome, self._vouched())
        if self._is_held:
            # What was read is not what stands there.
            nothing = dict.fromkeys(("rows", "cost_usd", "control_usd", "read_at"))
            return receipt.model_copy(update=nothing)
        return receipt

    # -- what the answer does not have

    def _errors(self) -> None:
        """Rows `… - Error` of older collectors: this source's own row tells the story now."""
        for row in self._matching.left():
            if is_old_error(row, self.outcome.source.provider) and self.owns.may_be(row):
                self._trash(row, ERROR_ROW)

    def _vanished(self) -> None:
        """Rows of this source that the answer no longer has."""
        gone = [row for row in self._owned() if row.values.key]
        if not self.outcome.complete:
            self._keep_all(gone, "Absente d’une réponse qui ne prouve pas qu’elle est nulle.")
            return
        for row in gone:
            if is_later(row.values, self.outcome.attempted_at):
                self.keep(row, LATER)
            elif has_figures(row) and not (self._context.accept_lower or self.owns.can_be_gone(row.values)):
                self._change.unproven += 1
                self.keep(row, LEFT)
            else:
                target = retold(zeroed(self._relabelled(row.values), self.outcome), row.values, self.outcome.month)
                self._change.row(row.values, target)
                self._settle(row, target)

    def _relabelled(self, values: Values) -> Values:
        """A row under the account's present label, where it stands under an old one."""
        is_here = canonical_workspace(values.workspace) == canonical_workspace(self.outcome.label)
        if is_here or not self._is_labelled(values) or self.owns.stays_with(values.workspace):
            return values
        name = self._matching.name(values)
        shown = with_account(name, self.outcome.label if self._several else "")
        return replace(values, workspace=self.outcome.label, identifiant=titled(self.outcome, shown), nom=shown)

    def _is_labelled(self, values: Values) -> bool:
        """Whether a row has an account's label for its workspace."""
        return self.outcome.rule.workspace == "account" or self.owns.is_label_bound(values)

    def _doubt_an_empty_answer(self) -> None:
        outcome = self.outcome
        if outcome.rows or outcome.complete or outcome.status is not Status.SUCCES:
            return
        if not any(has_figures(row) for row in self._owned()):
            return
        if self._context.accept_lower:
            # A person says that the month is empty indeed.
            self.outcome = outcome.model_copy(update={"complete": True})
        else:
            command = accepting_command(outcome)
            self._doubt(f"Réponse vide alors que Notion a des chiffres pour ce mois : ils restent. {command}")

    def _doubt(self, sentence: str) -> None:
        """The source is not all well: a person has to look, or run it again."""
        self.note(sentence)
        status = self.outcome.status if self.outcome.status is Status.ECHEC else Status.PARTIEL
        reason = f"{self.outcome.reason} {sentence}".strip()
        self.outcome = self.outcome.model_copy(update={"status": status, "rerun": True, "reason": reason})

    def _hold(self, objection: str) -> None:
        """Leave all rows of the source as they are."""
        self.steps.clear()
        self._clashes = 0
        self._is_held = True
        self.set_aside = [one.values for one in self._wanted()]
        self._matching = self._match()
        self._keep_all(self._owned(), LEFT)
        self._doubt(doubtful(self.outcome, objection))

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
            self._change.row(row.values, None)
            if row in noted:
                self._settle(row, emptied(row.values, self.outcome.attempted_at), EMPTIED)
            else:
                self._trash(row, REPLACED)
        if noted:
            self.note(f"Lignes de l’ancien grain gardées sans chiffres, car vous y avez écrit : {len(noted)}.")

    def _without_finer(self, wanted: Sequence[Wanted], others: Sequence[Existing]) -> list[Wanted]:
        """The coarse rows that no finer ones of the same workspace or project tell already."""
        finer = {
            canonical_workspace(row.values.workspace)
            for row in others
            if self.owns.is_finer(row) and row.values.log != EMPTIED
        }
        told = [one for one in wanted if canonical_workspace(one.values.workspace) in finer]
        self.set_aside += [one.values for one in told]
        return [one for one in wanted if one not in told]

    # -- steps

    def _owned(self) -> list[Existing]:
        """Rows of projects and keys that belong to this source and that nothing has been decided about."""
        left = self._matching.left()
        return [row for row in left if row.values.key != COLLECTION and self.owns.row(row)]

    def _vouched(self) -> list[str]:
        """Pages that only the receipt shows to be this source's, as far as they stand there already."""
        steps = {step.page_id: step for step in self.steps if step.action is not Action.TRASH and step.page_id}
        rows = [row for row in self._rows if row.page_id in steps and row.values.key != COLLECTION]
        return [row.page_id for row in rows if self._needs_vouching(row)]

    def _needs_vouching(self, row: Existing) -> bool:
        return self.owns.row(row) and (self.owns.is_label_bound(row.values) or self._authors.took_over(row))

    def _settle(
        self, row: Existing, values: Values, why: str = "", *, timed: bool = False, notes: Sequence[Note] = ()
    ) -> None:
        """Give a row its values, where Notion shows others; the time alone is another value only when `timed`."""
        changed = changed_fields(row.values, values, self._context.usages)
        if notes or (changed and (changed != ("collecte_le",) or timed)):
            self._update(row, values, changed, why, notes=notes)
        else:
            self.keep(row, why)

    def _update(
        self, row: Existing, values: Values, changed: Sequence[str], why: str = "", *, notes: Sequence[Note] = ()
    ) -> None:
        self._matching.take(row)
        fields = tuple(dict.fromkeys((*changed, "collecte_le")))
        self.steps.append(Step(Action.UPDATE, self.outcome.source, values, row.page_id, fields, why, tuple(notes)))

    def _keep_all(self, rows: Sequence[Existing], why: str) -> None:
        for row in rows:
            self.keep(row, why)

    def _trash(self, row: Existing, why: str, into: Existing | None = None) -> None:
        self._matching.take(row)
        step = Step(Action.TRASH, self.outcome.source, row.values, row.page_id, why=why, unless_written_on=True)
        self.steps.append(step if into is None else replace(step, into=into.page_id))


def _is_newer(receipt: Receipt, than: Receipt | None) -> bool:
    if than is None or than.read_at is None:
        return True
    return receipt.read_at is not None and receipt.read_at > than.read_at
