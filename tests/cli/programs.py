"""The command line as tests call it: in this process, and in one of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from sandbox.everything import Sandbox
from sandbox.notion.store import Row
from usage.settings import KEY_VARIABLES

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
_OURS = (
    "OPENAI_",
    "ANTHROPIC_",
    "ELEVENLABS_",
    "XI_",
    "DEEPGRAM_",
    "OPENROUTER_",
    "NOTION_",
    "LLM_USAGE_",
    "REPORT_",
    "EUR_",
    "ECB_",
)


@dataclass(frozen=True)
class Output:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1
        return json.loads(self.out)


class Cli:
    """The command line, in this process, with the sandbox's settings and an empty current folder."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.sandbox, self.folder = sandbox, folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            self.unset(name)
        self.set(**sandbox.environment(), LLM_USAGE_NOW=NOW.isoformat())
        # An archive of its own: readings of another test would count as earlier ones.
        self.set(XDG_DATA_HOME=str(folder / "data"))
        # `--env-file` sets it for the process, and a process is all tests here.
        self.set(LLM_USAGE_ENV_FILE="", LLM_USAGE_LANG="")
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: str) -> Output:
        self._capsys.readouterr()
        status = main(arguments)
        out, err = self._capsys.readouterr()
        return Output(status, out, err)

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def unset(self, *names: str) -> None:
        for name in names:
            self._monkeypatch.delenv(name, raising=False)

    def only(self, *variables: str) -> None:
        """Take all keys of providers away but these."""
        self.unset(*(name for name in os.environ if name.startswith(tuple(KEY_VARIABLES.values()))))
        self.set(**{name: value for name, value in self.sandbox.environment().items() if name in variables})

    def rows(self) -> dict[str, Row]:
        """The rows of Usages by title and key, and by workspace where that is not enough."""
        found: dict[str, Row] = {}
        # Rows are made side by side: their order tells nothing.
        rows = self.sandbox.notion.store.database("Usages LLM").rows()
        for row in sorted(rows, key=lambda row: str(row.value("Workspace"))):
            name = f"{row.title} {row.value('Projet/API Key')}"
            found[f"{name} {row.value('Workspace')}" if name in found else name] = row
        return found

    def figures(self) -> dict[str, dict[str, Any]]:
        """All values of the rows of Usages."""
        return {name: dict(row.values()) for name, row in self.rows().items()}

    def asked(self) -> list[str]:
        """APIs that were asked anything, and what was written to Notion."""
        requests = self.sandbox.journal.requests()
        return [f"{r.api} {r.method} {r.path}" for r in requests if not r.path.endswith("/query")]


class Program:
    """The program in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "prefect"
        self.variables: dict[str, str] = {}
        self.missing: tuple[str, ...] = ()
        """Variables that it doesn't have."""
        self.prefix: tuple[str, ...] = ()
        """What starts it."""
        self.code = ""
        """What runs in place of `cli.main`."""

    @property
    def environment(self) -> dict[str, str]:
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith((*_OURS, "PREFECT_", "PYTEST_"))
        }
        folders = {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder), "PREFECT_HOME": str(self.home)}
        folders |= {f"XDG_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("STATE", "DATA", "CONFIG")}
        return {name: value for name, value in (plain | folders | self.variables).items() if name not in self.missing}

    def use(self, prefect_api: str) -> None:
        """Work with the tests' own Prefect server."""
        self.variables["PREFECT_API_URL"] = prefect_api
        self.variables["PREFECT_API_AUTH_STRING"] = os.environ["PREFECT_API_AUTH_STRING"]

    def used_before(self) -> None:
        """Put a migrated database into Prefect's folder: the first start on a machine takes much longer."""
        self.home.mkdir()
        with closing(sqlite3.connect(Path(os.environ["PREFECT_HOME"]) / "prefect.db")) as database:
            database.execute("VACUUM INTO ?", (str(self.home / "prefect.db"),))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        what = ("-c", self.code) if self.code else ("-m", "cli.main")
        command = [*self.prefix, sys.executable, *what, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **pipes)

    def run(self, *arguments: str) -> Output:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return Output(process.returncode, out, err)
