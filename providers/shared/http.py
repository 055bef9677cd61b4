"""The one HTTP layer of all providers: time-outs, retries, the request log, redaction.

Rules (see also `usage.errors`):

- 408, 409, 425, 429, 5xx, time-outs and cut connections are tried again, as `providers.shared.patience` says, or as
  long as `Retry-After` (or a provider's own reset header) asks.
- A successful answer that is no JSON, or an error, is asked for once more.
- 410 is a stale cursor; 400, 401, 403, 404 and the like are never tried again.
- Redirects are not followed: a key must not travel to another address.
- Amounts in the JSON become `Decimal`; nothing passes through a float.
- A body is unpacked as it comes and cut off where it becomes too large; a request has one deadline for all of it.
- Messages name the endpoint's path, never the query, the headers or the body.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import httpx
from pydantic import BaseModel

from providers.shared.answers import Answer, SmallerPagesError
from providers.shared.patience import PATIENCE, Pace, Retry, Tries
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    StaleCursorError,
    TransientError,
)
from usage.language.saying import say
from usage.machine.network import asks_directly
from usage.peers.bodies import ENCODINGS, Body, TooLargeError, UnreadableError
from usage.peers.clock import clock_offset, read_wait
from usage.peers.exchange import Exchange, Listener, Question

log = logging.getLogger(__name__)

_TRANSIENT: Final = frozenset({408, 409, 425, 429, *range(500, 600)})
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_AGAIN: Final = 1.0
"""Seconds until an answer that is none is asked for once more."""

Params = Sequence[tuple[str, str]]
Explain = Callable[[Answer], SourceError | None]
"""A provider's own reading of an answer that is not 2xx; None leaves it to the common rules."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Within the block and the tasks that it starts, answers are told to this listener in place of the usual one."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Http:
    """Asks one API with one key. Use as `async with`.

    Args:
        base_url: Address of the API, without a trailing slash.
        headers: Sent with every request; they hold the key and are never logged.
        explain: The provider's own reading of refusals.
        retry: Limits of the retries.
        in_flight: Requests under way at once.
        pace: The pace of this key, where others read with it as well.
        listener: Is told every answer that is not asked for again, refusals included.
        transport: What answers in place of the network.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        explain: Explain = lambda _: None,
        retry: Retry | None = None,
        in_flight: int = 4,
        pace: Pace | None = None,
        listener: Listener | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        in_clear = asks_directly(base_url)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={**headers, "Accept-Encoding": ENCODINGS},
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=not in_clear,
            # Reading all certificates takes as long as many requests, and in clear there is none to check.
            verify=not in_clear,
            transport=transport,
        )
        self._listener = listener
        self._explain, self._retry, self._pace = explain, retry or Retry(), pace or Pace()
        self._slots = asyncio.Semaphore(in_flight)
        self._ends = self._retry.clock() + self._retry.source_patience
        self.requests = 0
        """Requests sent so far, repeats included."""
        self.clock_offset = timedelta(0)
        """What has to be added to this machine's time to get the server's, by its last answer."""

    async def __aenter__(self) -> Self:
        """Open the connections."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(
        self,
        path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        """GET `path`.

        Args:
            path: Relative to the API's address.
            params: The query's parameters.
            headers: Beside those of every request.
            most_bytes: Of an answer that can be had in smaller pages; a larger one is not heard to its end.

        Raises:
            SmallerPagesError: It has more than `most_bytes`.
            SourceError: The class says what to do; see the module's text.
        """
        return await self._ask(Question("GET", path, tuple(params)), headers, most_bytes)

    async def post(self, path: str, body: BaseModel) -> Answer:
        """POST `body`, for the few reads that are POSTs. Fields that are `None` are left out.

        Raises:
            SourceError: The class says what to do; see the module's text.
        """
        content = body.model_dump_json(exclude_none=True)
        return await self._ask(Question("POST", path, body=content), headers={"Content-Type": "application/json"})

    def _tell(self, question: Question, answer: Answer) -> None:
        listener = _listener.get() or self._listener
        if listener is not None:
            listener(Exchange(question, answer.status, datetime.now(UTC), answer.content))

    async def _ask(
        self, question: Question, headers: Mapping[str, str] | None, most_bytes: int | None = None
    ) -> Answer:
        path = question.path
        async with self._slots:
            tries, was_none = Tries(self._retry), False
            while True:
                await self._wait_for_turn(path)
                begun = self._retry.clock()
                try:
                    answer = await self._once(question, headers, most_bytes)
                except TransientError as error:
                    await self._wait_after(error, tries, self._retry.clock() - begun)
                    continue
                instead = answer.instead()
                if instead is None:
                    return answer
                if was_none:
                    sentence = say(
                        "{path} answered {what} twice in a row (HTTP {status}).",
                        path=path,
                        what=instead,
                        status=str(answer.status),
                    )
                    raise ContractError(sentence, status=answer.status)
                was_none = True
                await self._retry.sleep(_AGAIN)

    async def _wait_for_turn(self, path: str) -> None:
        """Wait while the key's rate limit holds; once, as what holds then was there after this request came."""
        wait = self._pace.wait(self._retry.clock())
        self._check_time(path, wait)
        if wait:
            await self._retry.sleep(wait)

    async def _wait_after(self, error: TransientError, tries: Tries, took: float) -> None:
        """Wait until the next try, or let it be: then the error goes on."""
        wait = tries.wait_after(error, took)
        if wait is None:
            raise error
        if error.status == 429:
            self._pace.hold(self._retry.clock() + wait)
        else:
            await self._retry.sleep(wait)

    def _check_time(self, path: str, wait: float) -> None:
        """Whether the source's time allows for another request after a wait.

        Raises:
            TransientError: It does not.
        """
        if self._retry.clock() + wait < self._ends:
            return
        sentence = say(
            "{path} is not read to the end: reading this source takes more than {minutes} minutes.",
            path=path,
            minutes=f"{self._retry.source_patience / 60:.0f}",
        )
        raise TransientError(sentence, final=True)

    async def _once(self, question: Question, headers: Mapping[str, str] | None, most_bytes: int | None) -> Answer:
        request = self._request(question, headers)
        self.requests += 1
        path = question.path
        try:
            # httpx bounds the wait for each piece of an answer, not for the whole of it.
            async with asyncio.timeout(self._retry.patience):
                answer = await self._receive(request, path, most_bytes)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise TransientError(
                say(
                    "{host} can't be reached ({kind}): check the access to the Internet, the provider's …_BASE_URL and "
                    "HTTPS_PROXY.",
                    host=request.url.host,
                    kind=type(error).__name__,
                )
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise TransientError(say("{path} did not answer in time.", path=path)) from None
        except httpx.TransportError as error:
            kind = type(error).__name__
            raise TransientError(say("The connection to {path} was cut ({kind}).", path=path, kind=kind)) from None
        log.debug("%s %s %s", question.method, path, answer.status)
        self.clock_offset = clock_offset(answer.headers, self._retry.now()) or self.clock_offset
        refused = None
        if not 200 <= answer.status < 300:
            refused = self._explain(answer) or refusal(answer, self._retry.now())
        if not isinstance(refused, TransientError):
            self._tell(question, answer)
        if refused is not None:
            raise refused
        return answer

    def _request(self, question: Question, headers: Mapping[str, str] | None) -> httpx.Request:
        try:
            return self._client.build_request(
                question.method,
                question.path,
                params=list(question.params),
                content=question.body or None,
                headers=headers,
            )
        except httpx.InvalidURL:
            # What an address has beside our own words was told by the API: ids, and the marks of next pages.
            sentence = say("An id, or the mark of a next page, that the API gave makes an address that can’t be asked.")
            raise ContractError(sentence) from None

    async def _receive(self, request: httpx.Request, path: str, most_bytes: int | None) -> Answer:
        if most_bytes is not None and most_bytes >= self._retry.most_bytes:
            # No answer may have so many.
            most_bytes = None
        response = await self._client.send(request, stream=True)
        try:
            if most_bytes and _announced(response) > most_bytes:
                raise TooLargeError(f"more than {most_bytes} bytes")
            content = await _content(response, most_bytes or self._retry.most_bytes)
        except UnreadableError as error:
            if response.is_success:
                if most_bytes and isinstance(error, TooLargeError):
                    sentence = say("The answer of {path} exceeds {most} MiB.", path=path, most=_mebibytes(most_bytes))
                    raise SmallerPagesError(sentence, final=True) from None
                raise self._unread(error, path) from None
            # A refusal is one, whatever its body holds.
            content = b""
        finally:
            await response.aclose()
        return Answer(path, response.status_code, response.headers, content)

    def _unread(self, error: UnreadableError, path: str) -> SourceError:
        if isinstance(error, TooLargeError):
            most = _mebibytes(self._retry.most_bytes)
            return ContractError(say("The answer of {path} exceeds {most} MiB; it is not read.", path=path, most=most))
        return TransientError(say("The answer of {path} is cut or can’t be unpacked.", path=path))


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.3g}"


def _announced(response: httpx.Response) -> int:
    """Bytes of an answer as it says itself; 0 where it does not."""
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


async def _content(response: httpx.Response, most_bytes: int) -> bytes:
    body = Body(response.headers.get("content-encoding", ""), most_bytes)
    async for piece in response.aiter_raw():
        body.add(piece)
    return body.content()


def refusal(answer: Answer, now: datetime) -> SourceError:
    """The error that a status stands for at every provider."""
    path, status, code = answer.path, answer.status, str(answer.status)
    if status in (401, 403):
        sentence = say("{path} refuses the key (HTTP {status}): check the key and its rights.", path=path, status=code)
        return CredentialError(sentence, status=status)
    if status == 404:
        return NotOfferedError(say("{path} does not exist for this account (HTTP 404).", path=path), status=status)
    if status == 410:
        return StaleCursorError(say("{path} changed while it was read (HTTP 410).", path=path), status=status)
    if 300 <= status < 400:
        sentence = say(
            "{path} points to another address (HTTP {status}); the key is not sent there.", path=path, status=code
        )
        return ContractError(sentence, status=status)
    if status in _TRANSIENT:
        return _transient(answer, now)
    return RefusedError(say("{path} refuses the request (HTTP {status}).", path=path, status=code), status=status)


def _transient(answer: Answer, now: datetime) -> TransientError:
    asked = retry_after(answer.headers, now)
    what = say("limits the requests") if answer.status == 429 else say("is down or busy")
    values = {"path": answer.path, "what": what, "status": str(answer.status)}
    if asked is not None and asked > PATIENCE:
        sentence = say(
            "{path} {what} and asks to wait {asked} s, longer than the {most} s allowed for (HTTP {status}).",
            **values,
            asked=f"{asked:.0f}",
            most=f"{PATIENCE:.0f}",
        )
        return TransientError(sentence, status=answer.status, retry_after=asked, final=True)
    sentence = say("{path} {what} (HTTP {status}).", **values)
    return TransientError(sentence, status=answer.status, retry_after=asked)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait that an answer asks for, or None.

    `retry-after-ms`, then `Retry-After` (seconds or an HTTP date), then Anthropic's
    `anthropic-ratelimit-requests-reset` (RFC 3339), which was seen on a 429 without `Retry-After`.
    """
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    asked = read_wait(headers.get("retry-after", "").strip(), now)
    if asked is not None:
        return asked
    try:
        reset = datetime.fromisoformat(headers.get("anthropic-ratelimit-requests-reset", ""))
    except ValueError:
        # A header that can't be read is as good as none.
        return None
    return max(0.0, ((reset if reset.tzinfo else reset.replace(tzinfo=UTC)) - now).total_seconds())
