"""The workspace from inside: what a person at the screen sees and does, for tests and the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.notion.answers.computed import linked_pages
from sandbox.notion.databases.endpoints import add_database, add_source
from sandbox.notion.databases.schema import Schema
from sandbox.notion.errors import Json
from sandbox.notion.pages.endpoints import add_row
from sandbox.notion.pages.values import apply
from sandbox.notion.screen import cells
from sandbox.notion.screen.cells import Cell
from sandbox.notion.screen.tables import Table, tables
from sandbox.notion.stored.columns import Formula
from sandbox.notion.stored.contents import Files
from sandbox.notion.stored.options import as_select
from sandbox.notion.stored.records import BlockRecord, DatabaseRecord, PageRecord, SourceRecord
from sandbox.notion.stored.text import plain, show_text, text_of
from sandbox.notion.stored.workspace import Workspace


@dataclass(frozen=True)
class Row:
    """A row. Looks into the workspace each time, so that it is never out of date."""

    id: str
    _workspace: Workspace = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """Text of the title column."""
        return self._record.title

    @property
    def in_trash(self) -> bool:
        """Whether it is in the trash, by itself or with its database."""
        with self._workspace.lock:
            return self._workspace.page_trashed(self._record)

    @property
    def created_time(self) -> datetime:
        """When it was created, exact (answers show the minute)."""
        return self._record.stamp.created

    @property
    def last_edited_time(self) -> datetime:
        """When it was last written to, exact (answers show the minute)."""
        return self._record.stamp.edited

    @property
    def edited_by_person(self) -> bool:
        """Whether the last write came from a person and not through the API."""
        return self._record.stamp.edited_by == self._workspace.person_id

    def value(self, name: str) -> Cell:
        """The plain value of a column, formulas and rollups computed; None when it is empty.

        Raises:
            LookupError: no such column.
        """
        with self._workspace.lock:
            return cells.plain_value(self._workspace, self._source, self._record, name)

    def values(self) -> dict[str, Cell]:
        """All columns, in the order in which they were made."""
        return {one.name: self.value(one.name) for one in self._source.properties.values()}

    def linked(self, name: str) -> list[Row]:
        """Rows that a relation shows."""
        with self._workspace.lock:
            one = cells.column(self._source, name)
            return [Row(page.id, self._workspace) for page in linked_pages(self._workspace, self._record, one)]

    def files(self, name: str) -> list[bytes]:
        """Contents of the uploaded files of a column."""
        with self._workspace.lock:
            value = self._record.values.get(cells.column(self._source, name).id)
            uploads = [file.upload_id for file in value.files] if isinstance(value, Files) else []
            return [self._workspace.uploads[key].content for key in uploads if key is not None]

    def attached(self) -> list[bytes]:
        """Contents of the uploaded files on the page, oldest first."""
        with self._workspace.lock:
            blocks = [one for one in self._workspace.blocks.values() if one.parent_id == self.id and not one.trashed]
            uploads = [one.file.upload_id for one in blocks if one.file is not None]
            return [self._workspace.uploads[key].content for key in uploads if key is not None]

    @property
    def _record(self) -> PageRecord:
        return self._workspace.pages[self.id]

    @property
    def _source(self) -> SourceRecord:
        return self._workspace.sources[self._record.source_id or ""]


@dataclass(frozen=True)
class Database:
    """A database, by way of its first data source."""

    id: str
    _workspace: Workspace = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """Its name."""
        return plain(self._record.title)

    @property
    def source_id(self) -> str:
        """Id of the first data source."""
        return self._record.source_ids[0]

    @property
    def in_trash(self) -> bool:
        """Whether it is in the trash."""
        return self._workspace.database_trashed(self._record)

    @property
    def kinds(self) -> dict[str, str]:
        """Type of each column by its name, in the order in which they were made."""
        return {one.name: one.config.kind for one in self._source.properties.values()}

    @property
    def views(self) -> dict[str, str]:
        """Type of each view by its name."""
        with self._workspace.lock:
            return {view.name: view.kind for view in self._workspace.views.values() if view.database_id == self.id}

    def rows(self, *, trashed: bool = False) -> list[Row]:
        """Rows, oldest first; those in the trash instead when `trashed`."""
        with self._workspace.lock:
            return [Row(page.id, self._workspace) for page in self._workspace.rows(self._source, trashed=trashed)]

    def row(self, title: str) -> Row:
        """The one live row of this title.

        Raises:
            LookupError: none, or several.
        """
        found = [row for row in self.rows() if row.title == title]
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows titled {title!r} in {self.title}")
        return found[0]

    @property
    def _record(self) -> DatabaseRecord:
        return self._workspace.databases[self.id]

    @property
    def _source(self) -> SourceRecord:
        return self._workspace.sources[self.source_id]


@dataclass(frozen=True)
class PlainPage:
    """A page that is no row."""

    id: str
    title: str
    kinds: list[str]
    """Of the blocks on it, in order."""


class Store:
    """What a person sees and does. All changes are a person's, not the connection's."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def databases(self, *, trashed: bool = False) -> list[Database]:
        """Databases, oldest first; those in the trash instead when `trashed`."""
        with self._workspace.lock:
            found = [Database(key, self._workspace) for key in self._workspace.databases]
            return [database for database in found if database.in_trash is trashed]

    def database(self, title: str) -> Database:
        """The one live database of this title, or the one with this id.

        Raises:
            LookupError: none, or several.
        """
        found = [database for database in self.databases() if title in (database.title, database.id)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} databases titled {title!r}")
        return found[0]

    def tables(self) -> list[Table]:
        """What the screen shows: for each live database the visible columns and the cells as text."""
        with self._workspace.lock:
            return tables(self._workspace)

    def make_database(self, title: str, properties: Mapping[str, Json]) -> Database:
        """A database made by hand under the shared page. `properties` are written as in a request; formulas count as
        saved by a person, and the other side of a two-way relation gets the name asked for."""
        with self._workspace.lock:
            database = add_database(
                self._workspace,
                self._workspace.root.id,
                text_of(title),
                dict(properties),
                by=self._person,
                by_hand=True,
            )
            return Database(database.id, self._workspace)

    def add_source(self, database: Database, title: str, properties: Mapping[str, Json]) -> str:
        """One more data source in a database; its id."""
        with self._workspace.lock:
            record = self._workspace.databases[database.id]
            source = add_source(
                self._workspace,
                record,
                text_of(title),
                dict(properties),
                path="properties",
                by=self._person,
                by_hand=True,
            )
            return source.id

    def change_schema(self, database: Database, properties: Mapping[str, Json | None]) -> None:
        """Add, remove, rename or retype columns, written as in a request."""
        with self._workspace.lock:
            source = self._workspace.sources[database.source_id]
            Schema(self._workspace, source, by_hand=True).update(dict(properties), "properties")

    def rename_option(self, database: Database, column: str, name: str, new: str) -> None:
        """Give an option of a select another name; rows keep it."""
        with self._workspace.lock:
            options = as_select(cells.column(self._workspace.sources[database.source_id], column)).options
            next(option for option in options if option.name == name).name = new

    def save_formula(self, database: Database, name: str) -> None:
        """Open a formula and save it: Notion then knows its type."""
        with self._workspace.lock:
            one = cells.column(self._workspace.sources[database.source_id], name)
            if not isinstance(one.config, Formula):
                raise LookupError(f"{name!r} is no formula")
            one.config.typed = True

    def add_row(self, database: Database, values: Mapping[str, Cell], *, by_connection: bool = False) -> Row:
        """A row made by hand, or by a program that uses the same connection; every query sees it."""
        with self._workspace.lock:
            source = self._workspace.sources[database.source_id]
            written = {
                cells.column(source, name).id: cells.stored_value(self._workspace, cells.column(source, name), value)
                for name, value in values.items()
            }
            author = self._workspace.bot_id if by_connection else self._person
            return Row(add_row(self._workspace, source, written, by=author).id, self._workspace)

    def edit(self, row: Row, values: Mapping[str, Cell]) -> None:
        """Change cells by hand; None empties one."""
        with self._workspace.lock:
            page = self._workspace.pages[row.id]
            source = self._workspace.sources[page.source_id or ""]
            for name, value in values.items():
                one = cells.column(source, name)
                apply(self._workspace, source, page.id, {one.id: cells.stored_value(self._workspace, one, value)})
            self._workspace.touch(page.stamp, self._person)

    def pages(self) -> list[PlainPage]:
        """Live pages under the shared one, oldest first."""
        with self._workspace.lock:
            workspace = self._workspace
            blocks = sorted((one for one in workspace.blocks.values() if not one.trashed), key=lambda one: one.serial)
            return [
                PlainPage(page.id, page.title, [one.kind for one in blocks if one.parent_id == page.id])
                for page in workspace.pages.values()
                if page.parent_page_id == workspace.root.id and not page.trashed
            ]

    def make_page(self, title: str) -> str:
        """An empty page under the shared one; its id."""
        with self._workspace.lock:
            root = self._workspace.root.id
            return self._workspace.add_page(by=self._person, parent_page_id=root, title=text_of(title)).id

    def write_on(self, page_id: str, words: str) -> None:
        """Put a line at the end of a page."""
        with self._workspace.lock:
            workspace = self._workspace
            content = {"rich_text": show_text(text_of(words)), "color": "default", "icon": None}
            key, serial, stamp = workspace.ids.uuid(), workspace.serial(), workspace.stamp(self._person)
            workspace.blocks[key] = BlockRecord(key, serial, page_id, "paragraph", content, stamp)

    def rename(self, database: Database, title: str) -> None:
        """Give a database another title."""
        with self._workspace.lock:
            self._workspace.databases[database.id].title = text_of(title)

    def rename_view(self, database: Database, name: str, new: str) -> None:
        """Give a view another name."""
        with self._workspace.lock:
            for view in self._workspace.views.values():
                if (view.database_id, view.name) == (database.id, name):
                    view.name = new
                    self._workspace.touch(view.stamp, self._person)

    def trash(self, thing: Row | Database) -> None:
        """Move to the trash."""
        self._put(thing, trashed=True)

    def restore(self, thing: Row | Database) -> None:
        """Take out of the trash."""
        self._put(thing, trashed=False)

    def lock(self, database: Database, *, locked: bool = True) -> None:
        """Lock a database, or unlock it."""
        with self._workspace.lock:
            self._workspace.databases[database.id].locked = locked

    def unshare(self, thing: Row | Database) -> None:
        """Take it away from the connection, with all that is in it."""
        with self._workspace.lock:
            self._workspace.switches.unshared.add(thing.id)

    def share(self, thing: Row | Database) -> None:
        """Give it back to the connection."""
        with self._workspace.lock:
            self._workspace.switches.unshared.discard(thing.id)

    def _put(self, thing: Row | Database, *, trashed: bool) -> None:
        with self._workspace.lock:
            things: Mapping[str, PageRecord | DatabaseRecord]
            things = self._workspace.pages if isinstance(thing, Row) else self._workspace.databases
            record = things[thing.id]
            record.trashed = trashed
            self._workspace.touch(record.stamp, self._person)

    @property
    def _person(self) -> str:
        return self._workspace.person_id
