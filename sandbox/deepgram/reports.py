"""The breakdowns: which facts are meant, into which rows they fall, and how a row is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sandbox.deepgram.switches import Switches
from sandbox.deepgram.world import Fact
from sandbox.shared.query import Query, Refused

_FEATURES = [
    "alternatives",
    "callback",
    "callback_method",
    "channels",
    "custom_intent",
    "custom_intent_mode",
    "custom_topic",
    "custom_topic_mode",
    "detect_entities",
    "detect_language",
    "diarize",
    "dictation",
    "encoding",
    "extra",
    "filler_words",
    "intents",
    "keyterm",
    "keywords",
    "language",
    "measurements",
    "multichannel",
    "numerals",
    "paragraphs",
    "profanity_filter",
    "punctuate",
    "redact",
    "replace",
    "sample_rate",
    "search",
    "sentiment",
    "smart_format",
    "summarize",
    "topics",
    "utt_split",
    "utterances",
    "version",
]
_USAGE_GROUPINGS = ("accessor", "endpoint", "feature_set", "models", "method", "tags", "deployment")
_BILLING_GROUPINGS = ("accessor", "deployment", "line_item", "tags")
_DEPLOYMENTS = ("hosted", "beta", "self-hosted")
_Value = str | tuple[str, ...] | None
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are meant, both ends included, and the size of a row in days."""

    first: date
    last: date
    units: str = "day"
    amount: int = 1

    @classmethod
    def read(cls, query: Query, today: date, how: Switches) -> Period:
        """From `start` and `end`; without them, the thirty days up to today."""
        end = _date(query, "end") or today
        first = _date(query, "start") or end - timedelta(days=30)
        if first > end:
            raise Refused("start is after end", param="start")
        last = end if how.end_inclusive else end - timedelta(days=1)
        if how.coarse_beyond is not None and (last - first).days + 1 > how.coarse_beyond:
            return cls(first, last, *how.coarse_resolution)
        return cls(first, last)

    def row(self, day: date) -> tuple[date, date]:
        """First and last day of the row that a day falls into."""
        days = self.amount * (7 if self.units == "week" else 1)
        start = self.first + timedelta(days=(day - self.first).days // days * days)
        return start, min(start + timedelta(days=days - 1), self.last)

    def head(self) -> dict[str, Any]:
        """How an answer begins."""
        return {
            "start": self.first.isoformat(),
            "end": self.last.isoformat(),
            "resolution": {"units": self.units, "amount": self.amount},
        }


def usage_filter(query: Query, model_id: Callable[[str], str]) -> Callable[[Fact], bool]:
    """Reads the filters of the usage reports; the answer says whether a fact passes."""
    accessor, tag, model = _uuid(query, "accessor"), query.text("tag"), query.text("model")
    deployment = query.choice("deployment", _DEPLOYMENTS)
    endpoint = query.choice("endpoint", ("listen", "read", "speak", "agent"))
    method = query.choice("method", ("sync", "async", "streaming"))
    wanted = {name: flag for name in _FEATURES if (flag := query.flag(name)) is not None}

    def passes(fact: Fact) -> bool:
        return (
            bool(fact.models)
            and accessor in (None, fact.accessor)
            and (tag is None or tag in fact.tags)
            and (model is None or model in map(model_id, fact.models))
            and deployment in (None, fact.deployment)
            and endpoint in (None, fact.endpoint)
            and method in (None, fact.method)
            and all((name in fact.features) == flag for name, flag in wanted.items())
        )

    return passes


def billing_filter(query: Query, how: Switches) -> Callable[[Fact], bool]:
    """Reads the filters of the billing breakdown; the answer says whether a fact passes."""
    accessor, tag, line_item = _uuid(query, "accessor"), query.text("tag"), query.text("line_item")
    deployment = query.choice("deployment", _DEPLOYMENTS)

    def passes(fact: Fact) -> bool:
        return (
            billed(fact, how)
            and accessor in (None, fact.accessor)
            and (tag is None or tag in fact.tags)
            and line_item in (None, fact.line_item)
            and deployment in (None, fact.deployment)
        )

    return passes


def billed(fact: Fact, how: Switches) -> bool:
    """Whether the billing breakdown knows a fact."""
    recent = how.billing_since is None or fact.at.date() >= how.billing_since
    return recent and fact.line_item is not None


def usage_grouping(query: Query, how: Switches) -> list[str]:
    """The one grouping of a usage breakdown, or none."""
    asked = query.many("grouping", allowed=_USAGE_GROUPINGS)
    if len(asked) > 1 and how.repeated_grouping == "refused":
        raise Refused("duplicate field `grouping`", param="grouping")
    return asked[-1:]


def billing_grouping(query: Query) -> list[str]:
    """The groupings of a billing breakdown, any number of them."""
    return query.many("grouping", allowed=_BILLING_GROUPINGS)


def usage_row(facts: list[Fact], grouping: list[str], days: tuple[date, date], how: Switches) -> dict[str, Any]:
    """One row of the usage breakdown."""
    values = _values(facts[0], grouping)
    models = values["models"] or ()
    group: dict[str, Any] = {
        "start": days[0].isoformat(),
        "end": days[1].isoformat(),
        **{name: values[name] for name in _USAGE_GROUPINGS},
        "models": ", ".join(models) if how.models_as_text else list(models),
    }
    if how.sparse and not models:
        group["models"] = None
    numbers = {**_hours(facts), **_counts(facts, how)}
    return {**{name: value for name, value in numbers.items() if value or not how.sparse}, "grouping": group}


def billing_row(facts: list[Fact], grouping: list[str], days: tuple[date, date]) -> dict[str, Any]:
    """One row of the billing breakdown."""
    values = _values(facts[0], grouping)
    return {
        "dollars": sum((fact.dollars for fact in facts), Decimal(0)),
        "grouping": {
            "start": days[0].isoformat(),
            "end": days[1].isoformat(),
            **{name: values[name] for name in _BILLING_GROUPINGS},
        },
    }


def rows(
    facts: Iterable[Fact], period: Period, grouping: list[str], write: Callable[[list[Fact], tuple[date, date]], T]
) -> list[T]:
    """Facts in groups, by day and then by what they are grouped by; days without facts have no row."""
    groups: dict[tuple[tuple[date, date], tuple[_Value, ...]], list[Fact]] = {}
    for fact in facts:
        values = _values(fact, grouping)
        key = tuple(values[name] for name in grouping)
        groups.setdefault((period.row(fact.at.date()), key), []).append(fact)
    return [write(groups[key], key[0]) for key in sorted(groups, key=lambda key: (key[0], str(key[1])))]


def _values(fact: Fact, grouping: list[str]) -> dict[str, _Value]:
    values: dict[str, _Value] = {
        "accessor": fact.accessor,
        "endpoint": fact.endpoint,
        "feature_set": ",".join(fact.features) or None,
        "models": fact.models,
        "method": fact.method,
        "tags": fact.tags or None,
        "deployment": fact.deployment,
        "line_item": fact.line_item,
    }
    return {name: value if name in grouping else None for name, value in values.items()}


def _hours(facts: list[Fact]) -> dict[str, Decimal]:
    return {
        "hours": sum((fact.hours for fact in facts), Decimal(0)),
        "total_hours": sum((fact.total_hours for fact in facts), Decimal(0)),
        "agent_hours": sum((fact.agent_hours for fact in facts), Decimal(0)),
    }


def _counts(facts: list[Fact], how: Switches) -> dict[str, int | Decimal]:
    counts = {
        "tokens_in": sum(fact.tokens_in for fact in facts),
        "tokens_out": sum(fact.tokens_out for fact in facts),
        "tts_characters": sum(fact.characters for fact in facts),
        "requests": sum(fact.requests for fact in facts),
    }
    return {name: Decimal(f"{count}.0") if how.counts_as_floats else count for name, count in counts.items()}


def _date(query: Query, name: str) -> date | None:
    text = query.text(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-01-01"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"{name}: input is not a date of the form YYYY-MM-DD", param=name)


def _uuid(query: Query, name: str) -> str | None:
    text = query.text(name)
    if text is None:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(f"{name}: UUID parsing failed", param=name) from None
