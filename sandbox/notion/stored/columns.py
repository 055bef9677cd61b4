"""The schema of a data source: columns and what they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Option:
    """One choice of a select property."""

    id: str
    name: str
    color: str


@dataclass
class Plain:
    """A property whose type says it all: title, rich_text, url, email, phone_number, checkbox, date, files, people,
    created_time, last_edited_time, created_by, last_edited_by."""

    kind: str


@dataclass
class Number:
    """A number with a display format."""

    format: str
    kind: str = "number"


@dataclass
class Select:
    """One choice, or several when `kind` is `multi_select`."""

    options: list[Option]
    kind: str = "select"


@dataclass
class Relation:
    """A link to rows of a data source; `synced` is the id of the other side's property, None for a one-way link."""

    source_id: str
    synced: str | None
    kind: str = "relation"


@dataclass
class Formula:
    """An expression in its opaque form. `typed` once a person has saved it: only then does Notion know its type."""

    expression: str
    typed: bool = False
    kind: str = "formula"


@dataclass
class Rollup:
    """A figure over linked rows; property ids are unencoded."""

    relation_id: str
    target_id: str
    function: str
    kind: str = "rollup"


@dataclass
class UniqueId:
    """A running number."""

    prefix: str | None
    kind: str = "unique_id"


Config = Plain | Number | Select | Relation | Formula | Rollup | UniqueId


@dataclass
class Property:
    """A column. `id` is unencoded."""

    id: str
    name: str
    config: Config
    description: str | None = None
