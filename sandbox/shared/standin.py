"""What the five providers' stand-ins have in common: accounts and their keys, routes, one way in, one way to refuse."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.shared.bill import Bill
from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.ledger import Dated, Ledger
from sandbox.shared.query import Query, Refused

Clock = Callable[[], datetime]
F = TypeVar("F", bound=Dated)


def now() -> datetime:
    """The real clock, in UTC."""
    return datetime.now(UTC)


class Account(Generic[F]):
    """Base of what a key opens. `name` is the variable's suffix, empty for the first account."""

    name: str
    key: str
    """The key that may do all that is needed."""
    ledger: Ledger[F]

    def facts(self, month: str) -> list[F]:
        """The facts of a month such as `2026-01`, up to now; change the list to change history."""
        return self.ledger.month(month)

    def clear(self, month: str) -> None:
        """Leave a month without any fact."""
        self.ledger.clear(month)


A = TypeVar("A", bound=Account[Any])


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """One request whose key is known. A handler takes the parameters that it has, then calls `query.finish`."""

    account: A
    request: Request
    query: Query
    body: bytes

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])


Handler = Callable[[Call[A]], object]
"""Gives the body of the answer, or raises `Refused`."""


class StandIn(ABC, Generic[A]):
    """One provider's API.

    Args:
        now: The clock; there are no facts after it.
        accounts: What its keys open; a test may add one.
    """

    name: str
    """Name in the journal and the faults, for example `openai`."""
    mount: str
    """Path under which it is served, for example `/openai/v1`."""
    key_variable: str
    """Environment variable in which a client looks for the first account's key."""
    address_variable: str
    """Environment variable in which a client looks for the address."""
    id_header: str = ""
    """Header in which answers carry a number of their own; empty where they have none."""

    def __init__(self, now: Clock, accounts: list[A]) -> None:
        super().__init__()
        self.now, self.accounts = now, accounts
        self.absent: set[str] = set()
        """Ends of paths that answer 404, for example `/analytics/query`."""
        self._ids = itertools.count(1)
        self.app = Starlette(
            routes=[self._route(where, handler) for where, handler in self.routes().items()],
            exception_handlers={HTTPException: self._miss},
        )
        self.app.router.redirect_slashes = False

    @abstractmethod
    def routes(self) -> Mapping[str, Handler[A]]:
        """Handlers by method and path, relative to `mount`: `GET /projects`."""

    @abstractmethod
    def enter(self, request: Request) -> A:
        """The account whose key the request carries.

        Raises:
            Refused: There is no key, or not one that may do this.
        """

    @abstractmethod
    def refusal(self, error: Refused, request_id: str, /) -> object:
        """The body of a refusal that brings none of its own."""

    @abstractmethod
    def bill(self, account: A, month: str) -> Bill:
        """The account's month, straight from the facts."""

    def lost(self, _request: Request, error: HTTPException, /) -> Refused:
        """What is said to a path or a method that there is not."""
        return Refused(error.detail, status=error.status_code)

    def environment(self, base_url: str) -> dict[str, str]:
        """Environment variables that a client needs to use this stand-in; `base_url` ends with `mount`."""
        keys = {"_".join(filter(None, (self.key_variable, one.name))): one.key for one in self.accounts}
        return {self.address_variable: base_url} | keys

    def _route(self, where: str, handler: Handler[A]) -> Route:
        method, path = where.split()
        return Route(path, self._endpoint(handler), methods=[method])

    def _endpoint(self, handler: Handler[A]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            try:
                account = self.enter(request)
                if request.url.path.endswith(tuple(self.absent)):
                    raise self.lost(request, HTTPException(404))
                call = Call(account, request, Query(request.query_params.multi_items()), body)
                return self._respond(handler(call), 200, self._request_id())
            except Refused as error:
                return self._refuse(error)

        return answer

    async def _miss(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return self._refuse(self.lost(request, error))

    def _refuse(self, error: Refused) -> Response:
        request_id = self._request_id()
        body = self.refusal(error, request_id) if error.body is None else error.body
        return self._respond(body, error.status, request_id)

    def _respond(self, body: object, status: int, request_id: str) -> Response:
        headers = {self.id_header: request_id} if self.id_header else {}
        if isinstance(body, str):
            return PlainTextResponse(body, status, headers)
        return ExactJSONResponse(body, status, headers)

    def _request_id(self) -> str:
        return f"req_sandbox_{next(self._ids):08d}"
