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
from email.utils import parsedate_to_datetime
from enum import Enum
from threading import Lock
from typing import Any, Final, TypeVar

import httpx
from notion_client import Client
from notion_client.errors import HTTPResponseError, InvalidPathParameterError, RequestTimeoutError
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from notion.client.bounded import BoundedClient
from notion.client.budget import limit_sentence, next_smaller
from notion.client.failures import Refusal, advice, read_refusal, why
from notion.client.pace import Pace
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.machine.network import asks_directly
from usage.peers.bodies import BODY_LIMIT, NotJsonError, TooLargeError, UnreadableError
from usage.peers.contract import broken
from usage.settings import NotionSettings

VERSION: Final = "2026-03-11"
TRIES: Final = 6
OVERLOADED: Final = (502, 503, 504)
"""What Notion answers to a query that takes it too long."""
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

    def __init__(self, sentence: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.status = status


class TooMuchAsked(NotionBusyError):
    """A listing that Notion can't give in pages of this size; smaller ones may pass."""


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
            raise NotionAccessError("NOTION_TOKEN manque : créez une connexion Notion et mettez son jeton dans .env.")
        token = settings.token.get_secret_value()
        self._base_url, self._now = settings.base_url, now
        self._client = Client(
            client=BoundedClient(
                self._note,
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
        self._sleep = sleep
        # Two servers share no limit, even where they take the same token: that of the sandbox is always the same.
        self._pace = pace or Pace(f"{settings.base_url} {token}", settings.requests_per_minute, sleep=sleep)
        self._lock = Lock()
        self._told: set[str] = set()
        self.requests = 0
        """Requests sent so far, repeats included."""
        self._clock_offset = timedelta()

    @property
    def clock_offset(self) -> timedelta:
        """What has to be added to this machine's time to have Notion's, as the last answer's `Date` told it, to the
        second. Zero until there was an answer.
        """
        return self._clock_offset

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
        can_be_smaller: bool = False,
    ) -> M:
        """Send a request, and read its answer; POSTs count as creations, unless `effect` says otherwise.

        Args:
            model: What the answer is read as.
            method: Of HTTP.
            path: Below `/v1/`.
            body: JSON, or a form.
            query: Parameters.
            effect: What the request does.
            can_be_smaller: Of a listing: whether it could be asked for in smaller pages. Then it is tried twice only
                where Notion is overloaded.

        Raises:
            DoubtfulCreation: Of a creation: it may or may not have been saved.
            TooMuchAsked: Notion is overloaded, and the listing could be asked for in smaller pages.
            NotionAccessError: Notion refuses; the sentence says what to do.
            NotionBusyError: Notion did not answer usably, several times over.
            NotionError: The answer can't be read.
        """
        effect = effect or {"GET": Effect.READ, "POST": Effect.CREATE}.get(method, Effect.UPDATE)
        retrying = Retrying(
            retry=retry_if_exception_type(_Busy),
            stop=lambda state: state.attempt_number >= TRIES or (can_be_smaller and _is_too_much(state)),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return parse(model, retrying(self._once, method, path, body, query, effect))
        except _Busy as error:
            if can_be_smaller and error.status in OVERLOADED:
                raise TooMuchAsked(str(error)) from None
            raise

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
            raise _read(refusal, path, body, effect) from None
        except UnreadableError as error:
            raise _uncertain(_unreadable(error, path), effect) from None
        except (InvalidPathParameterError, httpx.InvalidURL):
            raise NotionError(
                f"Notion a donné un identifiant dont aucune adresse ne peut être faite ({path})."
            ) from None
        except (RequestTimeoutError, httpx.RequestError) as error:
            unreached = why(error, self._base_url, path)
            if not unreached.may_pass:
                raise NotionAccessError(unreached.sentence) from None
            raise _uncertain(unreached.sentence, effect if unreached.is_sent else Effect.READ) from None

    def _note(self, headers: httpx.Headers) -> None:
        """Remember how far Notion's clock is from this one."""
        try:
            told = parsedate_to_datetime(headers.get("date", ""))
        except ValueError:
            return
        if told.tzinfo is not None:
            self._clock_offset = told - self._now().replace(microsecond=0)

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


def _read(refusal: Refusal, path: str, body: Json | None, effect: Effect) -> NotionError:
    """The error that a refusal stands for."""
    status = refusal.status
    if status == 409 and refusal.code != "row_limit_exceeded":
        return _Busy("Notion signale deux écritures simultanées (HTTP 409).", status=status)
    if status >= 500:
        sentence = f"Notion est en panne ou occupé (HTTP {status})."
        if effect is Effect.CREATE:
            return DoubtfulCreation(sentence, refusal.committed_id)
        return _Busy(sentence, refusal.retry_after, status)
    return NotionAccessError(advice(refusal, path, links=_links(body)), status=status)


def _links(body: Json | None) -> bool:
    """Whether a request writes a relation."""
    values = (body or {}).get("properties")
    return isinstance(values, dict) and any(isinstance(one, dict) and one.get("relation") for one in values.values())


def _unreadable(error: UnreadableError, path: str) -> str:
    """What is wrong with the body of an answer."""
    if isinstance(error, TooLargeError):
        return f"La réponse de Notion dépasse {BODY_LIMIT // 1024**2} Mio ({path}) : vérifiez NOTION_BASE_URL."
    if isinstance(error, NotJsonError):
        what = "une page HTML" if error.is_html else "un corps illisible ou coupé"
        return f"Notion a répondu {what} au lieu de JSON ({path}) : vérifiez NOTION_BASE_URL et le proxy."
    return f"Notion a répondu du JSON démesuré ({type(error).__name__}, {path}) : vérifiez NOTION_BASE_URL."


def _silent() -> logging.Logger:
    """A logger for Notion's client, which logs refusals and their bodies.

    Not one of `logging.getLogger`: whoever sets up logging, as Prefect does for each run, wakes those again.
    """
    logger = logging.Logger("notion_client")
    logger.addHandler(logging.NullHandler())
    return logger


def _uncertain(sentence: str, effect: Effect) -> NotionError:
    return DoubtfulCreation(sentence) if effect is Effect.CREATE else _Busy(sentence)


def _is_too_much(state: RetryCallState) -> bool:
    """Whether Notion was overloaded twice."""
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= 2 and isinstance(error, _Busy) and error.status in OVERLOADED


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Busy) else None
    return _BACKOFF(state) if asked is None else asked
