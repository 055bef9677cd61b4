"""Notion's answers about databases and their columns as typed objects."""

from __future__ import annotations

from pydantic import Field

from notion.client.models import RichText, Select, Wire


class RollupConfig(Wire):
    """What a rollup is made of."""

    relation_property_name: str | None = None
    rollup_property_name: str | None = None
    relation_property_id: str | None = None
    rollup_property_id: str | None = None
    function: str = ""


class OtherSide(Wire):
    """The other side of a two-way relation."""

    synced_property_name: str | None = None
    synced_property_id: str | None = None


class RelationConfig(Wire):
    """Where a relation leads; `dual_property` is empty where it goes one way only."""

    data_source_id: str | None = None
    dual_property: OtherSide | None = None


class NumberConfig(Wire):
    """How a number is shown."""

    format: str = ""


class SelectConfig(Wire):
    """The options of a select."""

    options: list[Select] = Field(default_factory=list)


class PropertySchema(Wire):
    """One column of a data source."""

    id: str
    name: str
    type: str
    relation: RelationConfig | None = None
    rollup: RollupConfig | None = None
    number: NumberConfig | None = None
    select: SelectConfig | None = None


class Parent(Wire):
    """Where something lives."""

    type: str = ""
    page_id: str | None = None
    database_id: str | None = None


class DataSource(Wire):
    """The schema of a database's rows."""

    id: str
    in_trash: bool = False
    parent: Parent = Parent()
    properties: dict[str, PropertySchema] = Field(default_factory=dict)


class DataSourceRef(Wire):
    """A data source as its database lists it."""

    id: str
    name: str = ""


class DatabaseInfo(Wire):
    """A database: the container of data sources."""

    id: str
    in_trash: bool = False
    is_locked: bool = False
    title: list[RichText] = Field(default_factory=list)
    data_sources: list[DataSourceRef] = Field(default_factory=list)
    url: str = ""

    @property
    def name(self) -> str:
        """Its title."""
        return "".join(piece.shown for piece in self.title)
