"""The OpenRouter stand-in: keys, workspaces, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.openrouter import activity, analytics, registry, vocabulary, world
from sandbox.openrouter.question import Question
from sandbox.openrouter.refusals import answer_refusal, not_found
from sandbox.openrouter.switches import Switches
from sandbox.openrouter.world import Account, Fact
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.query import Query, Refused

_KEYS_PER_PAGE = 100


class OpenRouterApi(Switches):
    """One OpenRouter organisation with several workspaces.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
    """

    name = "openrouter"
    mount = "/openrouter/api/v1"

    def __init__(self, now: Callable[[], datetime], seed: int = 1) -> None:
        super().__init__()
        self._now = now
        self.accounts = world.accounts(now, seed)
        self.app = Starlette(
            routes=[
                Route("/analytics/query", self._query, methods=["POST"]),
                Route("/analytics/meta", self._meta, methods=["GET"]),
                Route("/activity", self._activity, methods=["GET"]),
                Route("/workspaces", self._workspaces, methods=["GET"]),
                Route("/workspaces/{id}", self._one_workspace, methods=["GET"]),
                Route("/keys", self._keys, methods=["GET"]),
                Route("/keys/{hash}", self._one_key, methods=["GET"]),
                Route("/key", self._own_key, methods=["GET"]),
                Route("/credits", self._credits, methods=["GET"]),
            ],
            exception_handlers={Refused: answer_refusal, HTTPException: answer_refusal},
        )
        self.app.router.redirect_slashes = False

    def environment(self, base_url: str) -> dict[str, str]:
        """Base URL and keys under the names that the product reads."""
        keys = {f"OPENROUTER_MANAGEMENT_KEY{'_' * bool(a.name)}{a.name}": a.key for a in self.accounts}
        return {"OPENROUTER_BASE_URL": base_url, **keys}

    def bill(self, account: Account, month: str) -> Bill:
        """One row for each workspace and key. Cost is what was charged to OpenRouter credits.

        A deleted key has no hash that anyone could read: it stands under `label:<name>`, or under `""` where rows do
        not carry its name.
        """
        groups: dict[tuple[str, str], list[Fact]] = {}
        deleted = {key.hash: f"label:{key.shown}" if self.deleted_label else "" for key in account.deleted}
        for fact in account.facts(month):
            key = "" if fact.key is None else deleted.get(fact.key, fact.key)
            groups.setdefault((fact.workspace, key), []).append(fact)
        names = {key.hash: key.name for key in account.keys}
        return Bill(
            tuple(
                BillRow(
                    workspace=workspace,
                    key=key,
                    name=names.get(key),
                    cost=_credits(facts),
                    tokens_input=sum(fact.prompt for fact in facts),
                    tokens_output=sum(fact.completion for fact in facts),
                    requests=sum(fact.requests for fact in facts),
                    models={
                        model: _credits([fact for fact in facts if fact.model == model])
                        for model in dict.fromkeys(fact.model for fact in facts)
                    },
                )
                for (workspace, key), facts in groups.items()
            )
        )

    async def _query(self, request: Request) -> Response:
        account = self._enter(request)
        self._parameters(request).finish()
        question = Question.read(await request.body())
        return ExactJSONResponse(analytics.answer(account, question, self._now(), self))

    async def _meta(self, request: Request) -> Response:
        self._enter(request)
        self._parameters(request).finish()
        return ExactJSONResponse({"data": vocabulary.meta()})

    async def _activity(self, request: Request) -> Response:
        account, query = self._enter(request), self._parameters(request)
        return ExactJSONResponse({"data": activity.rows(account, query, self._now().date(), self)})

    async def _workspaces(self, request: Request) -> Response:
        account, query = self._enter(request), self._parameters(request)
        offset, limit = query.integer("offset") or 0, query.integer("limit", low=1, high=100) or 50
        query.finish()
        limit = min(limit, self.page_size or limit)
        page = [registry.workspace(item) for item in account.workspaces[offset : offset + limit]]
        return ExactJSONResponse({"data": page, "total_count": len(account.workspaces)})

    async def _one_workspace(self, request: Request) -> Response:
        account = self._enter(request)
        self._parameters(request).finish()
        for item in account.workspaces:
            if request.path_params["id"] in (item.id, item.slug):
                return ExactJSONResponse({"data": registry.workspace(item)})
        raise not_found()

    async def _keys(self, request: Request) -> Response:
        account, query = self._enter(request), self._parameters(request)
        offset, wanted = query.integer("offset") or 0, query.text("workspace_id")
        disabled, expired = query.flag("include_disabled"), query.flag("include_expired")
        query.finish()
        workspace = account.workspaces[0].id if wanted is None else _workspace(account, wanted)
        listed = [
            key
            for key in account.keys
            if key.workspace == workspace and (disabled or not key.disabled) and (expired or not key.expired)
        ]
        spent = registry.Spent(account, self._now())
        page = [registry.key(key, spent) for key in listed[offset : offset + _KEYS_PER_PAGE]]
        return ExactJSONResponse({"data": page})

    async def _one_key(self, request: Request) -> Response:
        account = self._enter(request)
        self._parameters(request).finish()
        for key in account.keys:
            if key.hash == request.path_params["hash"]:
                return ExactJSONResponse({"data": registry.key(key, registry.Spent(account, self._now()))})
        raise not_found()

    async def _own_key(self, request: Request) -> Response:
        account = self._enter(request, any_key=True)
        self._parameters(request).finish()
        return ExactJSONResponse({"data": registry.own_key(account, management=_bearer(request) == account.key)})

    async def _credits(self, request: Request) -> Response:
        account = self._enter(request)
        self._parameters(request).finish()
        spent = registry.Spent(account, self._now())
        return ExactJSONResponse({"data": {"total_credits": account.credits_bought, "total_usage": spent.total}})

    def _parameters(self, request: Request) -> Query:
        return Query(request.query_params.multi_items())

    def _enter(self, request: Request, *, any_key: bool = False) -> Account:
        """The organisation of the key."""
        if any(request.url.path.endswith(end) for end in self.absent):
            raise not_found()
        bearer = _bearer(request)
        if not bearer:
            raise Refused("Missing Authentication header", status=401)
        for account in self.accounts:
            if bearer == account.key or (any_key and bearer == account.inference_key):
                return account
            if bearer == account.inference_key:
                raise Refused("Only management keys can perform this operation", status=403)
        raise Refused("User not found", status=401)


def _bearer(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def _workspace(account: Account, wanted: str) -> str:
    """A workspace's id.

    Raises:
        Refused: 400 for what is no UUID, 404 for an unknown one.
    """
    try:
        wanted = str(UUID(wanted))
    except ValueError:
        raise Refused("workspace_id: Invalid UUID", param="workspace_id") from None
    if wanted not in {item.id for item in account.workspaces}:
        raise not_found()
    return wanted


def _credits(facts: list[Fact]) -> Decimal:
    return sum((fact.credits for fact in facts), Decimal(0))
