"""The last 30 completed days, by day, model and provider endpoint."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sandbox.openrouter.registry import not_found
from sandbox.openrouter.switches import Switches
from sandbox.openrouter.vocabulary import slug
from sandbox.openrouter.world import Account, Fact
from sandbox.shared.query import Query, Refused

_DAYS = 30


def rows(account: Account, query: Query, today: date, how: Switches) -> list[dict[str, Any]]:
    """The rows that the parameters ask for, latest day first.

    Raises:
        Refused: 400 for a day out of reach or an unknown parameter, 404 for an unknown workspace.
    """
    day, key, user = query.text("date"), query.text("api_key_hash"), query.text("user_id")
    split = query.choice("group_by", ("workspace",)) is not None
    workspace = query.text("workspace_id")
    query.finish()
    if workspace is not None and workspace not in {item.id for item in account.workspaces}:
        raise not_found()
    first, last = _days(day, today, how)
    groups: dict[tuple[str, str, str, str], list[Fact]] = {}
    for fact in account.ledger.days(first, last):
        if key in (None, fact.key) and user in (None, fact.user) and workspace in (None, fact.workspace):
            place = (fact.at.date().isoformat(), fact.model, fact.provider, fact.workspace if split else "")
            groups.setdefault(place, []).append(fact)
    return [
        _row(groups[place], split=split, how=how) for place in sorted(groups, key=lambda place: place[0], reverse=True)
    ]


def _days(day: str | None, today: date, how: Switches) -> tuple[date, date]:
    first, last = today - timedelta(days=_DAYS), today - timedelta(days=1)
    if day is None:
        return first, last
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        raise Refused("date: Invalid date format, expected YYYY-MM-DD") from None
    if not first <= asked <= (today if how.today_in_activity else last):
        raise Refused(f"Date must be within the last {_DAYS} (completed) UTC days")
    return asked, asked


def _row(facts: list[Fact], *, split: bool, how: Switches) -> dict[str, Any]:
    one = facts[0]
    row: dict[str, Any] = {
        "date": one.at.date().isoformat(),
        "model": slug(one.model),
        "model_permaslug": one.model,
        "endpoint_id": str(UUID(bytes=Random(f"{one.provider}/{one.model}").randbytes(16), version=4)),
        "provider_name": one.provider,
        "usage": sum((fact.credits for fact in facts), Decimal(0)),
        "byok_usage_inference": sum((fact.byok for fact in facts), Decimal(0)),
        "requests": sum(fact.requests for fact in facts),
        "prompt_tokens": sum(fact.prompt for fact in facts),
        "completion_tokens": sum(fact.completion for fact in facts),
        "reasoning_tokens": sum(fact.reasoning for fact in facts),
    }
    if how.cached_tokens:
        row["cached_tokens"] = sum(fact.cached for fact in facts)
    return {**row, "workspace_id": one.workspace} if split else row
