"""The ElevenLabs stand-in: keys and their permissions, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.elevenlabs import world
from sandbox.elevenlabs.analytics import CostQuestion, CreditQuestion, cost_table, credit_table, moment
from sandbox.elevenlabs.refusals import Refusal, answer_refusal, older, refusal, unreadable
from sandbox.elevenlabs.stats import StatsQuestion, stats
from sandbox.elevenlabs.switches import Switches
from sandbox.elevenlabs.world import Account, Fact, Key
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.ledger import following

Q = TypeVar("Q", bound=BaseModel)
_LARGEST_BUCKET = timedelta(days=31)


class ElevenLabsApi(Switches):
    """One ElevenLabs workspace.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
    """

    name = "elevenlabs"
    mount = "/elevenlabs"

    def __init__(self, now: Callable[[], datetime], seed: int = 1) -> None:
        super().__init__()
        self._now = now
        self.accounts = world.accounts(now, seed)
        self.app = Starlette(
            routes=[
                Route("/v1/workspace/analytics/query/usage-by-product-over-time", self._credits, methods=["POST"]),
                Route("/v1/workspace/analytics/usage", self._costs, methods=["POST"]),
                Route("/v1/usage/character-stats", self._stats, methods=["GET"]),
                Route("/v1/user/subscription", self._subscription, methods=["GET"]),
                Route("/v1/service-accounts", self._service_accounts, methods=["GET"]),
                Route("/v1/service-accounts/{owner}/api-keys", self._keys, methods=["GET"]),
            ],
            exception_handlers={Refusal: answer_refusal, HTTPException: answer_refusal},
        )
        self.app.router.redirect_slashes = False

    def environment(self, base_url: str) -> dict[str, str]:
        """Base URL and keys under the names that the product reads."""
        keys = {f"ELEVENLABS_API_KEY{'_' * bool(a.name)}{a.name}": a.key for a in self.accounts}
        return {"ELEVENLABS_BASE_URL": base_url, **keys}

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

    async def _credits(self, request: Request) -> Response:
        account, own = self._enter(request, "workspace_analytics_full_read")
        question = await _body(request, CreditQuestion)
        last = moment(question.end_time) - timedelta(milliseconds=1)
        if account.by_cost(last.date()):
            raise refusal(
                self.moved_status,
                "invalid_request",
                "cost_billed_range",
                "This range reaches into days billed by cost. Use POST /v1/workspace/analytics/usage for them.",
            )
        facts = self._facts(account, question.start_time, question.end_time, own)
        facts = [fact for fact in facts if not account.by_cost(fact.at.date())]
        return ExactJSONResponse(credit_table(account, question, facts, self))

    async def _costs(self, request: Request) -> Response:
        account, own = self._enter(request, "workspace_analytics_full_read")
        question = await _body(request, CostQuestion)
        facts = self._facts(account, question.start_time, question.end_time, own)
        facts = [fact for fact in facts if account.by_cost(fact.at.date())]
        return ExactJSONResponse(cost_table(account, question, facts, self))

    async def _stats(self, request: Request) -> Response:
        account, own = self._enter(request, "workspace_analytics_full_read")
        _once(request)
        try:
            question = StatsQuestion.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise unreadable(error, "query") from None
        own = own or not question.include_workspace_metrics
        facts = self._facts(account, question.start_unix, question.end_unix, own)
        return ExactJSONResponse(stats(account, question, facts, self))

    async def _subscription(self, request: Request) -> Response:
        account, _ = self._enter(request, "user_read")
        _none(request)
        return ExactJSONResponse(_subscription(account, self._now()))

    async def _service_accounts(self, request: Request) -> Response:
        account, _ = self._enter(request, "workspace_read")
        _none(request)
        owners = [
            {
                "service_account_user_id": owner.id,
                "name": owner.name,
                "created_at_unix": 1_735_689_600,
                "api-keys": [_key(key, owner.id) for key in owner.keys],
                "default_sharing_groups": [],
            }
            for owner in account.service_accounts
        ]
        return ExactJSONResponse({"service-accounts": owners})

    async def _keys(self, request: Request) -> Response:
        account, _ = self._enter(request, "workspace_read")
        _none(request)
        for owner in account.service_accounts:
            if owner.id == request.path_params["owner"]:
                return ExactJSONResponse({"api-keys": [_key(key, owner.id) for key in owner.keys]})
        raise refusal(404, "not_found", "service_account_not_found", "There is no such service account.")

    def _enter(self, request: Request, permission: str) -> tuple[Account, bool]:
        """The workspace of the key, and whether it sees only its own usage."""
        if any(request.url.path.endswith(end) for end in self.absent):
            raise HTTPException(404)
        key = request.headers.get("xi-api-key")
        if not key:
            raise refusal(401, "authentication_error", "needs_authorization", "The header xi-api-key is missing.")
        for account in self.accounts:
            permissions = account.permissions(key)
            if permissions is None:
                continue
            missing = permission not in permissions
            if missing and not (self.limited_sees_own and permission == "workspace_analytics_full_read"):
                raise older(401, "missing_permissions", _MISSING.format(permission))
            return account, missing
        if self.wrong_key_status == 400:
            raise refusal(400, "authentication_error", "invalid_api_key", "The API key is not valid.")
        raise older(401, "invalid_api_key", "Invalid API key")

    def _facts(self, account: Account, start: int, end: int, own: bool) -> Iterable[Fact]:
        # The buckets at both ends are served whole, so they reach further than what was asked for.
        first = max(moment(start).date() - _LARGEST_BUCKET, date(2020, 1, 1))
        last = min(moment(end).date(), self._now().date()) + _LARGEST_BUCKET
        return [fact for fact in account.ledger.days(first, last) if not own or fact.key == account.own_hash]


_MISSING = "The API key you used is missing the permission {} to execute this operation."


async def _body(request: Request, kind: type[Q]) -> Q:
    _none(request)
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise unreadable(error, "body") from None


def _none(request: Request) -> None:
    for name in request.query_params:
        raise Refusal(
            422, [{"loc": ["query", name], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]
        )


def _once(request: Request) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(422, [{"loc": ["query", name], "msg": "Input may be given once", "type": "value_error"}])


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
