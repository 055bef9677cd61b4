"""The deprecated `character-stats`: one breakdown and one metric at a time, by label."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from sandbox.elevenlabs.analytics import Buckets, dimension, moment
from sandbox.elevenlabs.refusals import refusal
from sandbox.elevenlabs.switches import Switches
from sandbox.elevenlabs.world import Account, Fact
from sandbox.shared.ledger import following

Breakdown = Literal[
    "none",
    "voice",
    "voice_multiplier",
    "user",
    "groups",
    "api_keys",
    "all_api_keys",
    "product_type",
    "model",
    "resource",
    "request_queue",
    "region",
    "subresource_id",
    "reporting_workspace_id",
    "has_api_key",
    "request_source",
]
Metric = Literal[
    "credits",
    "tts_characters",
    "minutes_used",
    "request_count",
    "ttfb_avg",
    "ttfb_p95",
    "fiat_units_spent",
    "concurrency",
    "concurrency_average",
]


_UTC = ZoneInfo("UTC")


class StatsQuestion(BaseModel):
    """The query parameters."""

    # Not strict: everything arrives as text.
    model_config = ConfigDict(extra="forbid")

    start_unix: int = Field(ge=0)
    end_unix: int = Field(ge=0)
    include_workspace_metrics: bool = False
    breakdown_type: Breakdown = "none"
    aggregation_interval: Literal["hour", "day", "week", "month", "cumulative"] = "day"
    aggregation_bucket_size: int | None = Field(default=None, ge=1)
    metric: Metric = "credits"

    @property
    def start(self) -> datetime:
        """First instant asked for."""
        return moment(self.start_unix)

    @property
    def end(self) -> datetime:
        """Last instant asked for; its bucket is part of the answer."""
        return moment(self.end_unix)


def stats(account: Account, question: StatsQuestion, facts: Iterable[Fact], how: Switches) -> dict[str, Any]:
    """The answer: a time axis in milliseconds, and for each label a list along it."""
    if question.end_unix < question.start_unix:
        raise refusal(400, "invalid_request", "invalid_parameters", "end_unix has to be after start_unix.")
    if not question.include_workspace_metrics and question.breakdown_type in ("user", "api_keys"):
        raise refusal(400, "validation_error", "invalid_parameters", "This breakdown needs include_workspace_metrics.")
    if question.metric == "fiat_units_spent" and account.fiat_metric == "refused":
        raise refusal(400, "validation_error", "invalid_parameters", "fiat_units_spent is not available here.")
    axis, place = _axis(question)
    usage: dict[str, list[Decimal]] = {}
    for fact in facts:
        label, at = _label(account, fact, question.breakdown_type, how), place(fact.at)
        if label is not None and at in axis:
            usage.setdefault(label, [Decimal(0)] * len(axis))[axis[at]] += _measure(account, fact, question.metric)
    if question.breakdown_type == "none" and not usage:
        usage["All"] = [Decimal(0)] * len(axis)
    return {"time": [int(at.timestamp() * 1000) for at in axis], "usage": usage}


def _axis(question: StatsQuestion) -> tuple[dict[datetime, int], Callable[[datetime], datetime]]:
    """Beginnings of the buckets with their place on the axis, and the bucket of an instant."""
    seconds = {"hour": 3600, "day": 86400, "week": 604800}.get(question.aggregation_interval)
    seconds = question.aggregation_bucket_size or seconds
    if seconds is not None:
        buckets = Buckets(seconds, _UTC)
        begins = list(buckets.between(question.start, question.end, inclusive=True))
        return {at: index for index, at in enumerate(begins)}, buckets.of
    if question.aggregation_interval == "cumulative":
        return {question.start: 0}, lambda at: question.start if question.start <= at <= question.end else at
    begins = [_month(question.start)]
    while (after := following(begins[-1].isoformat()[:7])) <= question.end:
        begins.append(after)
    return {at: index for index, at in enumerate(begins)}, _month


def _month(at: datetime) -> datetime:
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def _label(account: Account, fact: Fact, breakdown: str, how: Switches) -> str | None:
    if breakdown == "none":
        return "All"
    if breakdown == "has_api_key":
        return str(fact.key is not None).lower()
    if breakdown in ("api_keys", "all_api_keys"):
        value = account.key_name(fact.key)
    elif breakdown == "user":
        owner = dimension(account, fact, "user_id")
        value = next((item.name for item in account.service_accounts if item.id == owner), None)
    else:
        value = dimension(account, fact, breakdown)
    return how.no_key_label if value is None else value


def _measure(account: Account, fact: Fact, metric: str) -> Decimal:
    by_cost = account.by_cost(fact.at.date())
    values = {
        "credits": Decimal(0) if by_cost else fact.credits,
        "tts_characters": Decimal(fact.characters),
        "minutes_used": fact.minutes,
        "request_count": Decimal(fact.requests),
        "fiat_units_spent": fact.money if account.fiat_metric == "money" or by_cost else Decimal(0),
    }
    return values.get(metric, Decimal(0))
