"""Carrying out a plan: few writes at a time, in an order that can be cut anywhere, and a last look for doubles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from notion.databases import Databases, find_databases
from notion.gateway import DoubtfulCreation, Gateway, RowInTrash
from notion.plan import Action, Context, Plan, Step, make_plan, same_identity
from notion.rows import Existing, Values, read_row, to_properties
from notion.schema import Statut
from notion.services import Service, mark, read_services
from usage.errors import NotionBusyError
from usage.grain import COLLECTION
from usage.month import Month
from usage.names import ProviderName
from usage.outcome import SourceOutcome
from usage.settings import Settings

IN_FLIGHT: Final = 3
"""Writes under way at once: more of them collide on the service page that all rows point to (409)."""
_SKEW: Final = timedelta(minutes=5)
"""How far Notion's clock and ours may differ."""
_LOOKUPS: Final = 3
_LOOKUP_PAUSE: Final = 2.0
"""Seconds between a creation whose answer was lost and the second look for its row."""


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a plan. Counts are pages of *Usages*; `requests` are all Notion requests, repeats included."""

    created: int
    updated: int
    unchanged: int
    trashed: int
    requests: int
    outcomes: tuple[SourceOutcome, ...] = ()


class PublishError(NotionBusyError):
    """Notion could not be written to the end; `done` is what was written, and the next run completes it."""

    def __init__(self, sentence: str, done: Published) -> None:
        super().__init__(sentence)
        self.done = done


@dataclass(slots=True)
class _Tally:
    """Counts what was done, from several threads."""

    created: int = 0
    updated: int = 0
    trashed: int = 0
    first_created: datetime | None = None
    """By Notion's clock."""
    lock: Lock = field(default_factory=Lock)

    def creation(self, at: datetime | None) -> None:
        with self.lock:
            self.created += 1
            if at is not None:
                self.first_created = min(at, self.first_created or at)

    def count(self, action: Action, number: int = 1) -> None:
        with self.lock:
            if action is Action.UPDATE:
                self.updated += number
            elif action is Action.TRASH:
                self.trashed += number


class Workspace:
    """The two databases, open. Reads both schemas and the services once.

    Args:
        settings: All settings.
        needed: Providers that must have a row in *Services*.
        on_write: Called with the number of rows written so far and of all that are to be written.
        sleep: Replaced in tests; seconds.

    Raises:
        NotionError: Notion can't be reached, or the databases can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        needed: frozenset[ProviderName],
        *,
        on_write: Callable[[int, int], None] = lambda _done, _total: None,
        sleep: Callable[[float], None] = time.sleep,
        gateway: Gateway | None = None,
    ) -> None:
        self._settings, self._on_write, self._sleep = settings, on_write, sleep
        self._gateway = gateway or Gateway(settings.notion, sleep=sleep)
        self._read_at = time.monotonic()
        self.databases: Databases = find_databases(self._gateway, settings.notion)
        self.services: tuple[Service, ...] = read_services(self._gateway, self.databases.services, needed)

    def close(self) -> None:
        """Close the connections."""
        self._gateway.close()

    @property
    def requests(self) -> int:
        """Requests sent to Notion so far, repeats included."""
        return self._gateway.requests

    @property
    def inactive(self) -> frozenset[ProviderName]:
        """Providers that a person has set to `Inactif`."""
        return frozenset(service.provider for service in self.services if service.statut == Statut.INACTIF)

    def rows(self, month: Month | None = None) -> list[Existing]:
        """The rows that stand in Notion, of all services: of one month, or of all."""
        found = self.databases.usages
        self._read_at = time.monotonic()
        where = {"property": found.columns["Mois"].id, "rich_text": {"equals": str(month)}} if month else None
        rows = [read_row(found, page) for page in self._gateway.rows(found.data_source_id, where)]
        # Whether Notion's `equals` minds case and spaces is not published.
        return [row for row in rows if month is None or row.values.mois == str(month)]

    def plan(self, month: Month, outcomes: Sequence[SourceOutcome]) -> Plan:
        """Decide every write of a month; writes nothing."""
        labels: dict[ProviderName, tuple[str, ...]] = {}
        for credential in self._settings.credentials:
            name = credential.source.provider
            labels[name] = (*labels.get(name, ()), self._settings.label(credential.source))
        services = {service.provider: service.page_id for service in self.services}
        return make_plan(outcomes, self.rows(month), Context(self.databases.usages, services, labels))

    def preview(self, plan: Plan) -> Published:
        """What publishing the plan would do."""
        return Published(
            created=len(plan.of(Action.CREATE)),
            updated=len(plan.of(Action.UPDATE)),
            unchanged=len(plan.of(Action.KEEP)),
            trashed=len(plan.of(Action.TRASH)),
            requests=self._gateway.requests,
            outcomes=plan.outcomes,
        )

    def publish(self, plan: Plan, *, unfiltered: bool) -> Published:
        """Carry out a plan.

        Args:
            plan: What to write.
            unfiltered: Whether all sources were collected: then services without key and rows are set to wait.

        Raises:
            PublishError: Notion failed for good on the way.
        """
        tally = _Tally()
        try:
            self._write(plan, tally)
            self._mark_services(plan.outcomes, unfiltered=unfiltered)
            if tally.created:
                tally.count(Action.TRASH, self._heal(plan, tally.first_created))
        except NotionBusyError as error:
            done = self._published(plan, tally)
            raise PublishError(f"{error} La prochaine collecte complétera.", done) from error
        return self._published(plan, tally)

    def _published(self, plan: Plan, tally: _Tally) -> Published:
        return Published(
            created=tally.created,
            updated=tally.updated,
            unchanged=len(plan.of(Action.KEEP)),
            trashed=tally.trashed,
            requests=self._gateway.requests,
            outcomes=plan.outcomes,
        )

    def _write(self, plan: Plan, tally: _Tally) -> None:
        """New figures before the trash, the sources' own rows last: a cut leaves too much rather than too little, and
        a source's own row is only there when its figures are."""
        data = [step for step in plan.steps if step.values.key != COLLECTION and step.action is not Action.TRASH]
        trash = list(plan.of(Action.TRASH))
        own = [step for step in plan.steps if step.values.key == COLLECTION and step.action is not Action.TRASH]
        total = sum(step.action is not Action.KEEP for step in plan.steps)
        done = 0
        for phase in (data, trash, own):
            for _ in self._in_parallel([step for step in phase if step.action is not Action.KEEP], tally):
                done += 1
                self._on_write(done, total)

    def _in_parallel(self, steps: Sequence[Step], tally: _Tally) -> Iterable[None]:
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="notion") as pool:
            futures = [pool.submit(self._carry_out, step, tally) for step in steps]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                # After a failure, and after Ctrl-C: what is under way ends, what waits does not begin.
                pool.shutdown(cancel_futures=True)

    def _carry_out(self, step: Step, tally: _Tally) -> None:
        found = self.databases.usages
        if step.page_id is None:
            tally.creation(self._create(step.values))
            return
        try:
            if step.action is Action.TRASH:
                self._gateway.trash_row(step.page_id)
            else:
                self._gateway.update_row(step.page_id, to_properties(found, step.values, step.fields))
        except RowInTrash:
            if step.action is Action.UPDATE:
                # Somebody has thrown it away since it was read: a clean run would write it anew.
                tally.creation(self._create(step.values))
            return
        tally.count(step.action)

    def _create(self, values: Values) -> datetime | None:
        """Create a row; after a doubtful answer it is looked up before anything is repeated.

        Returns:
            When it was created, by Notion's clock, where Notion's answer arrived.
        """
        found = self.databases.usages
        for attempt in range(_LOOKUPS):
            try:
                return self._gateway.create_row(found.data_source_id, to_properties(found, values)).created_time
            except DoubtfulCreation as error:
                if error.page_id is not None or self._exists(values):
                    return None
                last = error
                self._sleep(_LOOKUP_PAUSE * (attempt + 1))
                if self._exists(values):
                    return None
        raise NotionBusyError(str(last))

    def _exists(self, values: Values) -> bool:
        found = self.databases.usages
        where = _both(
            {"property": found.columns["Mois"].id, "rich_text": {"equals": values.mois}},
            {"property": found.columns["Projet/API Key"].id, "rich_text": {"equals": values.key}},
        )
        rows = (read_row(found, page).values for page in self._gateway.rows(found.data_source_id, where))
        return any(row.service == values.service and same_identity(row, values) for row in rows)

    def _heal(self, plan: Plan, first_created: datetime | None) -> int:
        """Look once more for rows that another run has created at the same time; returns how many were trashed.

        Both runs keep the oldest row, then the one with the smallest id, and so choose alike.
        """
        found = self.databases.usages
        created = [step.values for step in plan.of(Action.CREATE)]
        if not created:
            return 0
        where: dict[str, Any] = {"property": found.columns["Mois"].id, "rich_text": {"equals": created[0].mois}}
        if first_created is not None:
            # Rows from before the month was read are in the plan already.
            since = first_created - timedelta(seconds=time.monotonic() - self._read_at) - _SKEW
            where = _both(where, {"timestamp": "created_time", "created_time": {"on_or_after": since.isoformat()}})
        rows = [read_row(found, page) for page in self._gateway.rows(found.data_source_id, where)]
        trashed = 0
        for values in created:
            same = [r for r in rows if r.values.service == values.service and same_identity(r.values, values)]
            for double in sorted(same, key=lambda row: row.age)[1:]:
                self._gateway.trash_row(double.page_id)
                trashed += 1
        return trashed

    def _mark_services(self, outcomes: Sequence[SourceOutcome], *, unfiltered: bool) -> None:
        collected = {outcome.source.provider for outcome in outcomes if not outcome.failed}
        configured = {credential.source.provider for credential in self._settings.credentials}
        for service in self.services:
            if service.provider in collected and service.statut not in (Statut.ACTIF, Statut.INACTIF):
                mark(self._gateway, self.databases.services, service, Statut.ACTIF)
            waits = unfiltered and service.provider not in configured and not service.has_rows
            if waits and service.statut not in (Statut.EN_ATTENTE, Statut.INACTIF):
                mark(self._gateway, self.databases.services, service, Statut.EN_ATTENTE)


def _both(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"and": list(conditions)}
