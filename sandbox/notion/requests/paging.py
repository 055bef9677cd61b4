"""Listings in pages. A cursor is opaque and holds the listing as it was at its first page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.notion.errors import Json, invalid, malformed
from sandbox.notion.stored.workspace import Cursor, Workspace

MOST = 100


def read_size(value: Any, *, part: str = "body") -> int:
    """`page_size`: 1 to 100, by default 100.

    Raises:
        Refusal: 400.
    """
    if value is None:
        return MOST
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
        raise malformed("page_size", "a number", value, part=part)
    if number > MOST:
        raise invalid(f"{part} failed validation: {part}.page_size should be ≤ `{MOST}`, instead was `{number}`.")
    if number < 1:
        raise invalid(f"{part} failed validation: {part}.page_size should be ≥ `1`, instead was `{number}`.")
    return int(number)


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a listing. `incomplete` on the last page of a listing that was cut at its limit."""

    ids: tuple[str, ...]
    following: str | None
    incomplete: bool = False


def listing(
    workspace: Workspace,
    asked: Mapping[str, Any],
    *,
    cursor: Any,
    size: int,
    ids: Callable[[], Sequence[str]],
    limit: int | None = None,
) -> Slice:
    """One page of ids and the cursor of the next.

    `asked` is what the listing depends on: going on with a cursor of another listing is refused. The size may change.
    `ids` is called for a first page only.

    Raises:
        Refusal: 400 for a cursor that is unknown or belongs to another listing.
    """
    fingerprint = json.dumps(asked, sort_keys=True, default=str)
    if cursor is None:
        found = tuple(ids())
        whole = Cursor(fingerprint, found[:limit], 0, cut=limit is not None and len(found) > limit)
    else:
        known = workspace.cursors.get(cursor) if isinstance(cursor, str) else None
        if known is None or known.asked != fingerprint:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        whole = known
    end = whole.start + size
    following = None
    if end < len(whole.ids):
        following = workspace.ids.uuid()
        workspace.cursors[following] = replace(whole, start=end)
    return Slice(whole.ids[whole.start : end], following, whole.cut and following is None)


def page_of(kind: str, results: list[Json], part: Slice) -> Json:
    """The envelope of a list."""
    answer: Json = {
        "object": "list",
        "results": results,
        "next_cursor": part.following,
        "has_more": part.following is not None,
        "type": kind,
        kind: {},
    }
    if part.incomplete:
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer
