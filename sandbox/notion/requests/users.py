"""Users: the connection itself and one person."""

from __future__ import annotations

from sandbox.notion.errors import Json
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.workspace import INTEGRATION


def me(call: Call) -> Json:
    """`GET /v1/users/me`: the connection, with the workspace's limits."""
    return _user(call, call.workspace.bot_id)


def retrieve(call: Call) -> Json:
    """`GET /v1/users/{id}`."""
    key = call.id("user_id")
    if key not in (call.workspace.bot_id, call.workspace.person_id):
        raise call.workspace.missing("user", key)
    return _user(call, key)


def list_all(call: Call) -> Json:
    """`GET /v1/users`."""
    part = listing(
        call.workspace,
        {"users": True},
        cursor=call.one("start_cursor"),
        size=read_size(call.one("page_size"), part="query"),
        ids=lambda: [call.workspace.person_id, call.workspace.bot_id],
    )
    return page_of("user", [_user(call, key) for key in part.ids], part)


def _user(call: Call, key: str) -> Json:
    base: Json = {"object": "user", "id": key, "avatar_url": None}
    if key == call.workspace.person_id:
        return {**base, "name": "Camille", "type": "person", "person": {}}
    return {
        **base,
        "name": INTEGRATION,
        "type": "bot",
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_name": "Sandbox",
            "workspace_id": call.workspace.space_id,
            "workspace_limits": {"max_file_upload_size_in_bytes": call.switches.upload_limit},
        },
    }
