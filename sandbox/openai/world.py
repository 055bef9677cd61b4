"""The facts that the stand-in's answers are cut from: two organisations, their projects, keys, usage and charges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.openai.families import REQUESTS, USAGE
from sandbox.shared import standin
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.ledger import Ledger

_INPUT = frozenset(family.name for family in USAGE if "input_tokens" in family.measures)
_OUTPUT = frozenset(family.name for family in USAGE if "output_tokens" in family.measures)


@dataclass
class Fact:
    """What one project, key and model did on one day, or (family `costs`) what that cost.

    Counts that the family does not have stay 0. `amount` is USD, exact.
    """

    at: datetime
    family: str
    project_id: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    model: str | None = None
    """For costs the truth behind `line_item`, None where the line belongs to no model; not served."""
    batch: bool | None = None
    service_tier: str | None = None
    api_source: str | None = None
    size: str | None = None
    source: str | None = None
    vector_store_id: str | None = None
    context_level: str | None = None
    line_item: str | None = None

    input_tokens: int = 0
    input_cached_tokens: int = 0
    input_cache_write_tokens: int = 0
    input_uncached_tokens: int = 0
    output_tokens: int = 0
    input_audio_tokens: int = 0
    input_cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    input_cached_image_tokens: int = 0
    output_image_tokens: int = 0
    num_model_requests: int = 0
    images: int = 0
    characters: int = 0
    seconds: int = 0
    usage_bytes: int = 0
    num_sessions: int = 0
    num_requests: int = 0

    amount: Decimal | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None

    @property
    def input_text_tokens(self) -> int:
        """Fresh tokens that are text."""
        return self.input_uncached_tokens - self.input_audio_tokens - self.input_image_tokens

    @property
    def input_cached_text_tokens(self) -> int:
        """Tokens from the cache that are text."""
        return self.input_cached_tokens - self.input_cached_audio_tokens - self.input_cached_image_tokens

    @property
    def output_text_tokens(self) -> int:
        """Tokens out that are text."""
        return self.output_tokens - self.output_audio_tokens - self.output_image_tokens


@dataclass
class Key:
    """A project's API key, as the registry lists it."""

    id: str
    name: str
    project_id: str
    created_at: datetime
    last_used_at: datetime | None = None
    owner_access: str = "active"
    """`inactive`: the owner has left the project; listed only on request, and still able to work."""
    service_account: bool = False


@dataclass
class Project:
    """A project, as the registry lists it."""

    id: str
    name: str | None
    created_at: datetime
    archived_at: datetime | None = None


@dataclass
class Account(standin.Account[Fact]):
    """One organisation and the keys that open it."""

    name: str
    key: str
    """Admin key with all permissions."""
    limited_key: str
    """Admin key that may read usage and costs, but no registry."""
    registry_key: str
    """Admin key that may read the registry, but neither usage nor costs."""
    project_key: str
    """A key of the wrong kind: for calling models."""
    expired_key: str
    """An admin key that was good once."""
    organization_id: str
    organization_name: str
    projects: list[Project]
    keys: list[Key]
    ledger: Ledger[Fact]


def bill(account: Account, month: str) -> Bill:
    """One row a project, straight from the facts.

    A figure is None where no fact carries it: tokens of a project that only makes images, the cost of one that only
    moderates. `models` names models by what was billed, and non-model charges by their line item.
    """
    names = {project.id: project.name for project in account.projects}
    facts = account.facts(month)
    projects = sorted({fact.project_id or "" for fact in facts})
    return Bill(
        tuple(_row(project, names, [f for f in facts if (f.project_id or "") == project]) for project in projects)
    )


def _row(project: str, names: dict[str, str | None], facts: list[Fact]) -> BillRow:
    charges = [fact for fact in facts if fact.amount is not None]
    models: dict[str, Decimal | None] = {fact.model: None for fact in facts if fact.model and fact.family != "costs"}
    for charge in charges:
        name = charge.model or charge.line_item or ""
        models[name] = (models.get(name) or Decimal(0)) + (charge.amount or Decimal(0))
    return BillRow(
        workspace="",
        key=project,
        name=names.get(project),
        cost=sum((charge.amount or Decimal(0) for charge in charges), Decimal(0)) if charges else None,
        tokens_input=_total(fact.input_tokens for fact in facts if fact.family in _INPUT),
        tokens_output=_total(fact.output_tokens for fact in facts if fact.family in _OUTPUT),
        requests=_total(fact.num_model_requests for fact in facts if fact.family in REQUESTS),
        models=models,
    )


def _total(counts: Iterable[int]) -> int | None:
    known = list(counts)
    return sum(known) if known else None
