"""The Prefect server that a command works with: the one that is set, else one of our own for as long as it runs.

Prefect would start one itself, but only when the flow is called, after its own server package has been imported into
this process too; and it leaves that server behind when it is ended by a signal. This one boots in its own process while
we import, and ends with us however we end: it watches a pipe that only lives as long as we do.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from cli.prefect_server.ending import if_stopped
from cli.prefect_server.settings import DEFAULTS, is_configured, prefect_home, prefect_settings
from usage.errors import LlmUsageError, SettingsError
from usage.language.marks import to_say
from usage.language.reasons import reason_of
from usage.language.saying import say
from usage.machine.network import check_certificates
from usage.machine.private import keep_from_others, private_folder

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

_READY_WITHIN: Final = 120.0
"""Seconds. The first start on a machine creates and migrates the database."""

_AN_ERROR: Final = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
"""The line of a traceback that says what it is about."""

_INHERITED: Final = re.compile(r"PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|SYSTEMROOT")
"""What the server is given of our environment: no key, no proxy, and no setting that is meant for another server."""

_CLIENT: Final = {
    # When a server on this machine is gone, it does not come back: the default would be waited for five minutes.
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    # Those that are set are another server's.
    "PREFECT_CLIENT_CUSTOM_HEADERS": "{}",
    "PREFECT_API_REQUEST_TIMEOUT": "60",
}
"""How we ask our own server."""

_OF_A_SERVER_THAT_STAYS: Final = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "SCHEDULER",
    "TRIGGERS",
)
"""Services of Prefect's that a server for one run does without."""

_SERVER: Final = DEFAULTS | {
    # Into the file, where it can be looked up.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
    # It would be written to where Prefect is installed, and nobody could look at it without the password.
    "PREFECT_SERVER_UI_ENABLED": "false",
    # In the default memory the leases end with this server, and what they held would stay held.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # No profile: it may be another server's.
    "PREFECT_PROFILES_PATH": os.devnull,
    # Packages below Prefect's server would check the types of their own calls, which costs it 0.2 s of its start.
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
    # For schedules, workers and alerts: these are the business of a server that stays. What gives back the leases of
    # runs that were killed (REPOSSESSOR) and what deletes old events (DB_VACUUM) goes on.
    **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _OF_A_SERVER_THAT_STAYS},
}
"""Settings of our own server."""

_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from cli.prefect_server.process import main; main(int(sys.argv[2]))"
)
"""What its process runs: our own folder comes first, and the current one not at all."""

_KEPT: Final = ("prefect.db", "prefect.db-wal", "prefect.db-shm", "prefect.db-journal", "storage")
"""What may lie in Prefect's folder from before, readable for everybody."""


class ServerError(LlmUsageError):
    """There is no Prefect server to work with."""


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """The server that the environment, `.env`, `prefect.toml` or Prefect's profile names; else start one, and stop it.

    Raises:
        SettingsError: Prefect's folder can't be written, a setting of Prefect's can't be used, or there is a key of
            Prefect Cloud and no workspace.
    """
    settings = prefect_settings()
    home = prefect_home(settings)
    check_certificates(settings)
    # What Prefect's log handler can't send it would print.
    logging.raiseExceptions = False
    with _environment({name: value for name, value in DEFAULTS.items() if name not in settings}):
        _require_writable(home)
        is_there = is_configured(settings, home)
        with _closed_to_others(home), nullcontext(PrefectServer()) if is_there else _started(settings, home) as server:
            yield server


@contextmanager
def _started(settings: Mapping[str, str], home: Path) -> Iterator[OwnServer]:
    if sys.platform == "win32":
        # It can't hand the socket and the line over to another process.
        raise SettingsError(
            say(
                "on Windows itself llm-usage can't start a Prefect server of its own: use WSL 2, or run `prefect "
                "server start` in another window and set PREFECT_API_URL=http://127.0.0.1:4200/api"
            )
        )
    server = OwnServer()
    ours = _CLIENT | {
        "PREFECT_API_URL": server.api_url,
        "PREFECT_API_AUTH_STRING": server.auth_string,
        "PREFECT_HOME": str(home),
    }
    if "PREFECT_CLIENT_MAX_RETRIES" in settings:
        del ours["PREFECT_CLIENT_MAX_RETRIES"]
    # Prefect does not even begin without one.
    ours |= {} if _has_home() else {"HOME": str(home)}
    with _environment(ours):
        try:
            with if_stopped(server.kill):
                yield server
        finally:
            server.stop()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables while the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ |= {} if value is None else {name: value}


@contextmanager
def _closed_to_others(home: Path) -> Iterator[None]:
    """What is written while the block runs, results of tasks among it, only this user can read.

    Raises:
        SettingsError: The folder itself is another's, or others may write to it, and so put their own files there.
    """
    folder = home.stat()
    # Windows calls every folder writable for all; who may write is told elsewhere there.
    if os.name == "posix" and folder.st_mode & stat.S_IWOTH:
        raise SettingsError(say("PREFECT_HOME: everybody may write to {home}; name a folder of your own", home=home))
    if hasattr(os, "geteuid") and folder.st_uid not in (os.geteuid(), 0):
        raise SettingsError(say("PREFECT_HOME: {home} belongs to another user; name a folder of your own", home=home))
    for name in _KEPT:
        keep_from_others(home / name)
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:
        return False
    return True


class PrefectServer:
    """A server that is there already."""

    def wait(self) -> None:
        """Wait until it can be used.

        Raises:
            ServerError: It can't be reached, or refuses us.
        """
        from prefect.client.base import ServerType  # noqa: PLC0415
        from prefect.client.orchestration import get_client  # noqa: PLC0415
        from prefect.settings import get_current_settings  # noqa: PLC0415

        # Not the whole address: it may hold a password.
        parts = _parts(str(get_current_settings().api.url))
        with get_client(sync_client=True) as client:
            if client.server_type is ServerType.CLOUD:
                _wait_for_workspace(client, parts.hostname or "")
            else:
                _wait_for_health(client, f"{parts.hostname}:{parts.port or parts.scheme}")


def _wait_for_health(client: SyncPrefectClient, address: str) -> None:
    """Ask a server how it is, which it tells everybody, and then for something that it tells us alone.

    Raises:
        ServerError: It can't be reached, is none of Prefect's, or refuses us.
    """
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415

    server = say("the Prefect server at {address}", address=address)
    error = client.api_healthcheck()
    if isinstance(error, PrefectHTTPStatusError) and not error.response.is_server_error:
        raise ServerError(
            say(
                "{address} does not answer as a Prefect server does (HTTP {status}): is PREFECT_API_URL its "
                "address, which ends with /api?",
                address=address,
                status=error.response.status_code,
            )
        ) from error
    if error is not None:
        raise ServerError(
            say(
                "{server} can't be reached ({kind}): start it, or take PREFECT_API_URL away to do without it",
                server=server,
                kind=type(error).__name__,
            )
        ) from error
    try:
        client.api_version()
    except PrefectHTTPStatusError as refusal:
        raise ServerError(
            say(
                "{server} refuses us (HTTP {status}): is PREFECT_API_AUTH_STRING what the server was started with?",
                server=server,
                status=refusal.response.status_code,
            )
        ) from None


def _wait_for_workspace(client: SyncPrefectClient, host: str) -> None:
    """Ask Prefect Cloud for something that every workspace has: it tells neither its health nor its version there.

    Raises:
        ServerError: It can't be reached, or refuses us.
    """
    import httpx  # noqa: PLC0415
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415

    try:
        client.read_flows(limit=1)
    except PrefectHTTPStatusError as refusal:
        status = refusal.response.status_code
        hints = {
            401: to_say("is PREFECT_API_KEY a key that is still valid?"),
            403: to_say("may the owner of PREFECT_API_KEY use the workspace that PREFECT_API_URL names?"),
            404: to_say("is PREFECT_API_URL a workspace's, as `prefect cloud workspace ls` and its settings tell it?"),
        }
        hint = say(hints.get(status, to_say("try again later")))
        raise ServerError(
            say("Prefect Cloud at {host} refuses us (HTTP {status}): {hint}", host=host, status=status, hint=hint)
        ) from None
    except httpx.TransportError as error:
        raise ServerError(
            say(
                "Prefect Cloud at {host} can't be reached ({kind}): is there a way to the internet, and does it "
                "need a proxy (HTTPS_PROXY) or a certificate (PREFECT_API_SSL_CERT_FILE)?",
                host=host,
                kind=type(error).__name__,
            )
        ) from error


class OwnServer(PrefectServer):
    """A server in a process of its own, which nobody but this process can ask.

    Args:
        port: Port of 127.0.0.1 to listen on; 0 takes a free one.
        auth_string: What its clients have to know; by default nobody else can.
    """

    def __init__(self, port: int = 0, auth_string: str | None = None) -> None:
        self.auth_string = auth_string or f"llm-usage:{secrets.token_urlsafe(32)}"
        self._home = prefect_home()
        folder = _own_folder(self._home)
        self._is_ready = False
        # A file, not a pipe: nobody reads while it runs, and a full pipe would stop it.
        self._complaints = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `stop`
        self._line, its_end = socket.socketpair()
        # Bound here and handed over: between a port that is free and one that is taken somebody else could take it.
        with its_end, socket.create_server(("127.0.0.1", port)) as listening:
            self.api_url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            self._process = subprocess.Popen(  # noqa: S603  # our own code, our own arguments
                [sys.executable, "-P", "-c", _CODE, str(Path(__file__).parents[2]), str(listening.fileno())],
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                pass_fds=[listening.fileno()],
                # Ctrl-C goes to the whole group of the terminal; the server must outlive our own tidying up.
                start_new_session=True,
                # Prefect would read `.env` and `prefect.toml` of the current one.
                cwd=folder,
                env=self._environment(),
            )

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)}
        own = {"PREFECT_HOME": str(self._home), "PREFECT_SERVER_API_AUTH_STRING": self.auth_string}
        return {"HOME": str(self._home)} | inherited | _compiled_modules() | _SERVER | own

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ServerError: It ended, or did not answer in time.
        """
        if self._is_ready:
            return
        self._line.settimeout(_READY_WITHIN)
        try:
            self._is_ready = bool(self._line.recv(1))
        except TimeoutError:
            raise ServerError(
                say("Prefect's own server did not answer within {ready_within} s", ready_within=f"{_READY_WITHIN:.0f}")
            ) from None
        except OSError:
            # It has ended, and that is told below.
            self._is_ready = False
        if not self._is_ready:
            self._process.wait(_READY_WITHIN)
            raise ServerError(
                say(
                    "Prefect's own server did not start ({last_words}); its files are in {home}",
                    last_words=self._last_words(),
                    home=self._home,
                )
            )

    def stop(self) -> None:
        """End it and wait for that."""
        _drain()
        self._line.close()
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


def _compiled_modules() -> dict[str, str]:
    """Where compiled modules are kept, as in this process: where nobody may write to the installation, not beside them.

    Without them the server compiles two thousand modules at each start, which takes half a minute.
    """
    prefix = {"PYTHONPYCACHEPREFIX": os.path.abspath(sys.pycache_prefix)} if sys.pycache_prefix else {}
    return prefix | ({"PYTHONDONTWRITEBYTECODE": "1"} if sys.dont_write_bytecode else {})


def _own_folder(home: Path) -> Path:
    try:
        return private_folder(home / "llm-usage")
    except OSError as error:
        raise SettingsError(
            say(
                "PREFECT_HOME: {folder} can't be used ({strerror}); take it away, or name another folder",
                folder=home / "llm-usage",
                strerror=reason_of(error),
            )
        ) from error


def _drain() -> None:
    """Let Prefect send what it still holds back for the server: it would try for a minute after the server is gone."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker  # noqa: PLC0415
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)


def _require_writable(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"1")
            file.flush()
    except OSError as error:
        raise SettingsError(
            say(
                "PREFECT_HOME: Prefect can't write to {home} ({strerror}); name another folder",
                home=home,
                strerror=reason_of(error),
            )
        ) from error


def _parts(address: str) -> SplitResult:
    """A server's address.

    Raises:
        SettingsError: It is none. It is not shown: it may hold a password.
    """
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise SettingsError(say("PREFECT_API_URL: that is not the address of a server, like http://127.0.0.1:4200/api"))
    return parts
