"""What `llm-usage check` says about Notion. Reads only, and stops at nothing that a person can put right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from notion.client.budget import plan_sentence
from notion.client.gateway import Gateway
from notion.client.models import PropertySchema
from notion.databases.declared import SERVICES, USAGES, Property, Type
from notion.databases.exchanged import refuse_exchanged
from notion.databases.find import listed_once, locate_one
from notion.databases.found import Databases, Found, Match, Verdict, problem, related
from notion.databases.options import lacking_options
from notion.databases.services import rows_of
from notion.setup.lookover import look_at_rows
from notion.setup.rollups import has_lost_its_relation, unread_rollups
from usage.errors import NotionError
from usage.names import ProviderName
from usage.settings import NotionSettings


class Finding(StrEnum):
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
    verdict: Finding
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


def check_notion(gateway: Gateway, settings: NotionSettings) -> CheckReport:
    """Look at the connection, both databases, their columns and the services.

    Nothing is raised for what Notion refuses or lacks: the report tells it. Whether the connection may write can't be
    seen without writing.
    """
    listing = listed_once(gateway, settings)
    found: dict[str, Found] = {}
    sentences: list[str] = []
    for declared in (SERVICES, USAGES):
        try:
            found[declared.title] = locate_one(gateway, settings, declared, listing)
        except NotionError as error:
            sentences.append(str(error))
    if len(found) == 2 and (sentence := _exchanged(gateway, found[SERVICES.title], found[USAGES.title])):
        # Advice about columns would be wrong in both.
        return CheckReport((), (sentence,), usable=False)
    if len(found) == 2:
        both = related(found[SERVICES.title], found[USAGES.title])
        found = {SERVICES.title: both.services, USAGES.title: both.usages}
        rows = [row for database in found.values() for row in _rows(database, both)]
    else:
        rows = [row for database in found.values() for row in _rows(database, None)]
    services = _services(gateway, found[SERVICES.title], sentences) if SERVICES.title in found else {}
    sentences += [
        f"La base « {one.declared.title} » est verrouillée dans Notion : la collecte y écrit quand même, mais "
        "llm-usage setup peut s’y voir refuser une colonne."
        for one in found.values()
        if one.locked
    ]
    sentences += _plan(gateway, settings)
    blocked = any(row.verdict is Finding.PROBLEM for row in rows)
    usable = len(found) == 2 and len(services) == len(ProviderName) and not blocked
    have_rows: frozenset[ProviderName] = frozenset()
    if usable:
        try:
            seen = look_at_rows(gateway, found[USAGES.title], services)
        except NotionError as error:
            sentences.append(str(error))
            usable = False
        else:
            sentences += seen.sentences
            have_rows = seen.providers
    return CheckReport(tuple(rows), tuple(dict.fromkeys(sentences)), usable, have_rows)


def _exchanged(gateway: Gateway, services: Found, usages: Found) -> str:
    """The sentence about databases that are taken for each other; empty where they are not."""
    try:
        refuse_exchanged(gateway, services, usages)
    except NotionError as error:
        return str(error)
    return ""


def _plan(gateway: Gateway, settings: NotionSettings) -> list[str]:
    """What the workspace's plan says about the rate that is set."""
    try:
        sentence = plan_sentence(gateway.myself(), settings.requests_per_minute)
    except NotionError as error:
        sentence = str(error)
    return [sentence] if sentence else []


def _services(gateway: Gateway, found: Found, sentences: list[str]) -> dict[ProviderName, str]:
    """Add sentences about the services; page ids of those that have a row."""
    try:
        pages = list(gateway.rows(found.data_source_id))
    except NotionError as error:
        sentences.append(str(error))
        return {}
    rows = {provider: rows_of(provider, found, pages) for provider in ProviderName}
    missing = [provider.label for provider, same in rows.items() if not same]
    if missing:
        sentences.append(
            f"Il manque une ligne dans « {found.declared.title} » pour {', '.join(missing)} : lancez llm-usage setup."
        )
    sentences += [
        f"{len(same)} lignes de « {found.declared.title} » sont {provider.label} : la plus ancienne compte, supprimez "
        "les autres."
        for provider, same in rows.items()
        if len(same) > 1
    ]
    sentences += unread_rollups(found, (same[0] for same in rows.values() if same))
    return {provider: same[0].id for provider, same in rows.items() if same}


def _rows(found: Found, both: Databases | None) -> list[CheckRow]:
    return [_row(found, match, both) for match in found.matches]


def _row(found: Found, match: Match, both: Databases | None) -> CheckRow:
    declared = match.declared
    seen = ", ".join(_seen(declared, column, both) for column in match.found)
    if match.verdict is Verdict.OK:
        todo = _difference(declared, match.found[0], both)
        finding = Finding.NOTE if todo else Finding.OK
    else:
        todo = problem(found, match)
        finding = Finding.PROBLEM if match.blocks else Finding.NOTE
    return CheckRow(found.declared.title, declared.name, _expected(declared), seen, finding, todo)


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
