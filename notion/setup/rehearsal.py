"""A connection on which nothing is written: what would be is remembered, so that what comes after it finds it there.

With it, `set_up` runs as it is, reads what stands in Notion, and tells what it would do. What only Notion decides stays
open: whether it takes a rollup over a formula, charts, or the name of a relation's other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, count
from typing import Any, TypeVar

from pydantic import BaseModel

from notion.client.connection import parse
from notion.client.gateway import Effect, Gateway
from notion.client.models import DataSource, Page, PropertySchema, Value
from notion.client.pace import Pace
from usage.settings import NotionSettings

_INVENTED = "rehearsal-"

M = TypeVar("M", bound=BaseModel)
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

    def ask(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Json | None = None,
        effect: Effect | None = None,
        can_be_smaller: bool = False,
    ) -> M:
        """As `Gateway.ask`; what would write is remembered and answered, and never sent."""
        if method == "GET" or effect is Effect.READ:
            known = self._known(path, query or {})
            if known is None:
                return super().ask(
                    model, method, path, body=body, query=query, effect=effect, can_be_smaller=can_be_smaller
                )
            return parse(model, known)
        return parse(model, self._pretend(method, path, body or {}))

    def rows(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """As `Gateway.rows`; in columns that would be there by now, the rows have empty cells."""
        source = self._sources.get(data_source_id)
        for read in super().rows(data_source_id, where):
            page = read if source is None else _with_cells(read, source)
            self._pages[page.id] = page
            yield page

    def _known(self, path: str, query: Json) -> Json | None:
        """The answer about something that is not in Notion, or is otherwise there."""
        kind, _, rest = path.partition("/")
        if kind == "data_sources" and rest in self._sources:
            return self._sources[rest].model_dump()
        if is_invented(rest) or is_invented(str(query.get("database_id", ""))):
            # A new database has neither rows nor views.
            return {"results": [], "has_more": False}
        return None

    def _pretend(self, method: str, path: str, body: Json) -> Json:
        kind, _, key = path.partition("/")
        match method, kind:
            case "POST", "databases":
                return self._add_database(body)
            case "PATCH", "data_sources":
                return self._change_source(key, body["properties"])
            case "POST", "pages":
                return {"id": self._new_id(), "created_time": datetime.now(UTC)}
            case "PATCH", "pages":
                return self._pages[key].model_dump()
            case (("POST" | "PATCH"), "views"):
                return {"id": key or self._new_id(), "name": body["name"], "type": body.get("type", "")}
        raise NotImplementedError(f"{method} {path} can't be rehearsed")

    def _new_id(self) -> str:
        return f"{_INVENTED}{next(self._numbers)}"

    def _add_database(self, body: Json) -> Json:
        key, source = self._new_id(), self._new_id()
        self._sources[source] = DataSource(id=source)
        self._change_source(source, body["initial_data_source"]["properties"])
        return {"id": key, "title": body["title"], "data_sources": [{"id": source}]}

    def _change_source(self, key: str, changes: Json) -> Json:
        source = self.data_source(key)
        columns = dict(source.properties)
        for name, change in changes.items():
            old = next((column for column in columns.values() if name in (column.id, column.name)), None)
            new = self._column(key, name, old, change)
            if old is not None:
                del columns[old.name]
            columns[new.name] = new
        self._sources[key] = source.model_copy(update={"properties": columns})
        return self._sources[key].model_dump()

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
