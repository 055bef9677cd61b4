"""Notion's requests by name, with typed answers; how they are sent and repeated is the connection's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from notion.client.budget import Me
from notion.client.connection import PATIENCE, TRIES, VERSION, Connection, DoubtfulCreation, Effect, Form, parse
from notion.client.models import Block, DatabaseInfo, DataSource, Listing, Page, PageListing, Trashable
from notion.client.paging import PAGE_SIZE, Pages
from usage.errors import NotionAccessError, NotionBusyError, NotionError

__all__ = ["PAGE_SIZE", "PATIENCE", "TRIES", "VERSION", "DoubtfulCreation", "Effect", "Form", "Gateway", "RowInTrash"]

Json = Mapping[str, Any]
L = TypeVar("L", bound=Listing)
T = TypeVar("T")


class RowInTrash(NotionError):
    """What should be changed, or added to, lies in the trash; Notion changes nothing there."""


class Gateway(Connection):
    """The connection with the requests that are made of it. Every one of them raises what `ask` does."""

    # -- reading

    _myself: Me | None = None

    def myself(self) -> Me:
        """The connection as a user of the workspace; asked once."""
        if self._myself is None:
            self._myself = self.ask(Me, "GET", "users/me")
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
        return self.ask(DatabaseInfo, "GET", f"databases/{database_id}")

    def data_source(self, data_source_id: str) -> DataSource:
        """A data source with its properties."""
        return self.ask(DataSource, "GET", f"data_sources/{data_source_id}")

    def children(self, page_id: str) -> Iterator[Block]:
        """The blocks on a page, each once."""
        for listing in self.pages(Listing, "GET", f"blocks/{page_id}/children", {}):
            yield from (parse(Block, block) for block in listing.results)

    def rows(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """Rows of a data source, each once, those in the trash left out.

        Raises:
            NotionError: Notion stopped the query at 10,000 rows, or can't be read.
        """
        for listing in self.query(data_source_id, {"filter": where} if where else {}):
            yield from (row for row in listing.results if not row.in_trash)
            if listing.request_status is not None and listing.request_status.type == "incomplete":
                raise NotionError("Notion arrête la lecture à 10 000 lignes : réduisez la période demandée.")

    def query(self, data_source_id: str, question: Json) -> Iterator[PageListing]:
        """Every page of a query. A wiki would list data sources beside its pages: rows alone are asked for."""
        return self.pages(
            PageListing, "POST", f"data_sources/{data_source_id}/query", {**question, "result_type": "page"}
        )

    def page(self, page_id: str) -> Page:
        """One row."""
        return self.ask(Page, "GET", f"pages/{page_id}")

    def pages(self, model: type[L], method: str, path: str, question: Json) -> Iterator[L]:
        """Every page of a listing: `question` is the query of a GET, or the body of a POST that only reads.

        Raises:
            NotionError: The listing has no end, or Notion can't be read.
        """
        return iter(Pages(self, model, method, path, question))

    # -- writing

    def create_row(self, data_source_id: str, properties: Json, blocks: Sequence[Json] = ()) -> Page:
        """Add a row; `blocks` are what stands on its page.

        Raises:
            DoubtfulCreation: The row may or may not have been saved.
            RowInTrash: The data source lies in the trash.
        """
        body: dict[str, Any] = {"parent": {"type": "data_source_id", "data_source_id": data_source_id}}
        body["properties"] = properties
        body |= {"children": list(blocks)} if blocks else {}
        return self._outside_trash(f"data_sources/{data_source_id}", lambda: self.ask(Page, "POST", "pages", body=body))

    def update_row(self, page_id: str, properties: Json) -> Page:
        """Change the named properties of a row; the others stay.

        Raises:
            RowInTrash: The row lies in the trash.
        """
        path = f"pages/{page_id}"
        return self._outside_trash(path, lambda: self.ask(Page, "PATCH", path, body={"properties": properties}))

    def trash_row(self, page_id: str) -> None:
        """Move a row to the trash, from where a person can restore it.

        Raises:
            RowInTrash: It lies there already.
        """
        path = f"pages/{page_id}"
        self._outside_trash(path, lambda: self.ask(Page, "PATCH", path, body={"in_trash": True}))

    def append_blocks(self, page_id: str, blocks: Sequence[Json]) -> None:
        """Put blocks at the end of a page.

        Raises:
            DoubtfulCreation: They may or may not have been saved: repeated blindly, they would stand there twice.
            RowInTrash: The page lies in the trash.
        """
        path, body = f"blocks/{page_id}/children", {"children": list(blocks)}
        self._outside_trash(
            f"pages/{page_id}", lambda: self.ask(Listing, "PATCH", path, body=body, effect=Effect.CREATE)
        )

    def trash_block(self, block_id: str) -> None:
        """Move a block to the trash.

        Raises:
            RowInTrash: It lies there already, or its page does.
        """
        path = f"blocks/{block_id}"
        self._outside_trash(path, lambda: self.ask(Block, "DELETE", path))

    def create_database(self, parent_page_id: str, title: str, properties: Json) -> DatabaseInfo:
        """Add a database with one data source to a page.

        Raises:
            DoubtfulCreation: The database may or may not have been saved.
            RowInTrash: The page lies in the trash.
        """
        body = {
            "parent": {"type": "page_id", "page_id": parent_page_id},
            "title": [{"type": "text", "text": {"content": title}}],
            "is_inline": False,
            "initial_data_source": {"properties": properties},
        }
        return self._outside_trash(
            f"pages/{parent_page_id}", lambda: self.ask(DatabaseInfo, "POST", "databases", body=body)
        )

    def update_data_source(self, data_source_id: str, properties: Json) -> DataSource:
        """Add or change properties of a data source."""
        path = f"data_sources/{data_source_id}"
        return self.ask(DataSource, "PATCH", path, body={"properties": properties})

    def add_relation(self, data_source_id: str, properties: Json) -> DataSource:
        """Add a two-way relation. Nobody promises that a repetition would not make a second other side.

        Raises:
            DoubtfulCreation: It may or may not have been saved: read the data source again.
        """
        path = f"data_sources/{data_source_id}"
        return self.ask(DataSource, "PATCH", path, body={"properties": properties}, effect=Effect.CREATE)

    def _outside_trash(self, path: str, write: Callable[[], T]) -> T:
        """Write, and tell a refusal for the trash from others. Notion has no code for it, so what the write is about is
        read at `path` after a refusal.
        """
        try:
            return write()
        except NotionAccessError as error:
            if error.status != 400 or not self._is_in_trash(path):
                raise
            raise RowInTrash(
                "La ligne est dans la corbeille de Notion : restaurez-la ou relancez la collecte."
            ) from None

    def _is_in_trash(self, path: str) -> bool:
        try:
            return self.ask(Trashable, "GET", path).in_trash
        except NotionAccessError:
            # It can't be looked at: then the refusal itself has to do.
            return False
