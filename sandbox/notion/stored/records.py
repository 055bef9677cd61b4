"""What is stored: pages, databases, blocks, views, uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.notion.errors import Json
from sandbox.notion.stored.columns import Property
from sandbox.notion.stored.contents import Attachment, Value, Words
from sandbox.notion.stored.ids import decode_property_id
from sandbox.notion.stored.text import Text, plain


@dataclass
class Stamp:
    """Who created and last changed a thing, and when (UTC)."""

    created: datetime
    created_by: str
    edited: datetime
    edited_by: str


@dataclass
class PageRecord:
    """A row when `source_id` is set, otherwise a page under `parent_page_id` (None: the workspace)."""

    id: str
    serial: int
    stamp: Stamp
    source_id: str | None = None
    parent_page_id: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    trashed: bool = False
    locked: bool = False
    icon: Json | None = None
    cover: Json | None = None
    hidden_from: int = 0
    """Listings that do not see the row yet."""
    unfound_by: int = 0
    """Searches that do not find the page yet."""

    @property
    def title(self) -> str:
        """The title without its style."""
        value = self.values.get("title")
        return plain(value.text) if isinstance(value, Words) else ""


@dataclass
class SourceRecord:
    """A data source: schema and rows."""

    id: str
    database_id: str
    title: Text
    stamp: Stamp
    properties: dict[str, Property] = field(default_factory=dict)
    trashed: bool = False
    icon: Json | None = None
    unfound_by: int = 0
    last_unique_id: int = 0

    def find(self, key: str) -> Property | None:
        """A property by its name, or by its id in either form."""
        named = next((one for one in self.properties.values() if one.name == key), None)
        return named or self.properties.get(key) or self.properties.get(decode_property_id(key))


@dataclass
class DatabaseRecord:
    """The shell around one or more data sources."""

    id: str
    serial: int
    parent_page_id: str
    title: Text
    stamp: Stamp
    source_ids: list[str] = field(default_factory=list)
    description: Text = ()
    inline: bool = False
    locked: bool = False
    trashed: bool = False
    icon: Json | None = None
    cover: Json | None = None


@dataclass
class BlockRecord:
    """A block that is neither a page nor a database. `content` is its JSON as answers show it, rich text merged."""

    id: str
    serial: int
    parent_id: str
    kind: str
    content: Json
    stamp: Stamp
    trashed: bool = False
    file: Attachment | None = None
    """Of a block of kind `file`; its address is made anew for each answer."""


@dataclass
class ViewRecord:
    """A view. Filters, sorts and configuration are kept as they came: only Notion's own screen reads them."""

    id: str
    serial: int
    database_id: str
    source_id: str
    name: str
    kind: str
    stamp: Stamp
    configuration: Json
    filter: Json | None = None
    sorts: list[Json] | None = None
    quick_filters: Json | None = None
    dashboard_id: str | None = None


@dataclass
class UploadRecord:
    """An uploaded file on its way to a page."""

    id: str
    stamp: Stamp
    expires: datetime
    filename: str | None
    content_type: str | None
    content: bytes = b""
    uploaded: bool = False
    attached: bool = False
