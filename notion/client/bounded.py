"""The HTTP client under Notion's own: every answer within bounds of size and time, and read as JSON by our own reader.

`httpx` bounds the wait for each piece of an answer: a server that sends a byte now and then is waited for without end,
in the headers or in the body. So each request runs in a thread of its own, and the whole of it has one deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final

import httpx

from usage.peers.bodies import BODY_LIMIT, ENCODINGS, Body, UnreadableError, decode

DEADLINE: Final = 120.0
"""Seconds from the request to the last byte of its answer."""


class Answer(httpx.Response):
    """A whole answer."""

    def json(self, **_: Any) -> Any:
        """The decoded body; numbers are doubles, as they are for Notion.

        Raises:
            UnreadableError: It is not JSON, or not such as can be worked with.
        """
        return decode(self.content, exact=False)


class BoundedClient(httpx.Client):
    """An `httpx` client whose answers come whole, or not at all.

    Args:
        on_answer: Called with the headers of every answer, whatever its status.
        deadline: Seconds.
        limit: Bytes of an unpacked body.
        clock: Replaced in tests; seconds.
        options: As `httpx.Client` takes them.
    """

    def __init__(
        self,
        on_answer: Callable[[httpx.Headers], None],
        *,
        deadline: float = DEADLINE,
        limit: int = BODY_LIMIT,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._on_answer, self._deadline, self._limit, self._clock = on_answer, deadline, limit, clock

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request and read its answer.

        Raises:
            httpx.ReadTimeout: It has not all come by the deadline.
            httpx.RequestError: As `httpx.Client.send`.
            UnreadableError: The body is too large, or can't be unpacked.
        """
        waiting: Future[httpx.Response] = Future()

        def run() -> None:
            try:
                waiting.set_result(self._receive(request, options))
            except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
                waiting.set_exception(error)

        # A daemon: where its server is silent, it must not keep the program from ending.
        Thread(target=run, name="notion-request", daemon=True).start()
        try:
            return waiting.result(timeout=self._deadline)
        except TimeoutError:
            if waiting.done():
                # It came at the last moment.
                return waiting.result()
            raise self._too_late(request) from None

    def _receive(self, request: httpx.Request, options: dict[str, Any]) -> httpx.Response:
        ends = self._clock() + self._deadline
        request.headers["Accept-Encoding"] = ENCODINGS
        response = super().send(request, **{**options, "stream": True})
        try:
            self._on_answer(response.headers)
            body = Body(response.headers.get("content-encoding", ""), self._limit)
            for piece in response.iter_raw():
                body.add(piece)
                if self._clock() > ends:
                    raise self._too_late(request)
        finally:
            response.close()
        return _as_answer(response, body.content(), request)

    def _too_late(self, request: httpx.Request) -> httpx.ReadTimeout:
        return httpx.ReadTimeout(f"not whole after {self._deadline:.0f} s", request=request)


def _as_answer(response: httpx.Response, content: bytes, request: httpx.Request) -> Answer:
    if not response.is_success:
        try:
            decode(content)
        except UnreadableError:
            # Notion's client reads errors with a reader of its own, which knows no bounds: the status has to do.
            content = b""
    # What the headers say of the body was about its packed form.
    kept = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _OF_THE_BODY]
    return Answer(response.status_code, headers=kept, content=content, request=request)


_OF_THE_BODY: Final = ("content-encoding", "content-length", "transfer-encoding")
