"""What is checked before a request reaches its handler: token, version, budget, size, form."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from starlette.requests import Request

from sandbox.notion.errors import Json, Refusal, invalid, malformed, rate_limited, restricted, several_sources
from sandbox.notion.requests.call import OLD_VERSIONS, VERSIONS, Call
from sandbox.notion.requests.multipart import read_upload
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.workspace import Workspace
from sandbox.notion.switches import Switches

TOKEN: Final = "ntn_sandbox000000000000000000000000000000000000000"
READ_ONLY_TOKEN: Final = "ntn_sandboxreadonly0000000000000000000000000000000"
WINDOW: Final = 60.0


@dataclass
class Pace:
    """When requests came, and what was wrong with how they came."""

    arrivals: list[float] = field(default_factory=list)
    """Seconds of `Switches.clock`, one per request, refused ones included."""
    tokens_in_urls: list[str] = field(default_factory=list)
    """Paths of requests that carried the token in their address, where logs would keep it."""

    def most_within(self, seconds: float) -> int:
        """The most requests in any stretch of so many seconds."""
        most, recent = 0, deque[float]()
        for arrival in sorted(self.arrivals):
            recent.append(arrival)
            while recent[0] <= arrival - seconds:
                recent.popleft()
            most = max(most, len(recent))
        return most


@dataclass
class Guard:
    """Lets requests in. The budget is a fixed window that starts with the first request after the last window."""

    workspace: Workspace
    switches: Switches
    pace: Pace = field(default_factory=Pace)
    _opened: float = -math.inf
    _used: int = 0

    def admit(self, request: Request, body: bytes, params: dict[str, str], origin: str) -> Call:
        """The request as its handler sees it.

        Raises:
            Refusal: 401, 400 for the version or the body's form, 403 for a write with the read-only token, 413, 429.
        """
        self._note(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in (TOKEN, READ_ONLY_TOKEN):
            raise Refusal(401, "unauthorized", "API token is invalid.")
        self._spend()
        version = self._version(request, params)
        if token == READ_ONLY_TOKEN and not _reads(request):
            raise restricted("Insufficient permissions for this endpoint.")
        if len(body) > self.switches.body_limit and "multipart" not in request.headers.get("content-type", ""):
            raise Refusal(
                self.switches.body_limit_status,
                "validation_error",
                f"The request body may have {self.switches.body_limit} bytes, this one has {len(body)}.",
            )
        kind = request.headers.get("content-type", "")
        is_form = kind.startswith("multipart/form-data")
        return Call(
            workspace=self.workspace,
            switches=self.switches,
            version=version,
            params=params,
            query=list(request.query_params.multi_items()),
            body={} if is_form else _decode(body),
            origin=origin,
            upload=read_upload(kind, body) if is_form else None,
        )

    def _note(self, request: Request) -> None:
        self.pace.arrivals.append(self.switches.clock())
        if any(token in str(request.url) for token in (TOKEN, READ_ONLY_TOKEN)):
            self.pace.tokens_in_urls.append(request.url.path)

    def _spend(self) -> None:
        limit = self.switches.requests_per_minute
        if limit is None:
            return
        moment = self.switches.clock()
        if moment - self._opened >= WINDOW:
            self._opened, self._used = moment, 0
        if self._used >= limit:
            raise rate_limited(max(1, math.ceil(self._opened + WINDOW - moment)))
        self._used += 1

    def _version(self, request: Request, params: Mapping[str, str]) -> str:
        version = request.headers.get("notion-version")
        if version is None:
            raise Refusal(
                400,
                "missing_version",
                "Notion-Version header failed validation: Notion-Version header should be defined, "
                "instead was `undefined`.",
            )
        if version in OLD_VERSIONS:
            self._refuse_old(version, params)
        if version not in VERSIONS:
            raise malformed("Notion-Version", f"one of {', '.join(VERSIONS)}", version, part="header")
        return version

    def _refuse_old(self, version: str, params: Mapping[str, str]) -> NoReturn:
        """Versions before data sources: a database with several is refused as documented, the rest is not kept here."""
        if "database_id" in params:
            database = self.workspace.database(read_uuid(params["database_id"], "database_id", part="path"))
            if len(database.source_ids) > 1:
                raise several_sources(database.source_ids, database.id)
        raise invalid(f"The sandbox speaks {' and '.join(VERSIONS)}, not {version}.")


def _reads(request: Request) -> bool:
    path = request.url.path
    return request.method == "GET" or path.endswith(("/query", "/search"))


def _decode(body: bytes) -> Json:
    if not body:
        return {}
    try:
        value: Any = json.loads(body, parse_constant=_no_constant)
    except ValueError:
        raise Refusal(400, "invalid_json", "Error parsing JSON body.") from None
    if not isinstance(value, dict):
        raise invalid("body failed validation: body should be an object.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
