"""A month and its two databases: reading what stands there, planning, publishing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from notion.client.gateway import Gateway
from notion.client.models import Page
from notion.databases.declared import Statut
from notion.databases.find import find_databases
from notion.databases.found import Databases
from notion.databases.services import Service, read_services, set_statut
from notion.heal.healer import Healer
from notion.heal.healing import Healing, plan_healing
from notion.plan.authorship import authors_of
from notion.plan.differences import RowDifference, find_differences
from notion.plan.plan import make_plan
from notion.plan.reasons import emptied
from notion.plan.steps import Action, Context, Plan, Step
from notion.rows.carried import Carried, CarriedColumns, find_columns, not_copied_sentence
from notion.rows.earlier import EarlierRows
from notion.rows.notes import Note
from notion.rows.receipt import read_receipt
from notion.rows.values import Existing, Values, fields_in, read_row, without_future_time
from notion.text import one_line
from notion.writer import Writer, is_written_on
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.grain import COLLECTION, LABEL
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.result import NotionCounts
from usage.settings import Settings


class _Steps(Protocol):
    @property
    def steps(self) -> tuple[Step, ...]: ...


P = TypeVar("P", bound=_Steps)


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a plan."""

    counts: NotionCounts
    outcomes: tuple[SourceOutcome, ...]
    warnings: tuple[Sentence, ...] = ()
    """What a person has to see to."""


class PublishError(NotionBusyError):
    """Notion could not be written to the end; `done` is what was written, and the next run completes it."""

    def __init__(self, sentence: Sentence, done: Published) -> None:
        super().__init__(sentence)
        self.done = done


class Workspace:
    """The two databases, open. Reads both schemas and the services once.

    Args:
        settings: All settings.
        needed: Providers that must have a row in *Services*.
        gateway: The connection.
        on_write: Called with the number of rows written so far and of all that are to be written.

    Raises:
        NotionError: Notion can't be reached, or the databases can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        needed: frozenset[ProviderName],
        gateway: Gateway,
        *,
        on_write: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self._settings, self._gateway, self._on_write = settings, gateway, on_write
        self._read_at = time.monotonic()
        self.databases: Databases = find_databases(self._gateway, settings.notion)
        self.services: tuple[Service, ...] = read_services(self._gateway, self.databases.services, needed)
        self.carried: CarriedColumns = find_columns(self.databases.usages, settings.reports.carry_columns)
        self.requests_to_carry = 0
        """Of the requests those that new rows' own columns took: they come on top of what a month may take."""

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

    def page(self, page_id: str) -> Page:
        """A page that a row leads to.

        Raises:
            NotionAccessError: It is not shared with the connection.
        """
        return self._gateway.page(page_id)

    def rows(self, month: Month | None = None) -> list[Existing]:
        """The rows that stand in Notion, of all services: of one month, or of all."""
        self._read_at = time.monotonic()
        source = self.databases.usages.data_source_id
        if month is None:
            return self._as_rows(self._gateway.every_row(source))
        return self._of(month, self._gateway.every_row(source, self._in(month)))

    def rows_at_most(self, month: Month, requests: int) -> list[Existing] | None:
        """The rows of a month, in so many requests; None where it has more rows than these bring."""
        pages: list[Page] = []
        asked = self._gateway.query(self.databases.usages.data_source_id, {"filter": self._in(month)})
        for number, listing in enumerate(asked, start=1):
            pages += (page for page in listing.results if not page.in_trash)
            if not listing.has_more:
                return self._of(month, pages)
            if number >= requests:
                return None
        return None

    def _rows_and_own_rows_before(self, month: Month) -> tuple[list[Existing], list[Existing]]:
        """The rows of a month, and the sources' own rows of the month before: a few rows more in the same listing."""
        self._read_at = time.monotonic()
        here = self._in(month)
        where = {"and": [{"or": [here, self._in(month.previous())]}, {"or": [here, self._own()]}]}
        pages = list(self._gateway.every_row(self.databases.usages.data_source_id, where))
        before = [row for row in self._of(month.previous(), pages) if row.values.key == COLLECTION]
        return self._of(month, pages), before

    def _in(self, month: Month) -> dict[str, Any]:
        return {"property": self._column("Mois"), "rich_text": {"equals": str(month)}}

    def _own(self) -> dict[str, Any]:
        return {"property": self._column("Projet/API Key"), "rich_text": {"equals": COLLECTION}}

    def _of(self, month: Month, pages: Iterable[Page]) -> list[Existing]:
        # Whether Notion's `equals` minds case and spaces is not published.
        return [row for row in self._as_rows(pages) if row.values.month == str(month)]

    def own_rows(self, month: Month) -> list[Existing]:
        """The sources' own rows of a month, which are few."""
        where = {"and": [self._in(month), self._own()]}
        return [row for row in self._read(where) if row.values.key == COLLECTION and row.values.month == str(month)]

    def plan(self, month: Month, outcomes: Sequence[SourceOutcome], *, accept_lower: bool = False) -> Plan:
        """Decide every write of a month; writes nothing. Looks at the pages of doubles for what people wrote there.

        Args:
            month: The month.
            outcomes: What the sources brought.
            accept_lower: Whether a person has accepted lower figures of a month that is over.
        """
        rows, before = self._rows_and_own_rows_before(month)
        context = replace(
            self._context(), earlier=self._earlier(outcomes), me=self._me_among(rows), accept_lower=accept_lower
        )
        if self.carried.columns:
            # Which rows are new, a plan without them tells.
            new = _things_to_look_up(make_plan(outcomes, rows, context).steps)
            context = replace(context, carried=self._carry(month, new))
        plan = self._plan_with_pages(rows, lambda known: make_plan(outcomes, known, context))
        return replace(plan, own_rows_before=tuple(before))

    def _carry(self, month: Month, new: Sequence[Values]) -> Carried:
        """What new rows of a month take over; asked for only where columns are named and rows are new."""
        if not self.carried.columns or not new:
            return Carried()
        services = {service.provider: service.page_id for service in self.services}
        earlier = EarlierRows(self._gateway, self.databases.usages, services, self._as_rows)
        before = self.requests
        found = earlier.latest(month, new)
        self.requests_to_carry += self.requests - before
        return Carried(self.carried.columns, found)

    def _carry_again(self, values: Values) -> tuple[Note, ...]:
        """What a row takes over that is made anew, as somebody threw it away since it was read."""
        return self._carry(Month.parse(values.month), [values]).notes(values)[0]

    def differences(self, month: Month, outcomes: Sequence[SourceOutcome]) -> tuple[RowDifference, ...]:
        """Where a month's figures differ from what the sources brought; writes nothing."""
        return find_differences(outcomes, self.rows(month), self._context())

    def _context(self) -> Context:
        labels: dict[ProviderName, tuple[str, ...]] = {}
        for credential in self._settings.credentials:
            name = credential.source.provider
            labels[name] = (*labels.get(name, ()), self._settings.label(credential.source))
        services = {service.provider: service.page_id for service in self.services}
        return Context(
            fields=fields_in(self.databases.usages),
            services=services,
            labels=labels,
            language=self._settings.reports.notion_language,
        )

    def _me_among(self, rows: Sequence[Existing]) -> str | None:
        """User id of this connection, asked for only where the rows' receipts leave some of them to doubt."""
        authors = authors_of([row for row in rows if read_receipt(row.values.breakdown) is not None], None)
        return None if all(authors.wrote(row) for row in rows) else self._gateway.me()

    def healing(self, month: Month | None = None) -> Healing:
        """Decide what to do about rows that older collectors left, in one month or in all; writes nothing."""
        services = {service.provider: service.page_id for service in self.services}
        fields, me = fields_in(self.databases.usages), self._gateway.me()
        return self._plan_with_pages(self.rows(), lambda rows: plan_healing(rows, services, fields, month, me))

    def heal(
        self, healing: Healing, turn: Callable[[Month], AbstractContextManager[None]] = lambda _: nullcontext()
    ) -> Healing:
        """Carry out a healing, month by month; rows that somebody has changed since it was decided have to wait.

        Args:
            healing: What to do.
            turn: What a month is written in.

        Returns:
            What was done.

        Raises:
            NotionAccessError: Notion refuses.
            NotionBusyError: Notion failed for good on the way.
        """
        try:
            return Healer(self._gateway, self.databases.usages, self._writer(), self.rows, turn).heal(healing)
        except NotionAccessError:
            raise
        except NotionError as error:
            again = say("{error} Run llm-usage heal again: it goes on where it stopped.", error=error.sentence)
            raise NotionBusyError(again) from error

    def _plan_with_pages(self, rows: Sequence[Existing], make: Callable[[Sequence[Existing]], P]) -> P:
        """Make a plan that knows what people wrote on the pages of the rows that it moves to the trash."""
        written: dict[str, bool] = {}
        while True:
            known = [replace(row, is_written_on=written.get(row.page_id, False)) for row in rows]
            plan = make(known)
            going = {step.page_id for step in plan.steps if step.unless_written_on and step.page_id is not None}
            new = going - written.keys()
            written |= {page_id: is_written_on(self._gateway, page_id) for page_id in sorted(new)}
            if not any(written[page_id] for page_id in new):
                return plan

    def _earlier(self, outcomes: Sequence[SourceOutcome]) -> list[Existing]:
        """Rows of any month that have the names which stand in an id's place: one query, only where there are such."""
        lost = [row for outcome in outcomes for row in outcome.rows if row.key.startswith(LABEL)]
        # Notion takes 100 conditions in one list.
        labels = {f" ({outcome.label})" for outcome in outcomes if outcome.label}
        ends = list(dict.fromkeys(f" - {one_line(row.name)}{label}" for row in lost for label in ("", *sorted(labels))))
        column = self._column("Identifiant")
        return [
            row
            for some in (ends[start : start + 100] for start in range(0, len(ends), 100))
            for row in self._read({"or": [{"property": column, "title": {"ends_with": end}} for end in some]})
        ]

    def _read(self, where: dict[str, Any] | None) -> list[Existing]:
        """Rows that fulfil a condition, each once: while a listing is read, rows may move from one page to the next."""
        return self._as_rows(self._gateway.rows(self.databases.usages.data_source_id, where))

    def _as_rows(self, pages: Iterable[Page]) -> list[Existing]:
        once = {page.id: page for page in pages}
        now = self._settings.fixed_now or self._settings.now() + self._gateway.clock_offset
        return [without_future_time(read_row(self.databases.usages, page), now) for page in once.values()]

    def _column(self, name: str) -> str:
        return self.databases.usages.columns[name].id

    def preview(self, plan: Plan) -> Published:
        """What publishing the plan would do."""
        created, updated, trashed = (len(plan.of(action)) for action in (Action.CREATE, Action.UPDATE, Action.TRASH))
        return self._sum_up(plan, created, updated, trashed)

    def publish(self, plan: Plan, *, unfiltered: bool) -> Published:
        """Carry out a plan.

        Args:
            plan: What to write.
            unfiltered: Whether all sources were collected: then services without key and rows are set to wait.

        Raises:
            PublishError: Notion failed for good on the way.
        """
        writer, failure = self._writer(plan.seen), None
        try:
            writer.write(plan.steps)
            writer.unite_doubles(plan, time.monotonic() - self._read_at)
            self._mark_services(plan.outcomes, unfiltered=unfiltered)
        except NotionError as error:
            failure = error
        tally = writer.tally
        done = self._sum_up(plan, len(tally.created), tally.updated, tally.trashed)
        refused = [not_copied_sentence(column, titles) for column, titles in writer.not_copied.items()]
        done = replace(done, warnings=(*done.warnings, *refused))
        if failure is None:
            return done
        sentence = failure.sentence
        if isinstance(failure, NotionBusyError):
            sentence = say("{error} The next collection completes it.", error=sentence)
        raise PublishError(sentence, done) from failure

    def _writer(self, seen: frozenset[str] = frozenset()) -> Writer:
        return Writer(
            self._gateway, self.databases.usages, self._read, self._on_write, seen=seen, carry=self._carry_again
        )

    def _sum_up(self, plan: Plan, created: int, updated: int, trashed: int) -> Published:
        counts = NotionCounts(
            created=created,
            updated=updated,
            unchanged=len(plan.of(Action.KEEP)),
            trashed=trashed,
            requests=self._gateway.requests,
        )
        return Published(counts, plan.outcomes, plan.warnings)

    def _mark_services(self, outcomes: Sequence[SourceOutcome], *, unfiltered: bool) -> None:
        """Set `Statut` where it is empty or ours; a person's choice stays."""
        collected = {outcome.source.provider for outcome in outcomes if not outcome.failed}
        configured = {credential.source.provider for credential in self._settings.credentials}
        for service in self.services:
            waits = unfiltered and service.provider not in configured and not service.has_rows
            if service.provider in collected and service.statut in (None, Statut.EN_ATTENTE):
                set_statut(self._gateway, self.databases.services, service, Statut.ACTIF)
            elif waits and service.statut in (None, Statut.ACTIF):
                set_statut(self._gateway, self.databases.services, service, Statut.EN_ATTENTE)


def _things_to_look_up(steps: Iterable[Step]) -> list[Values]:
    """New rows of projects and keys, and rows of an old grain that stay for what stands in them: that may be no more
    than what they took over.
    """
    without_figures = emptied()
    return [
        step.values
        for step in steps
        if step.values.key != COLLECTION
        and (step.action is Action.CREATE or (step.action is Action.UPDATE and step.why == without_figures))
    ]
