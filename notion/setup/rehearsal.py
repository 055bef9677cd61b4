"""A connection on which nothing is written: what would be is remembered, so that what comes after it finds it there.

With it, `set_up` runs as it is, reads what stands in Notion, and tells what it would do. What only Notion decides stays
open: whether it takes a rollup over a formula, charts, or the name of a relation's other side.
"""

# ruff: noqa: ARG002  # the gateway's methods, with its arguments

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, count
from typing import Any

from notion.client.connection import Effect
from notion.client.gateway import Gateway
from notion.client.models import DatabaseInfo, DataSource, DataSourceRef, Page, PropertySchema, RichText, Value, View
from notion.client.pace import Pace
from usage.settings import NotionSettings

_INVENTED = "rehearsal-"

Json = Mapping[str, Any]


def is_invented(key: str) -> bool:
    """Whether an id is that of something which does not exist in Notion."""
    return key.startswith(_INVENTED)


class Rehearsal(Gateway):
    """Reads from Notion, and from what would have been written meanwhile. Knows the writes of `set_up` alone."""

    def __init__(self, settings: NotionSettings, *, pace: Pace | None = None) -> None:
        super().__init__(settings, pace=pace)
        self._sources: dict[str, DataSource] = {}
        """Data sources as they would be by now."""
        self._pages: dict[str, Page] = {}
        """Rows that were read."""
        self._numbers: Iterator[int] = count(1)

    def _send_once(self, send: Callable[[], Any], path: str, body: Json | None, effect: Effect) -> Any:
        """As `Connection`, but for requests that would write: the methods below take their place."""
        if effect is not Effect.READ:
            raise NotImplementedError(f"{path} can't be rehearsed")
        return super()._send_once(send, path, body, effect)

    # -- reading, from what would be there by now

    def data_source(self, data_source_id: str) -> DataSource:
        """As `Gateway.data_source`."""
        return self._sources.get(data_source_id) or super().data_source(data_source_id)

    def rows(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """As `Gateway.rows`; in columns that would be there by now, the rows have empty cells."""
        if is_invented(data_source_id):
            return
        source = self._sources.get(data_source_id)
        for read in super().rows(data_source_id, where):
            page = read if source is None else _with_cells(read, source)
            self._pages[page.id] = page
            yield page

    def views_of(self, database_id: str) -> Iterator[View]:
        """As `Gateway.views_of`; of the view that comes with a new database, nothing is told."""
        return iter(()) if is_invented(database_id) else super().views_of(database_id)

    # -- writing, to memory

    def create_database(self, parent_page_id: str, title: str, properties: Json) -> DatabaseInfo:
        """As `Gateway.create_database`."""
        source = DataSource(id=self._new_id())
        self._sources[source.id] = source
        self.update_data_source(source.id, properties)
        return DatabaseInfo(
            id=self._new_id(), title=[RichText(plain_text=title)], data_sources=[DataSourceRef(id=source.id)]
        )

    def create_row(self, data_source_id: str, properties: Json, blocks: Sequence[Json] = ()) -> Page:
        """As `Gateway.create_row`; nobody asks for its cells."""
        return Page(id=self._new_id(), created_time=datetime.now(UTC))

    def update_row(self, page_id: str, properties: Json) -> Page:
        """As `Gateway.update_row`; nobody asks for what has changed."""
        return self._pages[page_id]

    def create_view(self, database_id: str, data_source_id: str, kind: str, body: Json) -> View:
        """As `Gateway.create_view`."""
        return View(id=self._new_id(), name=body["name"], type=kind)

    def update_view(self, view_id: str, body: Json) -> View:
        """As `Gateway.update_view`."""
        return View(id=view_id, name=body["name"])

    def update_data_source(self, data_source_id: str, properties: Json) -> DataSource:
        """As `Gateway.update_data_source`."""
        source = self.data_source(data_source_id)
        columns = dict(source.properties)
        for name, change in properties.items():
            old = next((column for column in columns.values() if name in (column.id, column.name)), None)
            new = self._column(data_source_id, name, old, change)
            if old is not None:
                del columns[old.name]
            columns[new.name] = new
        self._sources[data_source_id] = source.model_copy(update={"properties": columns})
        return self._sources[data_source_id]

    def _new_id(self) -> str:
        return f"{_INVENTED}{next(self._numbers)}"

    def _column(self, source: str, name: str, old: PropertySchema | None, change: Json) -> PropertySchema:
        """A column that is added or changed; with a two-way relation comes its other side."""
        if "name" in change and old is not None:
            return old.model_copy(update={"name": change["name"]})
        kind = next(kind for kind in change if kind != "type")
        column = {"id": self._new_id(), "name": name} if old is None else {"id": old.id, "name": old.name}
        config = dict(change[kind])
        if kind == "relation" and "dual_property" in config:
            config["dual_property"] = self._add_other_side(config, source, column["id"])
        return PropertySchema.model_validate({**column, "type": kind, kind: config})

    def _add_other_side(self, config: Json, source: str, relation: str) -> Json:
        target = self.data_source(config["data_source_id"])
        wanted = config["dual_property"].get("synced_property_name", "")
        names = chain([wanted], (f"{wanted} {number}" for number in count(1)))
        name = next(name for name in names if name not in target.properties)
        side = PropertySchema.model_validate(
            {
                "id": self._new_id(),
                "name": name,
                "type": "relation",
                "relation": {"data_source_id": source, "dual_property": {"synced_property_id": relation}},
            }
        )
        columns = {**target.properties, name: side}
        self._sources[target.id] = target.model_copy(update={"properties": columns})
        return {"synced_property_name": name, "synced_property_id": side.id}


def _with_cells(page: Page, source: DataSource) -> Page:
    there = {value.id for value in page.properties.values()}
    new = {
        column.name: Value(id=column.id, type=column.type)
        for column in source.properties.values()
        if column.id not in there
    }
    return page.model_copy(update={"properties": {**page.properties, **new}})
