"""The Prefect server that a command works with: the one that is set, else one of our own for as long as it runs.

Prefect would start one itself, but only when the flow is called, after its own server package has been imported into
this process too; and it leaves that server behind when it is ended by a signal. This one boots in its own process while
we import, and ends with us however we end: it watches a pipe that only lives as long as we do.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cli.ending import if_stopped
from usage.errors import LlmUsageError, SettingsError

_READY_WITHIN: Final = 120.0
"""Seconds. The first start on a machine creates and migrates the database."""

_NAMES_A_SERVER: Final = re.compile(r"PREFECT_API_URL|^\s*\[(tool\.prefect\.)?api\]|^\s*api\.url", re.MULTILINE)

_AN_ERROR: Final = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
"""The line of a traceback that says what it is about."""

# A person who runs a command looks at the command's own lines: Prefect's go to its server, not to the terminal.
DEFAULTS: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "DO_NOT_TRACK": "1",
}

# When a server on this machine is gone, it does not come back: the default would be waited for five minutes.
_OWN_SERVER: Final = {"PREFECT_CLIENT_MAX_RETRIES": "2"}


class ServerError(LlmUsageError):
    """There is no Prefect server to work with."""


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """The server that the environment, `.env`, `prefect.toml` or Prefect's profile names; else start one, and stop it.

    Raises:
        SettingsError: Prefect's folder can't be written.
    """
    settings = prefect_settings()
    for name, value in DEFAULTS.items():
        if name not in settings:
            os.environ[name] = value
    # What Prefect's log handler can't send it would print.
    logging.raiseExceptions = False
    home = prefect_home()
    _require_writable(home)
    if is_configured(settings, home):
        yield PrefectServer()
        return
    server = OwnServer()
    ours = {name: value for name, value in _OWN_SERVER.items() if name not in settings}
    ours["PREFECT_API_URL"] = server.api_url
    os.environ |= ours
    try:
        with if_stopped(server.kill):
            yield server
    finally:
        server.stop()
        for name in ours:
            del os.environ[name]


class PrefectServer:
    """A server that is there already."""

    def wait(self) -> None:
        """Wait until it can be used.

        Raises:
            ServerError: It can't be reached, or refuses us.
        """
        from prefect.client.orchestration import get_client  # noqa: PLC0415
        from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415
        from prefect.settings import get_current_settings  # noqa: PLC0415

        # Not the whole address: it may hold a password.
        parts = urlsplit(str(get_current_settings().api.url))
        server = f"the Prefect server at {parts.hostname}:{parts.port or parts.scheme}"
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
            if error is not None:
                raise ServerError(
                    f"{server} can't be reached ({type(error).__name__}): start it, or take PREFECT_API_URL away to do "
                    "without it"
                ) from error
            try:
                # Its health it tells everybody.
                client.api_version()
            except PrefectHTTPStatusError as refusal:
                raise ServerError(
                    f"{server} refuses us (HTTP {refusal.response.status_code}): is PREFECT_API_AUTH_STRING what the "
                    "server was started with?"
                ) from None


class OwnServer(PrefectServer):
    """A server in a process of its own.

    Args:
        port: Port of 127.0.0.1 to listen on; 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port or free_port()
        self._home = prefect_home()
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        # A file, not a pipe: nobody reads while it runs, and a full pipe would stop it.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `stop`
        self._process = subprocess.Popen(  # noqa: S603  # our own module, our own arguments
            [sys.executable, "-m", "cli.server_process", str(self._port), str(self._home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            # Ctrl-C goes to the whole group of the terminal; the server must outlive our own tidying up.
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parent.parent),
                # Into the file, where it can be looked up.
                "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
            },
        )

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ServerError: It ended, or did not answer in time.
        """
        limit = time.monotonic() + _READY_WITHIN
        while not self._answers():
            if self._process.poll() is not None:
                raise ServerError(
                    f"Prefect's own server did not start ({self._last_words()}); its files are in {self._home}"
                )
            if time.monotonic() > limit:
                raise ServerError(f"Prefect's own server did not answer within {_READY_WITHIN:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it and wait for that."""
        _drain()
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._complaints.close()

    def kill(self) -> None:
        """End it at once. Its database takes no harm."""
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> str:
        """The error that it ended with; its last line where there is no error."""
        self._complaints.seek(0)
        text = self._complaints.read().decode(errors="replace").strip()
        errors: list[str] = _AN_ERROR.findall(text)
        return (errors or text.splitlines() or [f"exit status {self._process.returncode}"])[-1]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return b" 200 " in connection.recv(64)
        except OSError:
            return False


def prefect_home() -> Path:
    """The folder of Prefect's database and results."""
    return Path(prefect_settings().get("PREFECT_HOME", "~/.prefect")).expanduser()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _drain() -> None:
    """Let Prefect send what it still holds back for the server: it would try for a minute after the server is gone."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker  # noqa: PLC0415
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)


def prefect_settings() -> dict[str, str]:
    """The environment and `.env`, as Prefect will read them."""
    from dotenv import dotenv_values  # noqa: PLC0415

    values = {**dotenv_values(".env", encoding="utf-8-sig"), **os.environ}
    return {name: value for name, value in values.items() if value}


def _require_writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return
    except OSError as error:
        raise SettingsError(
            f"PREFECT_HOME: Prefect can't write to {home} ({error.strerror}); name another folder"
        ) from error


def is_configured(settings: Mapping[str, str], home: Path) -> bool:
    """Whether Prefect would use a server already: by the environment, `.env`, `prefect.toml` or the active profile.

    Looks at the text of the files first: Prefect's own answer costs a second of importing.
    """
    if settings.get("PREFECT_API_URL"):
        return True
    profiles = Path(settings.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    files = (Path("prefect.toml"), Path("pyproject.toml"), profiles)
    if not any(file.is_file() and _NAMES_A_SERVER.search(file.read_text(errors="replace")) for file in files):
        return False
    from prefect.settings import get_current_settings  # noqa: PLC0415

    return get_current_settings().api.url is not None
