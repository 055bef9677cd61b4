"""A machine to follow docs/OPERATIONS.md on, without root, systemd and network.

What differs from the guide is `Machine.here`: folders, the server's port, PostgreSQL's address, and the id of a run
that failed. `sudo -u NAME` becomes PostgreSQL's user of that name. There a password stands for what Debian's `peer`
knows of users. systemd is played by `Machine.systemctl`, which starts what the units say.
"""

from __future__ import annotations

import base64
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from dotenv import dotenv_values

from sandbox.everything import Sandbox
from tests.ports import free_port
from tests.team.guide import ROOT, SERVER, Unit
from tests.team.postgres import find_postgres, postgres
from tests.team.processes import Process
from tests.team.team import NOW, POOL, settings_of

_SUDO: Final = '#!/bin/sh\n[ "$1" = -u ] || exit 125\nexport PGUSER="$2"\nshift 2\nexec "$@"\n'
"""In place of sudo, for PostgreSQL's programs: its users are told apart by name alone here."""
_NOT_CHECKED_OUT: Final = {".git", ".venv", ".env", "secrets"}
_PATIENCE: Final = 120.0
_HOST: Final = "here"
"""Name of the machine, in the names of its workers."""


@dataclass(frozen=True)
class Cluster:
    """PostgreSQL: where it listens, and the password of its users."""

    port: int
    password: str


class Machine:
    """Where commands are typed.

    Args:
        place: For everything.
        cluster: PostgreSQL, with its usual user `postgres`.
        sandbox: The providers and Notion.
        alerts: What takes alerts.
        units: What systemd would know.
    """

    def __init__(
        self, place: Path, cluster: Cluster, sandbox: Sandbox, alerts: Alerts, units: Mapping[str, Unit]
    ) -> None:
        self.checkout, self.containers, self._home = place / "checkout", place / "containers", place / "home"
        self.folder = self.checkout
        """Where commands are typed."""
        self.alerts, self._place, self._cluster, self._sandbox, self._units = alerts, place, cluster, sandbox, units
        self._port, self._worker_port = free_port(), free_port()
        self._running: dict[str, Process] = {}
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{self._port}/api", timeout=30, auth=self._log_in)
        programs = place / "programs"
        for folder in (self._home, programs):
            folder.mkdir()
        _script(programs / "sudo", _SUDO)
        for folder in (self.checkout, self.containers):
            _check_out(folder)
        # Nothing of whoever runs the tests.
        self._service = {"HOME": str(self._home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        database = {"PGHOST": "127.0.0.1", "PGPORT": str(cluster.port), "PGPASSWORD": cluster.password}
        self._login = self._service | database | {"PGUSER": "llm-usage"}
        self._login["PATH"] = f"{programs}:{find_postgres()}:/usr/local/bin:/usr/bin:/bin"

    def here(self, text: str) -> str:
        """The text of the guide, or of compose.yaml, with what is different on this machine."""
        text = text.replace("/srv/llm-usage", str(self.checkout)).replace("/var/lib/llm-usage", str(self._home))
        text = text.replace("llm-usage@/llm-usage?host=/var/run/postgresql", self._database)
        text = re.sub(r"\b4200\b", str(self._port), text.replace("http://server:", "http://127.0.0.1:"))
        text = re.sub(r"\b8080\b", str(self._worker_port), text)
        return re.sub(r"(?<=retry )ID$", lambda _: self._failed(), text)

    @property
    def _database(self) -> str:
        return f"llm-usage:{self._cluster.password}@/llm-usage?host=127.0.0.1&port={self._cluster.port}"

    def type(self, line: str, *, status: int = 0) -> str:
        """Type a line in `folder`; returns what it said on standard output.

        Raises:
            RuntimeError: It ended with another status.
        """
        done = self._run(["bash", "-c", self.here(line)], self._login, self.folder)
        if done.returncode != status:
            raise RuntimeError(f"{line}\nended with {done.returncode}:\n{done.stdout}{done.stderr}{self._said()}")
        return done.stdout

    def cron(self, command: str) -> str:
        """Run a crontab's command as cron does; returns what cron would mail."""
        done = self._run(["/bin/sh", "-c", self.here(command)], self._login, self._home)
        return done.stdout + done.stderr

    def systemctl(self, verb: str, names: Sequence[str]) -> None:
        """Start or stop units. What is started can be used when this returns, except for the server."""
        for name in names:
            if verb == "stop":
                self._running.pop(name).end()
                continue
            if "@" in name:
                # systemd would start it again until there is a server.
                self._running[SERVER].wait_for(self._answers, _PATIENCE)
            self._running[name] = self._start(name)
        for name in names:
            if "@" in name and verb != "stop":
                self._wait_for_worker(name)

    def start_container(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start what a container runs, in the containers' folder."""
        given = {name: self.here(value) for name, value in environment.items()}
        given |= {"PREFECT_WORKER_WEBSERVER_PORT": str(self._worker_port)}
        program = [str(self.containers / ".venv" / "bin" / command[0]), *command[1:]]
        self._running["container"] = self._process(program, self._service | given, self.containers, "container")

    def answers(self, question: Sequence[str]) -> bool:
        """Whether a container's health check says yes."""
        program = [str(self.containers / ".venv" / "bin" / question[0]), *map(self.here, question[1:])]
        return self._run(program, self._service, self.containers).returncode == 0

    def edit_env(self) -> None:
        """Put keys and Notion into `.env`, and what makes the test short."""
        quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "NOTION_REQUESTS_PER_MINUTE": "60000"}
        values = settings_of(self._sandbox) | quick
        with (self.folder / ".env").open("a") as env:
            env.writelines(f"{name}={value}\n" for name, value in values.items())

    def write_alerts(self) -> None:
        """Put the webhook's address into its file."""
        (self._home / "alerts").write_text(self.alerts.address)

    def let_in(self) -> None:
        """Give the user of the database its password."""
        statement = f"ALTER ROLE \"llm-usage\" PASSWORD '{self._cluster.password}'"
        self.type(f"sudo -u postgres psql --quiet --command={shlex.quote(statement)}")

    def months(self) -> list[str]:
        """The months that stand in Notion."""
        rows = self._sandbox.notion.store.database("Usages LLM").rows()
        return sorted({str(row.value("Mois")) for row in rows})

    def online(self) -> set[str]:
        """Names of the workers that the server takes for running."""
        answer = self._api.post(f"/work_pools/{POOL}/workers/filter", json={}).raise_for_status().json()
        return {worker["name"] for worker in answer if worker["status"] == "ONLINE"}

    def names(self, kind: str) -> set[str]:
        """Names of all things of a kind that the server keeps, like `flow_runs`."""
        answer: list[dict[str, Any]] = self._api.post(f"/{kind}/filter", json={}).raise_for_status().json()
        return {thing["name"] for thing in answer}

    @property
    def pages(self) -> str:
        """Where the server's pages are."""
        return f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """End everything."""
        for process in reversed(self._running.values()):
            process.end()
        self._api.close()

    def _log_in(self, request: httpx.Request) -> httpx.Request:
        """Give Prefect's server the string that the guide has put into `.env`."""
        env = self.checkout / ".env"
        word = dotenv_values(env).get("PREFECT_API_AUTH_STRING") if env.exists() else None
        if word:
            request.headers["Authorization"] = f"Basic {base64.b64encode(word.encode()).decode()}"
        return request

    def _failed(self) -> str:
        states = {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}}
        found = self._api.post("/flow_runs/filter", json=states).raise_for_status().json()
        return str(found[0]["id"])

    def _start(self, name: str) -> Process:
        kind, _, instance = name.partition("@")
        unit = self._units[f"{kind}@" if instance else kind]
        command = shlex.split(self.here(unit.command.replace("%i", instance).replace("%H", _HOST)))
        environment = {key: self.here(value) for key, value in unit.environment.items()}
        return self._process(command, self._service | environment, Path(self.here(unit.folder)), name)

    def _answers(self) -> bool:
        try:
            return self._api.get("/health").is_success
        except httpx.TransportError:
            return False

    def _wait_for_worker(self, name: str) -> None:
        worker = f"{_HOST}-{name.partition('@')[2]}"
        self._running[name].wait_for(lambda: worker in self.online(), _PATIENCE)

    def _process(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, name: str) -> Process:
        return Process(command, environment, folder, self._place / f"{name}.log", ask=signal.SIGTERM)

    def _run(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def _said(self) -> str:
        return "".join(f"\n--- {name}\n{process.said()}" for name, process in self._running.items())


class Alerts:
    """A webhook's far end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[str] = []
        """What it was sent, oldest first."""


@contextmanager
def installation(place: Path, units: Mapping[str, Unit]) -> Iterator[Machine]:
    """A machine that has PostgreSQL, and an address that takes alerts, and nothing else yet.

    Raises:
        MissingError: This machine lacks PostgreSQL.
    """
    programs = find_postgres()
    with Sandbox(lambda: NOW) as sandbox, postgres(programs, place) as address, _webhook() as alerts:
        machine = Machine(place, _cluster(programs, address), sandbox, alerts, units)
        try:
            yield machine
        finally:
            machine.close()


def _cluster(programs: Path, address: str) -> Cluster:
    """What a package makes of a new cluster: its administrator is called `postgres`."""
    parts = urlsplit(address)
    password, port = str(parts.password), int(str(parts.port))
    statement = f"CREATE ROLE postgres SUPERUSER LOGIN PASSWORD '{password}'"
    subprocess.run(
        [programs / "psql", "--quiet", f"--command={statement}", address.replace("+asyncpg", "")], check=True
    )
    return Cluster(port, password)


@contextmanager
def _webhook() -> Iterator[Alerts]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        alerts = Alerts(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield alerts
        finally:
            server.shutdown()
            thread.join()


def _check_out(folder: Path) -> None:
    """What a checkout holds after `dev.py` has set up `.venv`."""
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name not in _NOT_CHECKED_OUT:
            (folder / path.name).symlink_to(path)
    for name, module in (("llm-usage", "cli.main"), ("prefect", "prefect"), ("python", "")):
        _script(bin_ / name, f'#!/bin/sh\nexec {sys.executable} {f"-m {module} " if module else ""}"$@"\n')


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
