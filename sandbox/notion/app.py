"""The stand-in: routes, errors as JSON, and trouble that needs to know what was written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.notion.databases import endpoints as databases
from sandbox.notion.errors import Json, Refusal, conflict, saved_but_unavailable
from sandbox.notion.pages import blocks, uploads
from sandbox.notion.pages import endpoints as pages
from sandbox.notion.query import endpoint as query
from sandbox.notion.query import search, views
from sandbox.notion.requests import users
from sandbox.notion.requests.call import TRASH_VERSION, Call
from sandbox.notion.requests.guard import READ_ONLY_TOKEN, TOKEN, Guard, Pace
from sandbox.notion.store import Store
from sandbox.notion.stored.ids import Ids
from sandbox.notion.stored.workspace import Workspace
from sandbox.notion.switches import Switches

Handler = Callable[[Call], Json]

_ROUTES: Final[list[tuple[str, str, Handler]]] = [
    ("POST", "/v1/pages", pages.create),
    ("GET", "/v1/pages/{page_id}", pages.retrieve),
    ("PATCH", "/v1/pages/{page_id}", pages.update),
    ("POST", "/v1/databases", databases.create),
    ("GET", "/v1/databases/{database_id}", databases.retrieve),
    ("PATCH", "/v1/databases/{database_id}", databases.update),
    ("POST", "/v1/data_sources", databases.create_source),
    ("GET", "/v1/data_sources/{data_source_id}", databases.retrieve_source),
    ("PATCH", "/v1/data_sources/{data_source_id}", databases.update_source),
    ("POST", "/v1/data_sources/{data_source_id}/query", query.query),
    ("GET", "/v1/blocks/{block_id}", blocks.retrieve),
    ("DELETE", "/v1/blocks/{block_id}", blocks.delete),
    ("GET", "/v1/blocks/{block_id}/children", blocks.children),
    ("PATCH", "/v1/blocks/{block_id}/children", blocks.append),
    ("POST", "/v1/search", search.search),
    ("GET", "/v1/users/me", users.me),
    ("POST", "/v1/file_uploads", uploads.create),
    ("GET", "/v1/file_uploads/{file_upload_id}", uploads.retrieve),
    ("POST", "/v1/file_uploads/{file_upload_id}/send", uploads.send),
    ("POST", "/v1/views", views.create),
    ("GET", "/v1/views", views.list_all),
    ("GET", "/v1/views/{view_id}", views.retrieve),
    ("PATCH", "/v1/views/{view_id}", views.update),
    ("DELETE", "/v1/views/{view_id}", views.delete),
    ("POST", "/v1/views/{view_id}/queries", views.create_query),
]
_PAGE_WRITES: Final = (pages.create, pages.update)


class NotionApi(Switches):
    """A strict, stateful Notion in memory. Its switches are its attributes (see `Switches`).

    Args:
        now: The clock for `created_time` and its kind, in UTC.
        seed: The same seed gives the same ids.
    """

    name = "notion"
    mount = "/notion"
    token = TOKEN
    """The connection's token."""
    read_only_token = READ_ONLY_TOKEN
    """A connection that may read only: 403 on writes."""

    def __init__(self, now: Callable[[], datetime], seed: int = 1) -> None:
        super().__init__()
        self._workspace = Workspace(now, self, seed)
        self._guard = Guard(self._workspace, self)
        self._request_ids = Ids(seed + 1)  # a stream of its own, so that a repeated request moves no other id
        self._unavailable: dict[Handler, int] = {}
        self._conflicts = 0
        self._writing: set[str] = set()
        self.store = Store(self._workspace)
        """The workspace as a person sees it: for tests and the demo."""
        routes = [Route(path, self._endpoint(handler), methods=[method]) for method, path, handler in _ROUTES]
        # Whatever else is asked, a wrong method included, is the same 400 at Notion (recorded).
        everything = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        routes.append(Route("/{path:path}", self._endpoint(_unknown_path), methods=everything))
        self.app = Starlette(routes=routes)

    @property
    def parent_page_id(self) -> str:
        """The shared page under which databases can be created."""
        return self._workspace.root.id

    @property
    def pace(self) -> Pace:
        """When requests came, for looking at how fast a client goes."""
        return self._guard.pace

    def environment(self, base_url: str) -> dict[str, str]:
        """Environment variables that point a client here; `base_url` ends with `mount`, `/v1` is the client's."""
        return {
            "NOTION_BASE_URL": base_url,
            "NOTION_TOKEN": self.token,
            "NOTION_PARENT_PAGE_ID": self.parent_page_id,
            "NOTION_REQUESTS_PER_MINUTE": str(self.requests_per_minute or 60_000),
        }

    def commit_then_503(self, times: int = 1, *, method: str = "POST") -> None:
        """The next page writes with this method are saved and answered with 503 all the same. A create's answer holds
        the new page's id as `committed_resource_id`; `PATCH` has only the advice not to repeat it."""
        self._unavailable[pages.create if method == "POST" else pages.update] = times

    def conflict(self, times: int = 1) -> None:
        """The next page writes get 409, as if somebody else were writing the page; nothing is saved."""
        self._conflicts = times

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            request_id = self._request_ids.uuid()
            try:
                params = {name: str(value) for name, value in request.path_params.items()}
                origin = f"{request.url.scheme}://{request.url.netloc}{self.mount}"
                with self._workspace.lock:
                    call = self._guard.admit(request, body, params, origin)
                with self._alone(handler, call) as must_wait:
                    if must_wait:
                        await asyncio.sleep(self.write_seconds)
                    with self._workspace.lock:
                        shown = self._handle(handler, call)
            except Refusal as refusal:
                return _respond(refusal.body(request_id), refusal.status, request_id, refusal.headers)
            return _respond({**shown, "request_id": request_id}, 200, request_id, {})

        return answer

    def _handle(self, handler: Handler, call: Call) -> Json:
        shown = handler(call)
        if self._unavailable.get(handler, 0) > 0:
            self._unavailable[handler] -= 1
            raise saved_but_unavailable({"committed_resource_id": shown["id"]} if handler is pages.create else {})
        return _with_archived(shown) if call.version < TRASH_VERSION else shown

    @contextmanager
    def _alone(self, handler: Handler, call: Call) -> Iterator[bool]:
        """Hold the pages that a write touches; whether the write takes time. 409 when one of them is being written."""
        if handler not in _PAGE_WRITES:
            yield False
            return
        if self._conflicts > 0:
            self._conflicts -= 1
            raise conflict()
        touched = self._touched(call) if self.write_seconds > 0 else set()
        if touched & self._writing:
            raise conflict()
        self._writing |= touched
        try:
            yield self.write_seconds > 0
        finally:
            self._writing -= touched

    def _touched(self, call: Call) -> set[str]:
        touched = {call.params["page_id"].replace("-", "")} if "page_id" in call.params else set()
        values = call.body.get("properties")
        if self.conflicts_reach_relations and isinstance(values, dict):
            for value in values.values():
                links = value.get("relation") if isinstance(value, dict) else None
                ids = [link.get("id") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
                touched |= {str(key).replace("-", "") for key in ids}
        return touched


def _unknown_path(_: Call) -> Json:
    raise Refusal(400, "invalid_request_url", "Invalid request URL.")


def _with_archived(value: Any) -> Any:
    """Before 2026-03-11 answers have `archived` beside `in_trash`."""
    if isinstance(value, list):
        return [_with_archived(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _with_archived(item) for key, item in value.items()}
    return {**shown, "archived": shown["in_trash"]} if "in_trash" in shown and "object" in shown else shown


def _respond(body: Json, status: int, request_id: str, headers: dict[str, str]) -> Response:
    content = json.dumps(body, allow_nan=False).encode()
    return Response(content, status, {**headers, "x-notion-request-id": request_id}, "application/json; charset=utf-8")
