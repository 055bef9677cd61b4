"""How OpenRouter says no: always the same body."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox.shared.jsonexact import ExactJSONResponse
from sandbox.shared.query import Refused

_NO_ROUTE = "Resource not found"


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Serve what was refused, or the framework's own 404 and 405; `code` repeats the status."""
    if isinstance(error, Refused):
        status, message = error.status, error.message
    elif isinstance(error, HTTPException):
        status, message = error.status_code, _NO_ROUTE if error.status_code == 404 else error.detail
    else:
        raise error
    return ExactJSONResponse({"error": {"code": status, "message": message}}, status)


def not_found() -> Refused:
    """No such thing, for this key at least."""
    return Refused(_NO_ROUTE, status=404)
