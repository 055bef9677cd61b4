"""Runs the stand-ins on one loopback port, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Faults
from sandbox.shared.gate import Gate
from sandbox.shared.journal import Journal


class _Switch:
    """Sends a request to the API under whose path it falls; the API sees the path without that prefix.

    Not Starlette's `Mount`: its error middleware stands between the server and the gate, which must reach the
    connection to cut it.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        self._apps, self._otherwise = apps, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        for mount, app in self._apps.items():
            if path.startswith(mount + "/"):
                rest = path[len(mount) :]
                await app({**scope, "path": rest, "raw_path": rest.encode(), "root_path": ""}, receive, send)
                return
        await self._otherwise(scope, receive, send)


class Api(Protocol):
    """What each stand-in offers."""

    name: str
    """Name in the journal and the faults, for example `openai`."""
    mount: str
    """Path under which it is served, for example `/openai/v1`."""

    @property
    def app(self) -> Starlette:
        """The routes, relative to `mount`."""

    def environment(self, base_url: str) -> dict[str, str]:
        """Environment variables that a client needs to use this stand-in; `base_url` ends with `mount`."""


class _Quick(uvicorn.Server):
    """Ends when it is told to: uvicorn looks ten times a second, and then gives open connections a tenth of a second
    more. A test that starts a server of its own would spend most of its time on that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until `stop`."""
        self._loop = asyncio.get_running_loop()
        if self.should_exit:
            return
        while not self._end.is_set():
            # It sets the time that answers bear.
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the sockets and the connections that wait for a next request."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.001)

    def stop(self) -> None:
        """End, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)


class Server:
    """Serves `apis` on a free port of 127.0.0.1 while the `with` block runs.

    Args:
        apis: The stand-ins.
        port: Port to listen on; 0 takes a free one.
        front: What is served on all other paths.
    """

    def __init__(self, apis: Sequence[Api], *, port: int = 0, front: ASGIApp | None = None) -> None:
        self.journal, self.faults = Journal(), Faults()
        self._apis = apis
        gates = {api.mount: Gate(api.app, api=api.name, journal=self.journal, faults=self.faults) for api in apis}
        nothing = PlainTextResponse("no such API in the sandbox", status_code=404)
        self._server = _Quick(
            uvicorn.Config(
                _Switch(gates, front or nothing), http="h11", log_level="critical", lifespan="off", ws="none"
            )
        )
        # The protocol by name: asyncio switches Nagle's delay off (44 ms a request) only where it is not 0.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def url(self, name: str) -> str:
        """Base URL of one stand-in."""
        return next(self.origin + api.mount for api in self._apis if api.name == name)

    def environment(self) -> dict[str, str]:
        """Environment variables that point a client at all stand-ins, made-up keys included."""
        return {name: value for api in self._apis for name, value in api.environment(self.origin + api.mount).items()}

    def __enter__(self) -> Self:
        """Start serving. The socket already listens, so the first request waits instead of being refused."""
        self._socket.listen(128)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and wait for the thread."""
        self._server.stop()
        self._thread.join()
        self._socket.close()
