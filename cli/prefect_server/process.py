"""The process that `cli.prefect_server.server` starts: Prefect's server until the parent is gone."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, NoReturn

from cli.prefect_server.ending import let_signals_through
from cli.prefect_server.own_socket import OwnSocket

if TYPE_CHECKING:
    import socket

    import uvicorn

_LONGEST_START: Final = 120.0
"""Seconds that another server may take to start in the same folder."""


def main(listening: int) -> NoReturn:
    """Serve until the parent is gone, and tell it once that it can begin. It is at the other end of standard input.

    Args:
        listening: Descriptor of the socket to serve on. The parent has bound it: nobody else can be given its port.
    """
    os.umask(0o077)
    let_signals_through()
    servers: list[uvicorn.Server] = []

    def watch() -> None:
        # Not through `sys.stdin`, whose lock Python wants at its end.
        while os.read(0, 1):
            continue
        for server in servers:
            server.should_exit = True
            # Connections that are kept open would hold it up.
            time.sleep(3)
        os._exit(0)

    # First of all: importing takes seconds, and the parent may be gone before that.
    threading.Thread(target=watch, daemon=True).start()
    # What is imported stays, and looking through it for garbage takes a fifth of the start.
    gc.disable()
    server = _server(_take_turn())
    servers.append(server)
    server.run([OwnSocket(listening)])
    # Its work is done, and its database takes no harm: what Python would tidy up takes a second, and the parent waits.
    sys.stderr.flush()
    os._exit(0 if server.started else 1)


def _take_turn() -> sqlite3.Connection:
    """Wait until no other server is starting in the same folder: two that create the database at once both fail."""
    turn = sqlite3.connect("start.sqlite", timeout=_LONGEST_START, isolation_level=None)
    turn.execute("BEGIN EXCLUSIVE")
    return turn


def _server(turn: sqlite3.Connection) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415  # not before the parent is watched
    from prefect.server.api.server import create_app  # noqa: PLC0415

    class Server(uvicorn.Server):
        """Gives its turn to the next one when it has started, and tells the parent."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            try:
                await super().startup(sockets)
            finally:
                turn.close()
            gc.freeze()
            gc.enable()
            if self.started:
                os.write(0, b"1")

    return Server(uvicorn.Config(create_app, factory=True, log_level="error"))
