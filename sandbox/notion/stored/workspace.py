"""The workspace: everything that is stored, and the ways to find it as the connection may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock

from sandbox.notion import errors
from sandbox.notion.stored.contents import Words
from sandbox.notion.stored.ids import Ids
from sandbox.notion.stored.records import (
    BlockRecord,
    DatabaseRecord,
    PageRecord,
    SourceRecord,
    Stamp,
    UploadRecord,
    ViewRecord,
)
from sandbox.notion.stored.text import Text, text_of
from sandbox.notion.switches import Switches

INTEGRATION = "llm-usage sandbox"
"""Name of the connection, as messages show it."""


@dataclass
class Cursor:
    """Where a listing goes on. `ids` is the whole listing as it was at its first page."""

    asked: str
    ids: tuple[str, ...]
    start: int
    cut: bool = False
    """Whether more was found than a listing may have."""


@dataclass(eq=False, repr=False)
class Workspace:
    """State shared by all handlers. `lock` is held during each request and each call from a test."""

    now: Callable[[], datetime]
    switches: Switches
    seed: int = 1
    lock: RLock = field(default_factory=RLock)
    pages: dict[str, PageRecord] = field(default_factory=dict)
    databases: dict[str, DatabaseRecord] = field(default_factory=dict)
    sources: dict[str, SourceRecord] = field(default_factory=dict)
    blocks: dict[str, BlockRecord] = field(default_factory=dict)
    views: dict[str, ViewRecord] = field(default_factory=dict)
    uploads: dict[str, UploadRecord] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the ids of the connection and a shared root page."""
        self.ids = Ids(self.seed)
        self.space_id, self.bot_id, self.person_id = self.ids.uuid(), self.ids.uuid(), self.ids.uuid()
        self._serial = 0
        self._pages_in: dict[str, list[PageRecord]] = defaultdict(list)
        self.root = self.add_page(by=self.person_id, title=text_of("Suivi LLM"))

    # -- Making ------------------------------------------------------------------------------------------------

    def serial(self) -> int:
        """The next number in the order of creation."""
        self._serial += 1
        return self._serial

    def stamp(self, by: str) -> Stamp:
        """Created just now."""
        moment = self.now().astimezone(UTC)
        return Stamp(moment, by, moment, by)

    def touch(self, stamp: Stamp, by: str) -> None:
        """Changed just now."""
        stamp.edited, stamp.edited_by = self.now().astimezone(UTC), by

    def add_page(
        self, *, by: str, title: Text = (), source_id: str | None = None, parent_page_id: str | None = None
    ) -> PageRecord:
        """A new page or row."""
        page = PageRecord(
            self.ids.uuid(), self.serial(), self.stamp(by), source_id=source_id, parent_page_id=parent_page_id
        )
        if title:
            page.values["title"] = Words(title)
        self.pages[page.id] = page
        if source_id is not None:
            self._pages_in[source_id].append(page)
        return page

    def forget(self, page: PageRecord) -> None:
        """Undo the creation of a page."""
        del self.pages[page.id]
        if page.source_id is not None:
            self._pages_in[page.source_id].remove(page)

    # -- Reading -----------------------------------------------------------------------------------------------

    def rows(self, source: SourceRecord, *, trashed: bool = False) -> list[PageRecord]:
        """Rows of a data source, oldest first; those in the trash instead when `trashed`."""
        return [page for page in self._pages_in[source.id] if self.page_trashed(page) is trashed]

    def pages_in(self, source: SourceRecord) -> list[PageRecord]:
        """All rows of a data source, those in the trash too."""
        return list(self._pages_in[source.id])

    def sources_of(self, database: DatabaseRecord) -> list[SourceRecord]:
        """Data sources of a database that are not in the trash, in order."""
        return [self.sources[key] for key in database.source_ids if not self.sources[key].trashed]

    def database_of(self, source: SourceRecord) -> DatabaseRecord:
        """The shell around a data source."""
        return self.databases[source.database_id]

    def page_trashed(self, page: PageRecord) -> bool:
        """Whether a page is in the trash, by itself or with what it is in."""
        return page.trashed or any(self._trashed(key) for key in self.ancestors(page.id))

    def source_trashed(self, source: SourceRecord) -> bool:
        """Whether a data source is in the trash, by itself or with what it is in."""
        return source.trashed or any(self._trashed(key) for key in self.ancestors(source.id))

    def database_trashed(self, database: DatabaseRecord) -> bool:
        """Whether a database is in the trash, by itself or with what it is in."""
        return database.trashed or any(self._trashed(key) for key in self.ancestors(database.id))

    def ancestors(self, key: str) -> Iterator[str]:
        """Ids of what a thing is in, from the inside out."""
        parent = self._parent(key)
        while parent is not None:
            yield parent
            parent = self._parent(parent)

    def shared(self, key: str) -> bool:
        """Whether the connection may see a thing."""
        hidden = self.switches.unshared
        return not hidden or (key not in hidden and not any(one in hidden for one in self.ancestors(key)))

    # -- Finding for a request: unknown or not shared is the same 404 --------------------------------------------

    def page(self, key: str) -> PageRecord:
        """A page by its id, or 404."""
        if key in self.pages and self.shared(key):
            return self.pages[key]
        raise self.missing("page", key)

    def source(self, key: str) -> SourceRecord:
        """A data source by its id, or 404."""
        if key in self.sources and self.shared(key):
            return self.sources[key]
        raise self.missing("database", key)

    def database(self, key: str) -> DatabaseRecord:
        """A database by its id, or 404."""
        if key in self.databases and self.shared(key):
            return self.databases[key]
        raise self.missing("database", key)

    def view(self, key: str) -> ViewRecord:
        """A view by its id, or 404."""
        if key in self.views and self.shared(self.views[key].database_id):
            return self.views[key]
        raise self.missing("view", key)

    def missing(self, kind: str, key: str) -> errors.Refusal:
        """The 404 for an unknown thing."""
        return errors.not_found(kind, key, integration=INTEGRATION, integration_id=self.bot_id)

    def _parent(self, key: str) -> str | None:
        if key in self.pages:
            page = self.pages[key]
            return page.source_id or page.parent_page_id
        if key in self.sources:
            return self.sources[key].database_id
        if key in self.databases:
            return self.databases[key].parent_page_id
        return self.blocks[key].parent_id if key in self.blocks else None

    def _trashed(self, key: str) -> bool:
        for things in (self.pages, self.sources, self.databases, self.blocks):
            thing = things.get(key)
            if thing is not None:
                return thing.trashed
        return False
