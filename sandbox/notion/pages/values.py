"""Reading property values from page writes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sandbox.notion.errors import invalid, malformed, missing
from sandbox.notion.stored.columns import Property, Relation, Select
from sandbox.notion.stored.contents import Amount, Check, Choice, Files, Link, Links, People, Value, Words
from sandbox.notion.stored.dates import read_span
from sandbox.notion.stored.files import read_file
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.options import as_select, choose
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.text import check_length, read_text
from sandbox.notion.stored.vocabulary import KINDS, WRITABLE
from sandbox.notion.stored.workspace import Workspace

_MOST_ITEMS = 100

Written = dict[str, Value | None]
"""New values by unencoded property id; None empties the cell."""


class ValueReader:
    """Reads the `properties` of a page write against the schema of its data source; `page_id` is that of a page which
    is there already."""

    def __init__(self, workspace: Workspace, source: SourceRecord, page_id: str | None = None) -> None:
        self._workspace, self._source, self._page_id = workspace, source, page_id
        self._readers: dict[str, Callable[[Property, Any, str], Value | None]] = {
            "title": self._words,
            "rich_text": self._words,
            "number": self._number,
            "select": self._select,
            "multi_select": self._multi_select,
            "date": self._date,
            "url": self._link,
            "email": self._link,
            "phone_number": self._link,
            "checkbox": self._checkbox,
            "relation": self._relation,
            "files": self._files,
            "people": self._people,
        }

    def read(self, properties: Any) -> Written:
        """The new values.

        Raises:
            Refusal: 400 (404 for a linked page that cannot be found) for whatever Notion would not take. Nothing has
                been changed then, not even the options of a select property.
        """
        if not isinstance(properties, dict):
            raise malformed("properties", "an object", properties)
        kinds = {name: _value_kind(value, f"properties.{name}") for name, value in properties.items()}
        matched = self._match(kinds)
        options = [(one.config, list(one.config.options)) for one in matched.values() if isinstance(one.config, Select)]
        try:
            return {
                one.id: self._readers[kinds[name]](one, properties[name][kinds[name]], _path(name, kinds[name]))
                for name, one in matched.items()
            }
        except Exception:
            for config, before in options:
                config.options[:] = before
            raise

    def _match(self, kinds: dict[str, str]) -> dict[str, Property]:
        matched: dict[str, Property] = {}
        problems: list[str] = []
        for name, kind in kinds.items():
            one = self._source.find(name)
            if one is None:
                if not self._workspace.switches.unknown_properties_ignored:
                    problems.append(f"{name} is not a property that exists.")
            elif one.config.kind != kind:
                problems.append(f"{name} is expected to be {one.config.kind}.")
            elif kind not in WRITABLE:
                raise malformed(f"properties.{name}.{kind}", "not present", {})
            else:
                matched[name] = one
        if problems:
            raise invalid(" ".join(problems))
        return matched

    def _words(self, _: Property, value: Any, path: str) -> Value | None:
        text = read_text(value, path, self._workspace.switches)
        return Words(text) if text else None

    def _number(self, _: Property, value: Any, path: str) -> Value | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise malformed(path, "a number", value)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise malformed(path, "a finite number", value)
        return Amount(number)

    def _select(self, one: Property, value: Any, path: str) -> Value | None:
        if value is None:
            return None
        return Choice((choose(as_select(one), value, path, self._workspace.ids),))

    def _multi_select(self, one: Property, value: Any, path: str) -> Value | None:
        items = _items(value, path)
        chosen = [
            choose(as_select(one), item, f"{path}[{index}]", self._workspace.ids) for index, item in enumerate(items)
        ]
        return Choice(tuple(dict.fromkeys(chosen))) if chosen else None

    def _date(self, _: Property, value: Any, path: str) -> Value | None:
        return None if value is None else read_span(value, path)

    def _link(self, one: Property, value: Any, path: str) -> Value | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise malformed(path, "a string", value)
        is_url = one.config.kind == "url"
        check_length(value, path, self._workspace.switches, 2000 if is_url else 200, 1 if is_url else 0)
        return Link(value) if value else None

    def _checkbox(self, _: Property, value: Any, path: str) -> Value | None:
        if not isinstance(value, bool):
            raise malformed(path, "a boolean", value)
        return Check(value)

    def _relation(self, one: Property, value: Any, path: str) -> Value | None:
        linked: list[str] = []
        for index, item in enumerate(_items(value, path)):
            if not isinstance(item, dict):
                raise malformed(f"{path}[{index}]", "an object", item)
            page = self._workspace.page(read_uuid(item.get("id"), f"{path}[{index}].id"))
            if isinstance(one.config, Relation) and page.source_id != one.config.source_id:
                raise invalid(f"Page with ID {page.id} is not in the data source that {one.name} is related to.")
            self._check_room(one, page)
            linked.append(page.id)
        return Links(tuple(dict.fromkeys(linked))) if linked else None

    def _check_room(self, one: Property, page: PageRecord) -> None:
        limit = self._workspace.switches.references_limit
        if limit is None or not isinstance(one.config, Relation) or one.config.synced is None:
            return
        there = page.values.get(one.config.synced)
        linked = there.page_ids if isinstance(there, Links) else ()
        if self._page_id not in linked and len(linked) >= limit:
            raise invalid(f"The relation {one.name} of page {page.id} holds {limit} references, its limit.")

    def _files(self, _: Property, value: Any, path: str) -> Value | None:
        attached = [
            read_file(self._workspace, item, f"{path}[{index}]") for index, item in enumerate(_items(value, path))
        ]
        return Files(tuple(attached)) if attached else None

    def _people(self, _: Property, value: Any, path: str) -> Value | None:
        people = []
        for index, item in enumerate(_items(value, path)):
            if not isinstance(item, dict):
                raise malformed(f"{path}[{index}]", "an object", item)
            key = read_uuid(item.get("id"), f"{path}[{index}].id")
            if key not in (self._workspace.person_id, self._workspace.bot_id):
                raise self._workspace.missing("user", key)
            people.append(key)
        return People(tuple(people)) if people else None


def _value_kind(value: Any, path: str) -> str:
    if not isinstance(value, dict):
        # A page under a page may give its title as a bare list; in a row Notion wants the long form.
        raise malformed(path, "an object", value)
    kind = value.get("type") or next((key for key in value if key in KINDS), None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise malformed(path, "a property value", value)
    if kind not in value:
        raise missing(f"{path}.{kind}")
    return kind


def _items(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise malformed(path, "an array", value)
    if len(value) > _MOST_ITEMS:
        raise invalid(
            f"body failed validation: body.{path}.length should be ≤ `{_MOST_ITEMS}`, instead was `{len(value)}`."
        )
    return value


def _path(name: str, kind: str) -> str:
    return f"properties.{name}.{kind}"


def read_title(properties: Any, workspace: Workspace) -> Words | None:
    """The title of a page that is no row: the long form, or the list alone.

    Raises:
        Refusal: 400: anything but a title.
    """
    if not isinstance(properties, dict):
        raise malformed("properties", "an object", properties)
    title: Any = None
    for name, value in properties.items():
        if name != "title":
            raise invalid(f"{name} is not a property that exists.")
        title = value.get("title") if isinstance(value, dict) else value
    text = read_text([] if title is None else title, "properties.title.title", workspace.switches)
    return Words(text) if text else None


def apply(workspace: Workspace, source: SourceRecord, page_id: str, written: Written) -> None:
    """Put new values into a row; the other side of a two-way relation follows."""
    page = workspace.pages[page_id]
    for key, value in written.items():
        before = page.values.get(key)
        if value is None:
            page.values.pop(key, None)
        else:
            page.values[key] = value
        for file in value.files if isinstance(value, Files) else ():
            if file.upload_id is not None:
                workspace.uploads[file.upload_id].attached = True
        config = source.properties[key].config
        if isinstance(config, Relation) and config.synced is not None:
            _follow(workspace, page_id, config.synced, before, value)


def _follow(workspace: Workspace, page_id: str, back: str, before: Value | None, after: Value | None) -> None:
    old = before.page_ids if isinstance(before, Links) else ()
    new = after.page_ids if isinstance(after, Links) else ()
    for key in (*(one for one in old if one not in new), *(one for one in new if one not in old)):
        other = workspace.pages[key]
        value = other.values.get(back)
        there = value.page_ids if isinstance(value, Links) else ()
        linked = (*there, page_id) if key in new else tuple(one for one in there if one != page_id)
        if linked:
            other.values[back] = Links(linked)
        else:
            other.values.pop(back, None)
