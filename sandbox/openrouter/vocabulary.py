"""What analytics can count, and what it can be counted by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.openrouter.world import Account, Fact

Measure = Callable[[Sequence[Fact]], Decimal | int | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure. `brief`: only for ranges of 31 days."""

    name: str
    form: str
    """`number`, `currency`, `percent`, `latency` or `throughput`."""
    measure: Measure
    brief: bool = False


def _count(read: Callable[[Fact], int]) -> Measure:
    return lambda facts: sum(read(fact) for fact in facts)


def _sum(read: Callable[[Fact], Decimal]) -> Measure:
    return lambda facts: sum((read(fact) for fact in facts), Decimal(0))


def _part(read: Callable[[Fact], Decimal]) -> Measure:
    """A component of a price: null where it was never used."""
    return lambda facts: sum((read(fact) for fact in facts), Decimal(0)) if any(map(read, facts)) else None


def _hit_rate(facts: Sequence[Fact]) -> Decimal | None:
    prompt = sum(fact.prompt for fact in facts)
    return None if prompt == 0 else round(Decimal(sum(fact.cached for fact in facts)) / prompt, 12)


def _unknown(_: Sequence[Fact]) -> None:
    """Offered, but nothing in this world has it."""


_METRICS = (
    Metric("request_count", "number", _count(lambda fact: fact.requests)),
    Metric("tokens_prompt", "number", _count(lambda fact: fact.prompt)),
    Metric("tokens_completion", "number", _count(lambda fact: fact.completion)),
    Metric("tokens_total", "number", _count(lambda fact: fact.prompt + fact.completion)),
    Metric("reasoning_tokens", "number", _count(lambda fact: fact.reasoning)),
    Metric("cached_tokens", "number", _count(lambda fact: fact.cached)),
    Metric("byok_request_count", "number", _count(lambda fact: fact.byok_requests)),
    Metric("total_usage", "currency", _sum(lambda fact: fact.credits + fact.byok)),
    Metric("credits_usage", "currency", _sum(lambda fact: fact.credits)),
    Metric("byok_usage", "currency", _part(lambda fact: fact.byok)),
    Metric("usage_upstream", "currency", _part(lambda fact: fact.credits - fact.web - fact.discount)),
    Metric("usage_cache", "currency", _unknown),
    Metric("usage_data", "currency", _part(lambda fact: fact.discount)),
    Metric("usage_web", "currency", _part(lambda fact: fact.web)),
    Metric("usage_upstream_web", "currency", _unknown),
    Metric("cache_hit_rate", "percent", _hit_rate),
    Metric("openrouter_usage", "currency", _sum(lambda fact: Decimal(0) if fact.byok_requests else fact.credits), True),
    Metric("byok_fees", "currency", _part(lambda fact: fact.credits if fact.byok_requests else Decimal(0)), True),
    *(
        Metric(name, "currency", _unknown, True)
        for name in ("usage_file", "usage_upstream_file", "usage_web_fetch", "usage_upstream_web_fetch")
    ),
    *(
        Metric(f"{part}_{what}", what, _unknown, True)
        for what in ("latency", "throughput")
        for part in ("avg", "p50", "p90", "p99")
    ),
    *(
        Metric(f"{what}_{form}", "number" if form == "count" else "percent", _unknown, True)
        for what in ("guardrail_invoked", "response_cached")
        for form in ("count", "rate")
    ),
)
METRICS = {metric.name: metric for metric in _METRICS}

DIMENSIONS = ("model", "variant", "api_key_id", "user", "workspace", "app")
"""Usable up to 365 days."""
BRIEF_DIMENSIONS = (
    "provider",
    "origin",
    "country",
    "finish_reason",
    "external_user",
    "context_length_bucket",
    "generation_id",
)
"""Usable up to 31 days."""
GRANULARITIES = ("minute", "hour", "day", "week", "month")
SCALAR_OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte")
ARRAY_OPERATORS = ("in", "not_in")


def identity(fact: Fact, dimension: str) -> str | None:
    """What filters compare, and what rows are grouped by."""
    values: dict[str, str | None] = {
        "model": fact.model,
        "variant": "standard",
        "api_key_id": fact.key,
        "user": fact.user,
        "workspace": fact.workspace,
        "provider": fact.provider,
    }
    return values.get(dimension)


def label(account: Account, dimension: str, value: str | None) -> str | None:
    """What rows show in place of an id; other values show themselves."""
    names: dict[str | None, str | None] = {}
    if dimension == "api_key_id":
        names = {key.hash: key.shown for key in (*account.keys, *account.deleted)}
    elif dimension == "workspace":
        names = {workspace.id: workspace.name for workspace in account.workspaces}
    elif dimension == "user":
        names = {user.id: user.name for user in account.users}
    return names.get(value, value)


def _title(name: str) -> str:
    return name.replace("_", " ").title()
