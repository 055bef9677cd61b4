"""The ElevenLabs stand-in: keys and their permissions, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from sandbox.elevenlabs import world
from sandbox.elevenlabs.analytics import CostQuestion, CreditQuestion, cost_table, credit_table, moment
from sandbox.elevenlabs.refusals import older, refusal, unreadable, wrong_fields
from sandbox.elevenlabs.stats import StatsQuestion, stats
from sandbox.elevenlabs.switches import Switches
from sandbox.elevenlabs.world import Account, Fact, Key
from sandbox.shared import standin
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.ledger import following
from sandbox.shared.query import Refused
from sandbox.shared.standin import Clock

Q = TypeVar("Q", bound=BaseModel)
Call = standin.Call[Account]
Cast = Callable[[Clock, int], list[Account]]
Handler = standin.Handler[Account]
_LARGEST_BUCKET = timedelta(days=31)


class ElevenLabsApi(standin.StandIn[Account], Switches):
    """One ElevenLabs workspace.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
        cast: Who works there; by default organisations with awkward names, as real ones have.
    """

    name = "elevenlabs"
    mount = "/elevenlabs"
    key_variable = "ELEVENLABS_API_KEY"
    address_variable = "ELEVENLABS_BASE_URL"

    def __init__(self, now: Clock, seed: int = 1, cast: Cast = world.accounts) -> None:
        super().__init__(now, cast(now, seed))

    def routes(self) -> Mapping[str, Handler]:
        """Analytics old and new, the subscription, and the keys of service accounts."""
        return {
            "POST /v1/workspace/analytics/query/usage-by-product-over-time": self._credits,
            "POST /v1/workspace/analytics/usage": self._costs,
            "GET /v1/usage/character-stats": self._stats,
            "GET /v1/user/subscription": self._subscription,
            "GET /v1/service-accounts": self._service_accounts,
            "GET /v1/service-accounts/{owner}/api-keys": self._keys,
        }

    def enter(self, request: Request) -> Account:
        """The workspace of the key, which has to have the permission for the path."""
        key = _key_of(request)
        if not key:
            raise refusal(401, "authentication_error", "needs_authorization", "The header xi-api-key is missing.")
        for account in self.accounts:
            permissions = account.permissions(key)
            if permissions is None:
                continue
            wanted = next(permission for part, permission in _PERMISSIONS.items() if part in request.url.path)
            if wanted not in permissions and not (self.limited_sees_own and wanted == _ANALYTICS):
                raise older(401, "missing_permissions", _MISSING.format(wanted))
            return account
        if self.wrong_key_status == 400:
            raise refusal(400, "authentication_error", "invalid_api_key", "The API key is not valid.")
        raise older(401, "invalid_api_key", "Invalid API key")

    def refusal(self, error: Refused, _request_id: str, /) -> object:
        """The framework's own refusals; the others bring their bodies."""
        return {"detail": error.message}

    def bill(self, account: Account, month: str) -> Bill:
        """One row for each API key, from the facts. Usage that belongs to no model stands under `""`.

        Cost is None where the workspace's currency is not USD, or where neither analytics nor `character-stats` tell
        it. Requests are None for a key with days billed by cost: the analytics of such days do not count them.
        """
        keys = dict.fromkeys(fact.key for fact in account.facts(month))
        names = {key.hash: key.name for owner in account.service_accounts for key in owner.keys}
        rows = []
        for key in keys:
            facts = [fact for fact in account.facts(month) if fact.key == key]
            models = dict.fromkeys(fact.model or "" for fact in facts)
            rows.append(
                BillRow(
                    workspace="",
                    key=key or "",
                    name=names.get(key or ""),
                    cost=_cost(account, facts),
                    tokens_input=None,
                    tokens_output=None,
                    requests=_requests(account, facts),
                    models={name: _cost(account, [f for f in facts if (f.model or "") == name]) for name in models},
                )
            )
        return Bill(tuple(rows))

    def _credits(self, call: Call) -> object:
        account = call.account
        question = _body(call, CreditQuestion)
        last = moment(question.end_time) - timedelta(milliseconds=1)
        if account.by_cost(last.date()):
            raise refusal(
                self.moved_status,
                "invalid_request",
                "cost_billed_range",
                "This range reaches into days billed by cost. Use POST /v1/workspace/analytics/usage for them.",
            )
        facts = self._facts(account, question.start_time, question.end_time, _sees_own(call))
        facts = [fact for fact in facts if not account.by_cost(fact.at.date())]
        return credit_table(account, question, facts, self)

    def _costs(self, call: Call) -> object:
        account = call.account
        question = _body(call, CostQuestion)
        facts = self._facts(account, question.start_time, question.end_time, _sees_own(call))
        facts = [fact for fact in facts if account.by_cost(fact.at.date())]
        return cost_table(account, question, facts, self)

    def _stats(self, call: Call) -> object:
        account = call.account
        _once(call.request)
        try:
            question = StatsQuestion.model_validate(dict(call.request.query_params))
        except ValidationError as error:
            raise unreadable(error, "query") from None
        own = _sees_own(call) or not question.include_workspace_metrics
        facts = self._facts(account, question.start_unix, question.end_unix, own)
        return stats(account, question, facts, self)

    def _subscription(self, call: Call) -> object:
        _none(call.request)
        return _subscription(call.account, self.now())

    def _service_accounts(self, call: Call) -> object:
        _none(call.request)
        owners = [
            {
                "service_account_user_id": owner.id,
                "name": owner.name,
                "created_at_unix": 1_735_689_600,
                "api-keys": [_key(key, owner.id) for key in owner.keys],
                "default_sharing_groups": [],
            }
            for owner in call.account.service_accounts
        ]
        return {"service-accounts": owners}

    def _keys(self, call: Call) -> object:
        _none(call.request)
        for owner in call.account.service_accounts:
            if owner.id == call.part("owner"):
                return {"api-keys": [_key(key, owner.id) for key in owner.keys]}
        raise refusal(404, "not_found", "service_account_not_found", "There is no such service account.")

    def _facts(self, account: Account, start: int, end: int, own: bool) -> Iterable[Fact]:
        # The buckets at both ends are served whole, so they reach further than what was asked for.
        first = max(moment(start).date() - _LARGEST_BUCKET, date(2020, 1, 1))
        last = min(moment(end).date(), self.now().date()) + _LARGEST_BUCKET
        return [fact for fact in account.ledger.days(first, last) if not own or fact.key == account.own_hash]


_MISSING = "The API key you used is missing the permission {} to execute this operation."
_ANALYTICS = "workspace_analytics_full_read"
_PERMISSIONS = {
    "/analytics/": _ANALYTICS,
    "/character-stats": _ANALYTICS,
    "/subscription": "user_read",
    "/service-accounts": "workspace_read",
}
"""What a key needs, by a part of the path."""


def _key_of(request: Request) -> str:
    return request.headers.get("xi-api-key", "")


def _sees_own(call: Call) -> bool:
    return _ANALYTICS not in (call.account.permissions(_key_of(call.request)) or ())


def _body(call: Call, kind: type[Q]) -> Q:
    _none(call.request)
    try:
        return kind.model_validate_json(call.body)
    except ValidationError as error:
        raise unreadable(error, "body") from None


def _none(request: Request) -> None:
    for name in request.query_params:
        raise wrong_fields(
            [{"loc": ["query", name], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]
        )


def _once(request: Request) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise wrong_fields([{"loc": ["query", name], "msg": "Input may be given once", "type": "value_error"}])


def _key(key: Key, owner: str) -> dict[str, Any]:
    return {
        "name": key.name,
        "hint": key.hint,
        "key_id": key.key_id,
        "service_account_user_id": owner,
        "created_at_unix": 1_735_689_600,
        "is_disabled": key.disabled,
        "permissions": ["text_to_speech"],
        "character_limit": None,
        "character_count": 0,
        "hashed_xi_api_key": key.hash,
    }


def _cost(account: Account, facts: list[Fact]) -> Decimal | None:
    told = account.money_column or account.fiat_metric == "money"
    if account.currency != "usd" or not all(told or account.by_cost(fact.at.date()) for fact in facts):
        return None
    return sum((fact.money for fact in facts), Decimal(0))


def _requests(account: Account, facts: list[Fact]) -> int | None:
    if any(account.by_cost(fact.at.date()) for fact in facts):
        return None
    return sum(fact.requests for fact in facts)


def _subscription(account: Account, now: datetime) -> dict[str, Any]:
    month = now.date().isoformat()[:7]
    used = sum((fact.credits for fact in account.facts(month)), Decimal(0))
    return {
        "tier": account.tier,
        "character_count": int(used),
        "character_limit": 11_000_000,
        "max_character_limit_extension": None,
        "max_credit_limit_extension": "unlimited",
        "can_extend_character_limit": True,
        "allowed_to_extend_character_limit": True,
        "next_character_count_reset_unix": int(following(month).timestamp()),
        "voice_slots_used": 3,
        "professional_voice_slots_used": 1,
        "professional_voice_slots_used_in_workspace": 1,
        "voice_limit": 660,
        "max_voice_add_edits": None,
        "voice_add_edit_counter": 12,
        "professional_voice_limit": 10,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": True,
        "has_used_starter_coupon_on_account": False,
        "has_used_creator_coupon_on_account": False,
        "current_overage": {"amount": "0", "currency": account.currency},
        "currency": account.currency,
        "status": "active",
        "billing_period": "monthly_period",
        "character_refresh_period": "monthly_period",
        "next_invoice": None,
        "pending_change": None,
        "open_invoices": [],
        "has_open_invoices": False,
    }
