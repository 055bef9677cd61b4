"""Cells as plain values, there and back."""

from __future__ import annotations

from datetime import date, datetime

from sandbox.notion.answers.computed import Beyond, Computed, Items, formula, linked_pages, rollup, scalar
from sandbox.notion.stored.columns import Formula, Property, Relation, Rollup
from sandbox.notion.stored.contents import Amount, Check, Choice, Files, Link, Links, People, Value, Words
from sandbox.notion.stored.dates import DateSpan
from sandbox.notion.stored.formulas import Scalar
from sandbox.notion.stored.options import as_select, choose
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.text import plain, text_of
from sandbox.notion.stored.workspace import Workspace

Cell = str | float | bool | date | datetime | tuple[str, ...] | None
"""A cell's plain value: text, number, tick, day, instant, names of options or files, ids of linked rows, of people."""


def column(source: SourceRecord, name: str) -> Property:
    """A column by its name.

    Raises:
        LookupError: no such column.
    """
    found = source.find(name)
    if found is None:
        raise LookupError(f"no column {name!r}; there are {', '.join(one.name for one in source.properties.values())}")
    return found


def plain_value(workspace: Workspace, source: SourceRecord, page: PageRecord, name: str) -> Cell:
    """The plain value of a cell; None when it is empty, or when Notion could not say (`unsupported`)."""
    one = column(source, name)
    config = one.config
    if isinstance(config, Formula):
        return _result(formula(workspace, source, page, config))
    if isinstance(config, Rollup):
        return _result(rollup(workspace, source, page, config))
    if isinstance(config, Relation):
        return tuple(other.id for other in linked_pages(workspace, page, one))
    if config.kind in ("created_time", "last_edited_time"):
        return page.stamp.created if config.kind == "created_time" else page.stamp.edited
    return _plain(one, page)


def stored_value(workspace: Workspace, one: Property, value: Cell) -> Value | None:
    """A plain value as it is stored.

    Raises:
        TypeError: a value that the column cannot hold.
    """
    result: Value | None = None
    if value is None or value in ("", ()):
        return result
    match one.config.kind, value:
        case (("title" | "rich_text"), str()):
            result = Words(text_of(value))
        case (("url" | "email" | "phone_number"), str()):
            result = Link(value)
        case "checkbox", bool():
            result = Check(value)
        case "number", int() | float():
            result = Amount(float(value))
        case "date", date():
            result = DateSpan(value)
        case "relation", tuple():
            result = Links(value)
        case "people", tuple():
            result = People(value)
        case (("select" | "multi_select"), str() | tuple()):
            names = (value,) if isinstance(value, str) else value
            result = Choice(tuple(choose(as_select(one), {"name": name}, one.name, workspace.ids) for name in names))
        case kind, _:
            raise TypeError(f"{one.name} ({kind}) cannot hold {value!r}")
    return result


def _result(result: Computed) -> Cell:
    match result:
        case Items():
            return tuple(_shown(result.property, value) for value in result.values)
        case Beyond():
            return None
        case DateSpan():
            return result.start
    return result


def _plain(one: Property, page: PageRecord) -> Cell:
    stored = page.values.get(one.id)
    result: Cell = scalar(page, one) or None if stored is None else scalar(page, one)
    if isinstance(stored, DateSpan):
        result = stored.start
    elif isinstance(stored, Files):
        result = tuple(file.name for file in stored.files)
    elif isinstance(stored, People):
        result = stored.user_ids
    elif one.config.kind == "multi_select":
        chosen = stored.option_ids if isinstance(stored, Choice) else ()
        result = tuple(option.name for option in as_select(one).options if option.id in chosen)
    elif one.config.kind == "checkbox":
        result = stored == Check(True)
    return result


def _shown(one: Property, value: Value | Scalar) -> str:
    match value:
        case Words():
            shown = plain(value.text)
        case Amount():
            shown = f"{value.number:.15g}"
        case Link():
            shown = value.address
        case DateSpan():
            shown = value.start.isoformat()
        case Choice():
            shown = ", ".join(option.name for option in as_select(one).options if option.id in value.option_ids)
        case _:
            shown = "" if value is None else str(value)
    return shown
