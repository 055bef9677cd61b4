"""The one HTTP layer of all providers: time-outs, retries, the request log, redaction.

Rules (see also `usage.errors`):

- 408, 409, 425, 429, 5xx, time-outs and cut connections are tried again, at most 5 times in all and within 120 seconds,
  with a jittered, growing wait, or as long as `Retry-After` (or a provider's own reset header) asks. A longer wait than
  120 seconds is a failure that says so.
- 410 is a stale cursor; 400, 401, 403, 404 and the like are never tried again.
- Redirects are not followed: a key must not travel to another address.
- Amounts in the JSON become `Decimal`; nothing passes through a float.
- Messages name the endpoint's path, never the query, the headers or the body.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from usage.collector import collector_paused
from usage.contract import broken
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    StaleCursorError,
    TransientError,
)
from usage.network import asks_directly

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)

TRIES: Final = 5
PATIENCE: Final = 120.0
"""Seconds that one request may take, waits included, and the longest `Retry-After` that is obeyed."""
_TRANSIENT: Final = frozenset({408, 409, 425, 429, *range(500, 600)})
_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=8)
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)

Params = Sequence[tuple[str, str]]
Explain = Callable[["Answer"], SourceError | None]
"""A provider's own reading of an answer that is not 2xx; None leaves it to the common rules."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, headers, raw body and the path it came from."""

    path: str
    status: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        """The decoded body, numbers with a point as `Decimal`.

        Raises:
            ContractError: The body is not JSON.
        """
        try:
            return json.loads(self.content, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            what = "une page HTML" if self.content.lstrip()[:1] == b"<" else "un corps illisible ou coupé"
            raise ContractError(
                f"{self.path} a répondu {what} au lieu de JSON (HTTP {self.status}).", status=self.status
            ) from None

    def parse(self, model: type[M]) -> M:
        """The body as `model`.

        Raises:
            ContractError: Not JSON, a required field is missing, or a field has the wrong type. The message has the
                field's path and what was expected, not the value.
        """
        with collector_paused():
            return parse(self.json(), model, self.path)


def parse(data: object, model: type[M], where: str) -> M:
    """Decoded JSON as `model`; see `Answer.parse`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ContractError(f"{where} ne répond plus comme prévu : {broken(error)}.") from None


@dataclass(frozen=True, slots=True)
class Retry:
    """How long one request is tried. `sleep` and `clock` (seconds) are replaced in tests."""

    tries: int = TRIES
    patience: float = PATIENCE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Http:
    """Asks one API with one key. Use as `async with`.

    Args:
        base_url: Address of the API, without a trailing slash.
        headers: Sent with every request; they hold the key and are never logged.
        explain: The provider's own reading of refusals.
        retry: Limits of the retries.
        in_flight: Requests under way at once.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        explain: Explain = lambda _: None,
        retry: Retry | None = None,
        in_flight: int = 4,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers=dict(headers),
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=not asks_directly(base_url),
        )
        self._explain, self._retry = explain, retry or Retry()
        self._slots = asyncio.Semaphore(in_flight)
        self.requests = 0
        """Requests sent so far, repeats included."""

    async def __aenter__(self) -> Self:
        """Open the connections."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, params: Params = (), headers: Mapping[str, str] | None = None) -> Answer:
        """GET `path`.

        Raises:
            SourceError: The class says what to do; see the module's text.
        """
        return await self._ask("GET", path, params=list(params), headers=headers)

    async def post(self, path: str, body: BaseModel) -> Answer:
        """POST `body`, for the few reads that are POSTs. Fields that are `None` are left out.

        Raises:
            SourceError: The class says what to do; see the module's text.
        """
        content = body.model_dump(mode="json", exclude_none=True)
        return await self._ask("POST", path, json=content)

    async def _ask(self, method: str, path: str, **arguments: Any) -> Answer:
        async with self._slots:
            # Time spent waiting for a slot is not the server's.
            started = self._retry.clock()
            retrying = AsyncRetrying(
                retry=retry_if_exception(lambda error: isinstance(error, TransientError) and not _is_hopeless(error)),
                stop=lambda state: _give_up(state, self._retry, started),
                wait=_wait,
                sleep=self._retry.sleep,
                reraise=True,
            )
            return await retrying(self._once, method, path, **arguments)

    async def _once(self, method: str, path: str, **arguments: Any) -> Answer:
        self.requests += 1
        try:
            # httpx bounds the wait for each piece of an answer, not for the whole of it.
            async with asyncio.timeout(self._retry.patience):
                response = await self._client.request(method, path, **arguments)
        except (httpx.TimeoutException, TimeoutError):
            raise TransientError(f"{path} n’a pas répondu à temps.") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise TransientError(f"La connexion à {path} a été coupée ({type(error).__name__}).") from None
        log.debug("%s %s %s", method, path, response.status_code)
        answer = Answer(path, response.status_code, response.headers, response.content)
        if response.is_success:
            return answer
        raise self._explain(answer) or refusal(answer, self._retry.now())


def refusal(answer: Answer, now: datetime) -> SourceError:
    """The error that a status stands for at every provider."""
    path, status = answer.path, answer.status
    if status in (401, 403):
        return CredentialError(f"{path} refuse la clé (HTTP {status}) : vérifiez la clé et ses droits.", status=status)
    if status == 404:
        return NotOfferedError(f"{path} n’existe pas pour ce compte (HTTP 404).", status=status)
    if status == 410:
        return StaleCursorError(f"{path} a changé pendant la lecture (HTTP 410).", status=status)
    if 300 <= status < 400:
        return ContractError(
            f"{path} renvoie vers une autre adresse (HTTP {status}) ; la clé n’y est pas envoyée.", status=status
        )
    if status in _TRANSIENT:
        return _transient(answer, now)
    return RefusedError(f"{path} refuse la demande (HTTP {status}).", status=status)


def _transient(answer: Answer, now: datetime) -> TransientError:
    asked = retry_after(answer.headers, now)
    what = "limite les demandes" if answer.status == 429 else "est en panne ou occupé"
    sentence = f"{answer.path} {what} (HTTP {answer.status})."
    if asked is not None and asked > PATIENCE:
        sentence = (
            f"{answer.path} {what} et demande d’attendre {asked:.0f} s, plus que les {PATIENCE:.0f} s prévues "
            f"(HTTP {answer.status})."
        )
        return TransientError(sentence, status=answer.status, retry_after=asked, final=True)
    return TransientError(sentence, status=answer.status, retry_after=asked)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait that an answer asks for, or None.

    `retry-after-ms`, then `Retry-After` (seconds or an HTTP date), then Anthropic's
    `anthropic-ratelimit-requests-reset` (RFC 3339), which was seen on a 429 without `Retry-After`.
    """
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    seconds = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", seconds):
        return float(seconds)
    for text, read in (
        (seconds, parsedate_to_datetime),
        (headers.get("anthropic-ratelimit-requests-reset", ""), datetime.fromisoformat),
    ):
        instant = _instant(text, read)
        if instant is not None:
            return max(0.0, (instant - now).total_seconds())
    return None


def _instant(text: str, read: Callable[[str], datetime]) -> datetime | None:
    try:
        instant = read(text)
    except (ValueError, TypeError):
        # A header that can't be read is as good as none.
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _is_hopeless(error: TransientError) -> bool:
    return error.final or isinstance(error, StaleCursorError)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, TransientError) else None
    # A little more than asked, so that clients that were sent away together don't come back together.
    return _BACKOFF(state) if asked is None else asked + _BACKOFF(state) / 10


def _give_up(state: RetryCallState, retry: Retry, started: float) -> bool:
    too_late = retry.clock() - started + state.upcoming_sleep > retry.patience
    return too_late or stop_after_attempt(retry.tries)(state)


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not JSON")
