"""Everything that is sent to Notion goes through here: the pace, the retries, the count of requests.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from json import JSONDecodeError
from threading import Lock
from typing import Any, Final, TypeVar

import httpx
from notion_client import Client
from notion_client.errors import HTTPResponseError, RequestTimeoutError
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from notion.pace import Pace
from notion.refusals import Refusal, advice, read_refusal
from notion.wire import Block, DatabaseInfo, DataSource, Listing, Page
from usage.errors import NotionAccessError, NotionBusyError, NotionError
from usage.settings import NotionSettings

VERSION: Final = "2026-03-11"
TRIES: Final = 6
PATIENCE: Final = 300.0
"""Seconds of `Retry-After` that are obeyed; the limit shared by a workspace may ask for more than a minute."""
PAGE_SIZE: Final = 100
_BACKOFF: Final = wait_random_exponential(multiplier=1, max=20)

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


class Gateway:
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
        self.requests = 0
        """Requests sent so far, repeats included."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- reading

    def database(self, database_id: str) -> DatabaseInfo:
        """A database: title, data sources, whether it is in the trash or locked."""
        return self._model(DatabaseInfo, "GET", f"databases/{database_id}")

    def data_source(self, data_source_id: str) -> DataSource:
        """A data source with its properties."""
        return self._model(DataSource, "GET", f"data_sources/{data_source_id}")

    def children(self, page_id: str) -> Iterator[Block]:
        """The blocks on a page."""
        cursor: str | None = None
        while True:
            query: dict[str, Any] = {"page_size": PAGE_SIZE} | ({"start_cursor": cursor} if cursor else {})
            listing = self._model(Listing, "GET", f"blocks/{page_id}/children", query=query)
            yield from (_parse(Block, block) for block in listing.results)
            cursor = listing.next_cursor
            if not (listing.has_more and cursor):
                return

    def rows(self, data_source_id: str, where: Json | None = None) -> Iterator[Page]:
        """Rows of a data source, those in the trash left out.

        Raises:
            NotionError: Notion stopped the query at 10,000 rows, or can't be read.
        """
        cursor: str | None = None
        while True:
            body: dict[str, Any] = {"page_size": PAGE_SIZE}
            body |= {"filter": where} if where else {}
            body |= {"start_cursor": cursor} if cursor else {}
            listing = self._model(Listing, "POST", f"data_sources/{data_source_id}/query", body=body)
            yield from (_parse(Page, row) for row in listing.results)
            if listing.request_status is not None and listing.request_status.type == "incomplete":
                raise NotionError("Notion arrête la lecture à 10 000 lignes : réduisez la période demandée.")
            cursor = listing.next_cursor
            if not (listing.has_more and cursor):
                return

    def page(self, page_id: str) -> Page:
        """One row."""
        return self._model(Page, "GET", f"pages/{page_id}")

    # -- writing

    def create_row(self, data_source_id: str, properties: Json, blocks: Sequence[Json] = ()) -> Page:
        """Add a row; `blocks` are what stands on its page.

        Raises:
            DoubtfulCreation: The row may or may not have been saved.
        """
        body: dict[str, Any] = {"parent": {"type": "data_source_id", "data_source_id": data_source_id}}
        body["properties"] = properties
        body |= {"children": list(blocks)} if blocks else {}
        return self._model(Page, "POST", "pages", body=body, effect=Effect.CREATE)

    def update_row(self, page_id: str, properties: Json) -> Page:
        """Change the named properties of a row; the others stay."""
        return self._model(Page, "PATCH", f"pages/{page_id}", body={"properties": properties}, effect=Effect.UPDATE)

    def trash_row(self, page_id: str) -> None:
        """Move a row to the trash, from where a person can restore it."""
        self._model(Page, "PATCH", f"pages/{page_id}", body={"in_trash": True}, effect=Effect.UPDATE)

    def create_database(self, parent_page_id: str, title: str, properties: Json) -> DatabaseInfo:
        """Add a database with one data source to a page.

        Raises:
            DoubtfulCreation: The database may or may not have been saved.
        """
        body = {
            "parent": {"type": "page_id", "page_id": parent_page_id},
            "title": [{"type": "text", "text": {"content": title}}],
            "is_inline": False,
            "initial_data_source": {"properties": properties},
        }
        return self._model(DatabaseInfo, "POST", "databases", body=body, effect=Effect.CREATE)

    def update_data_source(self, data_source_id: str, properties: Json) -> DataSource:
        """Add or change properties of a data source."""
        path = f"data_sources/{data_source_id}"
        return self._model(DataSource, "PATCH", path, body={"properties": properties}, effect=Effect.UPDATE)

    def add_relation(self, data_source_id: str, properties: Json) -> DataSource:
        """Add a two-way relation. Nobody promises that a repetition would not make a second other side.

        Raises:
            DoubtfulCreation: It may or may not have been saved: read the data source again.
        """
        path = f"data_sources/{data_source_id}"
        return self._model(DataSource, "PATCH", path, body={"properties": properties}, effect=Effect.CREATE)

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
        """Any other request; POSTs count as creations, unless `effect` says otherwise.

        Raises:
            DoubtfulCreation: Of a creation: it may or may not have been saved.
        """
        effect = effect or {"GET": Effect.READ, "POST": Effect.CREATE}.get(method, Effect.UPDATE)
        return self._model(model, method, path, body=body, query=query, effect=effect)

    # -- the one place where requests leave

    def _model(
        self,
        model: type[M],
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Json | None = None,
        effect: Effect = Effect.READ,
    ) -> M:
        return _parse(model, self._send(method, path, body, query, effect))

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
        self._pace.wait()
        with self._lock:
            self.requests += 1
        try:
            content = {} if body is None else {"form_data" if isinstance(body, Form) else "body": dict(body)}
            return self._client.request(path, method, query=dict(query or {}), **content)
        except HTTPResponseError as error:
            raise self._read(read_refusal(error), path, effect) from None
        except RequestTimeoutError:
            raise _uncertain(f"Notion n’a pas répondu à temps ({path}).", effect) from None
        except (httpx.RequestError, JSONDecodeError, UnicodeDecodeError) as error:
            raise _uncertain(f"La connexion à Notion a été coupée ({type(error).__name__}, {path}).", effect) from None

    def _read(self, refusal: Refusal, path: str, effect: Effect) -> NotionError:
        """The error that a refusal stands for."""
        status = refusal.status
        if status in (429, 529) and not refusal.blocked:
            return self._limited(status, refusal.retry_after)
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

    def _limited(self, status: int, wait: float | None) -> NotionError:
        if wait is not None and wait > PATIENCE:
            return NotionBusyError(f"Notion demande d’attendre {wait:.0f} s : relancez plus tard.")
        self._pace.pause(wait or 0.0)
        return _Busy(f"Notion limite les demandes (HTTP {status}).", wait)


def _parse(model: type[M], data: object) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NotionError(f"Notion ne répond plus comme prévu : champ {field}, attendu : {first['type']}.") from None


def _uncertain(sentence: str, effect: Effect) -> NotionError:
    return DoubtfulCreation(sentence) if effect is Effect.CREATE else _Busy(sentence, None)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, _Busy) else None
    return _BACKOFF(state) if asked is None else asked
