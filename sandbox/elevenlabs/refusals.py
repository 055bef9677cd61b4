"""How ElevenLabs says no: three shapes of body, all under `detail`."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError

from sandbox.shared.query import Refused


def refusal(status: int, kind: str, code: str, message: str) -> Refused:
    """The newer shape, with type and code."""
    request_id = hashlib.md5(message.encode(), usedforsecurity=False).hexdigest()
    return _of(
        message, status, {"type": kind, "code": code, "message": message, "status": code, "request_id": request_id}
    )


def older(status: int, code: str, message: str) -> Refused:
    """The older shape, with the code alone, under the name `status`."""
    return _of(message, status, {"status": code, "message": message})


def unreadable(error: ValidationError, place: str) -> Refused:
    """422 with one entry for each field that is wrong; `place` is `body` or `query`."""
    entries: list[dict[str, object]] = [
        {"loc": [place, *item["loc"]], "msg": item["msg"], "type": item["type"]} for item in error.errors()
    ]
    return wrong_fields(entries)


def wrong_fields(entries: list[dict[str, object]]) -> Refused:
    """422 with an entry for each field that is wrong."""
    return _of("unreadable", 422, entries)


def _of(message: str, status: int, detail: object) -> Refused:
    return Refused(message, status=status, body={"detail": detail})
