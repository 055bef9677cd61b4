"""Carrying out steps: few writes at a time, in an order that can be cut anywhere, and a last look for doubles."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from notion.client.gateway import Gateway, RowInTrash
from notion.client.models import Page
from notion.databases.found import Found
from notion.plan.desired import choose_values
from notion.plan.doubles import sort_out
from notion.plan.steps import Action, Plan, Step
from notion.rows.attachments import Attachments
from notion.rows.notes import Note, as_properties, says_same
from notion.rows.titles import same_id
from notion.rows.values import SKEW, Existing, Identity, Values, changed_fields, fields_in, to_properties
from usage.errors import NotionAccessError
from usage.grain import COLLECTION, is_bracketed
from usage.language.saying import say, together
from usage.month import Month

_NOT_TAKEN: Final = (400, 404)
"""What Notion answers to a value that it refuses; any other refusal is about more than one cell."""
IN_FLIGHT: Final = 3
"""Writes under way at once: more of them collide on the service page that all rows point to (409)."""
_log: Final = logging.getLogger(__name__)

Read = Callable[[dict[str, Any] | None], list[Existing]]
"""Reads rows of *Usages* that fulfil a condition."""


@dataclass(slots=True)
class Tally:
    """Counts what was done, from several threads."""

    created: list[tuple[Values, str]] = field(default_factory=list)
    """Rows and their page ids."""
    updated: int = 0
    trashed: int = 0
    first_created: datetime | None = None
    """By Notion's clock."""
    _lock: Lock = field(default_factory=Lock)

    def add_creation(self, values: Values, page: Page) -> None:
        """One row more."""
        with self._lock:
            self.created.append((values, page.id))
            self.first_created = min(page.created_time, self.first_created or page.created_time)

    def pages(self, service: str | None, identities: frozenset[Identity]) -> list[str]:
        """Page ids of created rows of a service."""
        with self._lock:
            return [page for one, page in self.created if one.service == service and one.identity in identities]

    def count(self, action: Action) -> None:
        """One row changed or moved to the trash."""
        with self._lock:
            self.updated += action is Action.UPDATE
            self.trashed += action is Action.TRASH


class Writer:
    """Writes steps; `tally` is what was done so far.

    Args:
        gateway: The connection.
        found: *Usages*.
        read: Reads its rows.
        on_write: Called with the number of rows written so far and of all that are to be written.
        seen: Page ids of rows that the plan has dealt with: they are neither what was just created nor doubles of it.
        carry: What a row takes over from the months before in people's columns, where it has to be made anew.
    """

    def __init__(
        self,
        gateway: Gateway,
        found: Found,
        read: Read,
        on_write: Callable[[int, int], None],
        *,
        seen: frozenset[str] = frozenset(),
        carry: Callable[[Values], tuple[Note, ...]] = lambda _: (),
    ) -> None:
        self._gateway, self._found, self._read = gateway, found, read
        self._on_write, self._seen, self._carry = on_write, seen, carry
        self._attachments = Attachments(gateway)
        self.tally: Final = Tally()
        self.refused: Final[set[str]] = set()
        """Page ids of rows whose notes Notion refused: their doubles stay, as they have them."""
        self.not_copied: Final[dict[str, list[str]]] = {}
        """Columns whose value Notion refused in new rows, and the titles of these."""
        self._never: Final[list[Note]] = []
        """Notes that Notion has refused: the next rows are not to ask again."""

    def write(self, steps: Sequence[Step]) -> None:
        """Carry out steps.

        What a row takes over comes before the double that had it goes to the trash, new figures before the trash, and
        the sources' own rows after all others: a cut leaves too much rather than too little, and a source's own row is
        only there when its figures are. Usage of no id comes first: that a row is an account's under its old name shows
        by the other rows, as long as they have not got the new one.

        Raises:
            NotionError: Notion failed for good on the way.
        """
        steps = [step for step in steps if step.action is not Action.KEEP]
        own = [step for step in steps if step.values.key == COLLECTION]
        data = [step for step in steps if step.values.key != COLLECTION]
        phases = [
            [step for step in data if not _goes(step) and is_bracketed(step.values.key)],
            [step for step in data if not _goes(step) and not is_bracketed(step.values.key)],
            [step for step in data if _goes(step)],
            [step for step in own if not _goes(step)],
            [step for step in own if _goes(step)],
        ]
        done = 0
        for phase in phases:
            for _ in self._in_parallel(phase):
                done += 1
                self._on_write(done, len(steps))

    def unite_doubles(self, plan: Plan, seconds: float) -> None:
        """Look once more for rows that another run has created at the same time.

        Both runs keep the oldest row, then the one with the smallest id, and so choose alike. It gets the figures that
        were read last, and what people may have written by now.

        Args:
            plan: What was written.
            seconds: How long ago the month was read.
        """
        created, first = [values for values, _ in self.tally.created], self.tally.first_created
        if not created or first is None:
            return
        # Rows from before the month was read are in the plan already.
        since = {"on_or_after": (first - timedelta(seconds=seconds) - SKEW).isoformat()}
        rows = self._unseen(
            _both(self._is("Mois", created[0].month), {"timestamp": "created_time", "created_time": since})
        )
        month = plan.outcomes[0].month
        for values in {(one.service, one.identity): one for one in created}.values():
            self._unite_doubles(sorted((row for row in rows if _is_same(row, values)), key=lambda row: row.age), month)

    def _unite_doubles(self, rows: Sequence[Existing], month: Month) -> None:
        if len(rows) < 2:
            return
        others = [replace(row, is_written_on=is_written_on(self._gateway, row.page_id)) for row in rows[1:]]
        found = sort_out([rows[0], *others])
        for clash in found.clashes:
            _log.warning("%s", say("{row}: {why}", row=clash.other.values.title, why=clash.why))
        values = choose_values(found.rows, month)
        changed = changed_fields(found.kept.values, values, fields_in(self._found))
        if changed or found.notes:
            self._update(found.kept.page_id, values, changed, found.notes)
        for double in found.surplus if found.kept.page_id not in self.refused else ():
            self._trash(double.page_id)

    def _in_parallel(self, steps: Sequence[Step]) -> Iterable[None]:
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="notion") as pool:
            futures = [pool.submit(self._carry_out, step) for step in steps]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                # After a failure, and after Ctrl-C: what is under way ends, what waits does not begin.
                pool.shutdown(cancel_futures=True)

    def _carry_out(self, step: Step) -> None:
        step = self._with_receipt(step)
        if step.page_id is None:
            self._create(step.values, step.notes)
        elif step.action is Action.TRASH:
            if step.into not in self.refused:
                self._trash(step.page_id)
        else:
            self._update(step.page_id, step.values, step.fields, step.notes)

    def _update(self, page_id: str, values: Values, fields: tuple[str, ...], notes: tuple[Note, ...] = ()) -> None:
        try:
            self._change(page_id, values, fields, notes)
        except NotionAccessError as error:
            if not notes or error.status not in _NOT_TAKEN:
                raise
            # A person who has left, a page that is not shared: the doubles keep what people wrote, ours goes on.
            self.refused.add(page_id)
            if fields:
                self._change(page_id, values, fields, ())
            columns = together((say("“{name}”", name=note.name) for note in notes), between=", ")
            told = say(
                "{row}: its double stays, because of {columns}. {error}",
                row=values.title,
                columns=columns,
                error=error.sentence,
            )
            _log.warning("%s", told)

    def _with_receipt(self, step: Step) -> Step:
        """A source's own row names the pages that were created for it just before."""
        if step.receipt is None:
            return step
        receipt = step.receipt.with_pages(self.tally.pages(step.values.service, step.vouches))
        values = replace(step.values, breakdown=receipt.to_json())
        return replace(step, values=values, fields=tuple(dict.fromkeys((*step.fields, "breakdown"))))

    def _change(self, page_id: str, values: Values, fields: tuple[str, ...], notes: tuple[Note, ...]) -> None:
        try:
            if "breakdown" in fields:
                self._attachments.renew(page_id, values)
            self._gateway.update_row(page_id, to_properties(self._found, values, fields) | as_properties(notes))
        except RowInTrash:
            # Somebody has thrown it away since it was read: a clean run would write it anew.
            names = {note.name for note in notes}
            self._create(values, (*notes, *(note for note in self._carry(values) if note.name not in names)))
        else:
            self.tally.count(Action.UPDATE)

    def _trash(self, page_id: str) -> None:
        try:
            self._gateway.trash_row(page_id)
        except RowInTrash:
            # Somebody, or another run that heals the same doubles, was faster.
            return
        self.tally.count(Action.TRASH)

    def _create(self, values: Values, notes: tuple[Note, ...] = ()) -> None:
        """Create a row with what it takes over, as far as Notion takes that: the figures go on without it."""
        allowed = tuple(note for note in notes if not self._is_refused(note))
        refused = [note for note in notes if note not in allowed]
        try:
            self._create_whole(values, allowed)
        except NotionAccessError as error:
            if not allowed or error.status not in _NOT_TAKEN:
                raise
            # A person who has left, a page that is not shared any more: which note it is shows by writing each alone.
            page_id = self._create_whole(values, ())
            refused += [note for note in allowed if not self._is_taken(page_id, note)]
        for note in refused:
            self.not_copied.setdefault(note.name, []).append(values.title)

    def _is_refused(self, note: Note) -> bool:
        return any(says_same(note, other) for other in self._never)

    def _is_taken(self, page_id: str, note: Note) -> bool:
        """Write one note into a row, and say whether Notion took it."""
        try:
            self._gateway.update_row(page_id, as_properties([note]))
        except NotionAccessError as error:
            if error.status not in _NOT_TAKEN:
                raise
            self._never.append(note)
            return False
        except RowInTrash:
            return True
        return True

    def _create_whole(self, values: Values, notes: tuple[Note, ...]) -> str:
        """Create a row, and give its page id; after a doubtful answer it is looked up before anything is repeated."""
        blocks = self._attachments.blocks(values)

        def create() -> Page:
            properties = to_properties(self._found, values) | as_properties(notes)
            return self._gateway.create_row(self._found.data_source_id, properties, blocks)

        def find(page_id: str | None) -> Page | None:
            if page_id is not None:
                return self._gateway.page(page_id)
            where = _both(self._is("Mois", values.month), self._is("Projet/API Key", values.key))
            found = next((row for row in self._unseen(where) if _is_same(row, values)), None)
            return None if found is None else Page(id=found.page_id, created_time=found.created)

        try:
            created = self._gateway.create_once(create, find)
        except RowInTrash:
            told = say("The database “{name}” is in Notion’s trash: restore it.", name=self._found.declared.title)
            raise NotionAccessError(told) from None
        self.tally.add_creation(values, created)
        return created.id

    def _unseen(self, where: dict[str, Any]) -> list[Existing]:
        return [row for row in self._read(where) if row.page_id not in self._seen]

    def _is(self, column: str, text: str) -> dict[str, Any]:
        return {"property": self._found.columns[column].id, "rich_text": {"equals": text}}


def is_written_on(gateway: Gateway, page_id: str) -> bool:
    """Whether people have written on a row's page, below its columns; one request, more for a long page.

    Raises:
        NotionError: The page can't be read.
    """
    return any(block.is_written for block in gateway.children(page_id))


def _goes(step: Step) -> bool:
    return step.action is Action.TRASH


def _is_same(row: Existing, values: Values) -> bool:
    same_service = same_id(row.values.service or "", values.service or "")
    return same_service and row.values.month == values.month and row.values.identity == values.identity


def _both(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"and": list(conditions)}
