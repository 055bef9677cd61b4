"""Faults with the bodies that Notion gives, ready for `server.faults.add`.

409, 429, 529 and the refusals of a write that was saved are built from Notion's documentation: no recording of them
was found. The 503 of a query is its documented example, in our words where it is prose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.faults import Fault, Kind
from sandbox.notion.errors import Refusal, conflict, rate_limited, restricted

_REQUEST_ID: Final = "00000000-0000-4000-8000-00000000fa17"
_HTML: Final = "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"


def answer(refusal: Refusal, **where: Any) -> Fault:
    """A fault that answers with this refusal; `where` are the other fields of `Fault` (path, method, times, skip)."""
    return _fault(refusal.status, refusal.body(_REQUEST_ID), refusal.headers, where)


def too_many_requests(seconds: int = 1, reason: str = "public_api_request_rate_limit", **where: Any) -> Fault:
    """429 with so many seconds to wait."""
    return answer(rate_limited(seconds, reason), **where)


def blocked(**where: Any) -> Fault:
    """429 that must not be retried."""
    return answer(rate_limited(60, "public_api_request_blocked"), **where)


def overloaded(seconds: int = 1, **where: Any) -> Fault:
    """529."""
    wait = {"retry_after": str(seconds)}
    refusal = Refusal(
        529, "service_overload", "Notion is overloaded.", additional=wait, headers={"Retry-After": str(seconds)}
    )
    return answer(refusal, **where)


def conflicting(**where: Any) -> Fault:
    """409; nothing was saved."""
    return answer(conflict(), **where)


def internal_error(**where: Any) -> Fault:
    """500; nothing was saved."""
    return answer(Refusal(500, "internal_server_error", "Unexpected error occurred."), **where)


def unavailable(**where: Any) -> Fault:
    """503 before anything was saved."""
    return answer(Refusal(503, "service_unavailable", "Notion is unavailable, please try again later."), **where)


def query_unavailable(**where: Any) -> Fault:
    """503 of a query, with advice."""
    additional = {
        "endpoint_name": "public_queryDataSource",
        "notion_error_name": "PgPoolWaitConnectionTimeout",
        "retry_guidance": ["Use exponential backoff with jitter", "Reduce page_size", "Narrow query filters/sorts"],
    }
    message = "The query timed out. Retry with exponential backoff, then with a smaller page_size or narrower filters."
    refusal = Refusal(503, "service_unavailable", message, additional=additional)
    return answer(refusal, **{"path": "/query$", "method": "POST", **where})


def gateway_timeout(**where: Any) -> Fault:
    """504 as JSON."""
    return answer(Refusal(504, "gateway_timeout", "The request timed out."), **where)


def bad_gateway(**where: Any) -> Fault:
    """502 with an HTML body."""
    return _html(502, where)


def too_many_requests_html(**where: Any) -> Fault:
    """429 with an HTML body and no `Retry-After`, as a proxy before Notion answers."""
    return _html(429, where)


def block_limit(**where: Any) -> Fault:
    """403: the free blocks are used up."""
    return answer(restricted("This workspace has used its free blocks.", {"block_limit": 1000}), **where)


def _html(status: int, where: Mapping[str, Any]) -> Fault:
    return _fault(status, _HTML.format(status=status), {"content-type": "text/html"}, where)


def _fault(status: int, body: Any, headers: Mapping[str, str], where: Mapping[str, Any]) -> Fault:
    return Fault(api="notion", kind=Kind.STATUS, status=status, body=body, headers=headers, **where)
