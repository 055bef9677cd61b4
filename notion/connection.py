"""How a request leaves for Notion: the pace, the retries, the count.

The official client's own retries are switched off: they leave out 409, 502, 504, 529, time-outs and cut connections,
and shorten long `Retry-After`s. What is repeated here, by what a repetition can do:

=========================  =================  ==================  ===========================================
failure                    reads              updates             creations
=========================  =================  ==================  ===========================================
429, 529                   wait, repeat       wait, repeat        wait, repeat: refused before anything is saved
409                        repeat             repeat              repeat: nothing was saved
5xx, time-out, cut         repeat             repeat (absolute    `DoubtfulCreation`: look the row up first; with
                                              values)             `committed_resource_id` the row is known
400, 401, 403, 404         stop               stop                stop
=========================  =================  ==================  ===========================================
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from enum import Enum
from json import JSONDecodeError
from threading import Lock
from typing import Any, Final, TypeVar

import httpx
from notion_client import Client
from notion_client.errors import HTTPResponseError, RequestTimeoutError
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from notion.budget import limit_sentence, next_smaller
from notion.pace import Pace
from notion.refusals import Refusal, advice, read_refusal
from usage.contract import broken
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.network import asks_directly
from usage.settings import NotionSettings

VERSION: Final = "2026-03-11"
TRIES: Final = 6
PATIENCE: Final = 300.0
"""Seconds of `Retry-After` that are obeyed; the limit shared by a workspace may ask for more than a minute."""
_BACKOFF: Final = wait_random_exponential(multiplier=1, max=20)
_log: Final = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
Json = Mapping[str, Any]


class Form(dict[str, Any]):
    """A body that is sent as a multipart form, and not as JSON; a file is a tuple of name, content and type."""


class Effect(Enum):
    """What a request does, and so what may be repeated."""

    READ = "read"
    UPDATE = "update"
    CREATE = "create"


class _Busy(NotionBusyError):
    """Worth repeating."""

    def __init__(self, sentence: str, retry_after: float | None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class RowInTrash(NotionError):
    """The row that should be changed lies in the trash; Notion changes none there."""


class DoubtfulCreation(NotionBusyError):
    """Nobody knows whether the new page was saved. `page_id` is given where Notion said that it was."""

    def __init__(self, sentence: str, page_id: str | None = None) -> None:
        super().__init__(sentence)
        self.page_id = page_id


class Connection:
    """One connection to Notion. Safe to use from several threads.

    Args:
        settings: Token, address, budget.
        sleep: Replaced in tests; seconds.
        pace: Replaced in tests.

    Raises:
        NotionAccessError: There is no token.
    """

    def __init__(
        self, settings: NotionSettings, *, sleep: Callable[[float], None] = time.sleep, pace: Pace | None = None
    ) -> None:
        if settings.token is None:
            raise NotionAccessError("NOTION_TOKEN manque : créez une connexion Notion et mettez son jeton dans .env.")
        token = settings.token.get_secret_value()
        # Its own logger, because each client without one adds a handler; silent, because it logs bodies.
        logger = logging.getLogger("notion.client")
        logger.disabled = True
        self._client = Client(
            client=httpx.Client(trust_env=not asks_directly(settings.base_url)),
            auth=token,
            base_url=settings.base_url,
            notion_version=VERSION,
            retry=False,
            logger=logger,
            timeout_ms=60_000,
        )
        self._sleep = sleep
        # Two servers share no limit, even where they take the same token: that of the sandbox is always the same.
        self._pace = pace or Pace(f"{settings.base_url} {token}", settings.requests_per_minute, sleep=sleep)
        self._lock = Lock()
        self._told: set[str] = set()
        self.requests = 0
        """Requests sent so far, repeats included."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Json | None = None,
        effect: Effect | None = None,
    ) -> M:
        """Send a request, and read its answer; POSTs count as creations, unless `effect` says otherwise.

        Raises:
            DoubtfulCreation: Of a creation: it may or may not have been saved.
            RowInTrash: What should be changed lies in the trash.
            NotionAccessError: Notion refuses; the sentence says what to do.
            NotionBusyError: Notion did not answer usably, several times over.
            NotionError: The answer can't be read.
        """
        effect = effect or {"GET": Effect.READ, "POST": Effect.CREATE}.get(method, Effect.UPDATE)
        return parse(model, self._send(method, path, body, query, effect))

    def _send(self, method: str, path: str, body: Json | None, query: Json | None, effect: Effect) -> Any:
        retrying = Retrying(
            retry=retry_if_exception_type(_Busy),
            stop=stop_after_attempt(TRIES),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._once, method, path, body, query, effect)

    def _once(self, method: str, path: str, body: Json | None, query: Json | None, effect: Effect) -> Any:
        # Before the turn: another request may slow the pace between this one's turn and the next line.
        kept_to = self._pace.per_minute
        self._pace.wait()
        with self._lock:
            self.requests += 1
        try:
            content = {} if body is None else {"form_data" if isinstance(body, Form) else "body": dict(body)}
            return self._client.request(path, method, query=dict(query or {}), **content)
        except HTTPResponseError as error:
            refusal = read_refusal(error)
            if refusal.status in (429, 529) and not refusal.blocked:
                raise self._limited(refusal, kept_to) from None
            raise _read(refusal, path, effect) from None
        except RequestTimeoutError:
            raise _uncertain(f"Notion n’a pas répondu à temps ({path}).", effect) from None
        except (httpx.RequestError, JSONDecodeError, UnicodeDecodeError) as error:
            raise _uncertain(f"La connexion à Notion a été coupée ({type(error).__name__}, {path}).", effect) from None

    def _limited(self, refusal: Refusal, kept_to: int) -> NotionError:
        """Hold everybody back as long as Notion asks, and for longer where the plan turns out to have less."""
        wait = refusal.retry_after
        if wait is not None and wait > PATIENCE:
            return NotionBusyError(f"Notion demande d’attendre {wait:.0f} s : relancez plus tard.")
        self._pace.pause(wait or 0.0)
        sentence = limit_sentence(refusal, kept_to)
        with self._lock:
            # Requests that were under way together are refused together: the first of them has slowed the pace.
            is_news = bool(sentence) and sentence not in self._told and kept_to <= self._pace.per_minute
            smaller = next_smaller(kept_to) if is_news and refusal.is_connections else None
            if smaller is not None:
                self._pace.slow(smaller)
            self._told |= {sentence} if is_news else set()
        if is_news:
            _log.warning("%s", sentence)
        return _Busy(f"Notion limite les demandes (HTTP {refusal.status}).", wait)


def parse(model: type[M], data: object) -> M:
    """Read a part of an answer.

    Raises:
        NotionError: It lacks what is needed; the sentence names the field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise NotionError(f"Notion ne répond plus comme prévu : {broken(error)}.") from None


def _read(refusal: Refusal, path: str, effect: Effect) -> NotionError:
    """The error that a refusal stands for."""
    status = refusal.status
    if status == 409 and refusal.code != "row_limit_exceeded":
        return _Busy("Notion signale deux écritures simultanées (HTTP 409).", None)
    if status >= 500:
        sentence = f"Notion est en panne ou occupé (HTTP {status})."
        if effect is Effect.CREATE:
            return DoubtfulCreation(sentence, refusal.committed_id)
        return _Busy(sentence, refusal.retry_after)
    if status == 400 and refusal.says_trash:
        return RowInTrash(advice(refusal, path))
    return NotionAccessError(advice(refusal, path), status=status)


def _uncertain(sentence: str, effect: Effect) -> NotionError:
    return DoubtfulCreation(sentence) if effect is Effect.CREATE else _Busy(sentence, None)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Busy) else None
    return _BACKOFF(state) if asked is None else asked
