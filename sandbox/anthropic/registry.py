"""Lists of workspaces and API keys."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.anthropic.moments import stamp
from sandbox.anthropic.world import Account, Key, Workspace
from sandbox.shared.query import Query, Refused

Json = dict[str, object]

OLD, NEW = "2023-06-01", "2026-10-21"
"""Versions of the API, as the header `anthropic-version` names them."""


def workspaces(account: Account, query: Query, *, default_listed: bool, most: int | None) -> Json:
    """`GET /v1/organizations/workspaces`."""
    archived = query.flag("include_archived") or False
    # Left alone where the API does not know the parameter yet: `finish` then refuses it.
    default = (query.flag("include_default") or False) if default_listed else False
    ids = query.many("ids[]")
    if len(ids) > 100:
        raise Refused("ids: at most 100")
    listed = [
        _workspace(workspace)
        for workspace in account.workspaces
        if (archived or workspace.archived_at is None)
        and (default or workspace.id != account.default_workspace)
        and (not ids or workspace.id in ids)
    ]
    return _page(listed, query, most)


def api_keys(account: Account, query: Query, version: str, *, archived_listed: bool, most: int | None) -> Json:
    """`GET /v1/organizations/api_keys`."""
    status = query.choice("status", ("active", "inactive", "archived", "expired"))
    place, creator = query.text("workspace_id"), query.text("created_by_user_id")
    listed = [
        _key(account, key, version)
        for key in account.keys
        if (key.status == status if status else archived_listed or key.status != "archived")
        and place in (None, key.workspace_id)
        and creator in (None, _creator(key))
    ]
    return _page(listed, query, most)


def _page(items: Sequence[Json], query: Query, most: int | None) -> Json:
    limit = query.integer("limit", low=1, high=1000) or 20
    after, before = query.text("after_id"), query.text("before_id")
    query.finish()
    if after is not None and before is not None:
        raise Refused("after_id and before_id can not be given together")
    known = [item["id"] for item in items]
    if (cursor := after or before) is not None and cursor not in known:
        raise Refused("after_id or before_id: no such object")
    size = min(limit, most or limit)
    if before is not None:
        rest = items[: known.index(before)]
        data, more = rest[-size:], len(rest) > size
    else:
        rest = items[known.index(after) + 1 :] if after is not None else items
        data, more = rest[:size], len(rest) > size
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "first_id": first, "last_id": last, "has_more": more}


def _workspace(workspace: Workspace) -> Json:
    return {
        "id": workspace.id,
        "type": "workspace",
        "name": workspace.name,
        "created_at": stamp(workspace.created_at),
        "archived_at": None if workspace.archived_at is None else stamp(workspace.archived_at),
        "display_color": "#6C5BB9",
        "compartment_id": "00000000-0000-4000-8000-" + workspace.id[-12:].encode().hex()[:12],
        "data_residency": {
            "allowed_inference_geos": "unrestricted",
            "default_inference_geo": "global",
            "workspace_geo": "us",
        },
        "external_key_id": None,
        "tags": {},
        "user_profile_id": None,
    }


def _creator(key: Key) -> str:
    return "user_01" + key.id[-22:]


def _key(account: Account, key: Key, version: str) -> Json:
    """Where a key belongs and who stands behind it are told differently by the two versions."""
    if version == NEW:
        place: Json = {
            "scope": {"type": "workspace", "workspace_id": key.workspace_id},
            "principal": {"type": "user_actor", "user_id": _creator(key)},
        }
    else:
        place = {
            "workspace_id": None if key.workspace_id == account.default_workspace else key.workspace_id,
            "principal": {"id": _creator(key), "type": "user"},
        }
    return {
        "id": key.id,
        "type": "api_key",
        "name": key.name,
        "status": key.status,
        "created_at": stamp(key.created_at),
        "expires_at": None if key.expires_at is None else stamp(key.expires_at),
        "created_by": {"id": _creator(key), "type": "user"},
        "partial_key_hint": f"sk-ant-api03-***{key.id[-4:]}",
    } | place
