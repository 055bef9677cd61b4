"""Which Prefect server is worked with, and that nothing of Prefect's own reaches the terminal."""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.prefect_server.server import OwnServer, prefect_server
from cli.prefect_server.settings import is_configured, prefect_settings
from sandbox.everything import Sandbox
from sandbox.faults import Fault, Kind
from tests.cli.programs import Program
from usage.errors import SettingsError


@pytest.fixture
def set_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    capsys.readouterr()


def test_a_server_that_a_profile_names_is_used(program: Program, set_up: None, prefect_api: str) -> None:
    from prefect.client.orchestration import get_client

    def runs() -> int:
        with get_client(sync_client=True) as client:
            return len(client.read_flow_runs())

    before = runs()
    program.home.mkdir()
    profile = f'active = "team"\n[profiles.team]\nPREFECT_API_URL = "{prefect_api}"\n'
    profile += f'PREFECT_API_AUTH_STRING = "{os.environ["PREFECT_API_AUTH_STRING"]}"\n'
    (program.home / "profiles.toml").write_text(profile)
    told = program.run("collect", "--provider", "elevenlabs", "--json")
    assert (told.status, told.err) == (0, "")
    assert runs() == before + 1
    assert not (program.home / "prefect.db").exists()


def test_where_no_server_can_be_started_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SettingsError, match=r"WSL 2.*PREFECT_API_URL="), prefect_server():
        pytest.fail("a server was started")


@pytest.mark.parametrize(
    ("file", "text", "is_named"),
    [
        (".env", "PREFECT_API_URL=http://127.0.0.1:4200/api", True),
        (".env", "PREFECT_HOME=elsewhere", False),
        ("prefect.toml", '[api]\nurl = "http://127.0.0.1:4200/api"', True),
        ("prefect.toml", "[server]\nanalytics_enabled = false", False),
        ("pyproject.toml", '[tool.prefect.api]\nurl = "http://127.0.0.1:4200/api"', True),
        ("profiles.toml", '[profiles.a]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"', True),
        ("profiles.toml", 'active = "ephemeral"', False),
    ],
)
def test_where_a_server_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, is_named: bool
) -> None:
    """Where a file names one, Prefect is asked, which says yes here: the tests have a server."""
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.chdir(tmp_path)
    Path(file).write_text(text)
    assert is_configured(prefect_settings(), tmp_path) is is_named


def test_a_server_that_cannot_be_reached(program: Program, set_up: None, sandbox: Sandbox) -> None:
    program.variables["PREFECT_API_URL"] = "http://user:password@127.0.0.1:9/api"
    told = program.run("collect")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith("llm-usage: the Prefect server at 127.0.0.1:9 can't be reached")
    assert told.err.count("\n") == 1
    assert "password" not in told.err
    assert sandbox.journal.requests("openai") == []


def test_an_address_where_no_prefect_server_is(program: Program, set_up: None, sandbox: Sandbox) -> None:
    program.variables["PREFECT_API_URL"] = f"{sandbox.origin}/api"
    told = program.run("collect")
    assert (told.status, told.out) == (1, "")
    assert "does not answer as a Prefect server does (HTTP 404): is PREFECT_API_URL its address" in told.err


def test_own_server_on_a_fresh_folder_says_nothing(program: Program, set_up: None, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(api="elevenlabs", kind=Kind.STATUS, status=401, times=-1))
    sandbox.faults.add(Fault(api="deepgram", kind=Kind.REWRITE, rewrite=lambda _: {"odd": True}, times=-1))
    told = program.run("collect", "--provider", "elevenlabs", "deepgram", "openrouter")
    assert (told.status, told.err) == (1, "")
    lines = told.out.splitlines()
    assert lines[0].strip() == "2026-01: Partial, 1 source of 4"
    assert [line.split()[0] for line in lines[1:]] == [
        "Source",
        "deepgram/labs",
        "deepgram/prod",
        "elevenlabs",
        "openrouter",
        "Notion:",
        "deepgram/labs:",
        "deepgram/prod:",
        "elevenlabs:",
        "Total",
    ]
    assert (program.home / "prefect.db").exists()


def test_own_server_that_does_not_start(program: Program, set_up: None) -> None:
    program.home.mkdir()
    (program.home / "prefect.db").write_text("not a database")
    told = program.run("collect", "--provider", "elevenlabs")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith("llm-usage: Prefect's own server did not start")
    assert "file is not a database" in told.err
    assert str(program.home) in told.err
    assert told.err.count("\n") == 1


def test_two_servers_start_at_once_in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both create the database where nobody keeps them apart, and both fail."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    servers = [OwnServer(), OwnServer()]
    try:
        for server in servers:
            server.wait()
    finally:
        for server in servers:
            server.stop()
    assert (tmp_path / "prefect.db").exists()


class _Closed(BaseHTTPRequestHandler):
    """A Prefect server with an authentication string: it tells its health to everybody, and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 401)
        self.end_headers()
        self.wfile.write(b"true")

    def log_message(self, *arguments: Any) -> None:
        pass


def test_a_server_that_refuses_us(program: Program, set_up: None, sandbox: Sandbox) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program.variables["PREFECT_API_URL"] = f"http://127.0.0.1:{server.server_port}/api"
        told = program.run("collect")
        server.shutdown()
    assert (told.status, told.out) == (1, "")
    assert "refuses us (HTTP 401): is PREFECT_API_AUTH_STRING" in told.err
