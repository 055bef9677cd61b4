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
from notion.databases.options import lacking_options
from notion.databases.services import as_service, doubles_sentence, missing_sentence, rows_of
from notion.plan.authorship import is_by, is_collected, is_nameless
from notion.rows.carried import find_columns
from notion.rows.titles import month_of_title, name_in_title, provider_of, tells_two_months
from notion.rows.values import Existing, has_figures, read_row
from notion.setup.rollups import has_lost_its_relation, unread_rollups
from usage.errors import NotionError
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
    """One declared property against what stands in Notion. `todo` is a French sentence, empty when all is well."""

    database: str
    property: str
    expected: str
    found: str
    severity: Severity
    todo: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Rows for a table, and French sentences about what is no column.

    `usable` says whether a collection could be published; `providers_with_rows` are known only where it is.
    """

    rows: tuple[CheckRow, ...]
    sentences: tuple[str, ...]
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
        self._sentences: list[str] = []
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
            f"La base « {one.declared.title} » est verrouillée dans Notion : la collecte y écrit quand même, mais "
            "llm-usage setup peut s’y voir refuser une colonne."
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
            self._sentences.append(str(error))
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
    seen = ", ".join(_seen(declared, column, both) for column in match.found)
    if match.state is ColumnState.OK:
        todo = _difference(declared, match.found[0], both)
        severity = Severity.NOTE if todo else Severity.OK
    else:
        todo = problem(found, match)
        severity = Severity.PROBLEM if match.blocks else Severity.NOTE
    return CheckRow(found.declared.title, declared.name, _expected(declared), seen, severity, todo)


def _expected(declared: Property) -> str:
    if declared.rollup is not None:
        return f"rollup: {declared.rollup.function} of {declared.rollup.target}"
    if declared.type is Type.SELECT:
        return f"select: {', '.join(str(name) for name, _ in declared.options)}"
    return declared.type.value


def _seen(declared: Property, column: PropertySchema, both: Databases | None) -> str:
    """The column's type and make-up, after its name where that is another one."""
    text = column.type
    if column.rollup is not None:
        text = f"rollup: {column.rollup.function} of {column.rollup.rollup_property_name}"
    elif column.select is not None:
        text = f"select: {', '.join(option.name for option in column.select.options)}"
    elif column.relation is not None and both is not None:
        ends = {one.data_source_id: one.declared.title for one in (both.services, both.usages)}
        text = f"relation: {ends.get(column.relation.data_source_id or '', '?')}"
    return text if column.name == declared.name else f"{column.name} ({text})"


def _difference(declared: Property, column: PropertySchema, both: Databases | None) -> str:
    """What to do about a column of the right type that is made otherwise; empty when nothing."""
    if column.select is not None:
        lacking = [name for name, _ in lacking_options(declared, column.select.options)]
        return f"Il manque les options {', '.join(lacking)} : llm-usage setup les ajoute." if lacking else ""
    if declared.rollup is None or column.rollup is None or both is None:
        return ""
    if has_lost_its_relation(both.services, column):
        return "Ce cumul suit une relation supprimée : lancez llm-usage setup."
    target = both.usages.columns.get(declared.rollup.target)
    same = target is not None and column.rollup.rollup_property_name == target.name
    if same and column.rollup.function == declared.rollup.function:
        return ""
    return f"Ce cumul calcule autre chose que {declared.rollup.function} de « {declared.rollup.target} » : corrigez-le."


# -- rows: which ones a collection leaves alone, and what mends them


@dataclass(frozen=True, slots=True)
class RowsSeen:
    """French sentences, none when all is well, the providers that have rows, and what their sources were asked for."""

    sentences: tuple[str, ...]
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
    slips = [row for row in dated if tells_two_months(row.values) and (row.values.service or _names_a_service(row))]
    loose = [row for row, _ in known if not row.values.service]
    others = [(row, name) for row, name in known if me is not None and not is_by(row, me) and row not in slips]
    taken = [row for row, provider in others if _can_be_taken_over(row, provider)]
    sentences = (
        _say(loose, "n’ont pas de service", "llm-usage heal les relie d’après leur titre"),
        _say(
            taken,
            "ont été écrites par quelqu’un d’autre que cette connexion",
            "la collecte n’y touche pas, llm-usage heal les reprend",
        ),
        _say(
            [row for row, _ in others if row not in taken],
            "sont à vous, ou à un autre programme",
            "rien n’y touche, et leurs montants comptent dans les totaux de leur service",
        ),
        _say(slips, "ont un titre d’un autre mois que « Mois »", "corrigez celui des deux qui est faux"),
    )
    return RowsSeen(
        tuple(sentence for sentence in sentences if sentence),
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


def _say(rows: Sequence[Existing], what: str, then: str) -> str:
    """One sentence about some rows; empty where there are none."""
    if not rows:
        return ""
    names = ", ".join(f"« {row.values.title} »" for row in rows[:_NAMED])
    more = ", …" if len(rows) > _NAMED else ""
    return f"{len(rows)} lignes de « {USAGES.title} » {what} ({names}{more}) : {then}."
