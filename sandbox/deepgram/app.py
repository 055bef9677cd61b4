"""The Deepgram stand-in: keys, projects, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.deepgram import reports, world
from sandbox.deepgram.refusals import Refusal, answer_refusal, category, code, no_scope, not_found
from sandbox.deepgram.switches import Switches
from sandbox.deepgram.world import Account, Fact, Key, Project
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.query import Query, Refused

_FIRST = date(2020, 1, 1)
"""There is nothing before this day, however early a range begins."""


class DeepgramApi(Switches):
    """Two Deepgram accounts: one key with one project, and one key that sees three.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
    """

    name = "deepgram"
    mount = "/deepgram/v1"

    def __init__(self, now: Callable[[], datetime], seed: int = 1) -> None:
        super().__init__()
        self._now, self._seed = now, seed
        self.accounts = world.accounts(now, seed)
        project = "/projects/{project}"
        self.app = Starlette(
            routes=[
                Route("/projects", self._projects, methods=["GET"]),
                Route(project, self._one_project, methods=["GET"]),
                Route(project + "/keys", self._keys, methods=["GET"]),
                Route(project + "/keys/{key}", self._one_key, methods=["GET"]),
                Route(project + "/usage", self._usage, methods=["GET"]),
                Route(project + "/usage/breakdown", self._usage_breakdown, methods=["GET"]),
                Route(project + "/usage/fields", self._usage_fields, methods=["GET"]),
                Route(project + "/billing/breakdown", self._billing_breakdown, methods=["GET"]),
                Route(project + "/billing/fields", self._billing_fields, methods=["GET"]),
                Route(project + "/balances", self._balances, methods=["GET"]),
            ],
            exception_handlers={
                Refusal: answer_refusal,
                Refused: answer_refusal,
                HTTPException: answer_refusal,
            },
        )
        self.app.router.redirect_slashes = False

    def environment(self, base_url: str) -> dict[str, str]:
        """Base URL and keys under the names that the product reads."""
        keys = {f"DEEPGRAM_API_KEY{'_' * bool(a.name)}{a.name}": a.key for a in self.accounts}
        return {"DEEPGRAM_BASE_URL": base_url, **keys}

    def bill(self, account: Account, month: str) -> Bill:
        """One row for each project that was used or charged for.

        `models` holds the models of the usage breakdown (joined by ` + ` where a row has several) with None for
        their cost, and the line items of the billing breakdown with theirs. Cost is None where billing has no data,
        tokens are None without conversations, which alone have any, and requests None without usage.
        """
        rows = []
        for project in account.projects:
            facts = [fact for owner in self.accounts for fact in owner.facts(month) if fact.project == project.id]
            used = [fact for fact in facts if fact.models]
            paid = [fact for fact in facts if reports.billed(fact, self)]
            if not used and not paid:
                continue
            talked = any(fact.agent_hours or fact.tokens_in or fact.tokens_out for fact in used)
            items = dict.fromkeys(fact.line_item or "" for fact in paid)
            rows.append(
                BillRow(
                    workspace="",
                    key=project.id,
                    name=project.name,
                    cost=_dollars(paid) if paid else None,
                    tokens_input=sum(fact.tokens_in for fact in used) if talked else None,
                    tokens_output=sum(fact.tokens_out for fact in used) if talked else None,
                    requests=sum(fact.requests for fact in used) if used else None,
                    models={
                        **{" + ".join(fact.models): None for fact in used},
                        **{name: _dollars([fact for fact in paid if fact.line_item == name]) for name in items},
                    },
                )
            )
        return Bill(tuple(rows))

    async def _projects(self, request: Request) -> Response:
        account, _ = self._enter(request)
        Query(request.query_params.multi_items()).finish()
        listed = [{"project_id": project.id, "name": project.name} for project in account.projects]
        return ExactJSONResponse({"projects": listed})

    async def _one_project(self, request: Request) -> Response:
        _, project, query = self._open(request, "project:read")
        query.finish()
        return ExactJSONResponse({"project_id": project.id, "name": project.name, "mip_opt_out": False})

    async def _keys(self, request: Request) -> Response:
        member, project, query = self._open(request, "keys:read")
        status = query.choice("status", ("active", "expired"))
        query.finish()
        if status is None and self.unfiltered_keys == "active":
            status = "active"
        keys = [
            _key(key)
            for key in project.keys
            if (status is None or key.expired == (status == "expired")) and member in (None, key.owner)
        ]
        return ExactJSONResponse({"api_keys": keys})

    async def _one_key(self, request: Request) -> Response:
        member, project, query = self._open(request, "keys:read")
        query.finish()
        for key in project.keys:
            if key.id == request.path_params["key"] and member in (None, key.owner):
                entry = _key(key)
                return ExactJSONResponse({"item": {"member": {**entry["member"], "api_key": entry["api_key"]}}})
        raise not_found()

    async def _usage(self, request: Request) -> Response:
        _, project, query = self._open(request, "usage:read")
        period, facts = self._used(project, query)
        query.finish()
        results = reports.rows(facts, period, [], reports.plain_row)
        return ExactJSONResponse({**period.head(), "results": results})

    async def _usage_breakdown(self, request: Request) -> Response:
        _, project, query = self._open(request, "usage:read")
        period, facts = self._used(project, query)
        grouping = reports.usage_grouping(query, self)
        query.finish()
        results = reports.rows(
            facts, period, grouping, lambda group, days: reports.usage_row(group, grouping, days, self)
        )
        return ExactJSONResponse({**period.head(), "results": results})

    async def _usage_fields(self, request: Request) -> Response:
        _, project, query = self._open(request, "usage:read")
        period = reports.Period.read(query, self._now().date(), self)
        query.finish()
        facts = [fact for fact in self._facts(project, period) if fact.models]
        names = sorted({name for fact in facts for name in fact.models})
        models = [
            {"name": name, "language": "en", "version": "2025-06-17.0", "model_id": world.model_id(self._seed, name)}
            for name in names
        ]
        return ExactJSONResponse(
            {
                "tags": sorted({tag for fact in facts for tag in fact.tags}),
                "models": models,
                "processing_methods": sorted({fact.method for fact in facts}),
                "features": sorted({name for fact in facts for name in fact.features}),
            }
        )

    async def _billing_breakdown(self, request: Request) -> Response:
        _, project, query = self._open(request, "billing:read")
        period = reports.Period.read(query, self._now().date(), self)
        passes, grouping = reports.billing_filter(query, self), reports.billing_grouping(query)
        query.finish()
        facts = filter(passes, self._facts(project, period))
        results = reports.rows(facts, period, grouping, lambda group, days: reports.billing_row(group, grouping, days))
        return ExactJSONResponse({**period.head(), "results": results})

    async def _billing_fields(self, request: Request) -> Response:
        _, project, query = self._open(request, "billing:read")
        period = reports.Period.read(query, self._now().date(), self)
        query.finish()
        facts = [fact for fact in self._facts(project, period) if reports.billed(fact, self)]
        items = sorted({fact.line_item for fact in facts if fact.line_item is not None})
        return ExactJSONResponse(
            {
                "accessors": sorted({fact.accessor for fact in facts if fact.accessor is not None}),
                "deployments": sorted({fact.deployment for fact in facts}),
                "tags": sorted({tag for fact in facts for tag in fact.tags}),
                "line_items": {name: name.replace("::", " ").replace("-", " ").title() for name in items},
            }
        )

    async def _balances(self, request: Request) -> Response:
        _, project, query = self._open(request, "billing:read")
        query.finish()
        balance = {
            "balance_id": world.key_id(self._seed, f"balance/{project.id}"),
            "amount": Decimal("1834.27"),
            "units": "usd",
            "purchase_order_id": world.key_id(self._seed, f"order/{project.id}"),
        }
        return ExactJSONResponse({"balances": [balance]})

    def _enter(self, request: Request) -> tuple[Account, frozenset[str]]:
        """The account of the key, and what the key may do."""
        if any(request.url.path.endswith(end) for end in self.absent):
            raise not_found()
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        for account in self.accounts:
            scopes = account.scopes(key) if scheme.lower() == "token" else None
            if scopes is not None:
                return account, scopes
        raise code(401, "INVALID_AUTH", "Invalid credentials.")

    def _open(self, request: Request, scope: str) -> tuple[str | None, Project, Query]:
        """A project for a key that may do this; the first value is the member, where it sees its own things only."""
        account, scopes = self._enter(request)
        asked = request.path_params["project"]
        try:
            wanted = str(UUID(asked))
        except ValueError:
            raise Refusal(404, f"UUID parsing failed: invalid character in `{asked}`") from None
        project = next((project for project in account.projects if project.id == wanted), None)
        if project is None and self.stranger_status == 403:
            raise category(403, "UNAUTHORIZED", "Authentication failed.", "The key is not one of this project.")
        if project is None:
            raise Refusal(404, {"err_code": "PROJECT_NOT_FOUND", "err_msg": "Project not found."})
        own = scope == "keys:read" and "usage:read" in scopes and scope not in scopes
        if scope not in scopes and not own:
            report = scope in ("usage:read", "billing:read")
            raise no_scope(self.scope_refusal or ("text" if report else "code"), scope)
        return account.member if own else None, project, Query(request.query_params.multi_items())

    def _used(self, project: Project, query: Query) -> tuple[reports.Period, list[Fact]]:
        period = reports.Period.read(query, self._now().date(), self)
        passes = reports.usage_filter(query, lambda name: world.model_id(self._seed, name))
        return period, list(filter(passes, self._facts(project, period)))

    def _facts(self, project: Project, period: reports.Period) -> Iterator[Fact]:
        # All accounts: a project keeps its facts with the account that it was made for.
        for account in self.accounts:
            for fact in account.ledger.days(max(period.first, _FIRST), min(period.last, self._now().date())):
                if fact.project == project.id:
                    yield fact


def _key(key: Key) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "api_key_id": key.id,
        "scopes": ["usage:write"],
        "created": "2025-01-01T00:00:00Z",
    }
    if key.comment is not None:
        entry["comment"] = key.comment
    if key.expired:
        entry["expiration_date"] = "2025-12-31T00:00:00Z"
    return {"member": {"member_id": key.owner, "email": "someone@sandbox.example"}, "api_key": entry}


def _dollars(facts: list[Fact]) -> Decimal:
    return sum((fact.dollars for fact in facts), Decimal(0))
