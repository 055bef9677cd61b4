"""Which rows that stand in Notion are meant by a row that is to be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from notion.plan.ownership import Identity, Ownership, identity, is_ours
from notion.rows.values import Existing, Values
from notion.text import folded, one_line
from usage.grain import COLLECTION, LABEL, canonical_workspace, is_bracketed
from usage.names import ProviderName
from usage.outcomes.outcome import SourceOutcome


class Matching:
    """Finds rows for one source, each row once.

    Args:
        outcome: What the source brought.
        rows: Rows of its provider and month that no other source has taken.
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
        self._left = {row.page_id: row for row in sorted(rows, key=lambda row: row.age)}
        self._labels = {*labels, *(row.values.workspace for row in self._left.values() if row.values.key == COLLECTION)}
        self._by_identity: dict[Identity, list[Existing]] = defaultdict(list)
        for row in self._left.values():
            self._by_identity[identity(row.values)].append(row)
        self._legacy = self._by_name(self._left.values())
        self._brought = {row.key for row in outcome.rows}
        self._named: dict[str, int] = defaultdict(int)
        for item in outcome.rows:
            self._named[folded(item.name)] += 1
        self._keys = self._known_keys([*earlier, *self._left.values()])

    def left(self) -> list[Existing]:
        """Rows that nothing has been decided about, oldest first."""
        return list(self._left.values())

    def take(self, row: Existing) -> None:
        """Something has been decided about a row."""
        self._left.pop(row.page_id, None)

    def with_known_key(self, wanted: Values, name: str) -> Values:
        """A name in an id's place becomes the id that a row of that workspace had under this name."""
        key = self._keys.get((wanted.workspace, name)) if wanted.key.startswith(LABEL) else None
        return wanted if key is None else replace(wanted, key=key)

    def rows_for(self, wanted: Values, original: Values, name: str) -> list[Existing]:
        """Rows of the same identity, oldest first, those under an old label and of older collectors included.

        Args:
            wanted: What is to be written.
            original: The same before `with_known_key`.
            name: The project's or key's name.
        """
        if self._owns.is_label_bound(wanted):
            found = [row for row in self._left.values() if self._is_labelled(row, wanted)]
        else:
            found = [*self._by_identity.get(identity(wanted), ()), *self._by_identity.get(identity(original), ())]
            found += () if found else self._by_its_name(wanted, name)
        if not is_bracketed(wanted.key) and self._named[folded(name)] == 1:
            found += self._legacy.get(folded(name), ())
        once = {row.page_id: row for row in found if row.page_id in self._left}
        return sorted(once.values(), key=lambda row: row.age)

    def name(self, values: Values) -> str:
        """The project's or key's name in a row's title."""
        return name_of(values, self._outcome.source.provider, self._labels)

    def _is_labelled(self, row: Existing, wanted: Values) -> bool:
        values, owns = row.values, self._owns
        is_it = values.key != COLLECTION and owns.is_label_bound(values) and owns.is_same_thing(values, wanted)
        return is_it and owns.row(row)

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
                found[folded(key or self._titled(row.values))].append(row)
        return found

    def _known_keys(self, rows: Sequence[Existing]) -> dict[tuple[str, str], str]:
        """Ids of lost keys by workspace and name: those of the latest month that has exactly one."""
        lost = {(row.workspace, one_line(row.name)) for row in self._outcome.rows if row.key.startswith(LABEL)}
        found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in rows if lost else ():
            values = row.values
            place = (values.workspace, self.name(values))
            # A key that the provider still has would be told by its id.
            is_lost = values.key and not is_ours(values.key) and values.key not in self._owns.ids
            if place in lost and is_lost and values.mois <= str(self._outcome.month):
                found[place][values.mois].add(values.key)
        latest = {place: months[max(months)] for place, months in found.items()}
        return {place: next(iter(keys)) for place, keys in latest.items() if len(keys) == 1}

    def _titled(self, values: Values) -> str:
        """The name in a title of our form; the whole title of another form, which is nobody's name."""
        starts = values.identifiant.startswith(title_start(values.mois, self._outcome.source.provider))
        return self.name(values) if starts else f"{values.identifiant} - "


def name_of(values: Values, provider: ProviderName, labels: Iterable[str]) -> str:
    """The name in a title like `2026-01 - OpenAI - Production (labo)`, without the account's label behind it."""
    return without_account(values.identifiant.removeprefix(title_start(values.mois, provider)), labels)


def without_account(name: str, labels: Iterable[str]) -> str:
    """A name without the account's label in brackets behind it."""
    ends = (f" ({label})" for label in labels if label)
    return next((name.removesuffix(end) for end in ends if name.endswith(end)), name)


def title_start(month: str, provider: ProviderName) -> str:
    """How titles of a provider's rows begin."""
    return f"{month} - {provider.label} - "


def is_of_service(row: Existing, service: str, provider: ProviderName) -> bool:
    """Whether a row is a service's; one that has lost its relation is known by its title."""
    values = row.values
    if values.service:
        return same_id(values.service, service)
    return folded(values.identifiant).startswith(folded(title_start(values.mois, provider)))


def same_id(left: str, right: str) -> bool:
    """Whether two ids are the same page's; Notion takes them with and without dashes."""
    return left.replace("-", "") == right.replace("-", "")
