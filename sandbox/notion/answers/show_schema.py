"""Databases, data sources and their schema, as answers show them."""

from __future__ import annotations

from sandbox.notion.errors import Json
from sandbox.notion.stored.columns import Formula, Number, Option, Property, Relation, Rollup, Select, UniqueId
from sandbox.notion.stored.dates import show_exact, show_minute
from sandbox.notion.stored.ids import encode_property_id
from sandbox.notion.stored.records import DatabaseRecord, SourceRecord, Stamp
from sandbox.notion.stored.text import show_text
from sandbox.notion.stored.workspace import Workspace


def database(workspace: Workspace, record: DatabaseRecord) -> Json:
    """A database: the shell, without a schema."""
    return {
        "object": "database",
        "id": record.id,
        "title": show_text(record.title),
        "description": show_text(record.description),
        "parent": {"type": "page_id", "page_id": record.parent_page_id},
        "is_inline": record.inline,
        "in_trash": workspace.database_trashed(record),
        "is_locked": record.locked,
        "created_time": show_exact(record.stamp.created),
        "last_edited_time": show_exact(record.stamp.edited),
        "data_sources": [
            {"id": source.id, "name": "".join(span.content for span in source.title)}
            for source in workspace.sources_of(record)
        ],
        "icon": record.icon,
        "cover": record.cover,
        "url": address(record.id),
        "public_url": None,
    }


def source(workspace: Workspace, record: SourceRecord) -> Json:
    """A data source with its schema, properties in the order of their ids."""
    parent = workspace.database_of(record)
    return {
        "object": "data_source",
        "id": record.id,
        "cover": None,
        "icon": record.icon,
        **minutes(record.stamp),
        "title": show_text(record.title),
        "description": show_text(parent.description),
        "is_inline": parent.inline,
        "properties": {
            one.name: property_schema(workspace, one) for one in in_answer_order(record) if shown(workspace, one)
        },
        "parent": {"type": "database_id", "database_id": parent.id},
        "database_parent": {"type": "page_id", "page_id": parent.parent_page_id},
        "url": address(parent.id),
        "public_url": None,
        "in_trash": workspace.source_trashed(record),
    }


def property_schema(workspace: Workspace, one: Property) -> Json:
    """One property's configuration."""
    return {
        "id": encode_property_id(one.id),
        "name": one.name,
        "description": one.description,
        "type": one.config.kind,
        one.config.kind: _config(workspace, one),
    }


def in_answer_order(record: SourceRecord) -> list[Property]:
    """Properties by id, the title last, as recorded answers have them."""
    return sorted(record.properties.values(), key=lambda one: (one.id == "title", one.id))


def shown(workspace: Workspace, one: Property) -> bool:
    """Whether the connection sees a property: a relation only if it sees the other data source."""
    return not isinstance(one.config, Relation) or workspace.shared(one.config.source_id)


def option(one: Option) -> Json:
    """An option as a value has it."""
    return {"id": one.id, "name": one.name, "color": one.color}


def minutes(stamp: Stamp) -> Json:
    """Who and when, to the minute."""
    return {
        "created_time": show_minute(stamp.created),
        "last_edited_time": show_minute(stamp.edited),
        "created_by": {"object": "user", "id": stamp.created_by},
        "last_edited_by": {"object": "user", "id": stamp.edited_by},
    }


def address(key: str, title: str = "") -> str:
    """The address of a page or database in the app."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in title).split()
    return "https://app.notion.com/p/" + "-".join([*words, key.replace("-", "")])


def _config(workspace: Workspace, one: Property) -> Json:
    shown_config: Json = {}
    match one.config:
        case Number(format=name):
            shown_config = {"format": name}
        case Select(options=options):
            shown_config = {"options": [{**option(choice), "description": None} for choice in options]}
        case Formula(expression=expression):
            shown_config = {"expression": expression}
        case UniqueId(prefix=prefix):
            shown_config = {"prefix": prefix}
        case Relation() as config:
            shown_config = _relation(workspace, config)
        case Rollup() as config:
            shown_config = _rollup(workspace, one, config)
    return shown_config


def _relation(workspace: Workspace, config: Relation) -> Json:
    other = workspace.sources[config.source_id]
    shown_config: Json = {"database_id": other.database_id, "data_source_id": other.id}
    if config.synced is None:
        return {**shown_config, "type": "single_property", "single_property": {}}
    back = other.properties[config.synced]
    names = {"synced_property_name": back.name, "synced_property_id": encode_property_id(back.id)}
    return {**shown_config, "type": "dual_property", "dual_property": names}


def _rollup(workspace: Workspace, one: Property, config: Rollup) -> Json:
    own = next(record for record in workspace.sources.values() if record.properties.get(one.id) is one)
    relation = own.properties.get(config.relation_id)
    target = None
    if relation is not None and isinstance(relation.config, Relation):
        target = workspace.sources[relation.config.source_id].properties.get(config.target_id)
    # Ids in here are not encoded, other than everywhere else (recorded).
    return {
        "rollup_property_name": target.name if target else "",
        "relation_property_name": relation.name if relation else "",
        "rollup_property_id": config.target_id,
        "relation_property_id": config.relation_id,
        "function": config.function,
    }
