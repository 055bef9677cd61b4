"""Notion's answers as typed objects. Fields that are not known are ignored: Notion adds some without a new version."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from usage.errors import NotionError
from usage.language.saying import say
from usage.peers.contract import describe_breach

M = TypeVar("M", bound=BaseModel)

BREAKDOWN_FILE: Final = re.compile(r"breakdown-[0-9a-f]{16}\.json")
"""Names of the files that hold whole breakdowns; see `notion.rows.attachments`."""


class NotionObject(BaseModel):
    """Base of all models of answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Style(NotionObject):
    """How a piece of text looks."""

    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    underline: bool = False
    code: bool = False
    color: str = "default"


class Text(NotionObject):
    """What a piece of text was written as."""

    content: str = ""


class RichText(NotionObject):
    """One piece of text. Notion joins pieces of one style when it reads them back: only the joined text counts."""

    plain_text: str = ""
    type: str = "text"
    """Mentions and equations are other types."""
    text: Text | None = None
    href: str | None = None
    annotations: Style = Style()

    @property
    def shown(self) -> str:
        """The piece as people see it."""
        return self.plain_text or (self.text.content if self.text is not None else "")


class Select(NotionObject):
    """An option of a select."""

    name: str
    id: str = ""


class Date(NotionObject):
    """A date; with a time it carries an offset, and is cut to the minute."""

    start: str
    end: str | None = None
    time_zone: str | None = None

    @field_validator("start", "end")
    @classmethod
    def _is_date(cls, text: str | None) -> str | None:
        if text is not None:
            datetime.fromisoformat(text)
        return text


class Reference(NotionObject):
    """A related page, or a person."""

    id: str
    name: str | None = None
    """Of a person, where the connection may read it."""


class RollupValue(NotionObject):
    """Only what kind of value a rollup has: the figures are for people."""

    type: str = ""
    """`unsupported` and `incomplete` are no values."""


class External(NotionObject):
    """An address outside of Notion."""

    url: str = ""


class File(NotionObject):
    """A file in a cell. `external` is empty for one that Notion keeps: its address is signed and soon too old."""

    name: str = ""
    external: External | None = None


class Value(NotionObject):
    """A page's value of one property; only the field named by `type` is filled."""

    id: str = ""
    type: str = ""
    title: list[RichText] = []
    rich_text: list[RichText] = []
    number: FiniteFloat | None = None
    select: Select | None = None
    date: Date | None = None
    url: str | None = None
    relation: list[Reference] = []
    has_more: bool = False
    """Of a relation: Notion shows 25 of its pages."""
    rollup: RollupValue | None = None
    multi_select: list[Select] = []
    status: Select | None = None
    checkbox: bool = False
    people: list[Reference] = []
    files: list[File] = []
    email: str | None = None
    phone_number: str | None = None
    is_foreign: bool = False
    """Of a type that isn't known here: whether the cell holds something."""

    @model_validator(mode="before")
    @classmethod
    def _look_at_other_types(cls, data: Any) -> Any:
        kind = data.get("type") if isinstance(data, dict) else None
        if isinstance(kind, str) and kind not in cls.model_fields:
            return {**data, "is_foreign": bool(data.get(kind))}
        return data

    @property
    def text(self) -> str:
        """Title or text, joined."""
        return "".join(piece.shown for piece in (self.title if self.type == "title" else self.rich_text))

    @property
    def instant(self) -> datetime | None:
        """The date as an instant, UTC; a day without a time counts from midnight UTC."""
        if self.date is None:
            return None
        instant = datetime.fromisoformat(self.date.start)
        try:
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        except OverflowError:
            # Within hours of the calendar's ends, where the offset does not matter.
            return instant.replace(tzinfo=UTC)


class Trashable(NotionObject):
    """Whatever can lie in the trash."""

    in_trash: bool = False


class Page(Trashable):
    """A row."""

    id: str
    created_time: AwareDatetime
    last_edited_time: AwareDatetime | None = None
    """To the minute."""
    url: str = ""
    created_by: Reference | None = None
    last_edited_by: Reference | None = None
    properties: dict[str, Value] = {}


class ChildDatabase(NotionObject):
    """Title of a database that stands on a page."""

    title: str = ""


class ChildPage(NotionObject):
    """Title of a page that stands on a page."""

    title: str = ""


class BlockFile(NotionObject):
    """A file on a page. Its address is signed and soon too old: the name has to tell it."""

    name: str = ""


class Paragraph(NotionObject):
    """The text of a paragraph."""

    rich_text: list[RichText] = []


class Block(Trashable):
    """A block of a page."""

    id: str
    type: str = ""
    has_children: bool = False
    child_database: ChildDatabase | None = None
    file: BlockFile | None = None
    paragraph: Paragraph | None = None
    child_page: ChildPage | None = None
    created_by: Reference | None = None

    @property
    def is_written(self) -> bool:
        """Whether a person has put it on a row's page: no breakdown of ours, nor the empty line that a click leaves."""
        if self.file is not None and BREAKDOWN_FILE.fullmatch(self.file.name):
            return False
        return self.has_children or self.paragraph is None or bool(self.paragraph.rich_text)


class View(NotionObject):
    """One way of showing a data source. Listings give the id alone."""

    id: str
    name: str = ""
    type: str = ""
    data_source_id: str | None = None
    created_by: Reference | None = None
    last_edited_by: Reference | None = None


class WorkspaceLimits(NotionObject):
    """What the workspace's plan allows."""

    max_file_upload_size_in_bytes: int | None = None


class Bot(NotionObject):
    """The connection as a user of the workspace."""

    workspace_limits: WorkspaceLimits = WorkspaceLimits()


class Me(NotionObject):
    """Answer of `users/me`; a personal access token may be a person's, and then tells no limits."""

    id: str = ""
    """As it stands in `created_by` and `last_edited_by` of what this connection writes."""
    bot: Bot | None = None


class RequestStatus(NotionObject):
    """Says when a query was stopped at Notion's limit of 10,000 results."""

    type: str = ""


class Listing(NotionObject):
    """One page of any listing; `results` are read by the caller's model. Without them it is no empty listing."""

    results: list[Any]
    has_more: bool = False
    next_cursor: str | None = None
    request_status: RequestStatus | None = None
    skipped: int = 0
    """Results that were not what is listed."""

    @property
    def is_cut(self) -> bool:
        """Whether Notion has ended a query after 10,000 results."""
        return self.request_status is not None and self.request_status.type == "incomplete"


class PageListing(Listing):
    """One page of rows. Other things that a query may give, and pages without their properties, are counted alone."""

    results: list[Page]

    @model_validator(mode="before")
    @classmethod
    def _look_at_rows_alone(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            return data
        rows = [one for one in data["results"] if _is_full_page(one)]
        return {**data, "results": rows, "skipped": len(data["results"]) - len(rows)}


class ViewListing(Listing):
    """One page of views."""

    results: list[View]


# -- databases and their columns


class RollupConfig(NotionObject):
    """What a rollup is made of."""

    relation_property_name: str | None = None
    rollup_property_name: str | None = None
    relation_property_id: str | None = None
    rollup_property_id: str | None = None
    function: str = ""


class OtherSide(NotionObject):
    """The other side of a two-way relation."""

    synced_property_name: str | None = None
    synced_property_id: str | None = None


class RelationConfig(NotionObject):
    """Where a relation leads; `dual_property` is empty where it goes one way only."""

    data_source_id: str | None = None
    dual_property: OtherSide | None = None


class NumberConfig(NotionObject):
    """How a number is shown."""

    format: str = ""


class SelectConfig(NotionObject):
    """The options of a select."""

    options: list[Select] = Field(default_factory=list)


class PropertySchema(NotionObject):
    """One column of a data source."""

    id: str
    name: str
    type: str
    relation: RelationConfig | None = None
    rollup: RollupConfig | None = None
    number: NumberConfig | None = None
    select: SelectConfig | None = None


class Parent(NotionObject):
    """Where something lives."""

    type: str = ""
    page_id: str | None = None
    database_id: str | None = None


class DataSource(Trashable):
    """The schema of a database's rows."""

    id: str
    parent: Parent = Parent()
    properties: dict[str, PropertySchema] = Field(default_factory=dict)


class DataSourceRef(NotionObject):
    """A data source as its database lists it."""

    id: str
    name: str = ""


class DatabaseInfo(Trashable):
    """A database: the container of data sources."""

    id: str
    is_locked: bool = False
    title: list[RichText] = Field(default_factory=list)
    data_sources: list[DataSourceRef] = Field(default_factory=list)
    url: str = ""

    @property
    def name(self) -> str:
        """Its title."""
        return "".join(piece.shown for piece in self.title)


def _is_full_page(result: Any) -> bool:
    if not isinstance(result, dict):
        return False
    return result.get("object", "page") == "page" and isinstance(result.get("properties"), dict)


def parse(model: type[M], data: object) -> M:
    """Read an answer, or a part of one.

    Raises:
        NotionError: It lacks what is needed; the sentence names the field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        sentence = say("Notion does not answer as it used to: {breach}.", breach=describe_breach(error))
        raise NotionError(sentence) from None
