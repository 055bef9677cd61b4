"""How Deepgram says no: plain text, `err_code`, or `category`."""

from __future__ import annotations

from typing import Literal

from sandbox.shared.query import Refused

_REQUEST_ID = "5f0c1b5e-8a2b-4c53-9f0a-6d1e0a4b7c21"
_NO_SCOPE = "User does not have sufficient permissions."


def refusal(status: int, body: dict[str, str] | str) -> Refused:
    """A refusal with its whole body; text is served as `text/plain`."""
    return Refused(str(body), status=status, body=body)


def code(status: int, word: str, message: str) -> Refused:
    """The older shape."""
    return refusal(status, {"err_code": word, "err_msg": message, "request_id": _REQUEST_ID})


def category(status: int, word: str, message: str, details: str) -> Refused:
    """The newer shape."""
    body = {"category": word, "message": message, "details": details, "request_id": _REQUEST_ID}
    return refusal(status, body)


def no_scope(shape: Literal["text", "code", "category"], scope: str) -> Refused:
    """The key is good, but may not do this."""
    if shape == "text":
        return refusal(401, _NO_SCOPE)
    if shape == "code":
        return code(401, "INSUFFICIENT_PERMISSIONS", _NO_SCOPE)
    return category(403, "INSUFFICIENT_PERMISSIONS", _NO_SCOPE, f"The key is missing the scope {scope}.")


def not_found() -> Refused:
    """No such path or thing."""
    return category(404, "NOT_FOUND", "The resource cannot be found.", "Check the path and the ids in it.")
