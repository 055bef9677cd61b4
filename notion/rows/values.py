"""Rows of *Usages*: as they stand in Notion, as they should be, and the difference between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from notion.client.models import Page, Value
from notion.databases.found import Found, value_of
from notion.databases.options import chosen_option, option_value
from notion.rows.notes import Note, read_notes
from notion.text import pieces
from usage.grain import canonical_workspace, is_ours

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the job writes into a row. Texts are whole, figures exact; None is an empty cell."""

    title: str = ""
    service: str | None = None
    """Page id of the service."""
    month: str = ""
    key: str = ""
    workspace: str = ""
    models: str = ""
    tokens_input: int | float | None = None
    tokens_output: int | float | None = None
    cost: Decimal | float | None = None
    requests: int | float | None = None
    breakdown: str = ""
    collected_at: datetime | None = None
    status: str | None = None
    log: str = ""
    name: str = ""
    whole: str = ""
    """The breakdown with all its entries, where `breakdown` has some of them folded: it goes into a file."""

    @property
    def identity(self) -> Identity:
        """What makes a row unique within a service and a month: its key, and the workspace of keys that are ours."""
        return self.key, canonical_workspace(self.workspace) if is_ours(self.key) else ""

    @property
    def dollars(self) -> Decimal | None:
        """The cost, exact: the shortest text of a double is the amount that was written, up to 15 digits."""
        return None if self.cost is None else Decimal(str(self.cost))


COLUMNS: Final[Mapping[str, str]] = {
    "title": "Identifiant",
    "service": "Service",
    "month": "Mois",
    "key": "Projet/API Key",
    "workspace": "Workspace",
    "models": "Modeles",
    "tokens_input": "Tokens Input",
    "tokens_output": "Tokens Output",
    "cost": "Cout USD",
    "requests": "Requetes",
    "breakdown": "Breakdown JSON",
    "collected_at": "Collecte Le",
    "status": "Statut Collecte",
    "log": "Log Status",
    "name": "Nom Projet",
}
"""Fields of `Values` that have a column, and the columns they are written to."""

SKEW: Final = timedelta(minutes=5)
"""How far Notion's clock and ours may differ."""
FIGURES: Final = ("tokens_input", "tokens_output", "cost", "requests")


@dataclass(frozen=True, slots=True)
class Existing:
    """A row that stands in Notion."""

    page_id: str
    created: datetime
    values: Values
    notes: tuple[Note, ...] = ()
    """What people wrote in columns of their own."""
    url: str = ""
    edited: datetime | None = None
    """When it was last written to, whoever did it; Notion tells the minute."""
    author: str | None = None
    """Id of the user, a person or a connection, that created it."""
    editor: str | None = None
    """Id of the user that wrote to it last."""
    is_written_on: bool = False
    """Whether people wrote on its page, below the columns; known of those rows alone whose page was looked at."""

    @property
    def age(self) -> tuple[datetime, str]:
        """Sorts rows from the oldest; rows made in the same minute by their ids, so that two runs choose alike."""
        return self.created, self.page_id


def has_figures(row: Existing) -> bool:
    """Whether a row has any figure but 0."""
    return any(getattr(row.values, name) for name in FIGURES)


def read_row(found: Found, page: Page) -> Existing:
    """A row from Notion's answer."""
    values = {name: _read(name, value_of(found, page, column)) for name, column in COLUMNS.items() if name != "status"}
    values["status"] = chosen_option(found, page, COLUMNS["status"])
    return Existing(
        page.id,
        page.created_time,
        Values(**values),
        read_notes(found, page),
        page.url,
        page.last_edited_time,
        author=page.created_by.id if page.created_by is not None else None,
        editor=page.last_edited_by.id if page.last_edited_by is not None else None,
    )


def without_future_time(row: Existing, now: datetime) -> Existing:
    """The row without a time that lies ahead of Notion's: a clock was fast, or somebody mistyped.

    Args:
        row: A row.
        now: The present, by Notion's clock.
    """
    read_at = row.values.collected_at
    latest = now if row.edited is None else max(now, row.edited)
    if read_at is None or read_at <= latest + SKEW:
        return row
    return replace(row, values=replace(row.values, collected_at=None))


def fields_in(found: Found) -> tuple[str, ...]:
    """Fields that have a column in Notion; people may have removed some."""
    return tuple(name for name, column in COLUMNS.items() if found.has(column))


def changed_fields(old: Values, new: Values, fields: Sequence[str]) -> tuple[str, ...]:
    """Those of some fields whose value Notion would return differently after a write.

    Texts as a whole, figures as doubles, instants to the minute. `collected_at` counts like any other.
    """
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in fields)
    return tuple(name for name, was, now in pairs if was != now and _as_read(name, was) != _as_read(name, now))


def to_properties(found: Found, values: Values, names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The JSON of a write: the named fields (all when None) under the ids of their columns, which may be renamed while
    a run goes on.

    Empty cells are left out of a new row and emptied in an existing one.
    """
    result: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        if not found.has(column) or (names is not None and name not in names):
            continue
        value = getattr(values, name)
        if names is None and value in (None, ""):
            continue
        result[found.columns[column].id] = (
            option_value(found, column, value) if name == "status" else _write(name, value)
        )
    return result


def to_minute(instant: datetime) -> datetime:
    """The instant as Notion stores it: UTC, cut to the minute."""
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def _read(name: str, value: Value | None) -> Any:
    if name == "service":
        return value.relation[0].id if value is not None and value.relation else None
    if name in FIGURES:
        return value.number if value is not None else None
    if name == "collected_at":
        return value.instant if value is not None else None
    return value.text if value is not None else ""


def _as_read(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return to_minute(value)
    if isinstance(value, Decimal | int | float):
        return float(value)
    if isinstance(value, str):
        # Notion takes ids with and without dashes.
        return value.replace("-", "") if name == "service" else "".join(pieces(value))
    return value


def _write(name: str, value: Any) -> dict[str, Any]:
    if name == "title":
        return {"title": _rich(value)}
    if name == "service":
        return {"relation": [{"id": value}] if value else []}
    if name in FIGURES:
        # Notion's numbers are doubles: the nearest one to the exact amount.
        return {"number": value if value is None or isinstance(value, int) else float(value)}
    if name == "collected_at":
        return {"date": None if value is None else {"start": to_minute(value).isoformat()}}
    return {"rich_text": _rich(value)}


def _rich(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": piece}} for piece in pieces(text)]
