"""Finding the two databases and checking their columns. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, TypeVar

from notion.client.gateway import Gateway
from notion.client.models import Block, DatabaseInfo, DataSource
from notion.databases.declared import SERVICES, USAGES, Database
from notion.databases.exchanged import refuse_exchanged
from notion.databases.found import Databases, Found, judge_relation, problem
from usage.errors import NotionAccessError
from usage.language.folding import folded
from usage.language.saying import say, together
from usage.settings import NotionSettings

T = TypeVar("T")

_NOT_ONE: Final = (400, 404)
"""What Notion answers where an id is not that of what is asked for."""


def find_databases(gateway: Gateway, settings: NotionSettings) -> Databases:
    """Find both databases, by their ids or under the parent page, and check that the job can work with them.

    Raises:
        NotionAccessError: One can't be found, read or used; the sentence says what to do.
    """
    databases = locate(gateway, settings)
    for found in (databases.services, databases.usages):
        problems = [problem(found, match) for match in found.matches if match.blocks]
        if problems:
            raise NotionAccessError(together(problems))
    return databases


def locate(gateway: Gateway, settings: NotionSettings) -> Databases:
    """Find both databases and match their columns, without judging these.

    Raises:
        NotionAccessError: One can't be found or read, or they are taken for each other.
    """
    finder = Finder(gateway, settings)
    return pair_databases(gateway, finder.require(SERVICES), finder.require(USAGES))


def pair_databases(gateway: Gateway, services: Found, usages: Found) -> Databases:
    """Both databases as a pair, with their relation judged.

    Raises:
        NotionAccessError: They are taken for each other.
    """
    refuse_exchanged(gateway, services, usages)
    return judge_relation(services, usages)


class Finder:
    """Finds the databases by the ids in the settings, else by title under the parent page, which is listed once."""

    def __init__(self, gateway: Gateway, settings: NotionSettings) -> None:
        self._gateway, self._settings = gateway, settings

    def require(self, declared: Database) -> Found:
        """Find one of them.

        Raises:
            NotionAccessError: It can't be found or read.
        """
        found = self.find(declared)
        if found is None:
            raise NotionAccessError(
                say(
                    "No database “{database}” under the page NOTION_PARENT_PAGE_ID: run llm-usage setup.",
                    database=declared.title,
                )
            )
        return found

    def find(self, declared: Database) -> Found | None:
        """Find one of them; None where there is no id, and none under the parent page.

        Raises:
            NotionAccessError: It can't be read, there are several, or nothing says where to look.
        """
        database_id = self._settings.services_db_id if declared is SERVICES else self._settings.usages_db_id
        if database_id is None and self._settings.parent_page_id is None:
            raise NotionAccessError(
                say(
                    "The database “{database}” can’t be found: put {variable} into .env, or NOTION_PARENT_PAGE_ID and "
                    "run llm-usage setup.",
                    database=declared.title,
                    variable=declared.variable,
                )
            )
        database_id = database_id or _only_titled(declared, self._listing)
        return None if database_id is None else inspect(self._gateway, declared, database_id)

    @cached_property
    def _listing(self) -> list[Block]:
        return _child_databases(self._gateway, self._settings.parent_page_id or "")


def _child_databases(gateway: Gateway, page_id: str) -> list[Block]:
    """The databases that stand on a page.

    Raises:
        NotionAccessError: The page can't be read, or is none.
    """
    blocks = _seek(lambda: list(gateway.children(page_id)))
    if blocks is None:
        if _block_type(gateway, page_id) == "child_database" or _seek(lambda: gateway.data_source(page_id)) is not None:
            raise _not_a_page()
        raise NotionAccessError(
            say(
                "Notion can’t find the page NOTION_PARENT_PAGE_ID: check the id, and share the page with the "
                "connection (••• › Connections)."
            ),
            status=404,
        )
    found = [block for block in blocks if block.child_database is not None and not block.in_trash]
    # A database may be listed like a page with nothing on it.
    if not found and _block_type(gateway, page_id) == "child_database":
        raise _not_a_page()
    return found


def _not_a_page() -> NotionAccessError:
    return NotionAccessError(
        say(
            "NOTION_PARENT_PAGE_ID leads to a database, not to a page: put the address of the page there under which "
            "the two databases stand, or shall stand. The addresses of the databases go into {services} and {usages}.",
            services=SERVICES.variable,
            usages=USAGES.variable,
        )
    )


def _seek(ask: Callable[[], T]) -> T | None:
    """What an id leads to; None where Notion answers that it leads to no such thing."""
    try:
        return ask()
    except NotionAccessError as error:
        if error.status not in _NOT_ONE:
            raise
        return None


def _block_type(gateway: Gateway, key: str) -> str:
    """What an id is: `child_page`, `child_database`, some other block; empty where it can't be seen."""
    block = _seek(lambda: gateway.block(key))
    return "" if block is None else block.type


def _only_titled(declared: Database, blocks: Sequence[Block]) -> str | None:
    """Id of the database on a page that has the declared title, if there is one.

    Raises:
        NotionAccessError: There are several.
    """
    wanted = folded(declared.title)
    ids = [b.id for b in blocks if b.child_database is not None and folded(b.child_database.title) == wanted]
    if len(ids) > 1:
        raise NotionAccessError(
            say(
                "{number} databases “{database}” under the page NOTION_PARENT_PAGE_ID: put the id of the right one "
                "into {variable}.",
                number=len(ids),
                database=declared.title,
                variable=declared.variable,
            )
        )
    return ids[0] if ids else None


def inspect(gateway: Gateway, declared: Database, database_id: str) -> Found:
    """Read one database and its only data source.

    Raises:
        NotionAccessError: It is in the trash, not shared, no database of its own, or has several data sources.
    """
    info, source = _read(gateway, declared, database_id)
    if info.in_trash or (source is not None and source.in_trash):
        raise NotionAccessError(
            say(
                "The database “{database}” is in Notion’s trash: restore it, or empty {variable} and run llm-usage "
                "setup.",
                database=declared.title,
                variable=declared.variable,
            )
        )
    if source is None and not info.data_sources:
        raise _without_source(gateway, declared, info)
    return read_columns(gateway, declared, info, source)


def read_columns(gateway: Gateway, declared: Database, info: DatabaseInfo, source: DataSource | None = None) -> Found:
    """Match the columns of a database with those declared; they are read, unless its data source was.

    Raises:
        NotionAccessError: It has several data sources.
    """
    source = source or gateway.data_source(_only_source(declared, info))
    found = Found(declared, info.id, source.id, info.url, (), locked=info.is_locked, title=info.name)
    return found.with_schema(source)


def _read(gateway: Gateway, declared: Database, given: str) -> tuple[DatabaseInfo, DataSource | None]:
    """The database, and the data source where it is that one's id that was given."""
    try:
        return gateway.database(given), None
    except NotionAccessError as error:
        if error.status not in _NOT_ONE:
            raise
        status = error.status
    # The menu "Manage data sources" copies the data source's id: people paste that one, too.
    source = _seek(lambda: gateway.data_source(given))
    if source is not None and source.parent.database_id is not None:
        return gateway.database(source.parent.database_id), source
    kind = _block_type(gateway, given)
    if kind == "child_page":
        raise NotionAccessError(
            say(
                "{variable} leads to a page, not to a database: open the database “{database}” as a full page and "
                "paste its address, or empty {variable} and put the page into NOTION_PARENT_PAGE_ID.",
                database=declared.title,
                variable=declared.variable,
            )
        )
    if kind == "child_database" or status == 400:
        raise _linked(declared)
    raise NotionAccessError(
        say(
            "Notion can’t find the database “{database}” ({variable}): check the id, and share the database with the "
            "connection (••• › Connections).",
            database=declared.title,
            variable=declared.variable,
        ),
        status=404,
    )


def _without_source(gateway: Gateway, declared: Database, info: DatabaseInfo) -> NotionAccessError:
    """Why a database has no data source: its views tell whose rows they show."""
    source = _shown(gateway, info.id)
    if source is not None and source.in_trash:
        return NotionAccessError(
            say(
                "The data source of the database “{database}” is in Notion’s trash: restore it.",
                database=declared.title,
            )
        )
    original = source.parent.database_id if source is not None else None
    return _linked(declared, original if original != info.id else None)


def _shown(gateway: Gateway, database_id: str) -> DataSource | None:
    """The data source that the first view of a database shows, as far as it can be seen."""
    try:
        listed = next(gateway.views_of(database_id), None)
        source = None if listed is None else gateway.view(listed.id).data_source_id
        return gateway.data_source(source) if source else None
    except NotionAccessError:
        # What the views don't tell, the sentence does without.
        return None


def _linked(declared: Database, original: str | None = None) -> NotionAccessError:
    if original is None:
        return NotionAccessError(
            say(
                "{variable} leads to a linked view, which shows the rows of another database: paste the address of the "
                "original database instead.",
                variable=declared.variable,
            )
        )
    return NotionAccessError(
        say(
            "{variable} leads to a linked view, which shows the rows of another database: paste the address of the "
            "original database ({original}) instead.",
            variable=declared.variable,
            original=original,
        )
    )


def _only_source(declared: Database, info: DatabaseInfo) -> str:
    """Id of a database's data source: the only one, else the one that has the declared title.

    Raises:
        NotionAccessError: Several, and not exactly one of that name.
    """
    sources = info.data_sources
    if len(sources) == 1:
        return sources[0].id
    named = [source for source in sources if folded(source.name) == folded(declared.title)]
    if len(named) == 1:
        return named[0].id
    raise NotionAccessError(
        say(
            "The database “{database}” has {number} data sources: give one of them, and only one, the name "
            "“{database}”.",
            database=declared.title,
            number=len(sources),
        )
    )
