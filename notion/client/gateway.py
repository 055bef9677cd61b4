"""What is asked of Notion, each by its name and with typed answers; how it is sent and repeated is the connection's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from notion.client.connection import Connection, DoubtfulCreation
from notion.client.models import (
    Block,
    DatabaseInfo,
    DataSource,
    Listing,
    Me,
    Page,
    PageListing,
    Reference,
    Trashable,
    View,
    ViewListing,
    parse,
)
from notion.client.paging import PAGE_SIZE, Pages
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.language.saying import say
from usage.language.sentence import SILENCE

MOST_ROWS: Final = 250_000
"""Rows that a data source is said to hold."""
CREATIONS: Final = 3
"""How often something is created, where nothing of it is found afterwards."""
PAUSE: Final = 2.0
"""Seconds before looking whether it has been saved; more each time."""

Json = Mapping[str, Any]
T = TypeVar("T")


class RowInTrash(NotionError):
    """What should be changed, or added to, lies in the trash; Notion changes nothing there."""


class Gateway(Connection):
    """The connection, and what is asked on it. Each method raises what `request` does."""

    # -- reading

    _myself: Me | None = None

    def myself(self) -> Me:
        """The connection as a user of the workspace; asked once."""
        if self._myself is None:
            self._myself = parse(Me, self.users.me())
        return self._myself

    def me(self) -> str | None:
        """Id of this connection's own user, who stands in `created_by` of its rows; None where Notion does not tell.

        Raises:
            NotionBusyError: Notion did not answer usably: asked again later, it may tell.
        """
        try:
            return self.myself().id or None
        except NotionBusyError:
            raise
        except NotionError:
            return None

    def database(self, database_id: str) -> DatabaseInfo:
        """A database: title, data sources, whether it is in the trash or locked."""
        return parse(DatabaseInfo, self.databases.retrieve(database_id))

    def data_source(self, data_source_id: str) -> DataSource:
        """A data source with its properties."""
        return parse(DataSource, self.data_sources.retrieve(data_source_id))

    def block(self, block_id: str) -> Block:
        """One block; pages and databases are blocks, too."""
        return parse(Block, self.blocks.retrieve(block_id))

    def children(self, page_id: str) -> Iterator[Block]:
        """The blocks on a page, each once."""
        for listing in Pages(Listing, partial(self.blocks.children.list, page_id), f"blocks/{page_id}/children"):
            yield from (parse(Block, block) for block in listing.results)

    def query(self, data_source_id: str, question: Json, size: int = PAGE_SIZE) -> Iterator[PageListing]:
        """Every page of a query. A wiki would list data sources beside its pages: rows alone are asked for."""
        ask = partial(self.data_sources.query, data_source_id, **question, result_type="page")
        return iter(Pages(PageListing, ask, f"data_sources/{data_source_id}/query", size))

    def rows(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """Rows of a data source, each once, those in the trash left out.

        Raises:
            NotionError: Notion stopped the query at 10,000 rows, or can't be read.
        """
        for listing in self.query(data_source_id, {"filter": where} if where else {}):
            yield from (row for row in listing.results if not row.in_trash)
            if listing.is_cut:
                raise NotionError(say("Notion ends a reading at 10,000 rows: ask for a shorter period."))

    def every_row(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """All rows that fulfil a condition, however many: oldest first, those in the trash left out, each once.

        Where Notion cuts a query, the next one begins with the minute in which the last row was created: Notion tells
        no more.

        Raises:
            NotionError: One minute alone has more rows than a query gives, there is no end, or Notion can't be read.
        """
        seen: set[str] = set()
        since: datetime | None = None
        while True:
            last, is_cut = since, False
            for listing in self.query(data_source_id, _oldest_first(where, since)):
                for page in listing.results:
                    last = page.created_time
                    if page.id not in seen and not page.in_trash:
                        seen.add(page.id)
                        yield page
                is_cut = listing.is_cut
            if not is_cut:
                return
            if last is None or (since is not None and last <= since):
                raise NotionError(
                    say(
                        "More than 10,000 rows were created in the same minute ({minute}): Notion hides them.",
                        minute=str(since),
                    )
                )
            if len(seen) > MOST_ROWS:
                raise NotionError(say("Notion announces more rows than a database can have: run it again later."))
            since = last

    def page(self, page_id: str) -> Page:
        """One row."""
        return parse(Page, self.pages.retrieve(page_id))

    def views_of(self, database_id: str) -> Iterator[View]:
        """The views of a database: their ids alone."""
        for listing in Pages(ViewListing, partial(self.views.list, database_id=database_id), "views"):
            yield from listing.results

    def view(self, view_id: str) -> View:
        """One view."""
        return parse(View, self.views.retrieve(view_id))

    # -- writing

    def create_row(self, data_source_id: str, properties: Json, blocks: Sequence[Json] = ()) -> Page:
        """Add a row; `blocks` are what stands on its page.

        Raises:
            DoubtfulCreation: The row may or may not have been saved.
            RowInTrash: The data source lies in the trash.
        """
        parent = {"type": "data_source_id", "data_source_id": data_source_id}
        more = {"children": list(blocks)} if blocks else {}
        create = partial(self.pages.create, parent=parent, properties=properties, **more)
        return parse(Page, _outside_trash(create, partial(self.data_sources.retrieve, data_source_id)))

    def update_row(self, page_id: str, properties: Json) -> Page:
        """Change the named properties of a row; the others stay.

        Raises:
            RowInTrash: The row lies in the trash.
        """
        update = partial(self.pages.update, page_id, properties=properties)
        return parse(Page, _outside_trash(update, partial(self.pages.retrieve, page_id)))

    def trash_row(self, page_id: str) -> None:
        """Move a row to the trash, from where a person can restore it.

        Raises:
            RowInTrash: It lies there already.
        """
        update = partial(self.pages.update, page_id, in_trash=True)
        parse(Page, _outside_trash(update, partial(self.pages.retrieve, page_id)))

    def create_page(self, parent_page_id: str, title: str) -> Page:
        """Add an empty page to a page.

        Raises:
            DoubtfulCreation: The page may or may not have been saved.
            RowInTrash: The page above it lies in the trash.
        """
        parent = {"type": "page_id", "page_id": parent_page_id}
        properties = {"title": [{"type": "text", "text": {"content": title}}]}
        create = partial(self.pages.create, parent=parent, properties=properties)
        return parse(Page, _outside_trash(create, partial(self.pages.retrieve, parent_page_id)))

    def append_blocks(self, page_id: str, blocks: Sequence[Json], position: Json | None = None) -> tuple[Block, ...]:
        """Put blocks at the end of a page, or at a position; those that have been added.

        Raises:
            DoubtfulCreation: They may or may not have been saved: repeated blindly, they would stand there twice.
            RowInTrash: The page lies in the trash.
        """
        where = {} if position is None else {"position": position}
        append = partial(self.blocks.children.append, page_id, children=list(blocks), **where)
        added = parse(Listing, _outside_trash(append, partial(self.pages.retrieve, page_id)))
        return tuple(parse(Block, block) for block in added.results)

    def trash_block(self, block_id: str) -> None:
        """Move a block to the trash.

        Raises:
            RowInTrash: It lies there already, or its page does.
        """
        delete = partial(self.blocks.delete, block_id)
        parse(Block, _outside_trash(delete, partial(self.blocks.retrieve, block_id)))

    def upload_file(self, name: str, content: bytes, content_type: str) -> str:
        """Upload a file that fits in one piece; the id by which a block shows it. Shown by none, it is gone in an hour.

        Raises:
            DoubtfulCreation: It may or may not have been saved.
        """
        made = self.file_uploads.create(mode="single_part", filename=name, content_type=content_type)
        upload = parse(Reference, made).id
        return parse(Reference, self.file_uploads.send(upload, file=(name, content, content_type))).id

    def create_database(self, parent_page_id: str, title: str, properties: Json) -> DatabaseInfo:
        """Add a database with one data source to a page.

        Raises:
            DoubtfulCreation: The database may or may not have been saved.
            RowInTrash: The page lies in the trash.
        """
        create = partial(
            self.databases.create,
            parent={"type": "page_id", "page_id": parent_page_id},
            title=[{"type": "text", "text": {"content": title}}],
            is_inline=False,
            initial_data_source={"properties": properties},
        )
        return parse(DatabaseInfo, _outside_trash(create, partial(self.pages.retrieve, parent_page_id)))

    def update_data_source(self, data_source_id: str, properties: Json) -> DataSource:
        """Add or change properties of a data source.

        Raises:
            DoubtfulCreation: Of a relation: it may or may not have been saved: read the data source again.
        """
        return parse(DataSource, self.data_sources.update(data_source_id, properties=properties))

    def create_view(self, database_id: str, data_source_id: str, kind: str, body: Json) -> View:
        """Add a view of a kind to a database; `body` is what `update_view` takes, too.

        Raises:
            DoubtfulCreation: It may or may not have been saved.
        """
        place = {"database_id": database_id, "data_source_id": data_source_id}
        return parse(View, self.views.create(**place, type=kind, **body))

    def update_view(self, view_id: str, body: Json) -> View:
        """Change what the body has of a view."""
        return parse(View, self.views.update(view_id, **body))

    def create_once(self, create: Callable[[], T], find: Callable[[str | None], T | None]) -> T:
        """Create something; after a doubtful answer look for it before trying again.

        Args:
            create: Creates it.
            find: Looks for it; gets the id where Notion said what it had saved.

        Raises:
            NotionBusyError: Notion's answer never arrived and nothing was found.
            NotionError: Whatever else `create` and `find` raise.
        """
        doubt = SILENCE
        for attempt in range(CREATIONS):
            try:
                return create()
            except DoubtfulCreation as error:
                doubt, saved = error.sentence, error.page_id
            self.sleep(PAUSE * (attempt + 1))
            found = find(saved)
            if found is not None:
                return found
        raise NotionBusyError(doubt)


def _oldest_first(where: Json | None, since: datetime | None) -> Json:
    """A query's question for rows that fulfil a condition, and were created at a moment or later."""
    # Notion takes compound conditions within compound conditions, and no deeper.
    conditions = [] if where is None else list(where["and"]) if "and" in where else [where]
    if since is not None:
        conditions.append({"timestamp": "created_time", "created_time": {"on_or_after": since.isoformat()}})
    sorts = [{"timestamp": "created_time", "direction": "ascending"}]
    return {"sorts": sorts, "filter": {"and": conditions}} if conditions else {"sorts": sorts}


def _outside_trash(write: Callable[[], object], read: Callable[[], object]) -> object:
    """Write, and tell a refusal for the trash from others. Notion has no code for it, so after a refusal what would lie
    there is read.
    """
    try:
        return write()
    except NotionAccessError as error:
        if error.status != 400 or not _is_in_trash(read):
            raise
        sentence = say("The row is in Notion’s trash: restore it, or run the collection again.")
        raise RowInTrash(sentence) from None


def _is_in_trash(read: Callable[[], object]) -> bool:
    try:
        return parse(Trashable, read()).in_trash
    except NotionAccessError:
        # It can't be looked at: then the refusal itself has to do.
        return False
