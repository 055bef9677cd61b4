"""Lists of projects and of their keys."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.openai.world import Account, Key, Project
from sandbox.shared.query import Query, Refused

Json = dict[str, object]


def projects_page(account: Account, query: Query, *, most: int | None, ids: bool) -> Json:
    """`GET /organization/projects`."""
    archived = query.flag("include_archived") or False
    return _page([_project(p) for p in account.projects if archived or p.archived_at is None], query, most, ids)


def keys_page(account: Account, project_id: str, query: Query, *, most: int | None, ids: bool) -> Json:
    """`GET /organization/projects/{id}/api_keys`; keys of owners who have left only on request."""
    project = _find(account, project_id)
    access = query.choice("owner_project_access", ("active", "inactive", "any")) or "active"
    keys = [key for key in account.keys if key.project_id == project.id and access in ("any", key.owner_access)]
    return _page([_key(key) for key in keys], query, most, ids)


def _find(account: Account, project_id: str) -> Project:
    for project in account.projects:
        if project.id == project_id:
            return project
    raise Refused(f"Project '{project_id}' not found.", status=404)


def _page(items: Sequence[Json], query: Query, most: int | None, ids: bool) -> Json:
    limit = query.integer("limit", low=1, high=100) or 20
    after = query.text("after")
    query.finish()
    begin = 0
    if after is not None:
        known = [item["id"] for item in items]
        if after not in known:
            raise Refused(f"No object with the id '{after}'.", param="after")
        begin = known.index(after) + 1
    data = items[begin : begin + min(limit, most or limit)]
    first, last = (data[0]["id"], data[-1]["id"]) if data and ids else (None, None)
    more = begin + len(data) < len(items)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more}


def _project(project: Project) -> Json:
    return {
        "id": project.id,
        "object": "organization.project",
        "name": project.name,
        "created_at": int(project.created_at.timestamp()),
        "archived_at": None if project.archived_at is None else int(project.archived_at.timestamp()),
        "status": "active" if project.archived_at is None else "archived",
        "external_key_id": None,
    }


def _key(key: Key) -> Json:
    created = int(key.created_at.timestamp())
    who: Json = {"name": "Robot" if key.service_account else "Camille Exemple", "role": "member", "created_at": created}
    owner: Json = (
        {"type": "service_account", "service_account": {"id": "svc_acct_" + key.id[4:12]} | who}
        if key.service_account
        else {"type": "user", "user": {"id": "user-" + key.id[4:12], "email": "camille@example.com"} | who}
    )
    return {
        "object": "organization.project.api_key",
        "redacted_value": f"sk-proj-***{key.id[-4:]}",
        "name": key.name,
        "created_at": created,
        "last_used_at": None if key.last_used_at is None else int(key.last_used_at.timestamp()),
        "id": key.id,
        "owner_project_access": key.owner_access,
        "owner": owner,
    }
