"""How ElevenLabs says no: three shapes of body, all under `detail`."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox.shared.jsonexact import ExactJSONResponse


class Refusal(Exception):
    """A refusal with its status and body."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


def refusal(status: int, kind: str, code: str, message: str) -> Refusal:
    """The newer shape, with type and code."""
    request_id = hashlib.md5(message.encode(), usedforsecurity=False).hexdigest()
    return Refusal(status, {"type": kind, "code": code, "message": message, "status": code, "request_id": request_id})


def older(status: int, code: str, message: str) -> Refusal:
    """The older shape, with the code alone, under the name `status`."""
    return Refusal(status, {"status": code, "message": message})


def unreadable(error: ValidationError, place: str) -> Refusal:
    """422 with one entry for each field that is wrong; `place` is `body` or `query`."""
    entries = [{"loc": [place, *item["loc"]], "msg": item["msg"], "type": item["type"]} for item in error.errors()]
    return Refusal(422, entries)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Serve a `Refusal`, or the framework's own 404 and 405."""
    if isinstance(error, Refusal):
        return ExactJSONResponse({"detail": error.detail}, error.status)
    if isinstance(error, HTTPException):
        return ExactJSONResponse({"detail": error.detail}, error.status_code, dict(error.headers or {}))
    raise error
