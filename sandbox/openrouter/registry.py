"""What exists, as the API writes it: workspaces, keys and how much they spent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sandbox.openrouter.world import Account, Key, Workspace
from sandbox.shared.query import Refused

OPENED = date(2025, 1, 1)
"""Lifetime totals begin here."""


class Spent:
    """USD by key, over the current UTC day, week (from Monday), month, and the whole life of the account."""

    def __init__(self, account: Account, now: datetime) -> None:
        today = now.date()
        begins = {
            "": OPENED,
            "_daily": today,
            "_weekly": today - timedelta(days=today.weekday()),
            "_monthly": today.replace(day=1),
        }
        self._usage: dict[tuple[str | None, str], Decimal] = {}
        self.total = Decimal(0)
        """USD over all keys and the whole life."""
        for fact in account.ledger.days(OPENED, today):
            self.total += fact.credits
            for period, begin in begins.items():
                if fact.at.date() >= begin:
                    for what, amount in (("usage", fact.credits), ("byok_usage", fact.byok)):
                        place = (fact.key, what + period)
                        self._usage[place] = self._usage.get(place, Decimal(0)) + amount

    def by(self, key: Key) -> dict[str, Decimal]:
        """The eight counters of a key."""
        names = [what + period for what in ("usage", "byok_usage") for period in ("", "_daily", "_weekly", "_monthly")]
        return {name: self._usage.get((key.hash, name), Decimal(0)) for name in names}


def workspace(item: Workspace) -> dict[str, Any]:
    """A workspace, settings included."""
    return {
        "id": item.id,
        "name": item.name,
        "slug": item.slug,
        "description": None,
        "created_at": "2025-01-02T10:30:00Z",
        "created_by": None,
        "updated_at": None,
        "default_guardrail_id": str(UUID(int=UUID(item.id).int ^ 1)),
        "default_text_model": None,
        "default_image_model": None,
        "default_provider_sort": None,
        "is_observability_io_logging_enabled": False,
        "is_observability_broadcast_enabled": False,
        "is_data_discount_logging_enabled": True,
        "io_logging_sampling_rate": 1,
        "io_logging_api_key_ids": None,
        "include_byok_in_budgets": False,
    }


def key(item: Key, spent: Spent) -> dict[str, Any]:
    """A key with its counters."""
    return {
        "hash": item.hash,
        "name": item.name,
        "label": item.label,
        "disabled": item.disabled,
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "include_byok_in_limit": False,
        **spent.by(item),
        "created_at": "2025-01-03T09:00:00Z",
        "updated_at": None,
        "creator_user_id": item.user,
        "workspace_id": item.workspace,
        "expires_at": "2025-05-31T23:59:59Z" if item.expired else None,
        "external_user": None,
        "last_used_at": None,
    }


def own_key(account: Account, *, management: bool) -> dict[str, Any]:
    """What `/key` says about the key that asks."""
    periods = ("", "_daily", "_weekly", "_monthly")
    return {
        "label": "sk-or-v1-san...box",
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        **{what + period: Decimal(0) for what in ("usage", "byok_usage") for period in periods},
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": management,
        "is_provisioning_key": management,
        "creator_user_id": account.users[0].id,
        "expires_at": None,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated."},
        "organization_id": None,
        "workspace_id": None if management else account.workspaces[0].id,
        "budgets": [],
        "effective_budget": None,
        "allowed_data_regions": [],
    }


def not_found() -> Refused:
    """No such thing, for this key at least."""
    return Refused("Resource not found", status=404)
