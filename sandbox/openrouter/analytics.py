"""Answers analytics queries: which facts, in which groups, as which rows."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sandbox.openrouter.question import Filter, Question
from sandbox.openrouter.switches import Switches
from sandbox.openrouter.vocabulary import METRICS, identity, label
from sandbox.openrouter.world import Account, Fact
from sandbox.shared.query import Refused

_FIRST = date(2020, 1, 1)
_COMPARE = {
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True, slots=True)
class _Group:
    """Facts of one bucket with the same values."""

    at: datetime | None
    values: tuple[str | None, ...]
    facts: list[Fact]

    def metric(self, name: str) -> Decimal | int | None:
        return METRICS[name].measure(self.facts)


def answer(account: Account, question: Question, now: datetime, how: Switches) -> dict[str, Any]:
    """The body of the answer.

    Raises:
        Refused: for a range that is not served.
    """
    warnings: list[str] = []
    facts: Iterable[Fact] = _facts(account, question, now, how)
    for item in question.filters:
        keep = _resolve(account, item, warnings)
        facts = [fact for fact in facts if keep(identity(fact, item.field))]
    groups = _sorted(_groups(account, question, facts, how), question)
    most = min(question.limit, how.truncate_at or question.limit)
    rows = [_row(account, question, group, how) for group in groups[:most]]
    metadata = {"query_time_ms": 31, "row_count": len(rows), "truncated": len(groups) > most}
    return {"data": {"data": rows, "metadata": metadata, **({"warnings": warnings} if warnings else {})}}


def _facts(account: Account, question: Question, now: datetime, how: Switches) -> Iterator[Fact]:
    start, end = question.span(now)
    oldest = now - timedelta(days=365)
    if how.look_back == "refused" and start < oldest:
        raise Refused("time_range: start is more than 365 days ago")
    by_day = question.granularity not in ("minute", "hour")
    for fact in account.ledger.days(max(start.date(), _FIRST), min(end.date(), now.date())):
        # Whole days are kept by their date alone, so a day counts if its midnight lies inside.
        at = _midnight(fact.at.date()) if by_day else fact.at
        inside = (at >= start or (by_day and at.date() == start.date())) and (
            at < end or (how.end_inclusive and at == end)
        )
        if inside and (how.look_back == "all" or fact.at >= oldest):
            yield fact


@dataclass(frozen=True, slots=True)
class _Keep:
    """Whether a value passes a filter."""

    item: Filter
    wanted: frozenset[str]

    def __call__(self, value: str | None) -> bool:
        if value is None:
            return bool(self.item.include_unset)
        if self.item.operator in ("eq", "in"):
            return value in self.wanted
        if self.item.operator == "not_in":
            return value not in self.wanted
        return all(_COMPARE[self.item.operator](value, bound) for bound in self.wanted)


def _resolve(account: Account, item: Filter, warnings: list[str]) -> _Keep:
    """Ids of keys come as hash or number; a hash that the registry does not know fits nothing, with a warning."""
    if item.field != "api_key_id":
        return _Keep(item, frozenset(item.values))
    numbers = {str(key.number): key.hash for key in (*account.keys, *account.deleted)}
    known = {key.hash for key in account.keys}
    wanted = set()
    for value in item.values:
        if not re.fullmatch("[0-9a-f]{64}", value):
            wanted.add(numbers.get(value, value))
        elif value in known:
            wanted.add(value)
        else:
            warnings.append(f"Could not resolve api_key_id hash: {value[:6]}...")
    return _Keep(item, frozenset(wanted))


def _groups(account: Account, question: Question, facts: Iterable[Fact], how: Switches) -> list[_Group]:
    found: dict[tuple[datetime | None, tuple[str | None, ...]], list[Fact]] = {}
    for fact in facts:
        values = tuple(_value(account, fact, name, how) for name in question.dimensions)
        found.setdefault((_bucket(fact.at, question.granularity), values), []).append(fact)
    if not question.dimensions and question.granularity is None and not found:
        # An aggregate without groups has a row even for nothing.
        found[None, ()] = []
    groups = [_Group(at, values, facts) for (at, values), facts in found.items()]
    if question.group_limit is None or not question.dimensions:
        return groups
    taken: dict[tuple[str | None, ...], int] = {}
    kept = []
    for group in _sorted(groups, question):
        taken[group.values] = taken.get(group.values, 0) + 1
        if taken[group.values] <= question.group_limit:
            kept.append(group)
    return kept


def _value(account: Account, fact: Fact, dimension: str, how: Switches) -> str | None:
    value = identity(fact, dimension)
    if dimension != "api_key_id":
        return value
    if not how.deleted_label and value in {key.hash for key in account.deleted}:
        return None
    return label(account, dimension, value) if how.merge_labels else value


def _sorted(groups: list[_Group], question: Question) -> list[_Group]:
    ordered = sorted(groups, key=lambda group: [value or "" for value in group.values])
    if question.order_by is None:
        return ordered if question.granularity is None else _by_time(ordered, reverse=True)
    field, reverse = question.order_by.field, question.order_by.direction == "desc"
    if field in METRICS:
        return sorted(ordered, key=lambda group: group.metric(field) or 0, reverse=reverse)
    if field == "date":
        return _by_time(ordered, reverse=reverse)
    place = question.dimensions.index(field)
    return sorted(ordered, key=lambda group: group.values[place] or "", reverse=reverse)


def _by_time(groups: Sequence[_Group], *, reverse: bool) -> list[_Group]:
    return sorted(groups, key=lambda group: group.at or datetime.min.replace(tzinfo=UTC), reverse=reverse)


def _row(account: Account, question: Question, group: _Group, how: Switches) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if group.at is not None:
        beginning = "created_at" if question.brief else how.time_column
        row[f"{beginning}__{question.granularity}"] = _time(group.at, question.granularity, how)
    for name, value in zip(question.dimensions, group.values, strict=True):
        shown = label(account, name, value)
        row[name] = how.no_key_label if name == "api_key_id" and value is None else shown
        if name == "user":
            row["user_email"] = next((user.email for user in account.users if user.id == value), None)
    for name in question.metrics:
        value_of = group.metric(name)
        as_text = how.counts_as_text and METRICS[name].form == "number" and value_of is not None
        row[name] = str(value_of) if as_text else value_of
    return row


def _bucket(at: datetime, granularity: str | None) -> datetime | None:
    if granularity is None:
        return None
    if granularity in ("minute", "hour"):
        return at.replace(minute=at.minute if granularity == "minute" else 0, second=0, microsecond=0)
    day = at.date()
    if granularity == "week":
        # Weeks of analytics begin on Sundays.
        day -= timedelta(days=day.isoweekday() % 7)
    return _midnight(day.replace(day=1) if granularity == "month" else day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _time(at: datetime, granularity: str | None, how: Switches) -> str:
    if how.time_form == "date" and granularity not in ("minute", "hour"):
        return at.date().isoformat()
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
