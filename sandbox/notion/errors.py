"""Notion's refusals: status, code and message as they have been recorded or documented."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

Json = dict[str, Any]
"""A decoded JSON object on its way in or out."""


class Refusal(Exception):
    """An error answer; raised by whatever finds fault with a request."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        additional: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.additional, self.headers = additional, dict(headers or {})

    def body(self, request_id: str) -> Json:
        """The answer's body."""
        body: Json = {"object": "error", "status": self.status, "code": self.code, "message": self.message}
        if self.additional is not None:
            body["additional_data"] = self.additional
        return {**body, "request_id": request_id}


def invalid(message: str) -> Refusal:
    """400 with a message about what the request means."""
    return Refusal(400, "validation_error", message)


def malformed(path: str, expected: str, value: object, *, part: str = "body") -> Refusal:
    """400 with a message about the request's form; `path` is that of the wrong field."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return invalid(f"{part} failed validation: {part}.{path} should be {expected}, instead was `{shown}`.")


def missing(path: str, *, part: str = "body") -> Refusal:
    """400 for a field that must be there."""
    return invalid(f"{part} failed validation: {part}.{path} should be defined, instead was `undefined`.")


def one_of(value: object, known: Collection[str], path: str, what: str) -> str:
    """The value, which must be one of the known words; `what` names them in the message.

    Raises:
        Refusal: 400.
    """
    if not isinstance(value, str) or value not in known:
        raise malformed(path, what, value)
    return value


def optional_text(value: object, path: str) -> str | None:
    """The value, which must be a text or null.

    Raises:
        Refusal: 400.
    """
    if value is not None and not isinstance(value, str):
        raise malformed(path, "a string", value)
    return value


def not_found(kind: str, key: str, *, integration: str, integration_id: str) -> Refusal:
    """404: unknown, or not shared with the connection. A data source is called a database, as Notion does."""
    return Refusal(
        404,
        "object_not_found",
        f"Could not find {kind} with ID: {key}. Make sure the relevant pages and databases are shared with your "
        f'integration "{integration}".',
        additional={"integration_id": integration_id},
    )


def archived() -> Refusal:
    """400 for a write to something in the trash."""
    return invalid("Can't edit block that is archived. You must unarchive the block before editing.")


def conflict() -> Refusal:
    """409; nothing was saved. The message is not recorded anywhere."""
    return Refusal(409, "conflict_error", "Conflict occurred while saving. Please try again.")


def restricted(message: str, additional: Json | None = None) -> Refusal:
    """403."""
    return Refusal(403, "restricted_resource", message, additional=additional)


def rate_limited(seconds: int, reason: str = "public_api_request_rate_limit") -> Refusal:
    """429 with the seconds to wait, in the header and in the body."""
    return Refusal(
        429,
        "rate_limited",
        "You have been rate limited. Please try again in a few minutes.",
        additional={"rate_limit_reason": reason, "retry_after": str(seconds)},
        headers={"Retry-After": str(seconds)},
    )


def saved_but_unavailable(committed: Json) -> Refusal:
    """503 after the write was saved; the exact body has not been seen, its fields are documented."""
    return Refusal(
        503,
        "service_unavailable",
        "Notion is unavailable, please try again later.",
        additional={"retry_guidance": ["Read the object again", "Do not repeat the write"], **committed},
    )


def several_sources(source_ids: list[str], database_id: str) -> Refusal:
    """400 for a request that takes a database for its only data source."""
    return Refusal(
        400,
        "validation_error",
        "Databases with multiple data sources are not supported in this API version.",
        additional={
            "error_type": "multiple_data_sources_for_database",
            "database_id": database_id,
            "child_data_source_ids": source_ids,
            "minimum_api_version": "2025-09-03",
        },
    )
