"""The stand-in of Anthropic's organisation endpoints."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.anthropic import analytics, cast, legacy, registry
from sandbox.anthropic.registry import NEW, OLD
from sandbox.anthropic.world import Account, bill_by_key, bill_by_workspace
from sandbox.shared.bill import Bill
from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.query import Query, Refused

Json = dict[str, object]
Handler = Callable[[Account, Request, Query], Json]

_ANALYTICS_BETA, _FAST_BETA = "analytics-usage-cost-2026-08-24", "fast-mode-2026-02-01"
_NOT_FOUND = "The requested resource could not be found."
_ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    410: "invalid_request_error",
}


class AnthropicApi:
    """One organisation behind `/v1/organizations/…`: both generations of reports, and the registry.

    Args:
        now: The clock; facts of the running month end there.
        seed: Another seed, other ids and other figures.
    """

    name = "anthropic"
    mount = "/anthropic"

    page_size: int | None = None
    """Rows, buckets or registry entries in a page, at most, whatever the client asked for."""
    refresh_every: timedelta = timedelta(hours=4)
    """How often the analytics reports take in new data; a cursor does not outlive it (410)."""
    lag: timedelta = timedelta(0)
    """How much later than the last refresh the analytics reports are."""
    wrong_kind_status: Literal[401, 403] = 401
    """Status for a workspace's key; not documented."""
    beta_missing_status: Literal[400, 404] = 400
    """Status of the analytics reports without their beta header; not documented."""
    default_listed: bool = True
    """Whether the list of workspaces knows `include_default`; 400 if not."""
    archived_keys_listed: bool = True
    """Whether the list of keys holds archived ones when no status is asked for; not documented."""

    def __init__(self, now: Callable[[], datetime], seed: int = 1) -> None:
        self.now = now
        self.accounts: list[Account] = [cast.account("", seed, now)]
        self.legacy_versions: set[str] = {OLD, NEW}
        """API versions that the older reports accept; only the older one is documented."""
        self.absent: set[str] = set()
        """Paths that answer 404, such as `/v1/organizations/analytics/cost`."""
        self.forbidden: set[str] = set()
        """Paths that answer 403 to every key."""
        self._ids = itertools.count(1)
        self._app = self._routes()

    @property
    def app(self) -> Starlette:
        """The routes, relative to `mount`."""
        return self._app

    def environment(self, base_url: str) -> dict[str, str]:
        """Environment variables that point a client here, with the keys of all accounts."""
        keys = {"_".join(filter(None, ("ANTHROPIC_ADMIN_KEY", one.name))): one.key for one in self.accounts}
        return {"ANTHROPIC_ADMIN_BASE_URL": base_url} | keys

    def bill(self, account: Account, month: str) -> Bill:
        """The account's month by key, or by workspace where only the older reports reach."""
        if analytics.reaches(datetime.fromisoformat(month + "-01T00:00:00+00:00"), self.now()):
            return bill_by_key(account, [fact for fact in account.facts(month) if fact.at < self.refreshed_at])
        return bill_by_workspace(account, account.facts(month))

    @property
    def refreshed_at(self) -> datetime:
        """How far the analytics reports know the facts."""
        step = self.refresh_every.total_seconds()
        return datetime.fromtimestamp((self.now() - self.lag).timestamp() // step * step, UTC)

    def _routes(self) -> Starlette:
        def get(path: str, handler: Handler) -> Route:
            return Route("/v1/organizations" + path, self._endpoint(handler), methods=["GET"])

        return Starlette(
            routes=[
                get("/me", self._me),
                get("/analytics/usage", self._analytics("usage")),
                get("/analytics/cost", self._analytics("cost")),
                get("/usage_report/messages", self._usage_report),
                get("/cost_report", self._cost_report),
                get("/workspaces", self._workspaces),
                get("/workspaces/{id}", self._workspace),
                get("/api_keys", self._keys),
                get("/api_keys/{id}", self._key),
            ],
            exception_handlers={404: self._no_route, 405: self._no_method},
        )

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                account = self._account(request)
                self._check(request)
                body = handler(account, request, Query(request.query_params.multi_items()))
            except Refused as error:
                return self._error(error.status, error.message, error.code)
            return ExactJSONResponse(body, headers={"request-id": self._request_id()})

        return answer

    def _check(self, request: Request) -> None:
        if request.headers.get("anthropic-version") not in (OLD, NEW):
            raise Refused(f"anthropic-version: header is required and has to be {OLD} or {NEW}")
        if request.url.path in self.absent:
            raise Refused(_NOT_FOUND, status=404)

    def _account(self, request: Request) -> Account:
        key = request.headers.get("x-api-key")
        if key is None:
            raise Refused("x-api-key header is required", status=401)
        path = request.url.path
        for account in self.accounts:
            allowed = key == account.key or (key == account.limited_key and "/analytics/" in path)
            if allowed and path not in self.forbidden:
                return account
            if key in (account.key, account.limited_key):
                raise Refused("The API key lacks the scope for this.", status=403, code="api_key_scope_missing")
            if key == account.workspace_key:
                break
        else:
            raise Refused("invalid x-api-key", status=401)
        raise Refused("An admin key is required.", status=self.wrong_kind_status)

    def _me(self, account: Account, _: Request, query: Query) -> Json:
        query.finish()
        return {"id": account.organization_id, "type": "organization", "name": account.organization_name}

    def _analytics(self, kind: analytics.Kind) -> Handler:
        def answer(account: Account, request: Request, query: Query) -> Json:
            if _ANALYTICS_BETA not in _betas(request):
                raise Refused(f"anthropic-beta: {_ANALYTICS_BETA} is required", status=self.beta_missing_status)
            return analytics.report(
                kind, account, query, now=self.now(), refreshed_at=self.refreshed_at, most=self.page_size
            )

        return answer

    def _usage_report(self, account: Account, request: Request, query: Query) -> Json:
        self._check_legacy(request)
        fast = _FAST_BETA in _betas(request)
        return legacy.usage_report(account, query, now=self.now(), fast_mode=fast, most=self.page_size)

    def _cost_report(self, account: Account, request: Request, query: Query) -> Json:
        self._check_legacy(request)
        return legacy.cost_report(account, query, now=self.now(), most=self.page_size)

    def _check_legacy(self, request: Request) -> None:
        if request.headers["anthropic-version"] not in self.legacy_versions:
            raise Refused("This endpoint is not part of this version of the API.")

    def _workspaces(self, account: Account, _: Request, query: Query) -> Json:
        return registry.workspaces(account, query, default_listed=self.default_listed, most=self.page_size)

    def _workspace(self, account: Account, request: Request, query: Query) -> Json:
        query.finish()
        return registry.workspace(account, request.path_params["id"])

    def _keys(self, account: Account, request: Request, query: Query) -> Json:
        version, archived = request.headers["anthropic-version"], self.archived_keys_listed
        return registry.api_keys(account, query, version, archived_listed=archived, most=self.page_size)

    def _key(self, account: Account, request: Request, query: Query) -> Json:
        query.finish()
        return registry.api_key(account, request.path_params["id"], request.headers["anthropic-version"])

    def _request_id(self) -> str:
        return f"req_sandbox_{next(self._ids):08d}"

    async def _no_route(self, _: Request, __: Exception) -> Response:
        return self._error(404, _NOT_FOUND, None)

    async def _no_method(self, _: Request, __: Exception) -> Response:
        return self._error(405, "Method Not Allowed", None)

    def _error(self, status: int, message: str, code: str | None) -> Response:
        request_id = self._request_id()
        details: Json = {} if code is None else {"details": {"error_code": code}}
        error = {"type": _ERRORS.get(status, "invalid_request_error"), "message": message} | details
        body = {"type": "error", "error": error, "request_id": request_id}
        return ExactJSONResponse(body, status, headers={"request-id": request_id})


def _betas(request: Request) -> set[str]:
    return {part.strip() for header in request.headers.getlist("anthropic-beta") for part in header.split(",")}
