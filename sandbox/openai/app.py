"""The stand-in of OpenAI's organisation endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.openai import world
from sandbox.openai.buckets import WIDTHS, Amounts, Ask, Json, Style, page
from sandbox.openai.cast import accounts
from sandbox.openai.families import CHOICES, COST_LIMIT, COSTS, LIMITS, USAGE, Family
from sandbox.openai.registry import keys_page, projects_page
from sandbox.openai.world import Account
from sandbox.shared import standin
from sandbox.shared.bill import Bill
from sandbox.shared.query import Query, Refused, seal, unseal
from sandbox.shared.standin import Clock

_USAGE_SCOPE, _REGISTRY_SCOPE = "api.usage.read", "api.management.read"
_LAST_SECOND = 4_102_444_800  # the year 2100
Call = standin.Call[Account]
Cast = Callable[[Clock, int], list[Account]]
Handler = standin.Handler[Account]


class OpenAIApi(standin.StandIn[Account]):
    """Two organisations behind `/organization/usage/…`, `/organization/costs` and `/organization/projects…`.

    Args:
        now: The clock; facts of the running month end there.
        seed: Another seed, other ids and other figures.
        cast: Who works there; by default organisations with awkward names, as real ones have.
    """

    name = "openai"
    mount = "/openai/v1"
    key_variable = "OPENAI_ADMIN_KEY"
    address_variable = "OPENAI_ADMIN_BASE_URL"
    id_header = "x-request-id"

    page_size: int | None = None
    """Buckets or registry entries in a page, at most, whatever the client asked for."""
    rows_per_bucket: int | None = None
    """Continue a bucket with more rows than this on the next page (no cap is documented)."""
    amounts: Amounts = "number"
    """How `amount.value` is written: documented as a number, seen live as decimal text too."""
    undocumented: bool = True
    """Whether answers carry the fields that were seen live and are not documented."""
    split_since: datetime = datetime(2025, 6, 1, tzinfo=UTC)
    """Completions before this lack the split of their input tokens."""
    future_end: Literal["list", "clamp", "refuse"] = "list"
    """What an `end_time` in the future does: empty buckets up to it, an end at now, or 400. Users disagree."""
    earliest: datetime | None = None
    """Answer 400 to a `start_time` before this (retention is not documented)."""
    costs_by_key: bool = True
    """Whether costs can be grouped by `api_key_id`."""
    keys_since: datetime | None = None
    """Costs are told by key from this instant on; asked for earlier, they are refused with a text that names it."""
    costs_by_user: bool = False
    """Whether costs can be grouped by user and project together; only some organisations can."""
    last_ids: bool = True
    """Whether registry pages name their first and last id."""
    wrong_kind_status: Literal[401, 403] = 401
    """Status for a key of another kind; users report both."""
    terse_errors: bool = False
    """Whether the `error` of a missing permission is a plain sentence instead of an object."""

    def __init__(self, now: Clock, seed: int = 1, cast: Cast = accounts) -> None:
        super().__init__(now, cast(now, seed))
        self.forbidden: set[str] = set()
        """Paths that answer 403 to every key."""
        self.lookback: dict[str, date] = {}
        """By path, the first day that a report has; earlier ones are refused with a text that names it."""

    def routes(self) -> Mapping[str, Handler]:
        """Usage by family, costs, and the registry of projects and keys."""
        return {
            **{f"GET /organization/usage/{family.name}": self._buckets(family) for family in USAGE},
            "GET /organization/costs": self._buckets(COSTS),
            "GET /organization/projects": self._projects,
            "GET /organization/projects/{project}/api_keys": self._keys,
        }

    def bill(self, account: Account, month: str) -> Bill:
        """The account's month by project, straight from the facts."""
        return world.bill(account, month)

    def enter(self, request: Request) -> Account:
        """The organisation of the key, which has to have the scope for the path."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not key:
            raise Refused("You didn't provide an API key in an Authorization header (Bearer).", status=401)
        scope = _REGISTRY_SCOPE if request.url.path.startswith("/organization/projects") else _USAGE_SCOPE
        missing = f"You have insufficient permissions for this operation. Missing scopes: {scope}."
        for account in self.accounts:
            scopes = {
                account.key: {_USAGE_SCOPE, _REGISTRY_SCOPE},
                account.limited_key: {_USAGE_SCOPE},
                account.registry_key: {_REGISTRY_SCOPE},
            }
            if scope in scopes.get(key, ()) and request.url.path not in self.forbidden:
                return account
            if key in scopes:
                raise Refused(missing, status=403, code="missing_scope")
            if key == account.project_key:
                raise Refused(missing, status=self.wrong_kind_status, code="missing_scope")
        raise Refused(f"Incorrect API key provided: {key[:8]}***.", status=401, code="invalid_api_key")

    def refusal(self, error: Refused, _request_id: str, /) -> Json:
        """An `error` with four fields."""
        if error.code == "missing_scope" and self.terse_errors:
            return {"error": error.message}
        details = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": error.code}
        return {"error": details}

    def lost(self, request: Request, error: HTTPException, /) -> Refused:
        """The same sentence for a path and for a method that there is not."""
        message = f"Invalid URL ({request.method} {self.mount}{request.url.path})"
        return Refused(message, status=error.status_code)

    def _buckets(self, family: Family) -> Handler:
        def answer(call: Call) -> Json:
            ask, position = self._ask(family, call.query)
            style = Style(self.amounts, self.undocumented, self.rows_per_bucket, self.split_since)
            data, rest = page(call.account, ask, *position, style)
            token = seal(f"{rest[0]}:{rest[1]}:{ask.end}", scope=call.query.scope) if rest else None
            return {"object": "page", "data": data, "has_more": rest is not None, "next_page": token}

        return answer

    def _ask(self, family: Family, query: Query) -> tuple[Ask, tuple[int, int]]:
        start, end = (query.integer(name, high=_LAST_SECOND) for name in ("start_time", "end_time"))
        width = query.choice("bucket_width", ("1d",) if family is COSTS else tuple(WIDTHS)) or "1d"
        default, most = COST_LIMIT if family is COSTS else LIMITS[width]
        limit = query.integer("limit", low=1, high=most) or default
        groups = tuple(dict.fromkeys(query.many("group_by", "group_by[]", allowed=family.dimensions)))
        filters: list[tuple[str, tuple[object, ...]]] = []
        for name, dimension in family.filters:
            if values := query.many(name, name + "[]", allowed=CHOICES.get(name)):
                filters.append((dimension, tuple(values)))
        if "batch" in family.dimensions and (batch := query.flag("batch")) is not None:
            filters.append(("batch", (batch,) if batch else (False, None)))
        cursor = query.text("page")
        query.finish()
        if start is None:
            raise Refused("Missing required parameter: 'start_time'.", param="start_time")
        start, end = self._span(family, start - start % 60, end)
        self._check_reach(family, start)
        if family is COSTS:
            self._check_costs(groups, filters, start)
        position = (start, 0)
        if cursor is not None:
            begin, skip, end = map(int, unseal(cursor, scope=query.scope).split(":"))
            position = (begin, skip)
        ask = Ask(family, start, end, WIDTHS[width], min(limit, self.page_size or limit), groups, tuple(filters))
        return ask, position

    def _span(self, family: Family, start: int, end: int | None) -> tuple[int, int]:
        now = int(self.now().timestamp())
        if self.earliest is not None and start < self.earliest.timestamp():
            raise Refused("'start_time' is too far in the past.", param="start_time")
        if end is not None and end > now and self.future_end == "refuse":
            raise Refused("'end_time' lies in the future.", param="end_time")
        if end is None or (end > now and self.future_end == "clamp"):
            end = now
        day = WIDTHS["1d"]
        if end <= start or (family is COSTS and end // day == start // day):
            raise Refused("'end_time' has to come after 'start_time' (costs: on a later UTC date).", param="end_time")
        return start, end

    def _check_reach(self, family: Family, start: int) -> None:
        path = "/organization/costs" if family is COSTS else f"/organization/usage/{family.name}"
        first = self.lookback.get(path)
        if first is not None and datetime.fromtimestamp(start, UTC).date() < first:
            text = f"Usage and cost data are available for the past year. Earliest supported start date: {first} (UTC)."
            raise Refused(text, param="start_time", code="reporting_lookback_exceeded")

    def _check_costs(self, groups: tuple[str, ...], filters: list[tuple[str, tuple[object, ...]]], start: int) -> None:
        by_project = "project_id" in groups or any(dimension == "project_id" for dimension, _ in filters)
        if "user_id" in groups and by_project and not self.costs_by_user:
            raise Refused("Costs by user and project are not available to this organization.", param="group_by")
        if "api_key_id" in groups and not self.costs_by_key:
            raise Refused("Costs can not be grouped by 'api_key_id'.", param="group_by")
        if "api_key_id" in groups and self.keys_since is not None and start < self.keys_since.timestamp():
            since = int(self.keys_since.timestamp())
            text = f"group_by=api_key_id is not available for this range. Try a start_time on or after {since}."
            raise Refused(text, param="start_time", code="invalid_request_error")

    def _projects(self, call: Call) -> Json:
        return projects_page(call.account, call.query, most=self.page_size, ids=self.last_ids)

    def _keys(self, call: Call) -> Json:
        return keys_page(call.account, call.part("project"), call.query, most=self.page_size, ids=self.last_ids)
