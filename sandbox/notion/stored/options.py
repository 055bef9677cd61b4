"""Options of select properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.notion.errors import invalid, malformed, missing, one_of, optional_text
from sandbox.notion.stored.columns import Option, Property, Select
from sandbox.notion.stored.contents import Choice
from sandbox.notion.stored.ids import Ids
from sandbox.notion.stored.records import PageRecord
from sandbox.notion.stored.text import COLORS


def read_options(value: Any, path: str, ids: Ids) -> list[Option]:
    """Options from a schema in a request. One with an id and no name has an empty name.

    Raises:
        Refusal: 400: over 100, a comma or a doubled name, an unknown color.
    """
    if not isinstance(value, list):
        raise malformed(f"{path}.options", "an array", value)
    if len(value) > 100:
        raise invalid(
            f"body failed validation: body.{path}.options.length should be ≤ `100`, instead was `{len(value)}`."
        )
    options: list[Option] = []
    for index, item in enumerate(value):
        where = f"{path}.options[{index}]"
        if not isinstance(item, dict):
            raise malformed(where, "an object", item)
        name, key = item.get("name"), optional_text(item.get("id"), f"{where}.id")
        if name is None and key is None:
            raise missing(f"{where}.name")
        name = check_name(name, f"{where}.name") if name is not None else ""
        color = one_of(item.get("color", "default"), COLORS, f"{where}.color", "a known color")
        if name and any(one.name.casefold() == name.casefold() for one in options):
            raise invalid(f"Select option names must be unique: {name}")
        options.append(Option(key or ids.uuid(), name, color))
    return options


def check_name(name: Any, path: str) -> str:
    """The name of an option.

    Raises:
        Refusal: 400: not a text of 1 to 100 characters, or one with a comma.
    """
    if not isinstance(name, str) or not name:
        raise malformed(path, "a string of at least one character", name)
    if "," in name:
        raise invalid(f"Invalid select option, commas not allowed: {name}")
    if len(name) > 100:
        raise invalid(f"body failed validation: body.{path}.length should be ≤ `100`, instead was `{len(name)}`.")
    return name


def replace_options(
    old: list[Option], new: list[Option], property_id: str, pages: Iterable[PageRecord]
) -> list[Option]:
    """The list after an update: what is left out is removed, from the rows too. A new name or color for an option
    that exists is passed over, as Notion does."""
    kept: list[Option] = []
    for option in new:
        known = next((one for one in old if one.id == option.id or one.name.casefold() == option.name.casefold()), None)
        kept.append(known or option)
    alive = {option.id for option in kept}
    for page in pages:
        value = page.values.get(property_id)
        if isinstance(value, Choice) and not alive.issuperset(value.option_ids):
            left = tuple(key for key in value.option_ids if key in alive)
            if left:
                page.values[property_id] = Choice(left)
            else:
                del page.values[property_id]
    return kept


def choose(select: Select, item: Any, path: str, ids: Ids) -> str:
    """The id of the option that a value names; an unknown name becomes a new option.

    Raises:
        Refusal: 400: wrong form, unknown id, or a name that no option may have.
    """
    if not isinstance(item, dict):
        raise malformed(path, "an object", item)
    name, key = item.get("name"), item.get("id")
    known = next((one for one in select.options if one.id == key), None) if name is None else None
    if name is None:
        if key is None:
            raise missing(f"{path}.name")
        if known is None:
            raise invalid(f"Could not find select option with id: {key}")
        return known.id
    name = check_name(name, f"{path}.name")
    known = next((one for one in select.options if one.name.casefold() == name.casefold()), None)
    if known is None:
        color = one_of(item.get("color", "default"), COLORS, f"{path}.color", "a known color")
        known = Option(ids.uuid(), name, color)
        select.options.append(known)
    return known.id


def as_select(one: Property) -> Select:
    """The configuration of a select property; for callers who have seen its type."""
    if not isinstance(one.config, Select):
        raise TypeError(f"{one.name} is {one.config.kind}")
    return one.config
