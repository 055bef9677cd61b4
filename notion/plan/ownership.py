"""Which rows belong to a source, and which of them stand for the rows that it brings now.

An account is the organisation behind its key; its label is only a name, and people change names. So an id of the
provider's tells whose a row is, whatever label stands in it. Rows without one (usage of no project, or of an account as
a whole) are known by the sources' own rows: the receipt there says which organisation wrote the month under that label,
and names such rows by their pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from notion.plan.desired import Wanted
from notion.rows.receipt import Receipt, read_receipt
from notion.rows.titles import name_of, title_start
from notion.rows.values import Existing, Identity, Values
from notion.text import one_line, printable
from usage.grain import COLLECTION, LABEL, Rule, canonical_workspace, is_bracketed, is_ours
from usage.language.folding import folded
from usage.names import Kind, Status
from usage.outcomes.outcome import SourceOutcome


@dataclass(frozen=True, slots=True)
class Peers:
    """What the plan knows of the other sources of a provider.

    `labels` are those of all accounts that have a key, in the order of the accounts; `read` those of the accounts that
    were read in this run; `same` those of accounts that were read and are of the same organisation. `ids` are what the
    accounts that were read reach.
    """

    labels: tuple[str, ...]
    read: frozenset[str] = frozenset()
    same: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, outcome: SourceOutcome, outcomes: Iterable[SourceOutcome], labels: tuple[str, ...]) -> Self:
        """What is known of the others.

        Args:
            outcome: The source's own.
            outcomes: Those of all sources of the provider in this run.
            labels: See above.
        """
        read = [one for one in outcomes if not one.failed and one is not outcome]
        same = [one for one in read if _are_one(one, outcome)]
        ids = frozenset(an_id for one in read for _, an_id in one.known)
        return cls(labels, labels_of(read), labels_of(same), ids)


def labels_of(outcomes: Iterable[SourceOutcome]) -> frozenset[str]:
    """Labels of sources, as they count for identities."""
    return frozenset(canonical_workspace(outcome.label) for outcome in outcomes)


def _are_one(one: SourceOutcome, other: SourceOutcome) -> bool:
    """Whether two sources are keys of one organisation."""
    if one.organisation is not None and other.organisation is not None:
        return one.organisation == other.organisation
    return bool(set(one.known) & set(other.known))


class Ownership:
    """What belongs to one source.

    Args:
        outcome: What the source brought.
        rows: The rows of its provider and month that stand in Notion.
        peers: The provider's other accounts.
        taken: Page ids of rows that other sources have taken in this plan.
    """

    def __init__(
        self, outcome: SourceOutcome, rows: Sequence[Existing], peers: Peers, taken: Collection[str | None] = ()
    ) -> None:
        self._outcome, self._peers = outcome, peers
        self._label = canonical_workspace(outcome.label)
        self._is_only = len(peers.labels) == 1
        self._grains = outcome.source.provider.spec.grains
        listed = {thing.id for thing in outcome.things}
        used = {printable(row.key) for row in outcome.rows if not is_ours(row.key) and outcome.rule.key != "account"}
        self.ids: Final = frozenset(listed | used)
        """Ids that the registry lists or the answer brings, those that another account counts left out."""
        self._kinds = {thing.id: thing.kind for thing in outcome.things}
        self._places = frozenset(thing.id for thing in outcome.things if thing.kind is not Kind.API_KEY) | {
            row.workspace for row in outcome.rows if row.workspace != outcome.label
        }
        # The registry may not list what was used: a project that is gone, one without a name.
        self._places |= used if outcome.rule.kind in (Kind.PROJECT, Kind.WORKSPACE) else set()
        own = [row for row in rows if row.values.key == COLLECTION]
        self._rows = [row for row in rows if row.values.key != COLLECTION]
        self._all_labels = {canonical_workspace(label) for label in peers.labels} | {_label(row) for row in own}
        verdicts = self._verdicts(own)
        free = [row for row in own if row.page_id not in taken]
        self.own_rows: Final = tuple(self._find_own(free, verdicts))
        """The source's own rows: one, or doubles of it."""
        self.is_proven: Final = any(verdicts[row.page_id] for row in self.own_rows)
        """Whether this organisation, and no other, is known to have written the month."""
        others = [row for row in own if row not in self.own_rows]
        self._foreign = {_label(row) for row in others if verdicts[row.page_id] is False}
        self.labels: Final = self._find_labels()
        """The labels, as they count for identities, under which this organisation's rows stand."""
        self._pages = _pages(self.own_rows)
        siblings = [row for row in others if verdicts[row.page_id] and _label(row) not in peers.read]
        self._others_pages = _pages(row for row in others if row not in siblings)
        # Usage of no id that was written for an account which was not read now is this organisation's as well.
        self._shared = self.labels | {_label(row) for row in siblings}
        self._moved = self._label in self._foreign

    def has(self, row: Existing) -> bool:
        """Whether a row of the source's provider is the source's."""
        values = row.values
        if row.page_id in self._pages:
            return True
        if self.is_label_bound(values):
            return row.page_id not in self._others_pages and canonical_workspace(values.workspace) in self._shared
        if not is_ours(values.key) and values.key in self.ids:
            return True
        if values.workspace in self._places:
            return True
        # An id that another account reaches and this one does not is that account's, under whatever label.
        is_others = not is_ours(values.key) and values.key in self._peers.ids
        return not is_others and canonical_workspace(values.workspace) in self.labels - self._foreign

    def may_be(self, row: Existing) -> bool:
        """Whether a row without ids of the provider's can only be the source's."""
        return self.has(row) or (self._is_only and not self._foreign)

    def is_label_bound(self, values: Values) -> bool:
        """Whether nothing but a label, or a receipt, tells whose a row is."""
        if self._is_whole_account(values):
            return True
        label = canonical_workspace(values.workspace)
        # The id of a workspace tells whose a row is, whatever accounts are called.
        return is_bracketed(values.key) and label in self._all_labels | {self._label} and label not in self._places

    def is_same_thing(self, values: Values, wanted: Values) -> bool:
        """Whether two rows that are label-bound stand for the same, whatever their labels."""
        if self._is_whole_account(wanted):
            return self._is_whole_account(values)
        return values.key == wanted.key

    def can_be_gone(self, values: Values) -> bool:
        """Whether it is proven that usage which a complete answer does not have any more is 0.

        It is where the registry still lists the thing, and where this organisation wrote the row and its registry
        forgets what was deleted.
        """
        if not is_ours(values.key) and values.key in self._kinds:
            return True
        return self.is_proven and (is_ours(values.key) or self._rule_of(values).kind not in self._grains.kept)

    def stays_with(self, workspace: str) -> bool:
        """Whether a row under another account's label keeps it: the first account by name counts what both see.

        That account was not read in this run, and nothing tells that the labels have changed since.
        """
        label = canonical_workspace(workspace)
        labels = [canonical_workspace(one) for one in self._peers.labels]
        if label not in labels or label in self._peers.read or label in self._foreign or self._moved:
            return False
        return labels.index(label) < labels.index(self._label)

    # -- grain

    def _rule_of(self, values: Values) -> Rule:
        """The rule that an existing row was written by."""
        if values.key in (values.workspace, canonical_workspace(values.workspace)):
            return self._grains.coarse
        # The registry knows best; ids and workspaces tell where it could not be read.
        kind = self._kinds.get(values.key)
        if kind is Kind.API_KEY:
            return self._grains.api_key
        if kind is Kind.PROJECT:
            return self._grains.project
        return self._grains.rule_of_row(values.key, values.workspace, self._places)

    def has_other_grain(self, row: Existing) -> bool:
        """Whether the row stands for something else than this source's rows do now."""
        key, rule = row.values.key, self._outcome.rule
        if not key or key == COLLECTION:
            return False
        if is_bracketed(key):
            return rule.key == "account" or key != rule.nobody
        return self._rule_of(row.values) != rule

    def is_finer(self, row: Existing) -> bool:
        """Whether the row stands for one key, where this source could be read by workspace or account only."""
        api_key = self._grains.api_key
        if is_bracketed(row.values.key):
            return row.values.key == api_key.nobody
        return self._rule_of(row.values) == api_key

    def _is_whole_account(self, values: Values) -> bool:
        whole = values.key in (values.workspace, canonical_workspace(values.workspace)) and bool(values.key)
        return whole and self._grains.coarse.key == "account"

    # -- the source's own row

    def _verdicts(self, own: Sequence[Existing]) -> dict[str, bool | None]:
        """Of each own row whether this organisation wrote it, and what stands with it; None where nothing tells."""
        verdicts = {row.page_id: self._is_by_receipt(read_receipt(row.values.breakdown)) for row in own}
        silent = [row for row in own if verdicts[row.page_id] is None]
        has_one = any(verdicts.values())
        for row in silent:
            by_ids = self._is_by_ids(_label(row), is_only=len(silent) == 1, has_one=has_one)
            # That of a failed attempt says nothing against anybody.
            verdicts[row.page_id] = by_ids or (None if row.values.status == Status.ECHEC else by_ids)
        return verdicts

    def _is_by_receipt(self, receipt: Receipt | None) -> bool | None:
        """Whether a receipt says that this organisation wrote the row; None where it does not tell."""
        organisation = self._outcome.organisation
        if receipt is None:
            return None
        if receipt.key and receipt.key == self._outcome.key_mark:
            return True
        if organisation is not None and receipt.organisation is not None:
            return organisation == receipt.organisation
        known = {an_id for _, an_id in self._outcome.known}
        return bool(known & set(receipt.ids)) if known and receipt.ids else None

    def _is_by_ids(self, label: str, *, is_only: bool, has_one: bool) -> bool | None:
        """Whether this organisation wrote an own row without a receipt, by the ids that stand under its label.

        Args:
            label: As it counts for identities.
            is_only: Whether it is the only one without a receipt: then rows that bear no label count, too.
            has_one: Whether another own row is known to be this organisation's: then this one can be somebody else's.
        """
        with_id = [row.values for row in self._rows if row.values.key and not is_ours(row.values.key)]
        with_id = [values for values in with_id if not self._is_whole_account(values)]
        if self._outcome.rule.workspace == "account":
            with_id = [values for values in with_id if canonical_workspace(values.workspace) == label]
        elif not is_only:
            return None
        known = {an_id for _, an_id in self._outcome.known}
        if self._outcome.failed or not known or not with_id:
            return None
        if any(values.key in known for values in with_id) and not has_one:
            return True
        return False if any(values.key not in known for values in with_id) else None

    def _find_own(self, free: Sequence[Existing], verdicts: dict[str, bool | None]) -> list[Existing]:
        """The own rows that this organisation wrote, under whatever label; else the one under the present label, unless
        another organisation is known to have written it."""
        foreign = {_label(row) for row in free if verdicts[row.page_id] is False}
        mine = [row for row in free if verdicts[row.page_id] and not self._is_siblings_label(_label(row), foreign)]
        unsure = [row for row in free if verdicts[row.page_id] is None and _label(row) == self._label]
        # Rows without a receipt are doubles; of those that have one, each is another organisation's.
        with_receipt = [row for row in unsure if read_receipt(row.values.breakdown) is not None]
        latest = sorted(with_receipt, key=lambda row: row.values.collected_at or row.created)[-1:]
        found = (mine or latest) + [row for row in unsure if row not in with_receipt]
        return sorted(found, key=lambda row: row.age) or self._find_under_gone_label(free, verdicts)

    def _is_siblings_label(self, label: str, foreign: set[str]) -> bool:
        """Whether a label is that of another key of this organisation, which has a row of its own.

        Args:
            label: As it counts for identities.
            foreign: Labels under which another organisation has written: they are known to have changed hands.
        """
        labels = [canonical_workspace(one) for one in self._peers.labels]
        if label == self._label or label not in labels or label in self._peers.same:
            return label in self._peers.same
        # The first account by name counts what both see.
        is_earlier = labels.index(label) < labels.index(self._label)
        return is_earlier and label not in self._peers.read and not foreign & {label, self._label}

    def _find_under_gone_label(self, free: Sequence[Existing], verdicts: dict[str, bool | None]) -> list[Existing]:
        """The one own row under a label that no account has any more, where the provider has one account only."""
        known = {canonical_workspace(label) for label in self._peers.labels}
        gone = [row for row in free if verdicts[row.page_id] is None and _label(row) not in known]
        return gone if self._is_only and len(gone) == 1 and not self._outcome.failed else []

    def _find_labels(self) -> frozenset[str]:
        labels = {_label(row) for row in self.own_rows}
        return frozenset(labels if self._label in self._foreign else labels | {self._label})


def _label(own: Existing) -> str:
    return canonical_workspace(own.values.workspace)


def _pages(own: Iterable[Existing]) -> frozenset[str]:
    receipts = (read_receipt(row.values.breakdown) for row in own)
    return frozenset(page for receipt in receipts if receipt is not None for page in receipt.pages)


class Matching:
    """Finds rows for one source, each row once.

    Args:
        outcome: What the source brought.
        rows: Rows of its provider and month that no other source has taken, oldest first.
        owns: What belongs to the source.
        earlier: Rows of earlier months that have the names of keys whose ids the provider does not tell any more.
        labels: Labels of the provider's accounts, which a title may end with.
    """

    def __init__(
        self,
        outcome: SourceOutcome,
        rows: Iterable[Existing],
        owns: Ownership,
        earlier: Sequence[Existing],
        labels: Iterable[str],
    ) -> None:
        self._outcome, self._owns = outcome, owns
        self._left = {row.page_id: row for row in rows}
        self._labels = {*labels, *(row.values.workspace for row in self._left.values() if row.values.key == COLLECTION)}
        self._by_identity: dict[Identity, list[Existing]] = defaultdict(list)
        for row in self._left.values():
            self._by_identity[row.values.identity].append(row)
        self._legacy = self._by_name(self._left.values())
        self._brought = {row.key for row in outcome.rows}
        self._named: dict[str, int] = defaultdict(int)
        for item in outcome.rows:
            self._named[folded(item.name)] += 1
        self._keys = self._known_keys([*earlier, *self._left.values()])

    def left(self) -> list[Existing]:
        """Rows that stand for none that was wanted, oldest first."""
        return list(self._left.values())

    def with_known_key(self, wanted: Wanted) -> Wanted:
        """A name in an id's place becomes the id that a row of that workspace had under this name."""
        values = wanted.values
        key = self._keys.get((values.workspace, wanted.name)) if values.key.startswith(LABEL) else None
        return wanted if key is None else replace(wanted, values=replace(values, key=key))

    def match(self, wanted: Iterable[Wanted]) -> list[tuple[Wanted, list[Existing]]]:
        """Each row that is wanted, with those that stand for it, oldest first."""
        return [(one, self._take(one)) for one in wanted]

    def _take(self, wanted: Wanted) -> list[Existing]:
        """Rows of the same identity, those under an old label and of older collectors included."""
        values, name = wanted.values, folded(wanted.name)
        if self._owns.is_label_bound(values):
            found = [row for row in self._left.values() if self._is_labelled(row, values)]
        else:
            found = [*self._by_identity.get(values.identity, ()), *self._by_identity.get(wanted.in_answer, ())]
            found += () if found else self._by_its_name(values, wanted.name)
        if not is_bracketed(values.key) and self._named[name] == 1:
            found += self._legacy.get(name, ())
        once = {row.page_id: row for row in found if row.page_id in self._left}
        for page_id in once:
            del self._left[page_id]
        return sorted(once.values(), key=lambda row: row.age)

    def name(self, values: Values) -> str:
        """The project's or key's name in a row's title."""
        return name_of(values, self._outcome.source.provider, self._labels)

    def _is_labelled(self, row: Existing, wanted: Values) -> bool:
        values, owns = row.values, self._owns
        is_it = values.key != COLLECTION and owns.is_label_bound(values) and owns.is_same_thing(values, wanted)
        return is_it and owns.has(row)

    def _by_its_name(self, wanted: Values, name: str) -> Sequence[Existing]:
        """Rows that were written when the provider told a key's name only."""
        label = f"{LABEL}{name}"
        if is_ours(wanted.key) or label in self._brought or self._named[folded(name)] != 1:
            return ()
        return self._by_identity.get((label, canonical_workspace(wanted.workspace)), ())

    def _by_name(self, rows: Iterable[Existing]) -> dict[str, list[Existing]]:
        """Rows of older collectors by name: they have it where the id belongs, or in the title alone."""
        found: dict[str, list[Existing]] = defaultdict(list)
        for row in rows:
            key = row.values.key
            if not is_ours(key) and key not in self._owns.ids and self._owns.may_be(row):
                found[folded(key or self._name_or_title(row.values))].append(row)
        return found

    def _known_keys(self, rows: Sequence[Existing]) -> dict[tuple[str, str], str]:
        """Ids of lost keys by workspace and name: those of the latest month that has exactly one."""
        lost = {(row.workspace, one_line(row.name)) for row in self._outcome.rows if row.key.startswith(LABEL)}
        found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in rows if lost else ():
            values = row.values
            place = (values.workspace, self.name(values))
            # The provider would give the id of a key that it still has.
            is_lost = values.key and not is_ours(values.key) and values.key not in self._owns.ids
            if place in lost and is_lost and values.month <= str(self._outcome.month):
                found[place][values.month].add(values.key)
        latest = {place: months[max(months)] for place, months in found.items()}
        return {place: next(iter(keys)) for place, keys in latest.items() if len(keys) == 1}

    def _name_or_title(self, values: Values) -> str:
        """The name in a title of our form; the whole title of another form, which is nobody's name."""
        starts = values.title.startswith(title_start(values.month, self._outcome.source.provider))
        return self.name(values) if starts else f"{values.title} - "
