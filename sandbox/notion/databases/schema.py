"""Reading property configurations from requests, and what they do to a data source."""

from __future__ import annotations

import json
from typing import Any, Final

from sandbox.notion.answers.show_schema import property_schema
from sandbox.notion.errors import Json, invalid, malformed, missing, one_of, optional_text
from sandbox.notion.stored.columns import Config, Formula, Number, Plain, Property, Relation, Rollup, Select, UniqueId
from sandbox.notion.stored.formulas import Unreadable, opaque
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.options import read_options, replace_options
from sandbox.notion.stored.records import SourceRecord
from sandbox.notion.stored.text import plain
from sandbox.notion.stored.vocabulary import KINDS, NUMBER_FORMATS, ROLLUP_FUNCTIONS
from sandbox.notion.stored.workspace import Workspace
from sandbox.notion.switches import RollupOverFormula

# Formulas and rollups name other properties, so they come last.
_LATER: Final = {"relation": 1, "formula": 2, "rollup": 3}


class Schema:
    """Changes to the schema of one data source."""

    def __init__(self, workspace: Workspace, source: SourceRecord, *, by_hand: bool = False) -> None:
        self._workspace, self._source, self._by_hand = workspace, source, by_hand

    def create(self, properties: Any, path: str) -> None:
        """The first schema.

        Raises:
            Refusal: 400: no title or two, or a configuration that is wrong.
        """
        self._source.properties["title"] = Property("title", "Name", Plain("title"))
        if properties is None:
            return
        entries = self._entries(properties, path)
        titles = [name for name, entry in entries if entry is not None and kind_of(entry, f"{path}.{name}") == "title"]
        if not titles:
            raise invalid("Title is not provided")
        if len(titles) > 1:
            raise invalid("Cannot create multiple title properties.")
        self._source.properties["title"].name = titles[0]
        self._apply([(name, entry) for name, entry in entries if name != titles[0]], path)

    def update(self, properties: Any, path: str) -> None:
        """Add, remove, rename and retype; keys are names or ids.

        Raises:
            Refusal: 400 for whatever Notion would not take.
        """
        self._apply(self._entries(properties, path), path)

    def _entries(self, properties: Any, path: str) -> list[tuple[str, Json | None]]:
        if not isinstance(properties, dict):
            raise malformed(path, "an object", properties)
        for name, entry in properties.items():
            if entry is not None and not isinstance(entry, dict):
                raise malformed(f"{path}.{name}", "an object", entry)
        return list(properties.items())

    def _apply(self, entries: list[tuple[str, Json | None]], path: str) -> None:
        def order(item: tuple[str, Json | None]) -> int:
            return 0 if item[1] is None else max((rank for kind, rank in _LATER.items() if kind in item[1]), default=0)

        before = set(self._source.properties)
        for name, entry in sorted(entries, key=order):
            where = f"{path}.{name}"
            known = self._source.find(name)
            if entry is None:
                self._remove(name, known)
            elif known is None:
                self._add(name, entry, where)
            else:
                self._change(known, entry, where)
        self._arrange(before, [name for name, _ in entries])
        self._check_size()

    def _arrange(self, before: set[str], names: list[str]) -> None:
        """Put the new columns in the order in which they were asked for, behind the ones that were there."""

        def place(one: Property) -> int:
            if one.id in before:
                return -1
            return names.index(one.name) if one.name in names else len(names)

        self._source.properties = {one.id: one for one in sorted(self._source.properties.values(), key=place)}

    def _add(self, name: str, entry: Json, path: str) -> None:
        if not any(kind in entry for kind in KINDS):
            if set(entry) <= {"name", "description"}:
                raise invalid(f"Could not find property with name or id: {name}")
            raise malformed(path, "a property schema", entry)
        kind = kind_of(entry, path)
        if kind == "title":
            raise invalid("Cannot create multiple title properties.")
        key = self._new_id(self._source)
        config = self._read(kind, entry, path, None)
        self._source.properties[key] = Property(key, name, config, _description(entry, path))
        if isinstance(config, Relation):
            self._pair(self._source.properties[key], entry["relation"])

    def _change(self, known: Property, entry: Json, path: str) -> None:
        name = entry.get("name")
        if name is not None:
            if not isinstance(name, str) or not name:
                raise malformed(f"{path}.name", "a string of at least one character", name)
            if any(other is not known and other.name == name for other in self._source.properties.values()):
                raise invalid(f"Cannot rename property {known.name} to {name}: a property of that name exists.")
            known.name = name
        if "description" in entry:
            known.description = _description(entry, path)
        if not any(kind in entry for kind in KINDS):
            return
        kind = kind_of(entry, path)
        if kind == known.config.kind and not isinstance(known.config, Relation):
            known.config = self._read(kind, entry, path, known)
            return
        if isinstance(known.config, Relation) and kind == "relation" and self._same_link(known.config, entry, path):
            return
        if "title" in (kind, known.config.kind):
            raise invalid("Cannot change the type of the title property.")
        self._unpair(known)
        known.config = self._read(kind, entry, path, None)
        self._clear_values(known.id)
        if isinstance(known.config, Relation):
            self._pair(known, entry["relation"])

    def _remove(self, name: str, known: Property | None) -> None:
        if known is None:
            raise invalid(f"Could not find property with name or id: {name}")
        if known.config.kind == "title":
            raise invalid("Cannot delete the title property.")
        self._unpair(known)
        self._clear_values(known.id)
        del self._source.properties[known.id]

    def _read(self, kind: str, entry: Json, path: str, known: Property | None) -> Config:
        body, where = entry[kind], f"{path}.{kind}"
        if not isinstance(body, dict):
            raise malformed(where, "an object", body)
        config: Config
        match kind:
            case "number":
                config = _read_number(body, where, known)
            case "select" | "multi_select":
                config = self._read_select(kind, body, where, known)
            case "formula":
                config = self._read_formula(body, where)
            case "relation":
                config = self._read_relation(body, where)
            case "rollup":
                config = self._read_rollup(body, where)
            case "unique_id":
                config = UniqueId(optional_text(body.get("prefix"), f"{where}.prefix"))
            case _:
                config = Plain(kind)
        return config

    def _read_select(self, kind: str, body: Json, path: str, known: Property | None) -> Select:
        new = read_options(body.get("options", []), path, self._workspace.ids)
        if known is None or not isinstance(known.config, Select):
            return Select(new, kind)
        if "options" not in body:
            return known.config
        pages = self._workspace.pages_in(self._source)
        return Select(replace_options(known.config.options, new, known.id, pages), kind)

    def _read_formula(self, body: Json, path: str) -> Formula:
        expression = body.get("expression")
        if not isinstance(expression, str):
            raise missing(f"{path}.expression")
        try:
            return Formula(opaque(expression, self._source, self._workspace.space_id), typed=self._by_hand)
        except Unreadable as problem:
            raise invalid(f"Invalid formula: {problem}") from None

    def _read_relation(self, body: Json, path: str) -> Relation:
        if body.get("data_source_id") is None:
            raise missing(f"{path}.data_source_id")
        target = self._workspace.source(read_uuid(body["data_source_id"], f"{path}.data_source_id"))
        if "single_property" not in body and "dual_property" not in body:
            raise missing(f"{path}.single_property")
        dual = body.get("dual_property", {})
        if not isinstance(dual, dict):
            raise malformed(f"{path}.dual_property", "an object", dual)
        optional_text(dual.get("synced_property_name"), f"{path}.dual_property.synced_property_name")
        return Relation(target.id, None)

    def _read_rollup(self, body: Json, path: str) -> Rollup:
        relation = self._named(body, "relation", self._source, path)
        if not isinstance(relation.config, Relation):
            raise invalid(f"{relation.name} is expected to be relation.")
        target_source = self._workspace.sources[relation.config.source_id]
        target = self._named(body, "rollup", target_source, path)
        function = one_of(body.get("function"), ROLLUP_FUNCTIONS, f"{path}.function", "a known function")
        if isinstance(target.config, Rollup):
            raise invalid("A rollup cannot be taken over a rollup.")
        refused = self._workspace.switches.rollup_over_formula is RollupOverFormula.REFUSED
        if refused and isinstance(target.config, Formula) and not target.config.typed:
            raise invalid(f"Invalid rollup: {target.name} is a formula of unknown type.")
        return Rollup(relation.id, target.id, function)

    def _same_link(self, config: Relation, entry: Json, path: str) -> bool:
        asked = self._read_relation(entry["relation"], f"{path}.relation")
        return asked.source_id == config.source_id and ("dual_property" in entry["relation"]) is bool(config.synced)

    def _named(self, body: Json, which: str, source: SourceRecord, path: str) -> Property:
        for field_name in (f"{which}_property_id", f"{which}_property_name"):
            key = body.get(field_name)
            if key is None:
                continue
            found = source.find(key) if isinstance(key, str) else None
            if found is None:
                raise invalid(f"Could not find property with name or id: {key}")
            return found
        raise missing(f"{path}.{which}_property_name")

    def _pair(self, own: Property, body: Json) -> None:
        """Create the other side of a two-way relation."""
        if not isinstance(own.config, Relation) or "dual_property" not in body:
            return
        other = self._workspace.sources[own.config.source_id]
        database = self._workspace.database_of(self._source)
        name = f"Related to {plain(database.title)} ({own.name})"
        asked = body["dual_property"].get("synced_property_name")
        if asked and (self._by_hand or self._workspace.switches.synced_property_name_honoured):
            name = asked
        taken = {one.name for one in other.properties.values()}
        base, number = name, 1
        while name in taken:
            name, number = f"{base} {number}", number + 1
        key = self._new_id(other)
        own.config.synced = key
        other.properties[key] = Property(key, name, Relation(self._source.id, own.id))
        self._workspace.touch(other.stamp, self._workspace.bot_id)

    def _unpair(self, own: Property) -> None:
        """Take away the other side of a two-way relation that goes."""
        if isinstance(own.config, Relation) and own.config.synced is not None:
            other = self._workspace.sources[own.config.source_id]
            other.properties.pop(own.config.synced, None)
            for page in self._workspace.pages_in(other):
                page.values.pop(own.config.synced, None)

    def _clear_values(self, key: str) -> None:
        for page in self._workspace.pages_in(self._source):
            page.values.pop(key, None)

    def _new_id(self, source: SourceRecord) -> str:
        key = self._workspace.ids.property()
        while key in source.properties:
            key = self._workspace.ids.property()
        return key

    def _check_size(self) -> None:
        sizes = {
            one.name: len(json.dumps(property_schema(self._workspace, one), ensure_ascii=False).encode())
            for one in self._source.properties.values()
        }
        limit = self._workspace.switches.schema_limit
        if sum(sizes.values()) > limit:
            largest = max(sizes, key=lambda name: sizes[name])
            raise invalid(f"The data source's schema exceeds {limit} bytes. Its largest property is {largest}.")


def kind_of(entry: Json, path: str) -> str:
    """The type of a property configuration; `type` may be left out.

    Raises:
        Refusal: 400: unknown type, or no configuration of that type.
    """
    kind = entry.get("type") or next((known for known in entry if known in KINDS), None)
    kind = one_of(kind, KINDS, f"{path}.type", "a known property type")
    if kind not in entry:
        raise missing(f"{path}.{kind}")
    return kind


def _description(entry: Json, path: str) -> str | None:
    text = optional_text(entry.get("description"), f"{path}.description")
    if text is not None and not 1 <= len(text) <= 280:
        raise malformed(f"{path}.description.length", "from 1 to 280", len(text))
    return text


def _read_number(body: Json, path: str, known: Property | None) -> Number:
    before = known.config.format if known is not None and isinstance(known.config, Number) else "number"
    name = body.get("format", before)
    return Number(one_of(name, NUMBER_FORMATS, f"{path}.format", "a known number format"))
