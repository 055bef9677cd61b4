"""The connection itself."""

from __future__ import annotations

from sandbox.notion.errors import Json
from sandbox.notion.requests.call import Call
from sandbox.notion.stored.workspace import INTEGRATION


def me(call: Call) -> Json:
    """`GET /v1/users/me`: the connection, with the workspace's limits."""
    return {
        "object": "user",
        "id": call.workspace.bot_id,
        "avatar_url": None,
        "name": INTEGRATION,
        "type": "bot",
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_name": "Sandbox",
            "workspace_id": call.workspace.space_id,
            "workspace_limits": {"max_file_upload_size_in_bytes": call.switches.upload_limit},
        },
    }
