"""Finding the two databases and checking their columns. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from notion.gateway import Gateway
from notion.schema import SERVICES, USAGES, Database, Property
from notion.text import folded
from notion.wire import Block, DatabaseInfo, DataSource, PropertySchema
from usage.errors import NotionAccessError
from usage.settings import NotionSettings


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it stands in Notion: the name people gave it, and its id."""

    name: str
    id: str


class Verdict(StrEnum):
    """How a declared property stands in Notion."""

    OK = "ok"
    MISSING = "missing"
    WRONG_TYPE = "wrong type"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Match:
    """One declared property against what was found."""

    declared: Property
    verdict: Verdict
    found: tuple[PropertySchema, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether the job can't work like this."""
        return self.verdict is not Verdict.OK and not self.declared.for_people and not self.declared.optional


@dataclass(frozen=True, slots=True)
class Found:
    """One of the two databases as it stands in Notion."""

    declared: Database
    database_id: str
    data_source_id: str
    url: str
    matches: tuple[Match, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    """Usable columns by the name they are declared under."""

    def has(self, name: str) -> bool:
        """Whether the column exists and has the right type."""
        return name in self.columns


@dataclass(frozen=True, slots=True)
class Databases:
    """Both databases."""

    services: Found
    usages: Found


def find_databases(gateway: Gateway, settings: NotionSettings) -> Databases:
    """Find both databases, by their ids or under the parent page, and check that the job can work with them.

    Raises:
        NotionAccessError: One can't be found, read or used; the sentence says what to do.
    """
    databases = locate(gateway, settings)
    for found in (databases.services, databases.usages):
        problems = [problem(found, match) for match in found.matches if match.blocks]
        if problems:
            raise NotionAccessError(" ".join(problems))
    return databases


def locate(gateway: Gateway, settings: NotionSettings) -> Databases:
    """Find both databases and match their columns, without judging them.

    Raises:
        NotionAccessError: One can't be found or read.
    """
    blocks: list[Block] | None = None
    found: list[Found] = []
    for declared, given in ((SERVICES, settings.services_db_id), (USAGES, settings.usages_db_id)):
        database_id = given
        if database_id is None:
            if settings.parent_page_id is None:
                raise NotionAccessError(
                    f"La base « {declared.title} » est introuvable : mettez {declared.variable} ou "
                    "NOTION_PARENT_PAGE_ID dans .env, ou lancez llm-usage setup."
                )
            if blocks is None:
                blocks = child_databases(gateway, settings.parent_page_id)
            database_id = _only(declared, blocks)
        found.append(inspect(gateway, declared, database_id))
    return Databases(*found)


def child_databases(gateway: Gateway, page_id: str) -> list[Block]:
    """The databases that stand on a page."""
    return [block for block in gateway.children(page_id) if block.child_database is not None and not block.in_trash]


def titled(declared: Database, blocks: Sequence[Block]) -> list[str]:
    """Ids of the databases on a page that have the declared title."""
    wanted = folded(declared.title)
    return [b.id for b in blocks if b.child_database is not None and folded(b.child_database.title) == wanted]


def inspect(gateway: Gateway, declared: Database, database_id: str) -> Found:
    """Read one database and its only data source.

    Raises:
        NotionAccessError: It is in the trash, not shared, or has several data sources.
    """
    info = _database(gateway, declared, database_id)
    if info.in_trash:
        raise NotionAccessError(
            f"La base « {declared.title} » est dans la corbeille de Notion : restaurez-la, ou videz "
            f"{declared.variable} et lancez llm-usage setup."
        )
    return matched(declared, info, gateway.data_source(_only_source(declared, info)))


def matched(declared: Database, info: DatabaseInfo, source: DataSource) -> Found:
    """Match a data source's columns with the declared properties."""
    matches = tuple(_match(item, source) for item in declared.properties)
    columns = {
        match.declared.name: Column(match.found[0].name, match.found[0].id)
        for match in matches
        if match.verdict is Verdict.OK
    }
    return Found(declared, info.id, source.id, info.url, matches, columns)


def problem(found: Found, match: Match) -> str:
    """What is wrong with a column and what to do, in one French sentence."""
    base, name = found.declared.title, match.declared.name
    if match.verdict is Verdict.MISSING:
        return f"Il manque la colonne « {name} » dans « {base} » : lancez llm-usage setup."
    if match.verdict is Verdict.AMBIGUOUS:
        names = " et ".join(f"« {column.name} »" for column in match.found)
        return f"Plusieurs colonnes de « {base} » peuvent être « {name} » ({names}) : gardez-en une."
    column = match.found[0]
    return (
        f"La colonne « {column.name} » de « {base} » est de type {column.type} au lieu de {match.declared.type} : "
        "changez son type dans Notion, ou renommez-la et lancez llm-usage setup."
    )


def _match(declared: Property, source: DataSource) -> Match:
    exact = [column for name, column in source.properties.items() if folded(name) == folded(declared.name)]
    named = exact or [column for name, column in source.properties.items() if declared.is_named(name)]
    if declared.type == "title":
        # A data source has exactly one title: whatever its name, it is ours.
        named = [column for column in source.properties.values() if column.type == "title"]
    right = [column for column in named if column.type == declared.type]
    if len(right) == 1:
        return Match(declared, Verdict.OK, tuple(right))
    if len(right) > 1:
        return Match(declared, Verdict.AMBIGUOUS, tuple(right))
    # A column that merely has one of the other names, with another type, is somebody's own.
    return Match(declared, Verdict.WRONG_TYPE, tuple(exact)) if exact else Match(declared, Verdict.MISSING)


def _database(gateway: Gateway, declared: Database, given: str) -> DatabaseInfo:
    try:
        return gateway.database(given)
    except NotionAccessError as error:
        if error.status != 404:
            raise
        # The menu "Manage data sources" copies the data source's id: people paste that one, too.
        try:
            source = gateway.data_source(given)
        except NotionAccessError:
            raise NotionAccessError(
                f"Notion ne trouve pas la base « {declared.title} » ({declared.variable}) : vérifiez l’identifiant et "
                "partagez la base avec la connexion (••• › Connexions).",
                status=404,
            ) from None
        if source.parent.database_id is None:
            raise
        return gateway.database(source.parent.database_id)


def _only(declared: Database, blocks: Sequence[Block]) -> str:
    ids = titled(declared, blocks)
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise NotionAccessError(
            f"Aucune base « {declared.title} » sous la page NOTION_PARENT_PAGE_ID : lancez llm-usage setup."
        )
    raise NotionAccessError(
        f"{len(ids)} bases « {declared.title} » sous la page NOTION_PARENT_PAGE_ID : mettez l’identifiant de la bonne "
        f"dans {declared.variable}."
    )


def _only_source(declared: Database, info: DatabaseInfo) -> str:
    sources = info.data_sources
    if len(sources) == 1:
        return sources[0].id
    named = [source for source in sources if folded(source.name) == folded(declared.title)]
    if len(named) == 1:
        return named[0].id
    raise NotionAccessError(
        f"La base « {declared.title} » a {len(sources)} sources de données : donnez à l’une d’elles, et à une seule, "
        f"le nom « {declared.title} »."
    )
