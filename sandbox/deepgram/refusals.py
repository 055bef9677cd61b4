"""How Deepgram says no: plain text, `err_code`, or `category`."""

from __future__ import annotations

from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.query import Refused

_REQUEST_ID = "5f0c1b5e-8a2b-4c53-9f0a-6d1e0a4b7c21"
_NO_SCOPE = "User does not have sufficient permissions."


class Refusal(Exception):
    """A refusal with its status and body; text is served as `text/plain`."""

    def __init__(self, status: int, body: dict[str, str] | str) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def code(status: int, word: str, message: str) -> Refusal:
    """The older shape."""
    return Refusal(status, {"err_code": word, "err_msg": message, "request_id": _REQUEST_ID})


def category(status: int, word: str, message: str, details: str) -> Refusal:
    """The newer shape."""
    body = {"category": word, "message": message, "details": details, "request_id": _REQUEST_ID}
    return Refusal(status, body)


def no_scope(shape: Literal["text", "code", "category"], scope: str) -> Refusal:
    """The key is good, but may not do this."""
    if shape == "text":
        return Refusal(401, _NO_SCOPE)
    if shape == "code":
        return code(401, "INSUFFICIENT_PERMISSIONS", _NO_SCOPE)
    return category(403, "INSUFFICIENT_PERMISSIONS", _NO_SCOPE, f"The key is missing the scope {scope}.")


def not_found() -> Refusal:
    """No such path or thing."""
    return category(404, "NOT_FOUND", "The resource cannot be found.", "Check the path and the ids in it.")


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Serve a `Refusal`, a parameter that was refused, or the framework's own 404 and 405."""
    if isinstance(error, Refused):
        message = f"Failed to deserialize query parameters: {error.message}"
        error = code(400, "INVALID_QUERY_PARAMETER", message)
    elif isinstance(error, HTTPException) and error.status_code == 404:
        error = not_found()
    elif isinstance(error, HTTPException):
        return Response(status_code=error.status_code, headers=error.headers)
    if not isinstance(error, Refusal):
        raise error
    if isinstance(error.body, str):
        return PlainTextResponse(error.body, error.status)
    return ExactJSONResponse(error.body, error.status)
