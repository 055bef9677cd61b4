"""Why a request to Notion failed, and the sentence a person reads: what an error answer says, or why none came."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from notion_client.errors import APIResponseError, HTTPResponseError, RequestTimeoutError

from notion.text import one_line
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.peers.bodies import BODY_LIMIT, NotJsonError, TooLargeError, UnreadableError, decode
from usage.peers.clock import read_wait

_ABOUT_RELATIONS: Final = re.compile(r"\brelations?\b|\breferences?\b|\b10[ ,.’']?000\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error answer says, read from the parsed error or from the raw body."""

    status: int
    code: str
    message: str
    retry_after: float | None
    """Seconds."""
    committed_id: str | None
    limit: str = ""
    """Of a 429: which limit it is."""
    out_of_blocks: bool = False
    """The free plan's blocks are used up: writing is over until the plan changes."""

    @property
    def blocked(self) -> bool:
        """Whether waiting is of no use."""
        return self.limit == "public_api_request_blocked"

    @property
    def is_connections(self) -> bool:
        """Whether it is this connection's own budget that is used up."""
        return self.limit == "public_api_request_rate_limit"

    @property
    def is_workspaces(self) -> bool:
        """Whether it is the budget that all connections of the workspace share."""
        return self.limit == "public_api_space_request_rate_limit"


def read_refusal(error: HTTPResponseError, now: datetime) -> Refusal:
    """Read an error answer; `now` is when it came.

    Notion's client leaves bodies with codes it does not know, and HTML, unread.
    """
    body = _object(error.body)
    more = body.get("additional_data")
    more = more if isinstance(more, dict) else {}
    asked = str(error.headers.get("retry-after") or more.get("retry_after") or "")
    code = error.code if isinstance(error, APIResponseError) else body.get("code", "")
    committed = more.get("committed_resource_id")
    return Refusal(
        status=error.status,
        code=str(getattr(code, "value", code)),
        message=str(body.get("message", "")),
        retry_after=read_wait(asked, now),
        committed_id=committed if isinstance(committed, str) else None,
        limit=str(more.get("rate_limit_reason") or ""),
        out_of_blocks="block_limit" in more,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        body = decode(text.encode("utf-8", errors="replace"), exact=False)
    except UnreadableError:
        # The HTML page of some proxy: the status has to do.
        return {}
    return body if isinstance(body, dict) else {}


def advice(refusal: Refusal, path: str, *, links: bool = False) -> Sentence:
    """What happened and what to do.

    Args:
        refusal: The error answer.
        path: What was asked.
        links: Whether the request writes a relation: the other side of a two-way one may be full.
    """
    known = {
        401: say("Notion refuses the token (HTTP 401): check NOTION_TOKEN."),
        403: say("The Notion connection lacks rights that it needs (HTTP 403): to read, insert and update."),
        404: say(
            "Notion can’t find {path} (HTTP 404): check the id, and share the page with the connection "
            "(••• › Connections).",
            path=path,
        ),
    }
    if refusal.out_of_blocks:
        return say("The Notion workspace has reached its plan’s limit of blocks: change the plan, or make room.")
    if refusal.status in known:
        return known[refusal.status]
    if refusal.blocked:
        return say("Notion blocks this connection (HTTP 429): ask the administrator of the Notion workspace.")
    if 300 <= refusal.status < 400:
        return say(
            "Notion points to another address (HTTP {status}): check NOTION_BASE_URL.", status=str(refusal.status)
        )
    asked = {"path": path, "status": str(refusal.status), "code": refusal.code}
    message = one_line(refusal.message, 300)
    if not links or not _ABOUT_RELATIONS.search(refusal.message):
        return say("Notion refuses the request {path} (HTTP {status}, {code}): {message}", **asked, message=message)
    # No more than others report: how Notion says it has never been seen.
    return say(
        "Notion refuses the request {path} (HTTP {status}, {code}): {message}. If this service already has close to "
        "10,000 rows, its relation is full: move the rows of the oldest months into another Notion database, then run "
        "it again.",
        **asked,
        message=message.rstrip(". "),
    )


def unreadable_sentence(error: UnreadableError, path: str) -> Sentence:
    """What is wrong with the body of an answer."""
    if isinstance(error, TooLargeError):
        size = str(BODY_LIMIT // 1024**2)
        return say("Notion’s answer is over {size} MiB ({path}): check NOTION_BASE_URL.", size=size, path=path)
    if isinstance(error, NotJsonError):
        if error.is_html:
            return say(
                "Notion answered a page of HTML instead of JSON ({path}): check NOTION_BASE_URL and the proxy.",
                path=path,
            )
        return say(
            "Notion answered an unreadable or cut body instead of JSON ({path}): check NOTION_BASE_URL and the proxy.",
            path=path,
        )
    kind = type(error).__name__
    return say("Notion answered JSON beyond measure ({kind}, {path}): check NOTION_BASE_URL.", kind=kind, path=path)


# -- no answer at all


@dataclass(frozen=True, slots=True)
class Silence:
    """A request without an answer."""

    sentence: Sentence
    """What happened and what to do."""
    is_sent: bool
    """Whether Notion may have got the request."""
    may_pass: bool
    """Whether trying again can help."""


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why there was no answer: it counts where one of these errors is found behind the last one."""

    errors: tuple[type[BaseException], ...]
    tell: Callable[[Mapping[str, str]], Sentence]
    """What happened, of `{host}`, `{path}` and `{kind}` of the error."""
    is_sent: bool = False
    may_pass: bool = True


def _tell_cut(of: Mapping[str, str]) -> Sentence:
    return say("The connection to Notion was cut ({kind}, {path}): run it again later.", **of)


_REASONS: Final = (
    _Reason(
        (ssl.SSLCertVerificationError,),
        lambda of: say(
            "The certificate of {host} is not recognised: check NOTION_BASE_URL and this machine’s clock; behind a "
            "company’s proxy, put the path of its certificate into SSL_CERT_FILE.",
            **of,
        ),
        may_pass=False,
    ),
    _Reason(
        (httpx.ProxyError,),
        lambda of: say("The proxy refuses to lead to {host}: check HTTPS_PROXY, or add {host} to NO_PROXY.", **of),
    ),
    _Reason(
        (socket.gaierror,),
        lambda of: say(
            "The host {host} can’t be found (DNS): check NOTION_BASE_URL, HTTPS_PROXY and the access to the Internet.",
            **of,
        ),
    ),
    _Reason(
        (ConnectionRefusedError,),
        lambda of: say(
            "The host {host} refuses the connection: check NOTION_BASE_URL, HTTPS_PROXY and the firewall.", **of
        ),
    ),
    _Reason(
        (httpx.ConnectTimeout, httpx.PoolTimeout),
        lambda of: say(
            "The host {host} does not accept the connection in time: check the access to the Internet, HTTPS_PROXY and "
            "the firewall.",
            **of,
        ),
    ),
    _Reason((httpx.ConnectError,), _tell_cut),
    _Reason(
        (httpx.TimeoutException, RequestTimeoutError),
        lambda of: say("Notion did not answer in time ({path}): run it again later.", **of),
        is_sent=True,
    ),
)
"""The first that fits counts."""
_CUT: Final = _Reason((), _tell_cut, is_sent=True)


def read_silence(error: httpx.RequestError | RequestTimeoutError, base_url: str, path: str) -> Silence:
    """The reason behind an error that a request ended with.

    Args:
        error: Of `httpx`, or the time-out of Notion's client, which hides that of `httpx` behind it.
        base_url: Notion's address in the settings.
        path: What was asked for.
    """
    behind = list(_chain(error))
    fits = (reason for reason in _REASONS if any(isinstance(one, reason.errors) for one in behind))
    reason = next(fits, _CUT)
    told = reason.tell({"host": httpx.URL(base_url).host, "path": path, "kind": type(error).__name__})
    return Silence(told, reason.is_sent, reason.may_pass)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
