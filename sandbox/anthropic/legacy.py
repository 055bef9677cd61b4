"""The older reports: time buckets of usage, and of cost by workspace and description."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.anthropic.analytics import GEOS, SPEEDS, TIERS, WINDOWS, usage_json
from sandbox.anthropic.moments import instant, stamp
from sandbox.anthropic.world import Account, Charge, Fact, Usage
from sandbox.shared.query import Query, Refused, seal, unseal

Json = dict[str, object]

_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
_SECONDS = {"1d": 86_400, "1h": 3_600, "1m": 60}
_DIMENSIONS = (
    *("account_id", "api_key_id", "context_window", "inference_geo", "model", "service_account_id", "service_tier"),
    *("speed", "workspace_id"),
)
_FILTERS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "account_ids": ("account_id", None),
    "api_key_ids": ("api_key_id", None),
    "context_window": ("context_window", WINDOWS),
    "inference_geos": ("inference_geo", GEOS),
    "models": ("model", None),
    "service_account_ids": ("service_account_id", None),
    "service_tiers": ("service_tier", TIERS),
    "speeds": ("speed", SPEEDS),
    "workspace_ids": ("workspace_id", None),
}
_DESCRIBED = ("description", "cost_type", "model", "token_type", "service_tier", "context_window", "inference_geo")
_WORDS = {
    "uncached_input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_input_tokens": "Input Tokens, Cache Hit",
    "cache_creation.ephemeral_5m_input_tokens": "Input Tokens, Cache Write (5m)",
    "cache_creation.ephemeral_1h_input_tokens": "Input Tokens, Cache Write (1h)",
}
_TOOLS = {
    "web_search": "Web Search Usage",
    "code_execution": "Code Execution Usage",
    "session_usage": "Session Usage",
}


@dataclass(frozen=True, slots=True)
class _Span:
    """Seconds since 1970; buckets begin at multiples of `width`."""

    start: int
    end: int
    width: int
    limit: int


def usage_report(account: Account, query: Query, *, now: datetime, fast_mode: bool, most: int | None) -> Json:
    """`GET /v1/organizations/usage_report/messages`; `speed` is known with its beta header only."""
    width = query.choice("bucket_width", _LIMITS) or "1d"
    default, high = _LIMITS[width]
    limit = query.integer("limit", low=1, high=high) or default
    groups = tuple(dict.fromkeys(query.many("group_by[]", allowed=_DIMENSIONS)))
    filters = [
        (dimension, values)
        for name, (dimension, allowed) in _FILTERS.items()
        if (values := query.many(name + "[]", allowed=allowed))
    ]
    if len(groups) > 5:
        raise Refused("Cannot specify more than 5 group_by[] dimensions.")
    if not fast_mode and ("speed" in groups or any(dimension == "speed" for dimension, _ in filters)):
        raise Refused("speed needs the beta header fast-mode-2026-02-01")

    def results(facts: Iterable[Fact]) -> list[Json]:
        found: dict[tuple[str | None, ...], Usage] = {}
        for fact in facts:
            if fact.usage is None or fact.model is None:
                continue  # code execution and sessions are not in this report
            if all(_name(account, fact, dimension) in values for dimension, values in filters):
                key = tuple(_name(account, fact, dimension) for dimension in groups)
                found[key] = found.get(key, Usage()) + fact.usage
        return [_usage(found[key], dict(zip(groups, key, strict=True)), fast_mode) for key in sorted(found, key=repr)]

    return _page(account, query, _span(query, now, _SECONDS[width], limit, most), results)


def cost_report(account: Account, query: Query, *, now: datetime, most: int | None) -> Json:
    """`GET /v1/organizations/cost_report`: days, by workspace and description at most."""
    query.choice("bucket_width", ("1d",))
    limit = query.integer("limit", low=1, high=31) or 7
    groups = frozenset(query.many("group_by[]", allowed=("workspace_id", "description")))

    def results(facts: Iterable[Fact]) -> list[Json]:
        found: dict[tuple[str | None, ...], Decimal] = {}
        for fact in facts:
            for charge in fact.charges:
                place = _name(account, fact, "workspace_id") if "workspace_id" in groups else None
                about = _described(fact, charge) if "description" in groups else (None,) * len(_DESCRIBED)
                found[(place, *about)] = found.get((place, *about), Decimal(0)) + charge.amount
        names = ("workspace_id", *_DESCRIBED)
        return [
            {"amount": format(found[key], "f"), "currency": "USD"} | dict(zip(names, key, strict=True))
            for key in sorted(found, key=repr)
        ]

    return _page(account, query, _span(query, now, _SECONDS["1d"], limit, most), results)


def _span(query: Query, now: datetime, width: int, limit: int, most: int | None) -> _Span:
    start, end = instant(query, "starting_at"), instant(query, "ending_at") or now
    if start is None:
        raise Refused("starting_at: field required")
    if end <= start:
        raise Refused("ending_at must come after starting_at")
    begin = int(start.timestamp())
    return _Span(begin - begin % width, int(end.timestamp()), width, min(limit, most or limit))


def _page(account: Account, query: Query, span: _Span, results: Callable[[Iterable[Fact]], list[Json]]) -> Json:
    cursor = query.text("page")
    query.finish()
    begin = span.start if cursor is None else int(unseal(cursor, scope=query.scope))
    data: list[Json] = []
    while begin < span.end and len(data) < span.limit:
        start, end = (datetime.fromtimestamp(second, UTC) for second in (begin, begin + span.width))
        facts = account.ledger.days(start.date(), (end - timedelta(seconds=1)).date())
        found = results(fact for fact in facts if start <= fact.at < end)
        data.append({"starting_at": stamp(start), "ending_at": stamp(end), "results": found})
        begin += span.width
    token = seal(str(begin), scope=query.scope) if begin < span.end else None
    return {"data": data, "has_more": token is not None, "next_page": token}


def _name(account: Account, fact: Fact, dimension: str) -> str | None:
    value: str | None = getattr(fact, dimension, None)
    if dimension == "workspace_id" and value == account.default_workspace:
        return None
    return value


def _usage(usage: Usage, names: dict[str, str | None], fast_mode: bool) -> Json:
    dimensions = [name for name in _DIMENSIONS if fast_mode or name != "speed"]
    counts = {name: value for name, value in usage_json(usage).items() if name not in ("total_tokens", "requests")}
    return counts | dict.fromkeys(dimensions) | names


def _described(fact: Fact, charge: Charge) -> tuple[str | None, ...]:
    if charge.token_type is None:
        return (_TOOLS[charge.cost_type], charge.cost_type, None, None, None, None, None)
    title = (fact.model or "").replace("-", " ").title()
    text = f"{title} Usage - {_WORDS[charge.token_type]}"
    return (
        text,
        charge.cost_type,
        fact.model,
        charge.token_type,
        fact.service_tier,
        fact.context_window,
        fact.inference_geo,
    )
