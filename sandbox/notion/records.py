"""What is stored: pages, databases, their schema and values, blocks, views, uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.notion.dates import DateSpan
from sandbox.notion.errors import Json
from sandbox.notion.ids import decode_property_id
from sandbox.notion.text import Text, plain

# -- Schema ------------------------------------------------------------------------------------------------------


@dataclass
class Option:
    """One choice of a select property."""

    id: str
    name: str
    color: str


@dataclass
class Plain:
    """A property whose type says it all: title, rich_text, url, email, phone_number, checkbox, date, files, people,
    created_time, last_edited_time, created_by, last_edited_by."""

    kind: str


@dataclass
class Number:
    """A number with a display format."""

    format: str
    kind: str = "number"


@dataclass
class Select:
    """One choice, or several when `kind` is `multi_select`."""

    options: list[Option]
    kind: str = "select"


@dataclass
class Relation:
    """A link to rows of a data source; `synced` is the id of the other side's property, None for a one-way link."""

    source_id: str
    synced: str | None
    kind: str = "relation"


@dataclass
class Formula:
    """An expression in its opaque form. `typed` once a person has saved it: only then does Notion know its type."""

    expression: str
    typed: bool = False
    kind: str = "formula"


@dataclass
class Rollup:
    """A figure over linked rows; property ids are unencoded."""

    relation_id: str
    target_id: str
    function: str
    kind: str = "rollup"


@dataclass
class UniqueId:
    """A running number."""

    prefix: str | None
    kind: str = "unique_id"


Config = Plain | Number | Select | Relation | Formula | Rollup | UniqueId


@dataclass
class Property:
    """A column. `id` is unencoded."""

    id: str
    name: str
    config: Config
    description: str | None = None


# -- Values ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """A title or rich text."""

    text: Text


@dataclass(frozen=True, slots=True)
class Link:
    """A url, an e-mail address or a phone number."""

    address: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number: a double, as in JSON."""

    number: float


@dataclass(frozen=True, slots=True)
class Check:
    """A ticked box or not."""

    ticked: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Ids of chosen options."""

    option_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Ids of linked pages, in the order in which they were linked."""

    page_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class People:
    """Ids of users."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: an upload of ours, or an address elsewhere."""

    name: str
    upload_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Attached files."""

    files: tuple[Attachment, ...]


Value = Words | Link | Amount | Check | Choice | Links | People | Files | DateSpan
"""What a cell holds; an empty cell holds none."""


# -- Things ------------------------------------------------------------------------------------------------------


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

    @property
    def title_property(self) -> Property:
        """The one column that every data source has."""
        return self.properties["title"]


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
class ViewQueryRecord:
    """The rows that a view showed at one moment."""

    id: str
    view_id: str
    expires: datetime
    page_ids: tuple[str, ...]


@dataclass
class UploadRecord:
    """An uploaded file on its way to a page."""

    id: str
    stamp: Stamp
    expires: datetime
    filename: str | None
    content_type: str | None
    parts_wanted: int | None
    """None for a single part."""
    parts: dict[int, bytes] = field(default_factory=dict)
    uploaded: bool = False
    attached: bool = False

    @property
    def content(self) -> bytes:
        """The file's bytes, as far as they have arrived."""
        return b"".join(self.parts[number] for number in sorted(self.parts))
