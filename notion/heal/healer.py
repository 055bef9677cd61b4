"""Carrying out a healing beside whoever else writes to Notion: people, and a collection of the same month."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from notion.client.gateway import Gateway
from notion.databases.found import Found
from notion.heal.healing import Healing
from notion.plan.steps import Action, Step
from notion.rows.values import Existing, read_row
from notion.writer import Writer, is_written_on
from usage.month import Month


class Healer:
    """Writes month by month, and looks at a month's rows again just before.

    A healing is decided from all months, which takes its time. Steps that share the row which stays are carried out
    together or not at all: had one of their rows been changed meanwhile, that row's notes might be overwritten, or
    lie in the trash.

    Args:
        gateway: The connection.
        found: *Usages*.
        writer: Writes steps.
        read: Reads the rows of a month.
        turn: What a month is written in.
    """

    def __init__(
        self,
        gateway: Gateway,
        found: Found,
        writer: Writer,
        read: Callable[[Month], Sequence[Existing]],
        turn: Callable[[Month], AbstractContextManager[None]],
    ) -> None:
        self._gateway, self._found, self._writer, self._read, self._turn = gateway, found, writer, read, turn
        self._written: Final[set[str | None]] = set()
        """Rows that were written to here: that they have changed is no news."""

    def heal(self, healing: Healing) -> Healing:
        """Carry out all that can be; what was done is returned.

        Where a completion has to wait, the rest does, too: a double that goes may be the one that tells the id.

        Raises:
            NotionError: Notion can't be read, or failed for good on the way.
        """
        before = {row.page_id: row for row in healing.rows}
        waiting: set[str | None] = set()
        for steps in (healing.completions, healing.others):
            if waiting:
                waiting |= {step.page_id for step in steps}
                break
            for month in sorted({step.values.month for step in steps}):
                part = [step for step in steps if step.values.month == month]
                with self._turn(Month.parse(month)):
                    waiting |= self._write(part, healing.steps, before, Month.parse(month))
        # Doubles stay where Notion refused their notes in the row that would stand for them.
        waiting |= {step.page_id for step in healing.steps if step.into in self._writer.refused}
        return healing.without(waiting)

    def _write(
        self, part: Sequence[Step], steps: Sequence[Step], before: dict[str, Existing], month: Month
    ) -> set[str | None]:
        """Write a month's steps; those that have to wait are returned."""
        now = {row.page_id: row for row in (*self._read(month), *self._without_month(part, before))}
        stays = {step.stays for step in part}
        together = [(page_id, step.stays) for step in steps for page_id in (step.page_id, step.into)]
        changed = {
            standing
            for page_id, standing in together
            if page_id is not None and standing in stays and self._has_changed(before[page_id], now.get(page_id))
        }
        trashed = [step for step in part if step.action is Action.TRASH and step.stays not in changed]
        changed |= {step.stays for step in trashed if self._is_written_on(step)}
        going = [step for step in part if step.stays not in changed]
        self._writer.write(going)
        self._written.update(step.page_id for step in going)
        return {step.page_id for step in part if step.stays in changed}

    def _without_month(self, part: Sequence[Step], before: dict[str, Existing]) -> Iterator[Existing]:
        """Rows whose month only their title tells: they are not among those of the month."""
        for step in part:
            if step.page_id is not None and not before[step.page_id].values.month:
                page = self._gateway.page(step.page_id)
                if not page.in_trash:
                    yield read_row(self._found, page)

    def _has_changed(self, before: Existing, now: Existing | None) -> bool:
        if before.page_id in self._written:
            return False
        return now is None or replace(now, is_written_on=before.is_written_on) != before

    def _is_written_on(self, step: Step) -> bool:
        return step.page_id is not None and is_written_on(self._gateway, step.page_id)
