"""The process that `cli.server` starts: Prefect's server until the parent is gone."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.ending import let_signals_through

if TYPE_CHECKING:
    import uvicorn

_LONGEST_START: Final = 120.0
"""Seconds that another server may take to start in the same folder."""


def main(port: int, home: Path) -> None:
    """Serve on a port of 127.0.0.1, with the database in `home`."""
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
    server = _server(port, _take_turn(home))
    servers.append(server)
    server.run()


def _take_turn(home: Path) -> sqlite3.Connection:
    """Wait until no other server is starting in this folder: two that create the database at once both fail."""
    turn = sqlite3.connect(home / "llm-usage-start.sqlite", timeout=_LONGEST_START, isolation_level=None)
    turn.execute("BEGIN EXCLUSIVE")
    return turn


def _server(port: int, turn: sqlite3.Connection) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415  # not before the parent is watched
    from prefect.server.api.server import create_app  # noqa: PLC0415

    class Server(uvicorn.Server):
        """Gives its turn to the next one when it has started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            try:
                await super().startup(sockets)
            finally:
                turn.close()

    return Server(uvicorn.Config(create_app, factory=True, host="127.0.0.1", port=port, log_level="error"))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
