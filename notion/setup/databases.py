"""Creating or completing the two databases.

Every step reads before it writes, so that set-up can be repeated from wherever it was cut: databases, columns, the
relation and its other side, formula, rollups, the five services. Nothing that exists is renamed, retyped or emptied,
but for the other side of the relation, to which Notion gives a name of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from notion.client.gateway import Gateway, RowInTrash
from notion.databases.declared import SERVICES, USAGES, Database, Type
from notion.databases.exchanged import refuse_exchanged
from notion.databases.find import Finder, inspect, read_columns
from notion.databases.found import ColumnState, Found, Match, judge_relation, problem
from notion.setup.columns import (
    change_columns,
    explain_lock,
    formula_column,
    is_about_columns,
    more_options,
    new_database,
    plain_columns,
    relation_column,
)
from notion.setup.log import SetupLog
from notion.setup.rehearsal import Rehearsal, is_invented
from notion.setup.rollups import add_rollups, unread_rollups
from notion.setup.seeds import seed_services
from notion.setup.steps import Step, added, added_options, created, renamed
from notion.setup.views import set_up_views
from usage.errors import NotionAccessError
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import ProviderName
from usage.settings import NotionSettings


@dataclass(frozen=True, slots=True)
class SetupResult:
    """What set-up found and did; of a rehearsal, what it would do."""

    steps: tuple[Step, ...]
    """Empty when there was nothing to do."""
    warnings: tuple[Sentence, ...]
    """What a person has to settle."""
    services_db_id: str | None
    """None only of a rehearsal, where the database does not exist yet; so is the other one."""
    usages_db_id: str | None

    @property
    def done(self) -> tuple[Sentence, ...]:
        """What was done, a short sentence for each step."""
        return tuple(step.done for step in self.steps)

    @property
    def would(self) -> tuple[Sentence, ...]:
        """What would be done, likewise."""
        return tuple(step.would for step in self.steps)


def set_up(gateway: Gateway, settings: NotionSettings, configured: frozenset[ProviderName]) -> SetupResult:
    """Create or complete both databases.

    Args:
        gateway: The connection.
        settings: Ids of the databases, or the page under which they stand or shall stand.
        configured: Providers that have a key.

    Raises:
        NotionAccessError: A person has to do something first; the sentence says what.
        NotionBusyError: Notion did not answer usably; running set-up again goes on from there.
        NotionError: Notion's answers can't be read.
    """
    return _Setup(gateway, settings).run(configured)


def rehearse(gateway: Rehearsal, settings: NotionSettings, configured: frozenset[ProviderName]) -> SetupResult:
    """What `set_up` would do; reads the same, and writes nothing.

    Raises:
        NotionError: As `set_up`.
    """
    result = set_up(gateway, settings, configured)
    ids = [None if key is None or is_invented(key) else key for key in (result.services_db_id, result.usages_db_id)]
    return replace(result, services_db_id=ids[0], usages_db_id=ids[1])


class _Setup:
    def __init__(self, gateway: Gateway, settings: NotionSettings) -> None:
        self._gateway, self._settings = gateway, settings
        self._log = SetupLog()

    def run(self, configured: frozenset[ProviderName]) -> SetupResult:
        # Both are looked at before anything is created: what a person has to settle comes first.
        finder = Finder(self._gateway, self._settings)
        services, usages = finder.find(SERVICES), finder.find(USAGES)
        refuse_exchanged(self._gateway, services, usages)
        is_new = usages is None
        services = self._complete(services or self._create(SERVICES, new_database(SERVICES, None)))
        columns = new_database(USAGES, services.data_source_id)
        usages = self._complete(usages or self._create(USAGES, columns))
        services, usages = self._relate(services, usages, is_new=is_new)
        usages = self._add_formula(usages)
        services = add_rollups(self._gateway, services, usages, self._log)
        pages = seed_services(self._gateway, services, configured, self._log)
        self._log.warnings += unread_rollups(services, pages)
        set_up_views(self._gateway, services, usages, self._log)
        problems = [
            problem(found, match) for found in (services, usages) for match in found.matches if _needs_person(match)
        ]
        warnings = (*problems, *self._log.warnings)
        return SetupResult(tuple(self._log.steps), warnings, services.database_id, usages.database_id)

    # -- the databases

    def _create(self, declared: Database, columns: dict[str, Any]) -> Found:
        parent = self._settings.parent_page_id or ""

        def create() -> Found:
            info = self._gateway.create_database(parent, declared.title, columns)
            return read_columns(self._gateway, declared, info)

        def find(database_id: str | None) -> Found | None:
            if database_id is not None:
                return inspect(self._gateway, declared, database_id)
            # Listed anew: the question is what has come since.
            return Finder(self._gateway, self._settings).find(declared)

        try:
            found = self._gateway.create_once(create, find)
        except RowInTrash:
            raise NotionAccessError(say("The page NOTION_PARENT_PAGE_ID is in Notion’s trash: restore it.")) from None
        self._log.steps.append(created(declared.title))
        return found

    def _complete(self, found: Found) -> Found:
        """Add the columns that are missing and stand for themselves, and the options of selects."""
        missing = [match.declared for match in found.matches if match.state is ColumnState.MISSING]
        columns = plain_columns(missing)
        names = list(columns)
        for match in found.matches:
            if match.declared.type is Type.SELECT and match.state is ColumnState.OK:
                column = match.found[0]
                options = more_options(match.declared, column.select.options if column.select is not None else ())
                if options is not None:
                    columns[column.id] = options
                    self._log.steps.append(added_options(found.declared.title, column.name))
        if not columns:
            return found
        found = change_columns(self._gateway, found, columns)
        if names:
            self._log.steps.append(added(found.declared.title, names))
        return found

    # -- the relation

    def _relate(self, services: Found, usages: Found, *, is_new: bool) -> tuple[Found, Found]:
        """The relation, and the name of its other side."""
        is_missing = usages.match("Service").state is ColumnState.MISSING
        if is_missing:
            usages = self._add_relation(services, usages)
        if is_new or is_missing:
            services = services.with_schema(self._gateway.data_source(services.data_source_id))
        both = judge_relation(services, usages)
        return self._name_other_side(both.services, both.usages, is_ours=is_new or is_missing), both.usages

    def _add_relation(self, services: Found, usages: Found) -> Found:
        column = {"Service": relation_column(services.data_source_id, "Usages")}

        def create() -> Found:
            add = partial(self._gateway.update_data_source, usages.data_source_id, column)
            return usages.with_schema(explain_lock(usages, partial(explain_lock, services, add)))

        def find(_: str | None) -> Found | None:
            again = usages.with_schema(self._gateway.data_source(usages.data_source_id))
            return None if again.match("Service").state is ColumnState.MISSING else again

        found = self._gateway.create_once(create, find)
        self._log.steps.append(added(USAGES.title, ["Service"]))
        return found

    def _name_other_side(self, services: Found, usages: Found, *, is_ours: bool) -> Found:
        match = services.match("Usages")
        if match.state is not ColumnState.OK or not usages.has("Service"):
            return services
        column, wanted = match.found[0], match.declared.name
        relation = usages.columns["Service"].name
        # After a cut, Notion's own name tells that nobody has named it yet: "Related to Usages LLM (Service)".
        is_default = folded(column.name).startswith("related to ") or f"({folded(relation)})" in folded(column.name)
        if match.declared.is_named(column.name) or not (is_ours or is_default):
            return services
        if any(folded(name) == folded(wanted) for name in services.schema):
            self._log.warnings.append(
                say(
                    "“{database}” already has a column “{name}”: the other side of the relation keeps the name "
                    "“{kept}”.",
                    database=services.declared.title,
                    name=wanted,
                    kept=column.name,
                )
            )
            return services
        services = change_columns(self._gateway, services, {column.id: {"name": wanted}})
        self._log.steps.append(renamed(services.declared.title, column.name, wanted))
        return judge_relation(services, usages).services

    # -- the formula

    def _add_formula(self, usages: Found) -> Found:
        declared = USAGES.property("Tokens Total")
        if usages.match(declared.name).state is not ColumnState.MISSING:
            return usages
        formula = formula_column(declared, {name: column.name for name, column in usages.columns.items()})
        if formula is None:
            self._log.warnings.append(
                say("The formula “{formula}” waits for its columns to be in order.", formula=declared.name)
            )
            return usages
        try:
            changed = change_columns(self._gateway, usages, {declared.name: formula})
        except NotionAccessError as error:
            if not is_about_columns(error, usages):
                raise
            self._log.warnings.append(
                say("Notion refuses the formula “{formula}”: {why}", formula=declared.name, why=error.sentence)
            )
            return usages
        self._log.steps.append(added(USAGES.title, [declared.name]))
        # Reading the columns again has forgotten what is known about the relation.
        return changed.with_match(usages.match("Service"))


def _needs_person(match: Match) -> bool:
    """Whether a column needs a person. Of a formula or a rollup that is missing, its own step has told why."""
    if match.state is ColumnState.MISSING:
        return match.declared.type not in (Type.FORMULA, Type.ROLLUP)
    return match.state is not ColumnState.OK
