"""How a request leaves for Notion: the pace, the retries, the count.

The official client's own retries are switched off: they leave out 409, 502, 504, 529, time-outs and cut connections,
and shorten long `Retry-After`s. What is repeated here, by what a repetition can do:

=========================  =================  ==================  ===========================================
failure                    reads              updates             creations
=========================  =================  ==================  ===========================================
429, 529                   wait, repeat       wait, repeat        wait, repeat: refused before anything is saved
409                        repeat             repeat              repeat: nothing was saved
never connected            repeat             repeat              repeat: nothing was sent
5xx, time-out, cut         repeat             repeat (absolute    `DoubtfulCreation`: look the row up first; with
                                              values)             `committed_resource_id` the row is known
400, 401, 403, 404,        stop               stop                stop
certificate
=========================  =================  ==================  ===========================================
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from threading import Lock
from typing import Any, Final

import httpx
from notion_client import Client
from notion_client.errors import HTTPResponseError, InvalidPathParameterError, RequestTimeoutError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from notion.client.bounded import BoundedClient
from notion.client.budget import limit_sentence, next_smaller
from notion.client.failures import Refusal, advice, read_refusal, read_silence, unreadable_sentence
from notion.client.pace import Pace
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.machine.network import asks_directly
from usage.peers.bodies import UnreadableError
from usage.peers.clock import clock_offset
from usage.settings import NotionSettings, missing_token

VERSION: Final = "2026-03-11"
TRIES: Final = 6
SMALLEST_PAGE: Final = 10
"""Things in the smallest page that a listing is asked for in."""
OVERLOADED: Final = (502, 503, 504)
"""What Notion answers to a query that takes it too long."""
PATIENCE: Final = 300.0
"""Seconds of `Retry-After` that are obeyed; the limit shared by a workspace may ask for more than a minute."""
_BACKOFF: Final = wait_random_exponential(multiplier=1, max=20)
_log: Final = logging.getLogger(__name__)

Json = Mapping[str, Any]


class Effect(Enum):
    """What a request does, and so what may be repeated."""

    READ = "read"
    UPDATE = "update"
    CREATE = "create"


def effect_of(method: str, path: str, body: Json | None) -> Effect:
    """What a request does, as far as repeating it is concerned."""
    if method == "GET" or path.endswith("/query"):
        return Effect.READ
    # Blocks that are appended twice stand there twice; and nobody promises that a relation which is added twice would
    # not get a second other side.
    if method == "POST" or path.endswith("/children") or (path.startswith("data_sources") and _writes_relation(body)):
        return Effect.CREATE
    return Effect.UPDATE


class _Busy(NotionBusyError):
    """Worth repeating."""

    def __init__(self, sentence: Sentence, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.status = status


class TooMuchAsked(NotionBusyError):
    """A listing that Notion can't give in pages of this size; smaller ones may pass."""


class DoubtfulCreation(NotionBusyError):
    """Nobody knows whether the new page was saved. `page_id` is given where Notion said that it was."""

    def __init__(self, sentence: Sentence, page_id: str | None = None) -> None:
        super().__init__(sentence)
        self.page_id = page_id


class Connection(Client):
    """Notion's own client, each request of which keeps the pace, is repeated as above and ends in one of our errors.

    All of its endpoints (`connection.pages.create`) come down to `request`. Safe to use from several threads.

    Args:
        settings: Token, address, budget.
        sleep: Replaced in tests; seconds.
        pace: Replaced in tests.
        transport: Replaced in tests: what stands in for the network.
        now: This machine's clock, UTC; replaced in tests.

    Raises:
        NotionAccessError: There is no token.
    """

    def __init__(
        self,
        settings: NotionSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if settings.token is None:
            raise NotionAccessError(missing_token())
        token = settings.token.get_secret_value()
        super().__init__(
            client=BoundedClient(
                self._set_clock,
                transport=transport,
                # A proxy from the environment is not for loopback, where the token may travel in clear.
                trust_env=not asks_directly(settings.base_url),
            ),
            auth=token,
            base_url=settings.base_url,
            notion_version=VERSION,
            retry=False,
            logger=_silent(),
            timeout_ms=60_000,
        )
        self.sleep = sleep
        """Waits some seconds."""
        self.requests = 0
        """Requests sent so far, repeats included."""
        self.clock_offset = timedelta()
        """What has to be added to this machine's time to have Notion's, as the last answer's `Date` told it, to the
        second. Zero until there was an answer."""
        self._now = now
        # Two servers share no limit, even where they take the same token: that of the sandbox is always the same.
        self._pace = pace or Pace(f"{settings.base_url} {token}", settings.requests_per_minute, sleep=sleep)
        self._lock = Lock()
        self._logged: set[Sentence] = set()
        """Sentences about the plan that the log has."""

    def request(  # noqa: PLR0917  # as in Notion's client
        self,
        path: str,
        method: str,
        query: dict[Any, Any] | None = None,
        body: dict[Any, Any] | None = None,
        form_data: dict[Any, Any] | None = None,
        auth: str | dict[str, str] | None = None,
    ) -> Any:
        """Send a request, and repeat it where that can help.

        A listing that could be asked for in smaller pages is tried only twice where Notion is overloaded.

        Raises:
            DoubtfulCreation: Of a creation: it may or may not have been saved.
            TooMuchAsked: Notion is overloaded, and the listing could be asked for in smaller pages.
            NotionAccessError: Notion refuses; the sentence says what to do.
            NotionBusyError: Notion did not answer usably, several times over.
            NotionError: The answer can't be read.
        """
        effect = effect_of(method, path, body)
        can_be_smaller = {**(query or {}), **(body or {})}.get("page_size", 0) > SMALLEST_PAGE
        retrying = Retrying(
            retry=retry_if_exception_type(_Busy),
            stop=lambda state: state.attempt_number >= TRIES or (can_be_smaller and _is_too_much(state)),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        send = partial(super().request, path, method, query, body, form_data, auth)
        try:
            return retrying(self._send_once, send, path, body, effect)
        except _Busy as error:
            if can_be_smaller and error.status in OVERLOADED:
                raise TooMuchAsked(error.sentence) from None
            raise

    def _send_once(self, send: Callable[[], Any], path: str, body: Json | None, effect: Effect) -> Any:
        # Before the turn: another request may slow the pace between this one's turn and the next line.
        kept_to = self._pace.per_minute
        self._pace.wait()
        with self._lock:
            self.requests += 1
        try:
            return send()
        except HTTPResponseError as error:
            refusal = read_refusal(error, self._now())
            if refusal.status in (429, 529) and not refusal.blocked:
                raise self._slow_down(refusal, kept_to) from None
            raise _as_error(refusal, path, body, effect) from None
        except UnreadableError as error:
            raise _doubtful_or_busy(unreadable_sentence(error, path), effect) from None
        except (InvalidPathParameterError, httpx.InvalidURL):
            raise NotionError(
                say("Notion has given an id of which no address can be made ({path}).", path=path)
            ) from None
        except (RequestTimeoutError, httpx.RequestError) as error:
            silence = read_silence(error, self.options.base_url, path)
            if not silence.may_pass:
                raise NotionAccessError(silence.sentence) from None
            raise _doubtful_or_busy(silence.sentence, effect if silence.is_sent else Effect.READ) from None

    def _set_clock(self, headers: httpx.Headers) -> None:
        """Remember how far Notion's clock is from this one."""
        offset = clock_offset(headers, self._now().replace(microsecond=0))
        self.clock_offset = self.clock_offset if offset is None else offset

    def _slow_down(self, refusal: Refusal, kept_to: int) -> NotionError:
        """Hold everybody back as long as Notion asks, and for longer where the plan turns out to have less."""
        wait = refusal.retry_after
        if wait is not None and wait > PATIENCE:
            return NotionBusyError(
                say("Notion asks to wait for {seconds} s: run it again later.", seconds=f"{wait:.0f}")
            )
        self._pace.pause(wait or 0.0)
        sentence = limit_sentence(refusal, kept_to)
        with self._lock:
            # Requests that were under way together are refused together: the first of them has slowed the pace.
            is_news = bool(sentence) and sentence not in self._logged and kept_to <= self._pace.per_minute
            smaller = next_smaller(kept_to) if is_news and refusal.is_connections else None
            if smaller is not None:
                self._pace.slow(smaller)
            self._logged |= {sentence} if is_news else set()
        if is_news:
            _log.warning("%s", sentence)
        return _Busy(say("Notion limits requests (HTTP {status}).", status=str(refusal.status)), wait)


def _as_error(refusal: Refusal, path: str, body: Json | None, effect: Effect) -> NotionError:
    """The error that a refusal stands for."""
    status = refusal.status
    if status == 409 and refusal.code != "row_limit_exceeded":
        return _Busy(say("Notion reports two writes at once (HTTP 409)."), status=status)
    if status >= 500:
        sentence = say("Notion is out of order or busy (HTTP {status}).", status=str(status))
        if effect is Effect.CREATE:
            return DoubtfulCreation(sentence, refusal.committed_id)
        return _Busy(sentence, refusal.retry_after, status)
    return NotionAccessError(advice(refusal, path, links=_writes_relation(body)), status=status)


def _writes_relation(body: Json | None) -> bool:
    """Whether a request writes a relation."""
    values = (body or {}).get("properties")
    return isinstance(values, dict) and any(isinstance(one, dict) and one.get("relation") for one in values.values())


def _silent() -> logging.Logger:
    """A logger for Notion's client, which logs refusals and their bodies.

    Not one of `logging.getLogger`: whoever sets up logging, as Prefect does for each run, wakes those again.
    """
    logger = logging.Logger("notion_client")
    logger.addHandler(logging.NullHandler())
    return logger


def _doubtful_or_busy(sentence: Sentence, effect: Effect) -> NotionError:
    return DoubtfulCreation(sentence) if effect is Effect.CREATE else _Busy(sentence)


def _is_too_much(state: RetryCallState) -> bool:
    """Whether Notion was overloaded twice."""
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= 2 and isinstance(error, _Busy) and error.status in OVERLOADED


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Busy) else None
    return _BACKOFF(state) if asked is None else asked
