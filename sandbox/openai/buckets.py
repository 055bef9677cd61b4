"""Cuts facts into time buckets and groups, and the buckets into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from sandbox.openai.families import COSTS, SPLIT, Family
from sandbox.openai.world import Account, Fact

WIDTHS = {"1d": 86_400, "1h": 3_600, "1m": 60}
Amounts = Literal["number", "text", "mixed"]
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request for buckets asks for. Times are Unix seconds, `end` exclusive."""

    family: Family
    start: int
    end: int
    width: int
    limit: int
    group_by: tuple[str, ...]
    filters: tuple[tuple[str, tuple[object, ...]], ...]
    """Dimension and the values that pass."""


@dataclass(frozen=True, slots=True)
class Style:
    """How answers are written where the real ones vary."""

    amounts: Amounts
    undocumented: bool
    rows_per_bucket: int | None
    split_since: datetime


def page(account: Account, ask: Ask, begin: int, skip: int, style: Style) -> tuple[list[Json], tuple[int, int] | None]:
    """Buckets from `begin` on, without the first `skip` rows of the first one; and where the next page begins."""
    data: list[Json] = []
    facts = _facts(account, ask, begin)
    while begin < ask.end and len(data) < ask.limit:
        finish = min(begin - begin % ask.width + ask.width, ask.end)
        results = _results(account, ask, facts(begin, finish), style)
        last = skip + (style.rows_per_bucket or max(len(results), 1))
        data.append(_bucket(begin, finish, results[skip:last], style))
        begin, skip = (begin, last) if last < len(results) else (finish, 0)
    return data, (begin, skip) if begin < ask.end else None


def _facts(account: Account, ask: Ask, begin: int) -> Callable[[int, int], list[Fact]]:
    last = datetime.fromtimestamp(min(ask.end, begin + ask.limit * ask.width), UTC)
    day, months = datetime.fromtimestamp(begin, UTC).replace(day=1), []
    while day < last:
        months.append(day.isoformat()[:7])
        day = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
    mine = [
        (fact.at.timestamp(), fact)
        for month in months
        for fact in account.facts(month)
        if fact.family == ask.family.name
        and all(getattr(fact, dimension) in values for dimension, values in ask.filters)
    ]
    return lambda start, end: [fact for at, fact in mine if start <= at < end]


def _bucket(start: int, end: int, results: list[Json], style: Style) -> Json:
    bucket: Json = {"object": "bucket", "start_time": start, "end_time": end, "results": results}
    if style.undocumented:
        bucket["start_time_iso"] = datetime.fromtimestamp(start, UTC).isoformat()
        bucket["end_time_iso"] = datetime.fromtimestamp(end, UTC).isoformat()
    return bucket


def _results(account: Account, ask: Ask, facts: Iterable[Fact], style: Style) -> list[Json]:
    groups: dict[tuple[object, ...], list[Fact]] = {}
    for fact in facts:
        groups.setdefault(tuple(getattr(fact, dimension) for dimension in ask.group_by), []).append(fact)
    results = []
    for number, key in enumerate(sorted(groups, key=repr)):
        names = dict.fromkeys(ask.family.dimensions) | dict(zip(ask.group_by, key, strict=True))
        measured = _money(groups[key], ask, number, style) if ask.family is COSTS else _counts(groups[key], ask, style)
        result: Json = {"object": ask.family.result} | measured | names
        if ask.family is COSTS and style.undocumented:
            result |= {"organization_id": account.organization_id, "organization_name": account.organization_name}
            if "project_id" in ask.group_by:
                names = {project.id: project.name for project in account.projects}
                result["project_name"] = names.get(str(result["project_id"]))
        results.append(result)
    return results


def _counts(facts: list[Fact], ask: Ask, style: Style) -> Json:
    old = facts[0].at < style.split_since
    return {
        measure: sum(getattr(fact, measure) for fact in facts)
        for measure in ask.family.measures
        if not (old and measure in SPLIT)
    }


def _money(facts: list[Fact], ask: Ask, number: int, style: Style) -> Json:
    total = sum((fact.amount for fact in facts if fact.amount is not None), Decimal(0))
    as_text = style.amounts == "text" or (style.amounts == "mixed" and number % 2 == 1)
    by_line = "line_item" in ask.group_by
    quantities = [fact.quantity for fact in facts if fact.quantity is not None] if by_line else []
    return {
        "amount": {"value": _padded(total) if as_text else total, "currency": "usd"},
        "quantity": sum(quantities, Decimal(0)) if quantities else None,
        "quantity_unit": facts[0].quantity_unit if by_line else None,
    }


def _padded(amount: Decimal) -> str:
    """Decimal text with at least sixteen places, as the live service was seen to write it."""
    text = format(amount, "f")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<16}"
