"""The two analytics queries: what may be asked, and the table they answer with."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from sandbox.elevenlabs.refusals import refusal
from sandbox.elevenlabs.switches import Switches
from sandbox.elevenlabs.world import Account, Fact

_EARLIEST = 1_577_836_800_000  # 2020-01-01, in milliseconds
_MONDAY = date(1970, 1, 5)
_MOST_CELLS = 20_000
"""Empty buckets are left out of a table that they would make larger than this: minutes of a month, above all."""

_FREE = ("model", "request_source", "fiat_charge_type", "fiat_currency")
_SCARCE = (
    "user_id",
    "hashed_xi_api_key",
    "region",
    "reporting_workspace_id",
    "billing_group_id",
    "product_type",
    "surface",
    "actor",
)
_CREDITS_ONLY = (
    "voice_id",
    "resource_id",
    "subresource_id",
    "request_queue_type",
    "voice_multiplier",
)
Scalar = str | int | float | bool | None
Group = tuple[str | None, ...]
"""Values of the columns that were grouped by."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Filter(_Strict):
    """One condition; all have to hold."""

    column: str
    operation: Literal["in", "not_in", "le", "ge", "lt", "gt", "eq", "neq"]
    values: list[Scalar]


class CostFilter(Filter):
    """The shorter list of operations that days billed by cost know."""

    operation: Literal["in", "not_in", "eq", "neq"]


class _Question(_Strict):
    start_time: int = Field(ge=_EARLIEST)
    end_time: int = Field(ge=_EARLIEST)
    group_by: list[str] | None = None


class CreditQuestion(_Question):
    """Body of the query for workspaces billed in credits."""

    interval_seconds: int = Field(default=60, ge=1)
    filters: list[Filter] | None = None
    time_zone: str = "UTC"


class CostQuestion(_Question):
    """Body of the query for workspaces billed by cost."""

    interval_seconds: int = Field(ge=86400, multiple_of=86400)
    filters: list[CostFilter] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the answer; `value` reads a group of facts."""

    name: str
    kind: Literal["String", "Float", "DateTime", "Int"]
    unit: str | None
    value: Callable[[Sequence[Fact]], Decimal | int]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Whole days begin at local midnight, weeks on Mondays, and other sizes count from 1970 in UTC."""

    seconds: int
    zone: ZoneInfo

    def of(self, at: datetime) -> datetime:
        """Beginning (UTC) of the bucket that holds an instant."""
        if self.seconds % 86400:
            return datetime.fromtimestamp(at.timestamp() // self.seconds * self.seconds, UTC)
        days = self.seconds // 86400
        anchor = _MONDAY if days % 7 == 0 else date(1970, 1, 1)
        since = (at.astimezone(self.zone).date() - anchor).days
        return self._midnight(anchor + timedelta(days=since // days * days))

    def between(self, start: datetime, end: datetime, *, inclusive: bool) -> Iterator[datetime]:
        """Beginnings from the bucket of `start` on, before `end` (or up to it)."""
        at = self.of(start)
        while at < end or (inclusive and at == end):
            yield at
            # A day and a half further is inside the next bucket, whatever summer time does.
            at = self.of(at + timedelta(seconds=self.seconds, hours=12 if self.seconds % 86400 == 0 else 0))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def credit_table(account: Account, question: CreditQuestion, facts: Iterable[Fact], how: Switches) -> dict[str, Any]:
    """Answer for the days billed in credits."""
    _check(question, {*_FREE, *_SCARCE, *_CREDITS_ONLY})
    buckets = Buckets(question.interval_seconds, _zone(question.time_zone))
    names = how.column_names
    columns = [
        Column(names["credits"], "Float", "credits", lambda group: sum((f.credits for f in group), Decimal(0))),
        Column(names["minutes"], "Float", "min", lambda group: sum((f.minutes for f in group), Decimal(0))),
        Column(names["requests"], "Int", None, lambda group: sum(f.requests for f in group)),
    ]
    if account.money_column:
        columns.insert(1, _money(account, how))
    return _table(account, question, how, buckets=buckets, facts=facts, measures=columns)


def cost_table(account: Account, question: CostQuestion, facts: Iterable[Fact], how: Switches) -> dict[str, Any]:
    """Answer for the days billed by cost."""
    _check(question, {*_FREE, *_SCARCE})
    grouped = [name for name in question.group_by or () if name in _SCARCE]
    filtered = {item.column for item in question.filters or () if item.column in _SCARCE}
    pinned = {item.column for item in question.filters or () if item.operation in ("eq", "in")}
    if len({*grouped, *filtered}) > 2:
        raise refusal(400, "validation_error", "invalid_parameters", f"At most two of {', '.join(_SCARCE)}.")
    if len(grouped) == 2 and not pinned & set(grouped):
        raise refusal(400, "validation_error", "invalid_parameters", "Two such columns need a filter on one of them.")
    quantity = Column(
        how.column_names["quantity"], "Float", None, lambda group: sum((f.quantity for f in group), Decimal(0))
    )
    buckets = Buckets(question.interval_seconds, ZoneInfo("UTC"))
    measures = [_money(account, how), quantity]
    return _table(account, question, how, buckets=buckets, facts=facts, measures=measures)


def dimension(account: Account, fact: Fact, column: str) -> str | None:
    """Value of a column that facts can be grouped by; None for what this world does not have."""
    owners = {key.hash: owner.id for owner in account.service_accounts for key in owner.keys}
    values: Mapping[str, str | None] = {
        "hashed_xi_api_key": fact.key,
        "model": fact.model,
        "product_type": fact.product,
        "fiat_currency": account.currency,
        "fiat_charge_type": fact.charge,
        "request_source": "website" if fact.key is None else "api",
        "surface": "website" if fact.key is None else "api",
        "region": "us",
        "user_id": owners.get(fact.key or ""),
        "voice_multiplier": "1.0",
    }
    return values.get(column)


def _money(account: Account, how: Switches) -> Column:
    name = how.column_names["money"]
    return Column(name, "Float", account.currency, lambda group: sum((f.money for f in group), Decimal(0)))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refusal(400, "validation_error", "invalid_parameters", "time_zone is not an IANA time zone.") from None


def _check(question: CreditQuestion | CostQuestion, allowed: set[str]) -> None:
    asked = [*(question.group_by or ()), *(item.column for item in question.filters or ())]
    for name in asked:
        if name not in allowed:
            raise refusal(400, "validation_error", "invalid_parameters", f"Column '{name}' is not allowed here.")
    if len(set(question.group_by or ())) < len(question.group_by or ()):
        raise refusal(400, "validation_error", "invalid_parameters", "A column may be grouped by once.")
    if question.start_time >= question.end_time:
        raise refusal(400, "invalid_request", "invalid_parameters", "start_time has to be before end_time.")


def _table(
    account: Account,
    question: CreditQuestion | CostQuestion,
    how: Switches,
    *,
    buckets: Buckets,
    facts: Iterable[Fact],
    measures: list[Column],
) -> dict[str, Any]:
    group_by = question.group_by or []
    span = moment(question.start_time), moment(question.end_time)
    times = dict.fromkeys(buckets.between(*span, inclusive=how.end_inclusive))
    cells = _cells(account, question, buckets, facts)
    groups = {group for group, at in cells if at in times} or ({()} if not group_by else set())
    full = len(times) * len(groups) <= _MOST_CELLS
    labels = [name for name in ("hashed_xi_api_key", "user_id") if how.label_columns and name in group_by]
    texts = [*group_by, *(f"{name}_label" for name in labels)]
    head = [
        (how.column_names["time"], "DateTime", None),
        *((name, "String", None) for name in texts),
        *((column.name, column.kind, column.unit) for column in measures),
    ]
    shown = {group: [_label(account, group[group_by.index(name)]) for name in labels] for group in groups}
    rows = [
        [_time(at, how), *group, *shown[group], *(_number(item, cells.get((group, at), ()), how) for item in measures)]
        for group in sorted(groups, key=lambda group: [value or "" for value in group])
        for at in times
        if full or (group, at) in cells
    ]
    turn = slice(None, None, -1 if how.reverse_columns else 1)
    return {
        "columns": [name for name, *_ in head][turn],
        "column_types": [kind for _, kind, _ in head][turn],
        "rows": [row[turn] for row in rows],
        "column_units": [("" if unit is None and how.blank_units else unit) for _, _, unit in head][turn],
    }


def _cells(
    account: Account, question: CreditQuestion | CostQuestion, buckets: Buckets, facts: Iterable[Fact]
) -> dict[tuple[Group, datetime], list[Fact]]:
    cells: dict[tuple[Group, datetime], list[Fact]] = {}
    for fact in facts:
        if all(_holds(dimension(account, fact, item.column), item) for item in question.filters or ()):
            group = tuple(dimension(account, fact, name) for name in question.group_by or ())
            cells.setdefault((group, buckets.of(fact.at)), []).append(fact)
    return cells


def _label(account: Account, value: str | None) -> str | None:
    users = {owner.id: owner.name for owner in account.service_accounts}
    return users.get(value or "") or account.key_name(value)


def _holds(value: str | None, item: Filter) -> bool:
    if item.operation in ("in", "eq"):
        return value in item.values
    if item.operation in ("not_in", "neq"):
        return value not in item.values
    compare = {"le": operator.le, "ge": operator.ge, "lt": operator.lt, "gt": operator.gt}[item.operation]
    return value is not None and all(compare(value, str(bound)) for bound in item.values)


def _number(column: Column, group: Sequence[Fact], how: Switches) -> Decimal | int | str:
    value = column.value(group)
    if column.kind == "Float" and value == 0:
        value = Decimal("0.0")
    return format(value, "f") if how.numbers_as_text and isinstance(value, Decimal) else value


def _time(at: datetime, how: Switches) -> str | int:
    if how.time_form in ("seconds", "milliseconds"):
        return int(at.timestamp()) * (1000 if how.time_form == "milliseconds" else 1)
    separator, zone = {"z": ("T", "Z"), "offset": ("T", "+00:00"), "space": (" ", "")}[how.time_form]
    return at.strftime(f"%Y-%m-%d{separator}%H:%M:%S") + zone


def moment(milliseconds: int) -> datetime:
    """An instant from its milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
