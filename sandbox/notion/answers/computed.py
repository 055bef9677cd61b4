"""Cells that are computed: formulas and rollups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from sandbox.notion.stored.columns import Formula, Property, Relation, Rollup, Select
from sandbox.notion.stored.contents import Amount, Check, Choice, Link, Links, Value, Words
from sandbox.notion.stored.dates import DateSpan, instant
from sandbox.notion.stored.formulas import Scalar, Unsupported, compute
from sandbox.notion.stored.records import PageRecord, SourceRecord
from sandbox.notion.stored.text import plain
from sandbox.notion.stored.workspace import Workspace
from sandbox.notion.switches import RollupOverFormula

_CUT = 25


@dataclass(frozen=True, slots=True)
class Items:
    """A rollup that shows the linked values themselves."""

    property: Property
    values: tuple[Value | Scalar, ...]


@dataclass(frozen=True, slots=True)
class Beyond:
    """A value that Notion answers as `unsupported`."""


Computed = Scalar | DateSpan | Items | Beyond
"""The result of a formula or a rollup; None is empty."""


def formula(
    workspace: Workspace, source: SourceRecord, page: PageRecord, config: Formula, above: frozenset[str] = frozenset()
) -> Scalar | Beyond:
    """The value of a formula for one row. `above` are the formulas that are being computed: one in itself is empty."""

    def value_of(key: str) -> Scalar:
        one = source.properties.get(key)
        if one is None or key in above:
            return None
        if isinstance(one.config, Formula):
            inner = formula(workspace, source, page, one.config, above | {key})
        else:
            inner = scalar(page, one)
        if isinstance(inner, Beyond):
            raise Unsupported
        return inner

    try:
        return compute(config.expression, value_of, empty_is_zero=workspace.switches.empty_numbers_count_as_zero)
    except Unsupported:
        return Beyond()


def scalar(page: PageRecord, one: Property) -> Scalar:
    """A stored cell as a formula sees it."""
    value = page.values.get(one.id)
    if isinstance(value, Amount):
        return value.number
    if isinstance(value, Words):
        return plain(value.text)
    if isinstance(value, Link):
        return value.address
    if isinstance(value, Check):
        return value.ticked
    if isinstance(value, Choice) and isinstance(one.config, Select):
        return ", ".join(option.name for option in one.config.options if option.id in value.option_ids)
    return "" if one.config.kind in ("title", "rich_text") else None


def rollup(
    workspace: Workspace, source: SourceRecord, page: PageRecord, config: Rollup, *, in_answer: bool = False
) -> Computed:
    """The value of a rollup for one row; `in_answer` when the API is asked, which may see fewer linked rows."""
    relation = source.properties.get(config.relation_id)
    if relation is None or not isinstance(relation.config, Relation):
        return None
    other = workspace.sources[relation.config.source_id]
    target = other.properties.get(config.target_id)
    if target is None:
        return None
    switches = workspace.switches
    untyped = isinstance(target.config, Formula) and not target.config.typed
    if untyped and switches.rollup_over_formula is RollupOverFormula.UNSUPPORTED:
        return Beyond()
    linked = linked_pages(workspace, page, relation)
    if in_answer and switches.rollups_cut_at_25:
        linked = linked[:_CUT]
    values = [_cell(workspace, other, one, target) for one in linked]
    if any(isinstance(value, Beyond) for value in values):
        return Beyond()
    return _reduce(config.function, target, [value for value in values if not isinstance(value, Beyond)])


def linked_pages(workspace: Workspace, page: PageRecord, relation: Property) -> list[PageRecord]:
    """Pages that a relation shows: not those in the trash."""
    value = page.values.get(relation.id)
    if not isinstance(value, Links):
        return []
    pages = [workspace.pages[key] for key in value.page_ids]
    return [one for one in pages if not workspace.page_trashed(one)]


def _cell(workspace: Workspace, source: SourceRecord, page: PageRecord, one: Property) -> Value | Scalar | Beyond:
    if isinstance(one.config, Formula):
        return formula(workspace, source, page, one.config)
    if one.config.kind == "created_time":
        return DateSpan(page.stamp.created)
    if one.config.kind == "last_edited_time":
        return DateSpan(page.stamp.edited)
    value = page.values.get(one.id)
    if isinstance(value, Words) and not value.text:
        return None
    return value


def _reduce(function: str, target: Property, values: Sequence[Value | Scalar]) -> Computed:
    filled = [value for value in values if value is not None and value != ""]
    if function in ("show_original", "show_unique"):
        return Items(target, tuple(dict.fromkeys(filled) if function == "show_unique" else values))
    counted = _count(function, values, filled)
    if counted is not None or (function.startswith("percent_") and function != "percent_per_group"):
        return counted
    if function in ("earliest_date", "latest_date", "date_range"):
        return _over_dates(function, [value for value in filled if isinstance(value, DateSpan)])
    numbers = [value.number if isinstance(value, Amount) else value for value in filled]
    return _over_numbers(function, [value for value in numbers if isinstance(value, float)])


def _count(function: str, values: Sequence[Value | Scalar], filled: Sequence[Value | Scalar]) -> float | None:
    ticked = sum(1 for value in filled if value is True or (isinstance(value, Check) and value.ticked))
    parts = {
        "count": len(values),
        "count_values": len(filled),
        "not_empty": len(filled),
        "empty": len(values) - len(filled),
        "unique": len(set(filled)),
        "checked": ticked,
        "unchecked": len(values) - ticked,
    }
    if function in parts:
        return float(parts[function])
    part = parts.get(function.removeprefix("percent_"))
    return None if part is None or not values else part / len(values)


def _over_dates(function: str, spans: list[DateSpan]) -> Computed:
    if not spans:
        return None
    first = min((span.start for span in spans), key=instant)
    last = max((span.end or span.start for span in spans), key=instant)
    if function == "earliest_date":
        return DateSpan(first)
    return DateSpan(last) if function == "latest_date" else DateSpan(first, last)


def _over_numbers(function: str, numbers: list[float]) -> Computed:
    if function == "sum":
        total = 0.0
        for number in numbers:  # one after the other, as doubles are added
            total += number
        return total
    known: dict[str, Callable[[list[float]], float]] = {
        "average": fmean,
        "median": median,
        "min": min,
        "max": max,
        "range": lambda found: max(found) - min(found),
    }
    if function not in known:
        return Beyond()  # figures per group have no value of their own in the API
    return known[function](numbers) if numbers else None
