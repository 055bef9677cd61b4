"""The databases as the screen shows them: visible columns in order, cells as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sandbox.notion.answers.computed import linked_pages
from sandbox.notion.query.endpoint import select
from sandbox.notion.screen.cells import Cell, plain_value
from sandbox.notion.stored.columns import Formula, Number, Property, Relation, Rollup, Select, UniqueId
from sandbox.notion.stored.records import DatabaseRecord, PageRecord, SourceRecord, ViewRecord
from sandbox.notion.stored.text import plain
from sandbox.notion.stored.workspace import Workspace

_NAMED: Final = 3
"""Related rows that are named in a cell; of more, their number stands there."""
_SYMBOLS: Final = {"dollar": "$", "euro": "€", "pound": "£", "yen": "¥"}


@dataclass(frozen=True, slots=True)
class Table:
    """One data source on the screen, as its first table view shows it. `kinds` and each row are as long as `columns`.

    `colours` are those of the select options, by column and option.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...] = ()
    colours: Mapping[tuple[str, str], str] = field(default_factory=dict)


def tables(workspace: Workspace) -> list[Table]:
    """All that is not in the trash, oldest database first."""
    return [
        _table(workspace, database, source)
        for database in workspace.databases.values()
        if not workspace.database_trashed(database)
        for source in workspace.sources_of(database)
    ]


def _table(workspace: Workspace, database: DatabaseRecord, source: SourceRecord) -> Table:
    view = _first_table(workspace, database, source)
    columns = _visible(source, view)
    title = plain(database.title)
    if len(database.source_ids) > 1:
        title = f"{title} / {plain(source.title)}"
    rows = [tuple(_cell(workspace, source, page, one) for one in columns) for page in _pages(workspace, source, view)]
    colours = {
        (one.name, option.name): option.color
        for one in columns
        if isinstance(one.config, Select)
        for option in one.config.options
    }
    names, kinds = tuple(one.name for one in columns), tuple(one.config.kind for one in columns)
    return Table(title, names, tuple(rows), kinds, colours)


def _first_table(workspace: Workspace, database: DatabaseRecord, source: SourceRecord) -> ViewRecord | None:
    for view in workspace.views.values():
        if (view.database_id, view.source_id, view.kind) == (database.id, source.id, "table"):
            return view
    return None


def _pages(workspace: Workspace, source: SourceRecord, view: ViewRecord | None) -> list[PageRecord]:
    """Rows that a view lets through, in its order; oldest first where it has none."""
    if view is None or not (view.sorts or view.filter):
        return workspace.rows(source)
    return select(workspace, source, view.filter, view.sorts)


def _visible(source: SourceRecord, view: ViewRecord | None) -> list[Property]:
    """Columns as a view orders and hides them; those it does not name come last."""
    columns = list(source.properties.values())
    placed = view.configuration.get("properties") if view is not None else None
    if not isinstance(placed, list):
        return columns
    order, hidden = [], set()
    for entry in placed:
        one = source.find(str(entry.get("property_id"))) if isinstance(entry, dict) else None
        if one is not None:
            order.append(one)
            if entry.get("visible") is False:
                hidden.add(one.id)
    order += [one for one in columns if one not in order]
    return [one for one in order if one.id not in hidden]


def _cell(workspace: Workspace, source: SourceRecord, page: PageRecord, one: Property) -> str:
    if isinstance(one.config, Relation):
        linked = linked_pages(workspace, page, one)
        return ", ".join(other.title for other in linked) if len(linked) <= _NAMED else f"{len(linked)} pages"
    value = plain_value(workspace, source, page, one.name)
    if isinstance(value, float) and isinstance(one.config, UniqueId) and one.config.prefix:
        return f"{one.config.prefix}-{value:.0f}"
    return _text(value, _format(workspace, source, one))


def _text(value: Cell, shape: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ", ".join(value)
    return _number(value, shape) if isinstance(value, int | float) else value


def _number(value: float, shape: str) -> str:
    if shape in _SYMBOLS:
        return f"{'-' if value < 0 else ''}{_SYMBOLS[shape]}{abs(value):,.2f}"
    if shape == "percent":
        return f"{value * 100:.15g}%"
    text = f"{value:,.10f}" if shape == "number_with_commas" else f"{value:.10f}"
    return text.rstrip("0").rstrip(".")


def _format(workspace: Workspace, source: SourceRecord, one: Property) -> str:
    """The display format: a rollup of amounts looks like what it adds up."""
    config = one.config
    if isinstance(config, Rollup):
        relation = source.properties.get(config.relation_id)
        if config.function.startswith("percent"):
            return "percent"
        if relation is None or not isinstance(relation.config, Relation) or "count" in config.function:
            return "number"
        target = workspace.sources[relation.config.source_id].properties.get(config.target_id)
        return "number" if target is None or isinstance(target.config, Rollup) else _own_format(target)
    return _own_format(one)


def _own_format(one: Property) -> str:
    if isinstance(one.config, Formula):
        # The API gives a formula no format; a person would choose this one, to be able to read it.
        return "number_with_commas"
    return one.config.format if isinstance(one.config, Number) else "number"
