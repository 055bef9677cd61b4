"""What has to be written for a month, decided before anything is: create, update, trash, keep.

Pure: outcomes and the rows that stand in Notion go in, a plan comes out. The rules are those of the design:

1. A row's identity is month, service and key; the workspace separates only keys that are ours. Never the title.
2. A source changes only rows that it owns (see `notion.plan.ownership`), and of those only what this program wrote
   (`notion.plan.authorship`).
3. A failed attempt changes the source's own row alone.
4. A row read later than these figures is left alone, and so is a fuller row when the answer is poorer.
5. A row that has vanished from a complete answer is set to 0; from an empty one only where emptiness is proven.
6. Several rows of one identity: the oldest stays, with the figures read last; the others go to the trash.
7. Rows of another grain go to the trash where the new ones say as much. Coarse rows never stand beside finer ones.
8. A month that is over loses figures only with proof (`notion.plan.loss`).
9. After the plan, a source's rows say what the source said, or nothing of that source is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from notion.plan import reasons
from notion.plan.authorship import Authors, LeftAlone, authors_of, is_old_error, sort_by_author
from notion.plan.desired import (
    Wanted,
    add_up,
    choose_values,
    growth,
    is_later,
    is_poorer,
    is_told,
    lost_figures,
    own_row,
    says_no_more,
    wanted_rows,
    with_lost_figures,
    with_zeros,
    without_figures,
)
from notion.plan.doubles import Doubles, sort_out
from notion.plan.loss import Change, accepting_sentence, keeping_sentence, objection_to
from notion.plan.ownership import Matching, Ownership, Peers, labels_of
from notion.plan.restated import identity_of, with_restatements
from notion.plan.steps import Action, Context, Plan, Step
from notion.rows.carried import not_copied_sentence
from notion.rows.notes import Note
from notion.rows.receipt import COUNTS, Receipt, read_receipt, receipt_of
from notion.rows.titles import is_of_service, make_title, with_account
from notion.rows.values import FIGURES, Existing, Identity, Values, changed_fields, has_figures
from usage.grain import COLLECTION, canonical_workspace
from usage.language.saying import say, together
from usage.language.sentence import SILENCE, Sentence
from usage.money import difference, exact_sum
from usage.names import ProviderName, Status
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome

_TOLERANCE: Final = Decimal("0.000001")
"""USD by which a row may differ: Notion's numbers are doubles."""


def make_plan(outcomes: Sequence[SourceOutcome], existing: Sequence[Existing], context: Context) -> Plan:
    """Decide every write of one month. The order of the outcomes makes no difference."""
    authors = authors_of(existing, context.me)
    changeable, left = sort_by_author(existing, authors)
    steps: list[Step] = []
    final: list[SourceOutcome] = []
    not_copied: dict[str, list[str]] = {}
    for provider in sorted({outcome.source.provider for outcome in outcomes}):
        service = context.services[provider]
        part = _ProviderPlan(
            provider,
            [outcome for outcome in outcomes if outcome.source.provider is provider],
            [row for row in changeable if is_of_service(row, service, provider)],
            [one for one in left if is_of_service(one.row, service, provider)],
            context,
            authors=authors,
        )
        part.make()
        steps += part.steps
        final += part.outcomes
        for column, title in part.not_copied:
            not_copied.setdefault(column, []).append(title)
    warnings = tuple(not_copied_sentence(column, titles) for column, titles in not_copied.items())
    return Plan(tuple(steps), tuple(sorted(final, key=_order)), tuple(existing), warnings=warnings)


class _ProviderPlan:
    """The part of a plan that concerns one provider."""

    def __init__(
        self,
        provider: ProviderName,
        outcomes: Sequence[SourceOutcome],
        rows: Sequence[Existing],
        left: Sequence[LeftAlone],
        context: Context,
        *,
        authors: Authors,
    ) -> None:
        # What was read comes first: a failed attempt must not take the own row of an organisation under its old label.
        self._outcomes = sorted(outcomes, key=lambda one: (one.failed, _order(one)))
        self._rows, self._left, self._context, self._authors = rows, left, context, authors
        self._labels = context.labels[provider]
        self.steps: list[Step] = []
        self.outcomes: list[SourceOutcome] = []
        self.not_copied: list[tuple[str, str]] = []
        """People's own columns that stay empty in new rows, and the titles of these."""

    def make(self) -> None:
        planners = list(self._planners())
        if not planners:
            return
        for row in self._rows_out_of_reach(planners):
            self._planner_for(planners, row).keep(row, reasons.out_of_reach())
        for planner in planners:
            count = planner.count(reasons.out_of_reach())
            if count:
                planner.note(
                    say("Rows of an organisation that this key does not see stay as they are: {count}.", count=count)
                )
            planner.plan_own_row()
        for one in self._left:
            planners[0].keep(one.row, one.why)
        for planner in planners:
            self.steps += planner.steps
            self.not_copied += [
                (column, step.values.title)
                for step in planner.steps
                if step.action is Action.CREATE
                for column in self._context.carried.notes(step.values)[1]
            ]
            self.outcomes.append(planner.outcome)

    def _planners(self) -> Iterator[_SourcePlanner]:
        """Each source's planner, its rows planned."""
        somebodys = reasons.somebodys()
        strangers = [one.row for one in self._left if one.why == somebodys]
        pages: set[str | None] = set()
        identities: set[Identity] = set()
        for outcome in self._outcomes:
            claims = _Claims(frozenset(pages), frozenset(identities))
            peers = Peers.of(outcome, self._outcomes, self._labels)
            planner = _SourcePlanner(
                outcome, self._rows, strangers, self._context, authors=self._authors, peers=peers, claims=claims
            )
            planner.plan_rows()
            wrong = discrepancy(planner.outcome, planner.steps, planner.set_aside)
            if wrong:
                self.outcomes.append(_fail(outcome, wrong))
                continue
            pages |= {step.page_id for step in planner.steps} | {row.page_id for row in planner.owns.own_rows}
            identities |= {step.values.identity for step in planner.steps if step.action is not Action.TRASH}
            yield planner

    def _rows_out_of_reach(self, planners: Sequence[_SourcePlanner]) -> list[Existing]:
        """Rows with figures that belong to no source, where all accounts were read."""
        read = labels_of(planner.outcome for planner in planners if not planner.outcome.failed)
        if not {canonical_workspace(label) for label in self._labels} <= read:
            return []
        planned = {step.page_id for planner in planners for step in planner.steps}
        return [
            row
            for row in self._rows
            if row.page_id not in planned and row.values.key not in ("", COLLECTION) and has_figures(row)
        ]

    def _planner_for(self, planners: Sequence[_SourcePlanner], row: Existing) -> _SourcePlanner:
        """The source whose label a row bears, else the first."""
        label = canonical_workspace(row.values.workspace)
        found = (one for one in planners if canonical_workspace(one.outcome.label) == label)
        return next(found, planners[0])


def _fail(outcome: SourceOutcome, wrong: Sentence) -> SourceOutcome:
    """The outcome of a source whose plan differs from what it said: nothing of it is written, and the run is red."""
    changes = {
        "failed": True,
        "status": Status.ECHEC,
        "rerun": True,
        "reason": wrong,
        "log": say("Failed: {why}", why=wrong),
    }
    return outcome.model_copy(update=changes)


def _order(outcome: SourceOutcome) -> tuple[ProviderName, str]:
    return outcome.source.provider, outcome.source.account


@dataclass(frozen=True, slots=True)
class _Claims:
    """What sources before this one have decided about, of the same provider."""

    pages: frozenset[str | None] = frozenset()
    identities: frozenset[Identity] = frozenset()


class _SourcePlanner:
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
        claims: _Claims,
    ) -> None:
        self.outcome = outcome
        self.steps: list[Step] = []
        self.set_aside: list[Values] = []
        """Rows of the answer that are not written, for a reason that the steps or the story tell."""
        self.owns: Final = Ownership(outcome, rows, peers, claims.pages)
        self._context, self._claims, self._authors = context, claims, authors
        self._strangers = {row.values.identity: row for row in strangers}
        self._service, self._language = context.services[outcome.source.provider], context.language
        self._several = len(peers.labels) > 1
        free = sorted((row for row in rows if row.page_id not in claims.pages), key=lambda row: row.age)
        self._rows = [row for row in free if row.values.key != COLLECTION and self.owns.has(row)]
        """Rows of projects and keys that belong to this source, oldest first."""
        self._wanted = wanted_rows(outcome, self._service, self._language, several=self._several)
        self._matching = Matching(outcome, free, self.owns, context.earlier, peers.labels)
        self._corrections: dict[Identity, list[Correction]] = {}
        for correction in outcome.corrections:
            self._corrections.setdefault(identity_of(correction.key, correction.workspace), []).append(correction)
        self._moved = None if outcome.moved is None else {identity_of(*row) for row in outcome.moved}
        self._changes: list[Change] = []
        self._clashes = 0
        self._is_held = False
        """Whether the rows stay as they are, whatever was read."""

    def plan_rows(self) -> None:
        """Decide about the rows of projects and keys."""
        if self.outcome.failed:
            return
        if self.outcome.archived_at is not None:
            self._is_held = True
            self._keep_all(self._rows, reasons.archived())
            return
        self._doubt_an_empty_answer()
        self._plan_answer()
        objection = SILENCE if self._context.accept_lower else objection_to(self._changes, self.outcome)
        gone = self.count(reasons.unproven())
        if objection:
            self._hold(objection)
        elif gone:
            self._doubt(keeping_sentence(self.outcome, say("{count} of its rows vanished from the answer", count=gone)))

    def plan_own_row(self) -> None:
        """Decide about the source's own row, which comes last: a publication that was cut shows by its absence."""
        found = self._sort_out(self.owns.own_rows)
        if self._clashes:
            self.note(say("Doubles to unite by hand: {count}. llm-usage heal tells which.", count=self._clashes))
        standing = None if found is None else choose_values(found.rows, self.outcome.month)
        receipt = self._receipt(found)
        told = receipt.to_json() if receipt else ""
        values = own_row(self.outcome, self._service, told, self._language, several=self._several)
        created = [step.values for step in self.steps if step.action is Action.CREATE]
        vouches = frozenset(one.identity for one in created if self.owns.is_label_bound(one))
        if found is None or standing is None:
            self.steps.append(Step(Action.CREATE, self.outcome.source, values))
        elif is_later(standing, self.outcome.attempted_at):
            is_newest = receipt is not None and _is_newer(receipt, read_receipt(standing.breakdown))
            # The later one failed, then, and the figures that stand there are those of this reading.
            receipt = receipt if is_newest else None
            standing = standing if receipt is None else replace(standing, breakdown=receipt.to_json())
            self._settle(found.kept, standing, reasons.written_later(), timed=True, notes=found.notes)
        else:
            # Written by every run, whatever it found.
            changed = changed_fields(found.kept.values, values, self._context.fields)
            self._update(found.kept, values, changed, notes=found.notes)
        if receipt is not None:
            self.steps[-1] = replace(self.steps[-1], receipt=receipt, vouches=vouches)

    def note(self, sentence: Sentence) -> None:
        """Add to the source's story."""
        self.outcome = self.outcome.model_copy(update={"log": together([self.outcome.log, sentence])})

    def count(self, why: Sentence) -> int:
        """How many rows have a reason."""
        return sum(step.why == why for step in self.steps)

    def keep(self, row: Existing, why: Sentence) -> None:
        """Leave a row as it is."""
        self.steps.append(Step(Action.KEEP, self.outcome.source, row.values, row.page_id, why=why))

    def _plan_answer(self) -> None:
        """Decide about the rows of the answer, then about those that it does not have."""
        wanted, answered = self._wanted, {one.in_answer for one in self._wanted}
        others = [row for row in self._rows if row.values.identity not in answered and self.owns.has_other_grain(row)]
        if self.outcome.coarse:
            wanted = self._without_finer(wanted, others)
        elif self._keeps_grain(others):
            # Rows of the new grain beside those of the old one would count everything twice.
            self.note(say("The rows stay in the old grain: the answer is incomplete, or older."))
            self.set_aside += [one.values for one in wanted]
            self._keep_all(self._rows, reasons.old_grain())
            return
        for one, rows in self._matching.match(self._unclaimed(wanted)):
            self._plan_row(one, rows)
        left = {row.page_id: row for row in self._matching.left()}
        replaced = {row.page_id: row for row in others if row.page_id in left}
        errors = {row.page_id: row for row in left.values() if row.page_id not in replaced and self._is_error(row)}
        gone = left.keys() - replaced.keys() - errors.keys()
        self._replace(list(replaced.values()))
        for row in errors.values():
            self._trash(row, reasons.error_row())
        self._clear([row for row in self._rows if row.page_id in gone and row.values.key])

    # -- one row

    def _unclaimed(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """The rows that no account before this one counts, with the ids that are known of them."""
        known = [self._matching.with_known_key(one) for one in wanted]
        claimed = [one.values for one in known if self._is_claimed(one.values)]
        self.set_aside += claimed
        return [one for one in known if not self._is_claimed(one.values)] if claimed else known

    def _is_claimed(self, values: Values) -> bool:
        # What only a label tells is this account's: another account may have had this label before.
        return values.identity in self._claims.identities and not self.owns.is_label_bound(values)

    def _plan_row(self, wanted: Wanted, rows: Sequence[Existing]) -> None:
        """Create, update or keep one row, whose doubles go to the trash; `rows` are those that stand for it."""
        found = self._sort_out(rows)
        if found is None:
            self._create(self._with_corrections(wanted.values, None, wanted.in_answer))
            return
        rows = found.rows
        standing = choose_values(rows, self.outcome.month)
        values = self._with_earlier_label(wanted.values, wanted.name, standing)
        why = self._why_kept(rows, standing, values, wanted.log)
        fuller = with_lost_figures(values, standing, self._language) if self.outcome.coarse else values
        target = standing if why else self._with_corrections(fuller, standing, wanted.in_answer)
        if not why and fuller.cost != values.cost:
            why = reasons.taken_over()
        self.set_aside += [values] if why else []
        self._changes.append(Change(standing, target))
        # The oldest row takes the place of those read at other times; so does a time that is known that of none.
        timed = bool(found.surplus) or standing.collected_at is None
        self._settle(found.kept, target, why, timed=timed, notes=found.notes)

    def _create(self, values: Values) -> None:
        """Create a row, unless somebody else has one of it."""
        stranger = self._strangers.get(values.identity)
        if stranger is not None:
            # A second row of one project would count it twice.
            self.set_aside.append(values)
            title = stranger.values.title
            self._doubt(
                say("“{title}”: written by a person or another program: llm-usage heal can take it over.", title=title)
            )
        else:
            self._changes.append(Change(None, values))
            notes, _ = self._context.carried.notes(values)
            self.steps.append(Step(Action.CREATE, self.outcome.source, values, notes=notes))

    def _with_corrections(self, values: Values, standing: Values | None, identity: Identity) -> Values:
        """The values with what was corrected of the row, by its identity in the answer."""
        known = self._corrections.get(identity, [])
        has_moved = self._moved is None or identity in self._moved
        return with_restatements(values, standing, self.outcome.month, self._language, known, has_moved=has_moved)

    def _with_earlier_label(self, values: Values, name: str, standing: Values) -> Values:
        """The values with the label of the earlier account that counts what both see."""
        if not self._is_labelled(values) or not self.owns.stays_with(standing.workspace):
            return values
        shown = with_account(name, standing.workspace)
        # The row of an account as a whole has the account's name for a key.
        key = standing.key if self.owns.is_label_bound(values) else values.key
        title = make_title(self.outcome, shown)
        return replace(values, key=key, workspace=standing.workspace, title=title, name=shown)

    def _why_kept(self, matches: Sequence[Existing], standing: Values, values: Values, log: Sentence) -> Sentence:
        """Why a row stays as it is; silence where it gets new values, whose log is `log`."""
        if any(is_later(row.values, self.outcome.attempted_at) for row in matches):
            return reasons.read_later()
        if self.outcome.coarse and says_no_more(values, standing):
            return reasons.less_fine()
        return reasons.fuller() if is_poorer(values, standing, self.outcome.month, log) else SILENCE

    def _sort_out(self, rows: Sequence[Existing]) -> Doubles | None:
        """The rows that are meant, sorted out; those that can't become one with the others stay as they are."""
        if not rows:
            return None
        found = sort_out(rows)
        for double in found.surplus:
            self._trash(double, reasons.double(), into=found.kept)
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
        receipt = receipt_of(self.outcome, self._language, self._pages_to_vouch_for())
        if self._is_held:
            # What was read is not what stands there.
            nothing = dict.fromkeys(("rows", "cost_usd", *COUNTS, "control_usd", "read_at"))
            return receipt.model_copy(update=nothing)
        return receipt

    # -- what the answer does not have

    def _is_error(self, row: Existing) -> bool:
        """Whether a row is an older collector's `… - Error`: this source's own row tells the story now."""
        return is_old_error(row, self.outcome.source.provider) and self.owns.may_be(row)

    def _clear(self, gone: Sequence[Existing]) -> None:
        """Set rows of this source that the answer no longer has to 0, where it is proven that they are."""
        if not self.outcome.complete:
            self._keep_all(gone, reasons.absent())
            return
        for row in gone:
            if is_later(row.values, self.outcome.attempted_at):
                self.keep(row, reasons.read_later())
            elif has_figures(row) and not (self._context.accept_lower or self.owns.can_be_gone(row.values)):
                self.keep(row, reasons.unproven())
            else:
                cleared = with_zeros(self._with_present_label(row.values), self.outcome, self._language)
                target = self._with_corrections(cleared, row.values, row.values.identity)
                self._changes.append(Change(row.values, target))
                self._settle(row, target)

    def _with_present_label(self, values: Values) -> Values:
        """A row under the account's present label, where it stands under an old one."""
        is_here = canonical_workspace(values.workspace) == canonical_workspace(self.outcome.label)
        if is_here or not self._is_labelled(values) or self.owns.stays_with(values.workspace):
            return values
        name = self._matching.name(values)
        shown = with_account(name, self.outcome.label if self._several else "")
        return replace(values, workspace=self.outcome.label, title=make_title(self.outcome, shown), name=shown)

    def _is_labelled(self, values: Values) -> bool:
        """Whether a row has an account's label for its workspace."""
        return self.outcome.rule.workspace == "account" or self.owns.is_label_bound(values)

    def _doubt_an_empty_answer(self) -> None:
        outcome = self.outcome
        if outcome.rows or outcome.complete or outcome.status is not Status.SUCCES:
            return
        if not any(has_figures(row) for row in self._rows):
            return
        if self._context.accept_lower:
            # A person says that the month is empty indeed.
            self.outcome = outcome.model_copy(update={"complete": True})
        else:
            accept = accepting_sentence(outcome)
            self._doubt(
                say("Empty answer, while Notion has figures for this month: they stay. {accept}", accept=accept)
            )

    def _doubt(self, sentence: Sentence) -> None:
        """The source is not all well: a person has to look, or run it again."""
        self.note(sentence)
        status = self.outcome.status if self.outcome.status is Status.ECHEC else Status.PARTIEL
        reason = together([self.outcome.reason, sentence])
        self.outcome = self.outcome.model_copy(update={"status": status, "rerun": True, "reason": reason})

    def _hold(self, objection: Sentence) -> None:
        """Leave all rows of the source as they are."""
        self.steps.clear()
        self._clashes = 0
        self._is_held = True
        self.set_aside = [one.values for one in self._wanted]
        self._keep_all(self._rows, reasons.unproven())
        self._doubt(keeping_sentence(self.outcome, objection))

    # -- grain

    def _keeps_grain(self, others: Sequence[Existing]) -> bool:
        """Whether rows of the old grain stay, because the new ones, all together, would say less or are older."""
        if any(is_later(row.values, self.outcome.attempted_at) for row in others):
            return True
        if self.outcome.complete or not others:
            return False
        old, new = add_up(row.values for row in others), add_up(one.values for one in self._wanted)
        # A millionth of a dollar: sums of doubles are not exact.
        return bool(lost_figures(new, old)) or any(growth(new, old, name) < -1e-6 for name in FIGURES)

    def _replace(self, others: Sequence[Existing]) -> None:
        """Take rows of another grain away, or their figures where people wrote there; coarse rows replace none."""
        if self.outcome.coarse:
            self._keep_all(others, reasons.less_fine())
            return
        # What a row has only taken over from the month before still stands there.
        noted = [row for row in others if row.is_written_on or not self._context.carried.says_all(row)]
        for row in others:
            self._changes.append(Change(row.values, None))
            if row in noted:
                emptied = without_figures(row.values, self.outcome.attempted_at, self._language)
                self._settle(row, emptied, reasons.emptied())
            else:
                self._trash(row, reasons.replaced())
        if noted:
            count = len(noted)
            self.note(say("Rows of the old grain kept without figures, as you wrote in them: {count}.", count=count))

    def _without_finer(self, wanted: Sequence[Wanted], others: Sequence[Existing]) -> list[Wanted]:
        """The coarse rows that no finer ones of the same workspace or project tell already."""
        emptied = reasons.emptied()
        finer = {
            canonical_workspace(row.values.workspace)
            for row in others
            if self.owns.is_finer(row) and not is_told(row.values.log, emptied)
        }
        counted = [one for one in wanted if canonical_workspace(one.values.workspace) in finer]
        self.set_aside += [one.values for one in counted]
        return [one for one in wanted if one not in counted]

    # -- steps

    def _pages_to_vouch_for(self) -> list[str]:
        """Pages that only the receipt shows to be this source's, as far as they stand there already."""
        steps = {step.page_id: step for step in self.steps if step.action is not Action.TRASH and step.page_id}
        rows = [row for row in self._rows if row.page_id in steps]
        return [row.page_id for row in rows if self._authors.took_over(row) or self.owns.is_label_bound(row.values)]

    def _settle(
        self, row: Existing, values: Values, why: Sentence = SILENCE, *, timed: bool = False, notes: Sequence[Note] = ()
    ) -> None:
        """Give a row its values, where Notion shows others; the time alone is another value only when `timed`."""
        changed = changed_fields(row.values, values, self._context.fields)
        if notes or (changed and (changed != ("collected_at",) or timed)):
            self._update(row, values, changed, why, notes=notes)
        else:
            self.keep(row, why)

    def _update(
        self,
        row: Existing,
        values: Values,
        changed: Sequence[str],
        why: Sentence = SILENCE,
        *,
        notes: Sequence[Note] = (),
    ) -> None:
        fields = tuple(dict.fromkeys((*changed, "collected_at")))
        self.steps.append(Step(Action.UPDATE, self.outcome.source, values, row.page_id, fields, why, tuple(notes)))

    def _keep_all(self, rows: Sequence[Existing], why: Sentence) -> None:
        for row in rows:
            self.keep(row, why)

    def _trash(self, row: Existing, why: Sentence, into: Existing | None = None) -> None:
        step = Step(Action.TRASH, self.outcome.source, row.values, row.page_id, why=why, unless_written_on=True)
        self.steps.append(step if into is None else replace(step, into=into.page_id))


def _is_newer(receipt: Receipt, than: Receipt | None) -> bool:
    if than is None or than.read_at is None:
        return True
    return receipt.read_at is not None and receipt.read_at > than.read_at


def discrepancy(outcome: SourceOutcome, steps: Sequence[Step], set_aside: Sequence[Values]) -> Sentence:
    """What is wrong with a source's plan; silence where all is well.

    Args:
        outcome: What the source brought.
        steps: What is planned. Rows that are left alone, or changed by something else than what was read, have a `why`.
        set_aside: Rows of the answer that are not written, for a reason that the plan tells.
    """
    if outcome.failed:
        return SILENCE
    standing = [step for step in steps if step.action is not Action.TRASH and step.values.key != COLLECTION]
    planned = [step.values for step in standing if not step.why]
    if any(count > 1 for count in Counter(values.identity for values in planned).values()):
        return _sentence(say("the plan has the same row twice"))
    count = len(outcome.rows) - len(set_aside) - len(planned)
    if count > 0:
        return _sentence(say("the plan lacks {count} of the rows that were read", count=count))
    read = difference(_sum(row.totals.cost for row in outcome.rows), _sum(values.dollars for values in set_aside))
    after = _sum(values.dollars for values in planned)
    if abs(difference(after, read)) > _TOLERANCE * (len(planned) + 1):
        return _sentence(say("{read} USD read, {planned} USD in the plan", read=read, planned=after))
    return SILENCE


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return exact_sum(amounts) or Decimal(0)


def _sentence(what: Sentence) -> Sentence:
    return say("Error in the program: {what}. Nothing is written for this source; report it.", what=what)
