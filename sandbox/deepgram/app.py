"""The Deepgram stand-in: keys, projects, and one route for each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.deepgram import reports, world
from sandbox.deepgram.refusals import category, code, no_scope, not_found, refusal
from sandbox.deepgram.switches import Switches
from sandbox.deepgram.world import Account, Fact, Key, Project
from sandbox.shared import standin
from sandbox.shared.bill import Bill, BillRow
from sandbox.shared.query import Query, Refused
from sandbox.shared.standin import Clock

Call = standin.Call[Account]
Cast = Callable[[Clock, int], list[Account]]
Handler = standin.Handler[Account]
_FIRST = date(2020, 1, 1)
"""There is nothing before this day, however early a range begins."""


class DeepgramApi(standin.StandIn[Account], Switches):
    """Two Deepgram accounts: one key with one project, and one key that sees three.

    Args:
        now: The clock; there are no facts after it.
        seed: Another seed is another world.
        cast: Who works there; by default organisations with awkward names, as real ones have.
    """

    name = "deepgram"
    mount = "/deepgram/v1"
    key_variable = "DEEPGRAM_API_KEY"
    address_variable = "DEEPGRAM_BASE_URL"

    def __init__(self, now: Clock, seed: int = 1, cast: Cast = world.accounts) -> None:
        super().__init__(now, cast(now, seed))
        self._seed = seed

    def routes(self) -> Mapping[str, Handler]:
        """Projects, and each one's keys, usage and money."""
        project = "GET /projects/{project}"
        return {
            "GET /projects": self._projects,
            f"{project}/keys": self._keys,
            f"{project}/usage/breakdown": self._usage_breakdown,
            f"{project}/billing/breakdown": self._billing_breakdown,
        }

    def enter(self, request: Request) -> Account:
        """The account of the key. What the key may do is asked when it opens a project."""
        for account in self.accounts:
            if account.scopes(_token(request)) is not None:
                return account
        raise code(401, "INVALID_AUTH", "Invalid credentials.")

    def refusal(self, error: Refused, _request_id: str, /) -> object:
        """A parameter that was refused; the other refusals bring their bodies."""
        return code(400, "INVALID_QUERY_PARAMETER", f"Failed to deserialize query parameters: {error.message}").body

    def lost(self, _request: Request, error: HTTPException, /) -> Refused:
        """A path that there is not reads like a thing that there is not; a wrong method gets no words."""
        return not_found() if error.status_code == 404 else refusal(error.status_code, "")

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

    def _projects(self, call: Call) -> object:
        call.query.finish()
        listed = [{"project_id": project.id, "name": project.name} for project in call.account.projects]
        return {"projects": listed}

    def _keys(self, call: Call) -> object:
        member, project = self._open(call, "keys:read")
        status = call.query.choice("status", ("active", "expired"))
        call.query.finish()
        if status is None and self.unfiltered_keys == "active":
            status = "active"
        keys = [
            _key(key)
            for key in project.keys
            if (status is None or key.expired == (status == "expired")) and member in (None, key.owner)
        ]
        return {"api_keys": keys}

    def _usage_breakdown(self, call: Call) -> object:
        _, project = self._open(call, "usage:read")
        period, facts = self._used(project, call.query)
        grouping = reports.usage_grouping(call.query, self)
        call.query.finish()
        results = reports.rows(
            facts, period, grouping, lambda group, days: reports.usage_row(group, grouping, days, self)
        )
        return {**period.head(), "results": results}

    def _billing_breakdown(self, call: Call) -> object:
        _, project = self._open(call, "billing:read")
        period = reports.Period.read(call.query, self.now().date(), self)
        passes, grouping = reports.billing_filter(call.query, self), reports.billing_grouping(call.query)
        call.query.finish()
        facts = filter(passes, self._facts(project, period))
        results = reports.rows(facts, period, grouping, lambda group, days: reports.billing_row(group, grouping, days))
        return {**period.head(), "results": results}

    def _open(self, call: Call, scope: str) -> tuple[str | None, Project]:
        """A project for a key that may do this; the first value is the member, where it sees its own things only."""
        account, asked = call.account, call.part("project")
        scopes = account.scopes(_token(call.request)) or frozenset()
        try:
            wanted = str(UUID(asked))
        except ValueError:
            raise refusal(404, f"UUID parsing failed: invalid character in `{asked}`") from None
        project = next((project for project in account.projects if project.id == wanted), None)
        if project is None and self.stranger_status == 403:
            raise category(403, "UNAUTHORIZED", "Authentication failed.", "The key is not one of this project.")
        if project is None:
            raise refusal(404, {"err_code": "PROJECT_NOT_FOUND", "err_msg": "Project not found."})
        own = scope == "keys:read" and "usage:read" in scopes and scope not in scopes
        if scope not in scopes and not own:
            report = scope in ("usage:read", "billing:read")
            raise no_scope(self.scope_refusal or ("text" if report else "code"), scope)
        return account.member if own else None, project

    def _used(self, project: Project, query: Query) -> tuple[reports.Period, list[Fact]]:
        period = reports.Period.read(query, self.now().date(), self)
        passes = reports.usage_filter(query, lambda name: world.model_id(self._seed, name))
        return period, list(filter(passes, self._facts(project, period)))

    def _facts(self, project: Project, period: reports.Period) -> Iterator[Fact]:
        # All accounts: a project keeps its facts with the account that it was made for.
        for account in self.accounts:
            for fact in account.ledger.days(max(period.first, _FIRST), min(period.last, self.now().date())):
                if fact.project == project.id:
                    yield fact


def _token(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "token" else ""


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
