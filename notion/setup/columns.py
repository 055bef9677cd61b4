"""Declared properties as the JSON that creates their columns, and sending it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from notion.client.gateway import Gateway
from notion.client.models import DataSource, Select
from notion.databases.declared import Database, Property, Type
from notion.databases.found import Found
from notion.databases.options import lacking_options
from usage.errors import NotionAccessError
from usage.language.saying import say

Json = dict[str, Any]

LINKED = (Type.RELATION, Type.FORMULA, Type.ROLLUP)
"""Types whose columns name other columns, and so come after them."""


def plain_columns(properties: Iterable[Property]) -> Json:
    """Columns that stand for themselves, by the names they are declared under."""
    return {item.name: plain_column(item) for item in properties if item.type not in LINKED}


def plain_column(declared: Property) -> Json:
    """A column that names no other one."""
    config: Json = {}
    if declared.type is Type.NUMBER:
        config = {"format": declared.number_format}
    elif declared.type is Type.SELECT:
        config = {"options": [{"name": str(name), "color": color} for name, color in declared.options]}
    return {declared.type.value: config}


def more_options(declared: Property, existing: Iterable[Select]) -> Json | None:
    """A select with the declared options that it lacks; None when it lacks none.

    The list that is sent replaces the old one: options that exist are repeated with their ids.
    """
    kept = list(existing)
    lacking = lacking_options(declared, kept)
    if not lacking:
        return None
    new = [{"name": name, "color": color} for name, color in lacking]
    return {"select": {"options": [{"id": option.id, "name": option.name} for option in kept] + new}}


def relation_column(target_data_source_id: str, other_side: str) -> Json:
    """A two-way relation. Whether Notion gives the other side the name that is asked for is not published."""
    return {
        "relation": {
            "data_source_id": target_data_source_id,
            "type": "dual_property",
            "dual_property": {"synced_property_name": other_side},
        }
    }


def formula_column(declared: Property, names: Mapping[str, str]) -> Json | None:
    """A formula over columns by the names they have in this database; None when one of them is not there."""
    wanted = re.findall(r'prop\("([^"]+)"\)', declared.expression)
    if not all(name in names for name in wanted):
        return None
    expression = declared.expression
    for name in wanted:
        real = names[name].replace("\\", "\\\\").replace('"', '\\"')
        expression = expression.replace(f'prop("{name}")', f'prop("{real}")')
    return {"formula": {"expression": expression}}


def rollup_column(declared: Property, services: Found, usages: Found) -> Json | None:
    """A rollup by the names its columns have; None when one of them is not there."""
    rollup = declared.rollup
    if rollup is None or not services.has(rollup.relation) or not usages.has(rollup.target):
        return None
    return {
        "rollup": {
            "relation_property_name": services.columns[rollup.relation].name,
            "rollup_property_name": usages.columns[rollup.target].name,
            "function": rollup.function,
        }
    }


def new_database(declared: Database, services_data_source_id: str | None) -> Json:
    """All columns of a database that does not exist yet; rollups come once the relation has its other side.

    Args:
        declared: Which of the two.
        services_data_source_id: Where the relation of *Usages* leads; None for *Services* itself.
    """
    names = {item.name: item.name for item in declared.properties}
    columns = plain_columns(declared.properties)
    for item in declared.properties:
        if item.type is Type.FORMULA and (formula := formula_column(item, names)):
            columns[item.name] = formula
        elif item.type is Type.RELATION and services_data_source_id is not None:
            columns[item.name] = relation_column(services_data_source_id, "Usages")
    return {item.name: columns[item.name] for item in declared.properties if item.name in columns}


def change_columns(gateway: Gateway, found: Found, columns: Json) -> Found:
    """Add or change columns by their names or ids; the database as it is then.

    Raises:
        NotionAccessError: Notion refuses; where the database is locked, that is what the sentence says.
    """
    return found.with_schema(explain_lock(found, lambda: gateway.update_data_source(found.data_source_id, columns)))


def is_about_columns(refusal: NotionAccessError, found: Found) -> bool:
    """Whether Notion refuses the columns of a change themselves: then the others can do without them."""
    return refusal.status == 400 and not found.locked


def explain_lock(found: Found, change: Callable[[], DataSource]) -> DataSource:
    """The result of a change of columns.

    Raises:
        NotionAccessError: As `change_columns`.
    """
    try:
        return change()
    except NotionAccessError as error:
        if not found.locked or error.status not in (400, 403, 409):
            raise
        raise NotionAccessError(
            say(
                "The database “{database}” is locked and Notion refuses to change it: unlock it (••• › Unlock), then "
                "run llm-usage setup again.",
                database=found.declared.title,
            ),
            status=error.status,
        ) from None
