"""The stand-in of Anthropic's organisation endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.anthropic import analytics, legacy, registry
from sandbox.anthropic.cast import accounts
from sandbox.anthropic.registry import NEW, OLD
from sandbox.anthropic.world import Account, bill_by_key, bill_by_workspace
from sandbox.shared import standin
from sandbox.shared.bill import Bill
from sandbox.shared.query import Refused
from sandbox.shared.standin import Clock

Json = dict[str, object]
Call = standin.Call[Account]
Cast = Callable[[Clock, int], list[Account]]
Handler = standin.Handler[Account]

_ANALYTICS_BETA, _FAST_BETA = "analytics-usage-cost-2026-08-24", "fast-mode-2026-02-01"
_NOT_FOUND = "The requested resource could not be found."
_ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    410: "invalid_request_error",
}


class AnthropicApi(standin.StandIn[Account]):
    """One organisation behind `/v1/organizations/…`: both generations of reports, and the registry.

    Args:
        now: The clock; facts of the running month end there.
        seed: Another seed, other ids and other figures.
        cast: Who works there; by default organisations with awkward names, as real ones have.
    """

    name = "anthropic"
    mount = "/anthropic"
    key_variable = "ANTHROPIC_ADMIN_KEY"
    address_variable = "ANTHROPIC_ADMIN_BASE_URL"
    id_header = "request-id"

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

    def __init__(self, now: Clock, seed: int = 1, cast: Cast = accounts) -> None:
        super().__init__(now, cast(now, seed))
        self.legacy_versions: set[str] = {OLD, NEW}
        """API versions that the older reports accept; only the older one is documented."""
        self.forbidden: set[str] = set()
        """Paths that answer 403 to every key."""

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

    def routes(self) -> Mapping[str, Handler]:
        """Both generations of reports, and the registry."""
        organization = "GET /v1/organizations"
        return {
            f"{organization}/me": self._me,
            f"{organization}/analytics/usage": self._analytics("usage"),
            f"{organization}/analytics/cost": self._analytics("cost"),
            f"{organization}/usage_report/messages": self._usage_report,
            f"{organization}/cost_report": self._cost_report,
            f"{organization}/workspaces": self._workspaces,
            f"{organization}/api_keys": self._keys,
        }

    def enter(self, request: Request) -> Account:
        """The organisation of the key, asked with a version of the API that there is."""
        account = self._account(request)
        if request.headers.get("anthropic-version") not in (OLD, NEW):
            raise Refused(f"anthropic-version: header is required and has to be {OLD} or {NEW}")
        return account

    def refusal(self, error: Refused, request_id: str, /) -> Json:
        """An `error` by its kind, with a code where there is one."""
        details: Json = {} if error.code is None else {"details": {"error_code": error.code}}
        kind = _ERRORS.get(error.status, "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": error.message} | details, "request_id": request_id}

    def lost(self, _request: Request, error: HTTPException, /) -> Refused:
        """A sentence of its own for a path that there is not."""
        return Refused(_NOT_FOUND if error.status_code == 404 else error.detail, status=error.status_code)

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

    def _me(self, call: Call) -> Json:
        call.query.finish()
        return {"id": call.account.organization_id, "type": "organization", "name": call.account.organization_name}

    def _analytics(self, kind: analytics.Kind) -> Handler:
        def answer(call: Call) -> Json:
            if _ANALYTICS_BETA not in _betas(call.request):
                raise Refused(f"anthropic-beta: {_ANALYTICS_BETA} is required", status=self.beta_missing_status)
            return analytics.report(
                kind, call.account, call.query, now=self.now(), refreshed_at=self.refreshed_at, most=self.page_size
            )

        return answer

    def _usage_report(self, call: Call) -> Json:
        self._check_legacy(call)
        fast = _FAST_BETA in _betas(call.request)
        return legacy.usage_report(call.account, call.query, now=self.now(), fast_mode=fast, most=self.page_size)

    def _cost_report(self, call: Call) -> Json:
        self._check_legacy(call)
        return legacy.cost_report(call.account, call.query, now=self.now(), most=self.page_size)

    def _check_legacy(self, call: Call) -> None:
        if _version(call) not in self.legacy_versions:
            raise Refused("This endpoint is not part of this version of the API.")

    def _workspaces(self, call: Call) -> Json:
        return registry.workspaces(call.account, call.query, default_listed=self.default_listed, most=self.page_size)

    def _keys(self, call: Call) -> Json:
        archived = self.archived_keys_listed
        return registry.api_keys(
            call.account, call.query, _version(call), archived_listed=archived, most=self.page_size
        )


def _version(call: Call) -> str:
    return call.request.headers["anthropic-version"]


def _betas(request: Request) -> set[str]:
    return {part.strip() for header in request.headers.getlist("anthropic-beta") for part in header.split(",")}
