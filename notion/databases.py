"""Finding the two databases and checking their columns. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from notion.found import Databases, Found, problem, related
from notion.gateway import Gateway
from notion.schema import SERVICES, USAGES, Database
from notion.text import folded
from notion.wire import Block
from notion.wire_schema import DatabaseInfo, DataSource
from usage.errors import NotionAccessError
from usage.settings import NotionSettings

__all__ = ["Databases", "Found", "find_databases", "locate"]


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
    listing = listed_once(gateway, settings)
    services, usages = (locate_one(gateway, settings, declared, listing) for declared in (SERVICES, USAGES))
    return related(services, usages)


def locate_one(
    gateway: Gateway, settings: NotionSettings, declared: Database, listing: Callable[[], list[Block]]
) -> Found:
    """Find one of them; `listing` gives the databases on the parent page.

    Raises:
        NotionAccessError: It can't be found or read.
    """
    database_id = given_id(settings, declared) or only_titled(declared, listing())
    if database_id is None:
        raise NotionAccessError(
            f"Aucune base « {declared.title} » sous la page NOTION_PARENT_PAGE_ID : lancez llm-usage setup."
        )
    return inspect(gateway, declared, database_id)


def given_id(settings: NotionSettings, declared: Database) -> str | None:
    """The id that the settings give for a database.

    Raises:
        NotionAccessError: None, and no parent page under which it could be looked for.
    """
    given = settings.services_db_id if declared is SERVICES else settings.usages_db_id
    if given is None and settings.parent_page_id is None:
        raise NotionAccessError(
            f"La base « {declared.title} » est introuvable : mettez {declared.variable} dans .env, ou "
            "NOTION_PARENT_PAGE_ID et lancez llm-usage setup."
        )
    return given


def listed_once(gateway: Gateway, settings: NotionSettings) -> Callable[[], list[Block]]:
    """Lists the databases on the parent page at the first call, and remembers them."""
    return cache(lambda: child_databases(gateway, settings.parent_page_id or ""))


def child_databases(gateway: Gateway, page_id: str) -> list[Block]:
    """The databases that stand on a page.

    Raises:
        NotionAccessError: The page can't be read.
    """
    try:
        blocks = list(gateway.children(page_id))
    except NotionAccessError as error:
        if error.status != 404:
            raise
        raise NotionAccessError(
            "Notion ne trouve pas la page NOTION_PARENT_PAGE_ID : vérifiez l’identifiant et partagez la page avec la "
            "connexion (••• › Connexions).",
            status=404,
        ) from None
    return [block for block in blocks if block.child_database is not None and not block.in_trash]


def only_titled(declared: Database, blocks: Sequence[Block]) -> str | None:
    """Id of the database on a page that has the declared title, if there is one.

    Raises:
        NotionAccessError: There are several.
    """
    wanted = folded(declared.title)
    ids = [b.id for b in blocks if b.child_database is not None and folded(b.child_database.title) == wanted]
    if len(ids) > 1:
        raise NotionAccessError(
            f"{len(ids)} bases « {declared.title} » sous la page NOTION_PARENT_PAGE_ID : mettez l’identifiant de la "
            f"bonne dans {declared.variable}."
        )
    return ids[0] if ids else None


def inspect(gateway: Gateway, declared: Database, database_id: str) -> Found:
    """Read one database and its only data source.

    Raises:
        NotionAccessError: It is in the trash, not shared, or has several data sources.
    """
    info, source = _read(gateway, declared, database_id)
    if info.in_trash or (source is not None and source.in_trash):
        raise NotionAccessError(
            f"La base « {declared.title} » est dans la corbeille de Notion : restaurez-la, ou videz "
            f"{declared.variable} et lancez llm-usage setup."
        )
    return matched(declared, info, source or gateway.data_source(only_source(declared, info)))


def matched(declared: Database, info: DatabaseInfo, source: DataSource) -> Found:
    """Match a data source's columns with the declared properties."""
    return Found(declared, info.id, source.id, info.url, (), locked=info.is_locked).with_schema(source)


def _read(gateway: Gateway, declared: Database, given: str) -> tuple[DatabaseInfo, DataSource | None]:
    """The database, and the data source where it is that one's id that was given."""
    try:
        return gateway.database(given), None
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
        return gateway.database(source.parent.database_id), source


def only_source(declared: Database, info: DatabaseInfo) -> str:
    """Id of a database's data source: the only one, else the one that has the declared title.

    Raises:
        NotionAccessError: None, or several and not exactly one of that name.
    """
    sources = info.data_sources
    if not sources:
        raise NotionAccessError(
            f"La source de données de la base « {declared.title} » est dans la corbeille de Notion : restaurez-la."
        )
    if len(sources) == 1:
        return sources[0].id
    named = [source for source in sources if folded(source.name) == folded(declared.title)]
    if len(named) == 1:
        return named[0].id
    raise NotionAccessError(
        f"La base « {declared.title} » a {len(sources)} sources de données : donnez à l’une d’elles, et à une seule, "
        f"le nom « {declared.title} »."
    )
