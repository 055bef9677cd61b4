"""The door in front of each stand-in: keeps the journal and makes the trouble that was asked for."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Fault, Faults, Kind
from sandbox.shared.journal import Journal, Request


@dataclass
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Gate:
    """ASGI middleware around one API."""

    def __init__(self, app: ASGIApp, *, api: str, journal: Journal, faults: Faults) -> None:
        self._app, self._api, self._journal, self._faults = app, api, journal, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        path, query = scope["path"], scope["query_string"].decode()
        fault = self._faults.take(self._api, scope["method"], path, dict(parse_qsl(query)), body)
        answer = await self._answer(scope, body, fault)
        cut = fault is not None and fault.kind in (Kind.CUT_BEFORE, Kind.CUT_AFTER)
        self._journal.add(
            Request(
                self._api,
                scope["method"],
                path,
                query,
                body,
                tuple((name.decode().lower(), value.decode("latin-1")) for name, value in scope["headers"]),
                0 if cut else answer.status,
            )
        )
        if cut:
            _abort(send)
        else:
            await _write(send, answer, half=fault is not None and fault.kind is Kind.TRUNCATE)

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None) -> _Answer:
        if fault is None or fault.kind in (Kind.TRUNCATE, Kind.REWRITE, Kind.CUT_AFTER, Kind.STATUS_AFTER):
            answer = await self._ask(scope, body)
            if fault is not None and fault.rewrite is not None and fault.kind is Kind.REWRITE:
                answer.body = json.dumps(fault.rewrite(json.loads(answer.body))).encode()
                answer.headers = [(n, v) for n, v in answer.headers if n.lower() != b"content-length"]
            if fault is None or fault.kind is not Kind.STATUS_AFTER:
                return answer
        content, kind = fault.encoded()
        headers = [(name.encode(), value.encode()) for name, value in fault.headers.items()]
        if "content-type" not in {name.lower() for name in fault.headers}:
            headers.append((b"content-type", kind.encode()))
        return _Answer(200 if fault.kind is Kind.HTML else fault.status, headers, content)

    async def _ask(self, scope: Scope, body: bytes) -> _Answer:
        answer, sent = _Answer(500, [], b""), False

        async def replay() -> MutableMapping[str, Any]:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message.get("headers", []))
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        await self._app(scope, replay, keep)
        return answer


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _write(send: Send, answer: _Answer, *, half: bool) -> None:
    headers = [(n, v) for n, v in answer.headers if n.lower() != b"content-length"]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    if half:
        _abort(send)
    else:
        await send({"type": "http.response.body", "body": answer.body[len(answer.body) // 2 :], "more_body": False})


def _abort(send: Send) -> None:
    # ASGI has no word for "drop the connection". uvicorn's `send` is a method of the object that holds the transport.
    send.__self__.transport.abort()  # type: ignore[attr-defined]
