"""The OpenRouter stand-in: keys, workspaces, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.openrouter import analytics, registry, world
from sandbox.openrouter.question import Question
from sandbox.openrouter.registry import not_found
from sandbox.openrouter.switches import Switches
from sandbox.openrouter.world import Account, Fact
from sandbox.shared import standin
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.query import Refused
from sandbox.shared.standin import Clock

_KEYS_PER_PAGE = 100
Call = standin.Call[Account]
Cast = Callable[[Clock, int], list[Account]]
Handler = standin.Handler[Account]


class OpenRouterApi(standin.StandIn[Account], Switches):
    """One OpenRouter organisation with several workspaces.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
        cast: Who works there; by default organisations with awkward names, as real ones have.
    """

    name = "openrouter"
    mount = "/openrouter/api/v1"
    key_variable = "OPENROUTER_MANAGEMENT_KEY"
    address_variable = "OPENROUTER_BASE_URL"

    def __init__(self, now: Clock, seed: int = 1, cast: Cast = world.accounts) -> None:
        super().__init__(now, cast(now, seed))

    def routes(self) -> Mapping[str, Handler]:
        """Reports, and the registry of workspaces and keys."""
        return {
            "POST /analytics/query": self._query,
            "GET /workspaces": self._workspaces,
            "GET /keys": self._keys,
            "GET /key": self._own_key,
        }

    def enter(self, request: Request) -> Account:
        """The organisation of the key: of the management key, or of any for what a key may ask about itself."""
        bearer = _bearer(request)
        if not bearer:
            raise Refused("Missing Authentication header", status=401)
        for account in self.accounts:
            if bearer == account.key or (bearer == account.inference_key and request.url.path == "/key"):
                return account
            if bearer == account.inference_key:
                raise Refused("Only management keys can perform this operation", status=403)
        raise Refused("User not found", status=401)

    def refusal(self, error: Refused, _request_id: str, /) -> object:
        """Always the same body; `code` repeats the status."""
        return {"error": {"code": error.status, "message": error.message}}

    def lost(self, request: Request, error: HTTPException, /) -> Refused:
        """A path that there is not reads like a thing that there is not."""
        return not_found() if error.status_code == 404 else super().lost(request, error)

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

    def _query(self, call: Call) -> object:
        call.query.finish()
        return analytics.answer(call.account, Question.read(call.body), self.now(), self)

    def _workspaces(self, call: Call) -> object:
        account, query = call.account, call.query
        offset, limit = query.integer("offset") or 0, query.integer("limit", low=1, high=100) or 50
        query.finish()
        limit = min(limit, self.page_size or limit)
        page = [registry.workspace(item) for item in account.workspaces[offset : offset + limit]]
        return {"data": page, "total_count": len(account.workspaces)}

    def _keys(self, call: Call) -> object:
        account, query = call.account, call.query
        offset, wanted = query.integer("offset") or 0, query.text("workspace_id")
        disabled, expired = query.flag("include_disabled"), query.flag("include_expired")
        query.finish()
        workspace = account.workspaces[0].id if wanted is None else _workspace(account, wanted)
        listed = [
            key
            for key in account.keys
            if key.workspace == workspace and (disabled or not key.disabled) and (expired or not key.expired)
        ]
        spent = registry.Spent(account, self.now())
        return {"data": [registry.key(key, spent) for key in listed[offset : offset + _KEYS_PER_PAGE]]}

    def _own_key(self, call: Call) -> object:
        call.query.finish()
        return {"data": registry.own_key(call.account, management=_bearer(call.request) == call.account.key)}


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
