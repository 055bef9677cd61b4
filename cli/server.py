"""A Prefect server for the time of one command, where none is set.

Prefect would start one itself, but only when the flow is called, after its own server package has been imported into
this process too; and it leaves that server behind when it is ended by a signal. This one boots in its own process while
we import, and ends with us however we end: it watches a pipe that only lives as long as we do.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from usage.errors import LlmUsageError

_READY_WITHIN: Final = 120.0
"""Seconds. The first start on a machine creates and migrates the database."""

_NAMES_A_SERVER: Final = re.compile(r"PREFECT_API_URL|^\s*\[(tool\.prefect\.)?api\]|^\s*api\.url", re.MULTILINE)

# A person who runs a command looks at the command's own lines: Prefect's go to its server, not to the terminal.
DEFAULTS: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "DO_NOT_TRACK": "1",
}


class ServerError(LlmUsageError):
    """The server did not come up."""


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """Start a server unless the environment or Prefect's profile names one; stop it at the end."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if _is_configured(os.environ):
        yield PrefectServer()
        return
    server = _OwnServer()
    os.environ["PREFECT_API_URL"] = server.api_url
    try:
        yield server
    finally:
        _drain()
        server.stop()
        del os.environ["PREFECT_API_URL"]


class PrefectServer:
    """A server that is there already."""

    def wait(self) -> None:
        """Wait until it can be used."""


class _OwnServer(PrefectServer):
    """A server in a process of its own."""

    def __init__(self) -> None:
        self._port = _free_port()
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        self._process = subprocess.Popen(  # noqa: S603  # our own module, our own arguments
            [sys.executable, "-m", "cli.server", str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # Ctrl-C goes to the whole group of the terminal; the server must outlive our own tidying up.
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ServerError: It ended, or did not answer in time.
        """
        limit = time.monotonic() + _READY_WITHIN
        while not self._answers():
            if self._process.poll() is not None:
                last = self._process.stderr.read().decode(errors="replace").strip() if self._process.stderr else ""
                reason = last.splitlines()[-1] if last else f"exit status {self._process.returncode}"
                raise ServerError(f"Prefect's own server did not start ({reason}); see docs/OPERATIONS.md")
            if time.monotonic() > limit:
                raise ServerError(f"Prefect's own server did not answer within {_READY_WITHIN:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it and wait for that."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return b" 200 " in connection.recv(64)
        except OSError:
            return False


def _drain() -> None:
    """Let Prefect send what it still holds back for the server: it would try for a minute after the server is gone."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker  # noqa: PLC0415
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)


def _is_configured(environment: Mapping[str, str]) -> bool:
    """Whether Prefect would use a server already: by the environment, `.env`, `prefect.toml` or the active profile.

    Looks at the text of the files first: Prefect's own answer costs a second of importing.
    """
    if environment.get("PREFECT_API_URL"):
        return True
    home = Path(environment.get("PREFECT_HOME", "~/.prefect")).expanduser()
    files = (Path(".env"), Path("prefect.toml"), Path("pyproject.toml"), home / "profiles.toml")
    if not any(file.is_file() and _NAMES_A_SERVER.search(file.read_text(errors="replace")) for file in files):
        return False
    from prefect.settings import get_current_settings  # noqa: PLC0415

    return get_current_settings().api.url is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serve(port: int) -> None:
    """Run the server in this process until the parent is gone."""
    import uvicorn  # noqa: PLC0415
    from prefect.server.api.server import create_app  # noqa: PLC0415

    server = uvicorn.Server(uvicorn.Config(create_app, factory=True, host="127.0.0.1", port=port, log_level="critical"))

    def watch() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        # Connections that are kept open would hold it up.
        time.sleep(5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    server.run()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
