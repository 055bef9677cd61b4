"""What `llm-usage heal` does about rows that older collectors left: decided before anything is written.

Pure: the rows that stand in Notion go in, steps come out. The rules:

1. Rows of one thing in one month (see `Values.identity`) become one: the oldest, with the figures read last.
2. Where the id belongs, older collectors put a name, or nothing: then the name in the title counts. It becomes an id
   where exactly one id of that service has it, in whatever month. Rows of one name are one thing, unless several ids
   have it. A row whose name has ids, and which gets none of them, is reported: it may count a second time.
3. An empty workspace is filled where all other rows of that id have the same one, and only in months that this program
   has never collected: there it would have left the workspace empty on purpose.
4. Empty rows `… - Error` of older collectors go, and nothing that merely looks like one.
5. What people wrote stays in sight: `notion.rows.notes` unites it, or the rows are left to a person.
6. A row without a service gets the one that its title names; a row of this program's without a month, or without its
   bracketed key, gets that of its title.
7. Rows of another hand (see `notion.plan.authorship`) are touched only where their title has our form. Those that
   stand for a project or key are written to, even where nothing changes: `collect` leaves alone what it has not
   written.
8. A row whose title and `Mois` tell different months is nobody's double: it is left to a person as it is.

Doubles may tell what completes another row and the other way round, so both are repeated until nothing changes. That is
also why a second run finds nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from notion.plan.authorship import is_by, is_collected, is_nameless, is_old_error
from notion.plan.desired import choose_values
from notion.plan.doubles import sort_out
from notion.plan.reasons import double, error_row
from notion.plan.steps import Action, Step
from notion.rows.receipt import owners
from notion.rows.titles import is_of_service, month_of_title, name_in_title, tells_two_months
from notion.rows.values import Existing, changed_fields, has_figures
from usage.errors import SettingsError
from usage.grain import BRACKETED, COLLECTION, is_ours
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source


def completed() -> Sentence:
    """Other rows complete the row."""
    return say("Completed: other rows tell its id or its workspace.")


def linked() -> Sentence:
    """The row's title tells its service."""
    return say("Linked to its service, which its title tells.")


def dated() -> Sentence:
    """The row's title tells its month."""
    return say("Completed: its title tells its month.")


def adopted() -> Sentence:
    """The row is this program's from now on."""
    return say("Taken over from another hand, unchanged: collecting keeps it up to date.")


@dataclass(frozen=True, slots=True)
class Left:
    """A row that only a person can make one with another.

    `kept` is that other one, where there is one in this month; `why` tells what to do; `columns` are those that can't
    be united: none where nobody knows whether the rows are one thing at all.
    """

    month: str
    kept: Existing | None
    other: Existing
    why: Sentence
    columns: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Healing:
    """What has to be done.

    `completions` are written before `others`: a double that goes may be the one that tells the id of another row.
    `rows` are those that it was decided from.
    """

    completions: tuple[Step, ...]
    others: tuple[Step, ...]
    left: tuple[Left, ...]
    rows: tuple[Existing, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, by month and title."""
        steps = (*self.completions, *self.others)
        return tuple(sorted(steps, key=lambda step: (step.values.month, step.values.title)))

    @property
    def merged(self) -> int:
        """How many rows stand for their doubles."""
        return len({step.into for step in self.steps if step.into})

    @property
    def completed(self) -> int:
        """How many rows have got their id or workspace, and had no doubles."""
        return self._count(completed()) + self._count(dated())

    @property
    def linked(self) -> int:
        """How many rows have got their service alone."""
        return self._count(linked())

    @property
    def adopted(self) -> int:
        """How many rows of others were taken over as they are."""
        return self._count(adopted())

    def _count(self, why: Sentence) -> int:
        return sum(step.why == why for step in self.steps)

    def without(self, pages: Collection[str | None]) -> Healing:
        """The same without the steps of some rows: what was done where these had to wait."""
        completions, others = (
            tuple(step for step in part if step.page_id not in pages) for part in (self.completions, self.others)
        )
        return replace(self, completions=completions, others=others)


def plan_healing(
    rows: Sequence[Existing],
    services: Mapping[ProviderName, str],
    fields: Sequence[str],
    month: Month | None = None,
    me: str | None = None,
) -> Healing:
    """Decide what to do with all rows, or with those of one month.

    Args:
        rows: All rows of all months, whatever `month` is: any of them may tell an id.
        services: Page ids.
        fields: Those of `Values` that have a column.
        month: The only month to change.
        me: Id of this connection's user; where it isn't known, no row is taken over.
    """
    scope = _Scope(fields, None if month is None else str(month), me)
    parts = [_Service(provider, page_id, rows, scope) for provider, page_id in services.items()]
    for part in parts:
        part.heal()
    steps = [step for part in parts for step in part.steps()]
    return Healing(
        completions=tuple(step for step in steps if _completes(step)),
        others=tuple(step for step in steps if not _completes(step)),
        left=tuple(left for part in parts for left in part.left),
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What titles tell about ids: for each name its ids, and for each of these the workspaces it has."""

    found: Mapping[str, Mapping[str, set[str]]]
    ids: frozenset[str]

    def only_id(self, name: str, workspace: str) -> str:
        """The one id of a name, in this workspace where it is given; empty where there is none, or several."""
        known = self.found.get(name, {})
        if len(known) != 1:
            return ""
        ((key, workspaces),) = known.items()
        return key if not workspace or folded(workspace) in {folded(one) for one in workspaces} else ""

    def count(self, name: str) -> int:
        """How many projects or keys have a name."""
        return len(self.found.get(name, ()))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a healing is decided for: the fields to write, the only month to change, and this connection's user."""

    fields: Sequence[str]
    only: str | None
    me: str | None


class _Service:
    """One service's rows. `heal` changes them here; `steps` tells the difference to what stands in Notion."""

    def __init__(self, provider: ProviderName, page_id: str, rows: Sequence[Existing], scope: _Scope) -> None:
        self._provider, self._page_id = provider, page_id
        self._fields, self._only, self._me = scope.fields, scope.only, scope.me
        self._standing = {row.page_id: row for row in rows}
        mine = [_with_month_of_title(row, provider, scope.me) for row in rows]
        mine = [row for row in mine if self._is_of_service(row)]
        # A slip that is no month is one where the row is ours; else it is somebody's own row.
        slips = [row for row in mine if tells_two_months(row.values)]
        self._slips = [row for row in slips if _is_month(row.values.month) or is_by(row, self._me)]
        mine = [row for row in mine if _is_month(row.values.month)]
        own = [row for row in mine if row.values.key == COLLECTION]
        self._labels = {row.values.workspace for row in own}
        self._owners = owners(own)
        mine = [
            row
            for row in mine
            if not tells_two_months(row.values) and (is_by(row, self._me) or self._name_in_title(row))
        ]
        self._before = {row.page_id: row for row in sorted(mine, key=lambda row: row.age)}
        self._rows = dict(self._before)
        self._why: dict[str, Sentence] = {}
        """Why a row goes to the trash."""
        self._into: dict[str, str] = {}
        """Which row stands for one that goes; it may go for another one later."""
        self._collected = {row.values.month for row in mine if row.values.key == COLLECTION}
        self.left: list[Left] = []
        self._merged: set[str] = set()
        """Rows that stand for their doubles."""

    def heal(self) -> None:
        """Complete and merge rows until nothing changes."""
        for row in self._open():
            if is_old_error(row, self._provider) and not self._is_called_error(row):
                self._drop(row, error_row())
            elif not row.values.service:
                self._rows[row.page_id] = replace(row, values=replace(row.values, service=self._page_id))
        before = None
        while before != self._rows:
            before = dict(self._rows)
            self._complete()
            self._merge()
        two_months = say("Title and Mois tell different months: correct the one of the two that is wrong.")
        self.left += [
            Left(row.values.month, None, row, two_months)
            for row in self._slips
            if self._only in (None, row.values.month, month_of_title(row.values.title))
        ]

    def steps(self) -> Iterator[Step]:
        """What has to be written."""
        source = Source(provider=self._provider)
        merged, ids = self._merged & self._rows.keys(), self._names().ids
        clashes = [row for left in self.left if left.columns for row in (left.kept, left.other)]
        alone = {row.page_id for row in clashes if row is not None} - merged
        reported = alone | {left.other.page_id for left in self.left}
        for page_id, row in self._before.items():
            now = self._rows.get(page_id)
            if now is None:
                why = self._why[page_id]
                into = self._stands_for(page_id)
                yield Step(Action.TRASH, source, row.values, page_id, why=why, unless_written_on=True, into=into)
            elif page_id not in alone:
                fields = changed_fields(self._standing[page_id].values, now.values, self._fields)
                notes = tuple(note for note in now.notes if note not in row.notes)
                if fields or notes:
                    filled = linked() if fields == ("service",) else dated() if "month" in fields else completed()
                    told = say("Takes over what its doubles tell.") if page_id in merged else filled
                    yield Step(Action.UPDATE, source, now.values, page_id, fields, told, notes)
                elif page_id not in reported and self._is_to_be_adopted(now, ids):
                    yield Step(Action.UPDATE, source, now.values, page_id, ("title",), adopted())

    def _is_to_be_adopted(self, row: Existing, ids: frozenset[str]) -> bool:
        """Whether a row of another hand stands for a project or key: by its id, or by what collectors alone fill in."""
        if self._me is None or is_by(row, self._me) or self._only not in (None, row.values.month):
            return False
        if is_nameless(row.values, self._provider, ids):
            return is_collected(row.values) and has_figures(row)
        return bool(row.values.key)

    def _is_of_service(self, row: Existing) -> bool:
        """Whether a row is this service's; of one whose title tells another month than `Mois`, by the title's month."""
        month = month_of_title(row.values.title)
        titled = replace(row, values=replace(row.values, month=month)) if month else row
        return any(is_of_service(one, self._page_id, self._provider) for one in (row, titled))

    def _is_called_error(self, row: Existing) -> bool:
        """Whether the row is that of a project with this unlucky name: it has an id, and figures in another month."""
        key, title = row.values.key, self._name_in_title(row)
        return folded(key) not in ("", title) and any(
            one.values.key == key and has_figures(one) and one.values.month != row.values.month
            for one in self._before.values()
        )

    # -- completing

    def _complete(self) -> None:
        names, places = self._names(), self._workspaces()
        for row in self._open():
            values = row.values
            nameless = is_nameless(values, self._provider, names.ids)
            key = names.only_id(self._name(row), values.workspace) if nameless else ""
            lacks_workspace = not values.workspace and values.month not in self._collected
            if not values.key and is_by(row, self._me) and (own := self._bracketed(row)):
                values = replace(values, key=own)
            elif key:
                values = replace(values, key=key, workspace=values.workspace or _only(places[key]))
            elif lacks_workspace and values.key and not is_ours(values.key):
                values = replace(values, workspace=_only(places[values.key]))
            self._rows[row.page_id] = replace(row, values=values)

    def _bracketed(self, row: Existing) -> str:
        """The key of ours that a title bears as its name, as `(sans projet)`; empty where it bears none."""
        name = self._name_in_title(row)
        return next((key for key in BRACKETED if folded(key) == name), "")

    def _names(self) -> _Names:
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in self._rows.values():
            key, name = row.values.key, self._name_in_title(row)
            if key and not is_ours(key) and name and name != folded(key):
                found[name][key].add(row.values.workspace)
        return _Names(found, frozenset(key for known in found.values() for key in known))

    def _workspaces(self) -> dict[str, set[str]]:
        """For each id the workspaces it has."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self._rows.values():
            if row.values.workspace:
                found[row.values.key].add(row.values.workspace)
        return found

    def _name(self, row: Existing) -> str:
        return folded(row.values.key) or self._name_in_title(row)

    def _name_in_title(self, row: Existing) -> str:
        """The name in a title like `2026-01 - OpenAI - Production`, for comparing; empty in one of another form."""
        return folded(name_in_title(row.values, self._provider, self._labels))

    # -- merging

    def _merge(self) -> None:
        self.left.clear()
        names = self._names()
        of_ids: dict[tuple[str, ...], list[Existing]] = defaultdict(list)
        of_names: dict[tuple[str, str], list[Existing]] = defaultdict(list)
        for row in self._open():
            if is_nameless(row.values, self._provider, names.ids):
                of_names[row.values.month, self._name(row)].append(row)
            elif row.values.key:
                # Rows of two organisations may have the same label: they are no doubles.
                of_ids[row.values.month, *row.values.identity, self._owners.get(row.page_id, "")].append(row)
        for rows in of_ids.values():
            self._merge_rows(rows)
        for (month, name), rows in of_names.items():
            for part in _by_workspace(rows) if names.count(name) < 2 else ():
                self._merge_rows(part)
            self._tell_nameless(month, name, rows, names)

    def _tell_nameless(self, month: str, name: str, rows: Sequence[Existing], names: _Names) -> None:
        """Rows without an id whose name has some: each against those rows of its month that have one of these."""
        ids = names.found.get(name, {})
        peers = [row for row in self._open() if row.values.month == month and row.values.key in ids]
        for row in rows if ids else ():
            if row.page_id in self._rows:
                why = _why_nameless(len(ids))
                self.left += [Left(month, peer, row, why) for peer in peers or (None,)]

    def _merge_rows(self, rows: Sequence[Existing]) -> None:
        found = sort_out(rows)
        month = found.kept.values.month
        self.left += [Left(month, clash.kept, clash.other, clash.why, clash.columns) for clash in found.clashes]
        if found.surplus:
            values = choose_values(found.rows, Month.parse(month))
            key = values.key or next((row.values.key for row in found.rows if row.values.key), "")
            place = values.workspace
            if month not in self._collected:
                place = place or _only({row.values.workspace for row in found.rows} - {""})
            values = replace(values, service=self._page_id, key=key, workspace=place)
            self._rows[found.kept.page_id] = replace(found.kept, values=values)
            self._merged.add(found.kept.page_id)
        for row in found.surplus:
            self._drop(row, double())
            self._into[row.page_id] = found.kept.page_id

    # -- rows

    def _open(self) -> list[Existing]:
        """The rows that may be changed, oldest first."""
        return [row for row in self._rows.values() if self._only in (None, row.values.month)]

    def _stands_for(self, page_id: str) -> str | None:
        """The row that stays in the place of one that goes."""
        into = self._into.get(page_id)
        return into if into is None or into in self._rows else self._stands_for(into)

    def _drop(self, row: Existing, why: Sentence) -> None:
        del self._rows[row.page_id]
        self._why[row.page_id] = why


def _why_nameless(ids: int) -> Sentence:
    """What to do about a row whose name is that of so many ids, and that has none of them."""
    if ids > 1:
        return say("Several projects or keys have this name: enter their ids, then run llm-usage heal.")
    return say("The id of this name is in another Workspace: enter that of this row, then run llm-usage heal.")


def _by_workspace(rows: Sequence[Existing]) -> Iterable[list[Existing]]:
    """Rows of one name: as they are told apart by their workspaces, where these are more than one."""
    parts: dict[str, list[Existing]] = defaultdict(list)
    for row in rows:
        parts[folded(row.values.workspace)].append(row)
    return [list(rows)] if len(parts.keys() - {""}) < 2 else parts.values()


def _completes(step: Step) -> bool:
    return bool({"key", "workspace"} & set(step.fields))


def _only(texts: set[str]) -> str:
    """The one text there is; empty where there is none, or several."""
    return next(iter(texts)) if len(texts) == 1 else ""


def _with_month_of_title(row: Existing, provider: ProviderName, me: str | None) -> Existing:
    """A row without `Mois`, this program's or an older collector's error row, with the month of its title."""
    if row.values.month or not (is_by(row, me) or is_old_error(row, provider)):
        return row
    dated_row = replace(row, values=replace(row.values, month=month_of_title(row.values.title)))
    return dated_row if is_old_error(row, provider) or name_in_title(dated_row.values, provider) else row


def _is_month(text: str) -> bool:
    try:
        Month.parse(text)
    except SettingsError:
        # Somebody's own row.
        return False
    return True
