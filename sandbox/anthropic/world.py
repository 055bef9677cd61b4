"""The facts that the stand-in's answers are cut from: one organisation, its workspaces, keys, usage and charges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.shared import standin
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.ledger import Ledger

FIRST_MONTH = "2026-01"
"""The analytics reports know nothing older."""


@dataclass
class Usage:
    """What was counted. `requests` is None where the API counts none."""

    uncached_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    output_tokens: int = 0
    requests: int | None = 0
    web_search_requests: int = 0

    @property
    def input_tokens(self) -> int:
        """All tokens in: fresh, read from the cache, written to it."""
        return (
            self.uncached_input_tokens
            + self.cache_read_input_tokens
            + self.ephemeral_5m_input_tokens
            + self.ephemeral_1h_input_tokens
        )

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        known = [usage.requests for usage in (self, other) if usage.requests is not None]
        return Usage(
            self.uncached_input_tokens + other.uncached_input_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
            self.ephemeral_5m_input_tokens + other.ephemeral_5m_input_tokens,
            self.ephemeral_1h_input_tokens + other.ephemeral_1h_input_tokens,
            self.output_tokens + other.output_tokens,
            sum(known) if known else None,
            self.web_search_requests + other.web_search_requests,
        )


@dataclass
class Charge:
    """One priced part of a fact. Amounts are US cents, exact, after and before the discount."""

    cost_type: str
    token_type: str | None
    amount: Decimal
    list_amount: Decimal


@dataclass
class Fact:
    """What one key did with one model on one day, and what it cost."""

    at: datetime
    workspace_id: str
    api_key_id: str | None
    model: str | None
    service_tier: str | None = "standard"
    context_window: str | None = "0-200k"
    inference_geo: str | None = "global"
    speed: str | None = "standard"
    product: str | None = "messages_api"
    usage: Usage | None = None
    charges: list[Charge] = field(default_factory=list)


@dataclass
class Workspace:
    """A workspace, as the registry lists it."""

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None = None


@dataclass
class Key:
    """An API key, as the registry lists it."""

    id: str
    name: str
    workspace_id: str
    created_at: datetime
    status: str = "active"
    expires_at: datetime | None = None


@dataclass
class Account(standin.Account[Fact]):
    """One organisation and the keys that open it."""

    name: str
    key: str
    """Admin key."""
    limited_key: str
    """A key with the scope `read:analytics` only: the analytics reports and nothing else."""
    workspace_key: str
    """A key of the wrong kind: for calling models."""
    organization_id: str
    organization_name: str
    default_workspace: str
    """Id of the default workspace, which several answers leave out or write as null."""
    workspaces: list[Workspace]
    """All of them, the default one included."""
    keys: list[Key]
    ledger: Ledger[Fact]


def bill_by_key(account: Account, facts: list[Fact]) -> Bill:
    """One row a workspace and key: what the analytics reports can tell.

    Requests of what belongs to no model are left out: they count executions, not calls.
    """
    names = {key.id: key.name for key in account.keys}
    places = sorted({(fact.workspace_id, fact.api_key_id or "") for fact in facts})
    rows = []
    for workspace, key in places:
        mine = [fact for fact in facts if (fact.workspace_id, fact.api_key_id or "") == (workspace, key)]
        counts = (fact.usage.requests for fact in mine if fact.model and fact.usage)
        rows.append(_row(workspace, key, names.get(key), mine, _total(n for n in counts if n is not None)))
    return Bill(tuple(rows))


def bill_by_workspace(account: Account, facts: list[Fact]) -> Bill:
    """One row a workspace, without requests: what the older reports can tell. They name no model for web searches."""
    names = {workspace.id: workspace.name for workspace in account.workspaces}
    rows = []
    for workspace in sorted({fact.workspace_id for fact in facts}):
        mine = [fact for fact in facts if fact.workspace_id == workspace]
        rows.append(_row(workspace, workspace, names.get(workspace), mine, None, tools_apart=True))
    return Bill(tuple(rows))


def _row(
    workspace: str, key: str, name: str | None, facts: list[Fact], requests: int | None, *, tools_apart: bool = False
) -> BillRow:
    counted = [fact.usage for fact in facts if fact.usage is not None]
    models: dict[str, Decimal | None] = {fact.model: None for fact in facts if fact.model}
    for fact in facts:
        for charge in fact.charges:
            is_apart = tools_apart and charge.token_type is None
            item = (None if is_apart else fact.model) or charge.cost_type
            models[item] = (models.get(item) or Decimal(0)) + charge.amount / 100
    amounts = [charge.amount for fact in facts for charge in fact.charges]
    return BillRow(
        workspace=workspace,
        key=key,
        name=name,
        cost=sum(amounts, Decimal(0)) / 100 if amounts else None,
        tokens_input=_total(usage.input_tokens for usage in counted),
        tokens_output=_total(usage.output_tokens for usage in counted),
        requests=requests,
        models=models,
    )


def _total(counts: Iterable[int]) -> int | None:
    known = list(counts)
    return sum(known) if known else None
