"""What `llm-usage check` says about Notion. Reads only, and stops at nothing that a person can put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from notion.client.budget import plan_sentence
from notion.client.gateway import Gateway
from notion.client.models import PropertySchema
from notion.collected import Collected, read_collected
from notion.databases.declared import SERVICES, USAGES, Property, Statut, Type
from notion.databases.find import Finder, pair_databases
from notion.databases.found import ColumnState, Databases, Found, Match, problem
from notion.databases.naming import listed
from notion.databases.options import lacking_options
from notion.databases.services import as_service, doubles_sentence, missing_sentence, rows_of
from notion.plan.authorship import is_by, is_collected, is_nameless
from notion.rows.carried import find_columns
from notion.rows.titles import month_of_title, name_in_title, provider_of, tells_two_months
from notion.rows.values import Existing, has_figures, read_row
from notion.setup.rollups import has_lost_its_column, has_lost_its_relation, unread_rollups
from usage.errors import NotionError
from usage.language.saying import say, together
from usage.language.sentence import SILENCE, Sentence
from usage.names import ProviderName
from usage.settings import NotionSettings

_NAMED: Final = 3
"""Rows that a sentence names."""

T = TypeVar("T")


class Severity(StrEnum):
    """How much a row of the report matters."""

    OK = "ok"
    NOTE = "note"
    """The job goes on without it."""
    PROBLEM = "problem"
    """The job can't work like this."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One declared property against what stands in Notion."""

    database: str
    property: str
    expected: Sentence
    found: Sentence
    """Silent where there is nothing."""
    severity: Severity
    todo: Sentence = SILENCE
    """Silent when all is well."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Rows for a table, and sentences about what is no column.

    `usable` says whether a collection could be published; `providers_with_rows` are known only where it is.
    """

    rows: tuple[CheckRow, ...]
    sentences: tuple[Sentence, ...]
    usable: bool
    providers_with_rows: frozenset[ProviderName] = frozenset()
    """Those that *Usages* has rows of."""
    inactive: frozenset[ProviderName] = frozenset()
    """Those that a person has switched off."""
    collected: tuple[Collected, ...] | None = None
    """Months that sources were asked for; None where the rows could not be looked at."""


def check_notion(gateway: Gateway, settings: NotionSettings, carry: Iterable[str] = ()) -> CheckReport:
    """Look at the connection, both databases, their columns, the services and the rows.

    Nothing is raised for what Notion refuses or lacks: the report tells it. Whether the connection may write can't be
    seen without writing.

    Args:
        gateway: The connection.
        settings: Notion's.
        carry: Names of people's own columns that are to follow projects and keys into new months.
    """
    return _Checkup(gateway, settings, carry).report()


class _Checkup:
    def __init__(self, gateway: Gateway, settings: NotionSettings, carry: Iterable[str]) -> None:
        self._gateway, self._settings, self._carry = gateway, settings, carry
        self._sentences: list[Sentence] = []
        self._inactive: frozenset[ProviderName] = frozenset()

    def report(self) -> CheckReport:
        finder = Finder(self._gateway, self._settings)
        looks = [self._try(partial(finder.require, declared)) for declared in (SERVICES, USAGES)]
        found = [database for database in looks if database is not None]
        both: Databases | None = None
        if len(found) == len(looks):
            both = self._try(lambda: pair_databases(self._gateway, *found))
            if both is None:
                # Advice about columns would be wrong in both.
                return CheckReport((), tuple(self._sentences), usable=False)
            found = [both.services, both.usages]
        rows = tuple(_row(database, match, both) for database in found for match in database.matches)
        services = next((self._look_at_services(one) for one in found if one.declared is SERVICES), {})
        self._sentences += [
            say(
                "The database “{database}” is locked in Notion: collections write to it all the same, but llm-usage "
                "setup may be refused a column.",
                database=one.declared.title,
            )
            for one in found
            if one.locked
        ]
        for one in found:
            self._sentences += find_columns(one, self._carry).sentences if one.declared is USAGES else ()
        plan = self._try(lambda: plan_sentence(self._gateway.myself(), self._settings.requests_per_minute))
        self._sentences += [plan] if plan else []
        is_ready = len(services) == len(ProviderName) and not any(row.severity is Severity.PROBLEM for row in rows)
        seen = None
        if both is not None and is_ready:
            seen = self._try(partial(_look_at_rows, self._gateway, both.usages, services))
        self._sentences += seen.sentences if seen else ()
        told = tuple(dict.fromkeys(self._sentences))
        if seen is None:
            return CheckReport(rows, told, usable=False)
        return CheckReport(rows, told, True, seen.providers, self._inactive, seen.collected)

    def _try(self, look: Callable[[], T]) -> T | None:
        """What is seen; where Notion does not show it, the report tells why."""
        try:
            return look()
        except NotionError as error:
            self._sentences.append(error.sentence)
            return None

    def _look_at_services(self, found: Found) -> dict[ProviderName, str]:
        """Page ids of the services that have a row."""
        pages = self._try(lambda: list(self._gateway.rows(found.data_source_id)))
        if pages is None:
            return {}
        rows = {provider: rows_of(provider, found, pages) for provider in ProviderName}
        missing = [provider for provider, same in rows.items() if not same]
        self._sentences += [missing_sentence(found, missing)] if missing else []
        self._sentences += [
            doubles_sentence(found, provider, len(same)) for provider, same in rows.items() if len(same) > 1
        ]
        self._sentences += unread_rollups(found, (same[0] for same in rows.values() if same))
        services = [as_service(found, provider, same[0]) for provider, same in rows.items() if same]
        self._inactive = frozenset(one.provider for one in services if one.statut == Statut.INACTIF)
        return {one.provider: one.page_id for one in services}


# -- columns


def _row(found: Found, match: Match, both: Databases | None) -> CheckRow:
    declared = match.declared
    seen = together((_seen(declared, column, both) for column in match.found), between=", ")
    if match.state is ColumnState.OK:
        todo = _difference(declared, match.found[0], both)
        severity = Severity.NOTE if todo else Severity.OK
    else:
        todo = problem(found, match)
        severity = Severity.PROBLEM if match.blocks else Severity.NOTE
    return CheckRow(found.declared.title, declared.name, _expected(declared), seen, severity, todo)


def _expected(declared: Property) -> Sentence:
    if declared.rollup is not None:
        return _rollup(declared.rollup.function, declared.rollup.target)
    if declared.type is Type.SELECT:
        return _select(str(name) for name, _ in declared.options)
    return Sentence.of(declared.type.value)


def _rollup(function: str | None, target: str | None) -> Sentence:
    return say("rollup: {function} of {target}", function=function, target=target)


def _select(options: Iterable[str]) -> Sentence:
    return say("select: {options}", options=", ".join(options))


def _seen(declared: Property, column: PropertySchema, both: Databases | None) -> Sentence:
    """The column's type and make-up, after its name where that is another one."""
    seen = Sentence.of(column.type)
    if column.rollup is not None:
        seen = _rollup(column.rollup.function, column.rollup.rollup_property_name)
    elif column.select is not None:
        seen = _select(option.name for option in column.select.options)
    elif column.relation is not None and both is not None:
        ends = {one.data_source_id: one.declared.title for one in (both.services, both.usages)}
        seen = say("relation: {database}", database=ends.get(column.relation.data_source_id or "", "?"))
    return seen if column.name == declared.name else say("{column} ({type})", column=column.name, type=seen)


def _difference(declared: Property, column: PropertySchema, both: Databases | None) -> Sentence:
    """What to do about a column of the right type that is made otherwise; silent when nothing."""
    if column.select is not None:
        lacking = ", ".join(name for name, _ in lacking_options(declared, column.select.options))
        return (
            say("The options {options} are missing: llm-usage setup adds them.", options=lacking)
            if lacking
            else SILENCE
        )
    if declared.rollup is None or column.rollup is None or both is None:
        return SILENCE
    if has_lost_its_relation(both.services, column):
        return say("This rollup follows a relation that is deleted: run llm-usage setup.")
    if has_lost_its_column(both.usages, column):
        return say("This rollup calculates with a column that is deleted: run llm-usage setup.")
    target = both.usages.columns.get(declared.rollup.target)
    same = target is not None and column.rollup.rollup_property_name == target.name
    if same and column.rollup.function == declared.rollup.function:
        return SILENCE
    return say(
        "This rollup calculates something else than {function} of “{column}”: correct it.",
        function=declared.rollup.function,
        column=declared.rollup.target,
    )


# -- rows: which ones a collection leaves alone, and what mends them


@dataclass(frozen=True, slots=True)
class RowsSeen:
    """Sentences, none when all is well, the providers that have rows, and what their sources were asked for."""

    sentences: tuple[Sentence, ...]
    providers: frozenset[ProviderName]
    collected: tuple[Collected, ...] = ()


def _look_at_rows(gateway: Gateway, usages: Found, services: Mapping[ProviderName, str]) -> RowsSeen:
    """Read all rows once. Where it is not known who we are, nothing is said of whose they are.

    Args:
        gateway: The connection.
        usages: The database.
        services: Page ids of the providers' rows in *Services*.

    Raises:
        NotionError: Notion can't be read.
    """
    rows = [read_row(usages, page) for page in gateway.every_row(usages.data_source_id)]
    return _judge_rows(rows, services, gateway.me())


def _judge_rows(rows: Sequence[Existing], services: Mapping[ProviderName, str], me: str | None) -> RowsSeen:
    """As `_look_at_rows`, of rows that are read already; where `me` is not known, whose they are is not told."""
    dated = [row for row in rows if month_of_title(row.values.month)]
    known = [(row, provider) for row in dated if (provider := provider_of(row, services)) is not None]
    # Of a row without a service whose title tells another month, too: that is why it belongs to nothing.
    slips = [
        row
        for row in rows
        if tells_two_months(row.values) and ((row in dated and row.values.service) or _names_a_service(row))
    ]
    timeless = [row for row in rows if not row.values.month and is_by(row, me) and _names_a_service(row)]
    loose = [row for row, _ in known if not row.values.service]
    others = [(row, name) for row, name in known if me is not None and not is_by(row, me) and row not in slips]
    taken = [row for row, provider in others if _can_be_taken_over(row, provider)]
    own = [row for row, _ in others if row not in taken]
    told = ((_loose, loose), (_timeless, timeless), (_taken, taken), (_own, own), (_slips, slips))
    return RowsSeen(
        tuple(tell(rows) for tell, rows in told if rows),
        frozenset(name for _, name in known),
        read_collected(rows, services),
    )


def _can_be_taken_over(row: Existing, provider: ProviderName) -> bool:
    """Whether a healing takes the row over: as far as it alone tells."""
    values = row.values
    if not name_in_title(values, provider):
        return False
    if is_nameless(values, provider, frozenset()):
        return is_collected(values) and has_figures(row)
    return bool(values.key)


def _names_a_service(row: Existing) -> bool:
    titled = replace(row.values, month=month_of_title(row.values.title))
    return any(name_in_title(titled, provider) for provider in ProviderName)


def _loose(rows: Sequence[Existing]) -> Sentence:
    return say(
        "Rows of “{database}” without a service: {number} ({names}); llm-usage heal links them by their titles.",
        **_about(rows),
    )


def _timeless(rows: Sequence[Existing]) -> Sentence:
    return say(
        "Rows of “{database}” without a month: {number} ({names}); llm-usage heal takes it from their titles.",
        **_about(rows),
    )


def _taken(rows: Sequence[Existing]) -> Sentence:
    return say(
        "Rows of “{database}” written by somebody else than this connection: {number} ({names}); collections do not "
        "touch them, llm-usage heal takes them over.",
        **_about(rows),
    )


def _own(rows: Sequence[Existing]) -> Sentence:
    return say(
        "Rows of “{database}” that are yours, or another program’s: {number} ({names}); nothing touches them, and "
        "their amounts count in the totals of their service.",
        **_about(rows),
    )


def _slips(rows: Sequence[Existing]) -> Sentence:
    return say(
        "Rows of “{database}” whose title has another month than “Mois”: {number} ({names}); correct the one of the "
        "two that is wrong.",
        **_about(rows),
    )


def _about(rows: Sequence[Existing]) -> dict[str, object]:
    """How many rows there are, and the titles of the first."""
    names = listed(row.values.title for row in rows[:_NAMED])
    more = say("{names}, …", names=names) if len(rows) > _NAMED else names
    return {"database": USAGES.title, "number": len(rows), "names": more}
