"""One of the two databases as it stands in Notion, against what is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import unquote

from notion.client.models import DataSource, Page, PropertySchema, Value
from notion.databases.declared import SERVICES, USAGES, Database, Property
from notion.databases.naming import joined
from usage.language.folding import folded
from usage.language.saying import say
from usage.language.sentence import Sentence


class ColumnState(StrEnum):
    """How a declared property stands in Notion."""

    OK = "ok"
    MISSING = "missing"
    WRONG_TYPE = "wrong type"
    AMBIGUOUS = "ambiguous"
    ELSEWHERE = "leads elsewhere"
    """A relation to some other database."""
    ONE_WAY = "one way"
    """The relation has no other side."""


@dataclass(frozen=True, slots=True)
class Match:
    """One declared property against what was found."""

    declared: Property
    state: ColumnState
    found: tuple[PropertySchema, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether the job can't work like this."""
        return self.state is not ColumnState.OK and not self.declared.for_people and not self.declared.optional


@dataclass(frozen=True, slots=True)
class Found:
    """One of the two databases as it stands in Notion."""

    declared: Database
    database_id: str
    data_source_id: str
    url: str
    matches: tuple[Match, ...]
    columns: Mapping[str, PropertySchema] = field(default_factory=dict)
    """Usable columns by the name they are declared under."""
    schema: Mapping[str, PropertySchema] = field(default_factory=dict)
    """All columns by the name they have in Notion, other people's too."""
    locked: bool = False
    """Locked by a person."""
    title: str = ""
    """Its name in Notion."""

    def has(self, name: str) -> bool:
        """Whether the column exists and has the right type."""
        return name in self.columns

    def match(self, name: str) -> Match:
        """How the property declared under that name stands."""
        return next(match for match in self.matches if match.declared.name == name)

    def with_schema(self, source: DataSource) -> Found:
        """The same database with its columns read again."""
        matches = tuple(_match(item, source) for item in self.declared.properties)
        return replace(self, matches=matches, columns=_columns(matches), schema=source.properties)

    def with_match(self, match: Match) -> Found:
        """The same database with another judgement of one property."""
        matches = tuple(match if old.declared is match.declared else old for old in self.matches)
        return replace(self, matches=matches, columns=_columns(matches))


def value_of(found: Found, page: Page, name: str) -> Value | None:
    """A row's value of a declared property; None where there is no usable column.

    By the column's id, as it may have been renamed since; by its name where an answer leaves ids out.
    """
    column = found.columns.get(name)
    if column is None:
        return None
    cells = page.properties.items()
    return next((cell for title, cell in cells if (cell.id == column.id if cell.id else title == column.name)), None)


@dataclass(frozen=True, slots=True)
class Databases:
    """Both databases."""

    services: Found
    usages: Found


def judge_relation(services: Found, usages: Found) -> Databases:
    """Both databases with their relation judged: it has to lead from the one to the other.

    Its other side is known by the relation itself, whatever name people gave it.
    """
    side = services.match("Usages")
    if side.state is ColumnState.OK and not _leads_to(usages, side):
        services = services.with_match(replace(side, state=ColumnState.ELSEWHERE))
    match = usages.match("Service")
    if match.state is not ColumnState.OK:
        return Databases(services, usages)
    if not _leads_to(services, match):
        return Databases(services, usages.with_match(replace(match, state=ColumnState.ELSEWHERE)))
    found = _other_side(services, match)
    state = ColumnState.OK if found else ColumnState.ONE_WAY
    return Databases(services.with_match(Match(side.declared, state, found)), usages)


def _leads_to(other: Found, match: Match) -> bool:
    relation = match.found[0].relation
    return relation is not None and relation.data_source_id == other.data_source_id


def _other_side(services: Found, match: Match) -> tuple[PropertySchema, ...]:
    relation = match.found[0].relation
    if relation is None or relation.dual_property is None or relation.dual_property.synced_property_id is None:
        return ()
    # Some answers encode a property's id and others don't.
    wanted = unquote(relation.dual_property.synced_property_id)
    return tuple(column for column in services.schema.values() if unquote(column.id) == wanted)


def problem(found: Found, match: Match) -> Sentence:
    """What is wrong with a column and what to do."""
    base, name = found.declared.title, match.declared.name
    if match.state is ColumnState.MISSING:
        return say("The column “{name}” is missing in “{database}”: run llm-usage setup.", name=name, database=base)
    if match.state is ColumnState.AMBIGUOUS:
        return say(
            "Several columns of “{database}” may be “{name}” ({names}): keep one.",
            database=base,
            name=name,
            names=joined(column.name for column in match.found),
        )
    if match.state is ColumnState.ONE_WAY:
        return say(
            "The relation from “{usages}” to “{database}” goes one way only: open it in Notion, switch on “Show on "
            "{database}”, then run llm-usage setup again.",
            usages=USAGES.title,
            database=base,
        )
    column = match.found[0]
    if match.state is ColumnState.ELSEWHERE:
        other = USAGES if found.declared is SERVICES else SERVICES
        return say(
            "The relation “{column}” of “{database}” leads to another database than “{other}”: rename it and run "
            "llm-usage setup, or put the right database into {variable}.",
            column=column.name,
            database=base,
            other=other.title,
            variable=other.variable,
        )
    return say(
        "The column “{column}” of “{database}” is of type {type} instead of {wanted}: change its type in Notion, or "
        "rename it and run llm-usage setup.",
        column=column.name,
        database=base,
        type=column.type,
        wanted=match.declared.type.value,
    )


def _columns(matches: Sequence[Match]) -> dict[str, PropertySchema]:
    return {match.declared.name: match.found[0] for match in matches if match.state is ColumnState.OK}


def _match(declared: Property, source: DataSource) -> Match:
    exact = [column for name, column in source.properties.items() if folded(name) == folded(declared.name)]
    named = exact or [column for name, column in source.properties.items() if declared.is_named(name)]
    if declared.type == "title":
        # A data source has exactly one title: whatever its name, it is ours.
        named = [column for column in source.properties.values() if column.type == "title"]
    right = [column for column in named if column.type == declared.type]
    if len(right) == 1:
        return Match(declared, ColumnState.OK, tuple(right))
    if len(right) > 1:
        return Match(declared, ColumnState.AMBIGUOUS, tuple(right))
    # A column that merely has one of the other names, with another type, is somebody's own.
    return Match(declared, ColumnState.WRONG_TYPE, tuple(exact)) if exact else Match(declared, ColumnState.MISSING)
