"""A team's installation on this machine: PostgreSQL, a Prefect server, two workers, and the sandbox for the rest.

    with running_team(folder) as here:
        here.command("status")

The workers have folders of their own, as on two machines: neither sees the results that the other keeps.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from sandbox.everything import Sandbox
from tests.ports import free_port
from tests.team.guide import SERVER, units
from tests.team.postgres import find_postgres, postgres
from tests.team.processes import Process, until
from usage.settings import KEY_VARIABLES

ROOT: Final = Path(__file__).resolve().parents[2]
NOW: Final = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
POOL: Final = "llm-usage"
WORKERS: Final = {"oak": 2, "elm": 2}
"""Names, and how many runs each takes at a time."""
Json = dict[str, Any]
_OURS: Final = (
    "OPENAI_",
    "ANTHROPIC_",
    "ELEVENLABS_",
    "XI_",
    "DEEPGRAM_",
    "OPENROUTER_",
    "NOTION_",
    "LLM_USAGE_",
    "PREFECT_",
)
_CHECKOUT: Final = (
    *("archive", "cli", "flows", "notion", "providers", "reports", "sandbox", "tasks", "usage"),
    *("prefect.yaml", "automations.yaml", "prefect.toml", "pyproject.toml"),
)
_QUICK: Final = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class Team:
    """The installation, once everything runs.

    Args:
        sandbox: The providers and Notion, both databases set up. `faults` and `journal` are there as always.
        url: Origin of the Prefect server: its pages, and its API under `/api`.
        folder: For everything that is kept.
        environment: Of a person at a terminal: keys, Notion, the server's address and authentication string, a Prefect
            folder of their own.
    """

    def __init__(self, sandbox: Sandbox, url: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.sandbox, self.url, self.folder, self.environment = sandbox, url, folder, dict(environment)
        self.checkout = folder / "checkout"
        self._workers: dict[str, Process] = {}
        self.word = self.environment["PREFECT_API_AUTH_STRING"]
        """The server's authentication string."""
        user, _, password = self.word.partition(":")
        self._http = httpx.Client(base_url=f"{url}/api", timeout=30, auth=(user, password))

    # -- what a person does

    def command(self, *arguments: str, program: str = "cli.main") -> subprocess.CompletedProcess[str]:
        """Run `llm-usage` (or another module, such as `prefect`) in the checkout and wait for its end."""
        return subprocess.run(
            [sys.executable, "-m", program, *arguments],
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send the server's API a request, as its pages do."""
        return self._http.request(method, path, json=body)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Like `ask`; the decoded answer.

        Raises:
            httpx.HTTPStatusError: The server refused.
        """
        answer = self.ask(method, path, body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def submit(self, name: str, **parameters: Any) -> httpx.Response:
        """Fill in the form of a deployment (`collect`, `backfill`) and send it."""
        flow = "backfill" if name == "backfill" else "collect"
        deployment = self.api("GET", f"/deployments/name/{flow}/{name}")["id"]
        return self.ask("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})

    def start(self, name: str, **parameters: Any) -> str:
        """Like `submit`; the new run's id."""
        answer = self.submit(name, **parameters)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def retry(self, run: str) -> None:
        """What the button *Retry* sends."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        self.api("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})

    # -- what can be seen

    def run(self, run: str) -> Json:
        """A run as it is now."""
        return dict(self.api("GET", f"/flow_runs/{run}"))

    def reached(self, run: str, *states: str, within: float = 120) -> Json:
        """Wait until a run is in one of these types of state, in capitals; the run."""

        def look() -> Json:
            seen = self.run(run)
            return seen if seen["state_type"] in states else {}

        try:
            return until(look, within)
        except TimeoutError:
            raise TimeoutError(f"{run} is {self.run(run)['state']}, not {states}; {self._said()}") from None

    def ended(self, run: str) -> Json:
        """Wait until a run is over; the run."""
        return self.reached(run, "COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    def below(self, parent: str) -> dict[str, Json]:
        """The runs that a run has started, by month."""
        body = {"flow_runs": {"parent_flow_run_id": {"any_": [parent]}}}
        return {run["parameters"]["month"]: run for run in self.api("POST", "/flow_runs/filter", body)}

    def tasks(self, run: str) -> dict[str, str]:
        """Names of the states of a run's tasks, by the task's name."""
        body = {"task_runs": {"flow_run_id": {"any_": [run]}}}
        return {task["name"]: task["state_name"] for task in self.api("POST", "/task_runs/filter", body)}

    def worker_of(self, run: str) -> str:
        """Wait until it is known which worker took a run last; its name."""
        where = {
            "event": {"name": ["prefect.worker.submitted-flow-run"]},
            "related": {"id": [f"prefect.flow-run.{run}"]},
        }

        def look() -> list[Json]:
            return list(self.api("POST", "/events/filter", {"filter": {**where, "order": "DESC"}})["events"])

        return str(until(look, 60)[0]["resource"]["prefect.resource.name"])

    # -- workers

    def start_workers(self, **limits: int) -> None:
        """Start workers, as each on a machine of its own, and wait until the server knows them.

        Args:
            limits: By name: how many runs each takes at a time.
        """
        begun = datetime.now(UTC)
        self._workers |= {name: self._worker(name, limit) for name, limit in limits.items()}
        for name in limits:
            self._workers[name].wait_for(partial(self._has_heard_of, name, begun), 60)

    def only(self, *names: str) -> None:
        """From now on only these workers take runs. What runs goes on."""
        for name, worker in self._workers.items():
            (worker.go_on if name in names else worker.pause)()

    def lose(self, name: str) -> None:
        """The machine of a worker goes down, with all that it runs."""
        self._workers.pop(name).end()

    @property
    def workers(self) -> set[str]:
        """Names of those whose machines run."""
        return set(self._workers)

    def close(self) -> None:
        """End all workers."""
        for name in self.workers:
            self.lose(name)
        self._http.close()

    def _worker(self, name: str, limit: int) -> Process:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        command = ("worker", "start", "--pool", POOL, "--name", name, "--limit", str(limit))
        return Process(
            [sys.executable, "-m", "prefect", *command],
            self.environment | {"PREFECT_HOME": str(home / "prefect"), "TMPDIR": str(home)},
            home,
            self.folder / f"{name}.log",
        )

    def _has_heard_of(self, name: str, since: datetime) -> bool:
        workers = self.api("POST", f"/work_pools/{POOL}/workers/filter", {})
        heard = {worker["name"]: datetime.fromisoformat(worker["last_heartbeat_time"]) for worker in workers}
        return name in heard and heard[name] > since

    def _said(self) -> str:
        return "\n".join(f"{name}: {worker.said()}" for name, worker in self._workers.items())


@contextmanager
def running_team(folder: Path, keys: Collection[str] | None = None) -> Iterator[Team]:
    """Start everything, set up Notion, deploy; end everything.

    Args:
        folder: For everything but PostgreSQL's files.
        keys: Names of the variables of the providers' keys that the team has; None: all that the stand-ins know.

    Raises:
        MissingError: This machine lacks PostgreSQL.
    """
    programs = find_postgres()
    plain = {name: value for name, value in os.environ.items() if not name.startswith((*_OURS, "PYTEST_"))}
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(lambda: NOW))
        database = stack.enter_context(postgres(programs, folder))
        _check_out(folder)
        url = f"http://127.0.0.1:{free_port()}"
        word = f"llm-usage:{secrets.token_hex(24)}"
        server = _server(url, word, database, plain | _QUICK, folder)
        stack.callback(server.end)
        asks = {"PREFECT_API_URL": f"{url}/api", "PREFECT_API_AUTH_STRING": word}
        person = {"PREFECT_HOME": str(folder / "person"), "PYTHONPATH": str(ROOT)}
        person |= {"LLM_USAGE_ARCHIVE": str(folder / "archive")}
        here = Team(sandbox, url, folder, plain | _QUICK | settings_of(sandbox, keys) | asks | person)
        stack.callback(here.close)
        _succeed(here.command("setup"))
        server.wait_for(lambda: _answers(url), 120)
        _succeed(here.command("deploy"))
        here.start_workers(**WORKERS)
        sandbox.journal.clear()
        yield here


def settings_of(sandbox: Sandbox, keys: Collection[str] | None = None) -> dict[str, str]:
    """The product's settings for these stand-ins, with all keys or some."""
    known = tuple(KEY_VARIABLES.values())
    settings = {
        name: value
        for name, value in sandbox.environment().items()
        if keys is None or not name.startswith(known) or name in keys
    }
    return settings | {"LLM_USAGE_NOW": NOW.isoformat()}


def _server(url: str, word: str, database: str, environment: Mapping[str, str], folder: Path) -> Process:
    """The server, with what the guide's unit sets: another port, another database, and a folder of its own.

    The pages are in that folder as well: where Prefect is installed, another server could write them anew meanwhile.
    """
    port = url.rpartition(":")[2]
    unit = {name: re.sub(r"\b4200\b", port, value) for name, value in units()[SERVER].environment.items()}
    settings = unit | {
        "PREFECT_HOME": str(folder / "server"),
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "server" / "ui"),
        "PREFECT_SERVER_API_AUTH_STRING": word,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
    }
    return Process(
        [sys.executable, "-m", "prefect", "server", "start"],
        dict(environment) | settings,
        # Where `prefect.toml` is.
        folder / "checkout",
        folder / "server.log",
    )


def _check_out(folder: Path) -> None:
    """What a checkout holds, but no `.env` of the person who runs the tests."""
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in _CHECKOUT:
        (checkout / name).symlink_to(ROOT / name)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health").is_success
    except httpx.TransportError:
        return False


def _succeed(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise RuntimeError(f"{' '.join(done.args)} failed:\n{done.stdout}{done.stderr}")
