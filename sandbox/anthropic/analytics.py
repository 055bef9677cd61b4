"""The newer reports: one row a group, over a range of at most 31 days or cut into time buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from sandbox.anthropic.moments import instant, stamp
from sandbox.anthropic.world import FIRST_MONTH, Account, Charge, Fact, Usage
from sandbox.shared.query import Query, Refused, seal, unseal

Json = dict[str, object]
Kind = Literal["usage", "cost"]

_WIDTHS = {"1d": timedelta(days=1), "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
_FANS = ("cost_type", "token_type")
"""Dimensions of cost that neither count towards the five nor towards `limit`."""
_DIMENSIONS = (
    *("actor", "actor_type", "agent_id", "api_key_id", "claude_tag_category", "claude_tag_user_id", "context_window"),
    *("deployment_id", "environment_id", "inference_geo", "model", "organization_id", "product", "rbac_group_id"),
    *("service_tier", "session_id", "slack_channel_id", "speed", "user_profile_id", "workspace_id"),
)
_ORDERS = {
    "usage": ("total_tokens", "output_tokens", "requests", "uncached_input_tokens", "time"),
    "cost": ("amount", "list_amount", "time"),
}
TIERS = ("batch", "flex", "flex_discount", "priority", "priority_on_demand", "standard")
WINDOWS = ("0-200k", "200k-1M")
GEOS = ("global", "not_available", "us")
SPEEDS = ("fast", "standard")
_PRODUCTS = (
    *("chat", "chat_cowork_unified", "claude_code", "claude_console", "claude_design", "claude_in_chrome"),
    *("claude_tag", "cowork", "managed_agents_api", "message_batches_api", "messages_api", "office_agent"),
)
_CHOICES = {
    "service_tier": TIERS,
    "context_window": WINDOWS,
    "inference_geo": GEOS,
    "speed": SPEEDS,
    "product": _PRODUCTS,
    "actor_type": ("api_actor", "federated_actor", "service_account_actor", "user_actor"),
    "claude_tag_category": ("dm", "engaged", "monitoring", "proactive", "scheduled"),
}
_FILTERS = tuple("actor_id" if name == "actor" else name for name in _DIMENSIONS)
"""Dimensions that can be filtered, each by the parameter that is its plural."""


@dataclass(frozen=True, slots=True)
class _Ask:
    start: datetime
    end: datetime
    width: timedelta | None
    groups: tuple[str, ...]
    filters: tuple[tuple[str, frozenset[str]], ...]
    order_by: str
    descending: bool
    limit: int
    begin: int


@dataclass(slots=True)
class _Group:
    """Facts that fall together, before cost is fanned out."""

    start: datetime
    end: datetime
    names: Json
    facts: list[Fact]

    def usage(self) -> Usage:
        """All that was counted."""
        return sum((fact.usage for fact in self.facts if fact.usage is not None), Usage(requests=None))

    def charges(self) -> list[Charge]:
        """All that is billed."""
        return [charge for fact in self.facts for charge in fact.charges]

    def rank(self, order_by: str) -> Decimal:
        """What the group is sorted by."""
        if order_by == "time":
            return Decimal(self.start.timestamp())
        if order_by in ("amount", "list_amount"):
            return sum((getattr(charge, order_by) for charge in self.charges()), Decimal(0))
        usage = self.usage()
        if order_by == "total_tokens":
            return Decimal(usage.input_tokens + usage.output_tokens)
        return Decimal(getattr(usage, order_by) or 0)


def report(
    kind: Kind, account: Account, query: Query, *, now: datetime, refreshed_at: datetime, most: int | None
) -> Json:
    """`GET /v1/organizations/analytics/usage` or `…/cost`; facts are known up to `refreshed_at`."""
    edition = stamp(refreshed_at)
    ask = _ask(kind, query, now, edition)
    groups = _groups(kind, account, ask, refreshed_at)
    last = ask.begin + min(ask.limit, most or ask.limit)
    data = [row for group in groups[ask.begin : last] for row in _rows(kind, group, ask)]
    token = seal(str(last), scope=query.scope, edition=edition) if last < len(groups) else None
    return {"data": data, "has_more": token is not None, "next_page": token, "data_refreshed_at": edition}


def reaches(start: datetime, now: datetime) -> bool:
    """Whether a range may begin there."""
    return start.isoformat()[:7] >= FIRST_MONTH and now - timedelta(days=365) <= start <= now


def _ask(kind: Kind, query: Query, now: datetime, edition: str) -> _Ask:
    start, end = instant(query, "starting_at"), instant(query, "ending_at")
    width = query.choice("time_bucket_width", _WIDTHS)
    dimensions = _DIMENSIONS + (_FANS if kind == "cost" else ())
    groups = tuple(dict.fromkeys(query.many("group_by[]", allowed=dimensions)))
    filters = tuple(
        (dimension, frozenset(values))
        for dimension in _FILTERS
        if (values := query.many(_plural(dimension) + "[]", allowed=_CHOICES.get(dimension)))
    )
    limit = query.integer("limit", low=1, high=1000) or 20
    order = query.choice("order", ("asc", "desc")) or "desc"
    order_by = query.choice("order_by", _ORDERS[kind]) or _ORDERS[kind][0]
    if query.flag("exclude_deleted_users") is not None and "actor" not in groups:
        raise Refused("exclude_deleted_users needs group_by[]=actor")
    if order_by == "time" and width is None:
        raise Refused("order_by=time needs time_bucket_width")
    if len([group for group in groups if group not in _FANS]) > 5:
        raise Refused("Cannot specify more than 5 group_by[] dimensions.")
    cursor = query.text("page")
    query.finish()
    start, end = _span(start, end, width, now)
    begin = 0 if cursor is None else int(unseal(cursor, scope=query.scope, edition=edition))
    return _Ask(
        start, end, None if width is None else _WIDTHS[width], groups, filters, order_by, order == "desc", limit, begin
    )


def _plural(dimension: str) -> str:
    return dimension.removesuffix("y") + "ies" if dimension.endswith("y") else dimension + "s"


def _span(start: datetime | None, end: datetime | None, width: str | None, now: datetime) -> tuple[datetime, datetime]:
    if start is None:
        raise Refused("starting_at: field required")
    if end is None:
        if width is not None:
            raise Refused("ending_at is required with time_bucket_width")
        end = min(now, start + timedelta(days=31))
    if not reaches(start, now):
        raise Refused("starting_at must lie within the last 365 days and not before 2026-01-01T00:00:00Z")
    if end <= start:
        raise Refused("ending_at must come after starting_at")
    if end - start > timedelta(days=31):
        raise Refused("date range must span at most 31 days")
    if width == "1m" and end - start > timedelta(hours=24):
        raise Refused("time_bucket_width=1m covers at most 24 hours")
    if width is None:
        start, end = _floor(start, timedelta(hours=1)), _floor(end, timedelta(hours=1))
    return start, end


def _floor(at: datetime, width: timedelta) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // width.total_seconds() * width.total_seconds(), UTC)


def _groups(kind: Kind, account: Account, ask: _Ask, refreshed_at: datetime) -> Sequence[_Group]:
    start = ask.start if ask.width is None else _floor(ask.start, ask.width)
    found: dict[tuple[object, ...], _Group] = {}
    plain = [group for group in ask.groups if group not in _FANS]
    for fact in account.ledger.days(start.date(), ask.end.date()):
        if not start <= fact.at < min(ask.end, refreshed_at) or not _passes(fact, ask):
            continue
        if not (fact.charges if kind == "cost" else fact.usage):
            continue
        begin = start if ask.width is None else _floor(fact.at, ask.width)
        names: Json = {group: _name(account, fact, group) for group in plain}
        key = (begin, *names.values())
        if key not in found:
            found[key] = _Group(begin, ask.end if ask.width is None else begin + ask.width, names, [])
        found[key].facts.append(fact)
    groups = sorted(found.values(), key=lambda group: (group.start, repr(group.names)))
    return sorted(groups, key=lambda group: group.rank(ask.order_by), reverse=ask.descending)


def _passes(fact: Fact, ask: _Ask) -> bool:
    # An empty entry stands for "none", as in usage without a key.
    return all((getattr(fact, dimension, None) or "") in values for dimension, values in ask.filters)


def _name(account: Account, fact: Fact, dimension: str) -> str | None:
    if dimension == "organization_id":
        return account.organization_id
    value: str | None = getattr(fact, dimension, None)
    return None if value == "not_available" else value


def _rows(kind: Kind, group: _Group, ask: _Ask) -> list[Json]:
    period: Json = {"starting_at": stamp(group.start), "ending_at": stamp(group.end)}
    names: Json = dict.fromkeys(_DIMENSIONS) | group.names
    if kind == "usage":
        return [period | {"group": names, "usage": usage_json(group.usage())}]
    fans = [fan for fan in _FANS if fan in ask.groups]
    parts: dict[tuple[str | None, ...], list[Charge]] = {}
    for charge in group.charges():
        # By token type alone, what is not tokens falls away.
        if fans != ["token_type"] or charge.token_type is not None:
            parts.setdefault(tuple(getattr(charge, fan) for fan in fans), []).append(charge)
    empty: Json = dict.fromkeys(_FANS)
    requests = None if fans else group.usage().requests
    return [
        period | {"group": names | empty | dict(zip(fans, key, strict=True)), "cost": _cost_json(parts[key], requests)}
        for key in sorted(parts, key=repr)
    ]


def usage_json(usage: Usage) -> Json:
    """The token counts of a row."""
    return {
        "uncached_input_tokens": usage.uncached_input_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.ephemeral_5m_input_tokens,
            "ephemeral_1h_input_tokens": usage.ephemeral_1h_input_tokens,
        },
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "requests": usage.requests,
        "server_tool_use": {"web_search_requests": usage.web_search_requests},
    }


def _cost_json(charges: list[Charge], requests: int | None) -> Json:
    amount = sum((charge.amount for charge in charges), Decimal(0))
    listed = sum((charge.list_amount for charge in charges), Decimal(0))
    return {
        "amount": format(amount, "f"),
        "list_amount": format(listed, "f"),
        "currency": "USD",
        "requests": requests,
    }
