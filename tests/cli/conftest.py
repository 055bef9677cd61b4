from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.everything import Sandbox
from tests.cli.programs import NOW, Cli, Program


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(lambda: NOW) as sandbox:
        yield sandbox


@pytest.fixture
def cli(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(sandbox, tmp_path, monkeypatch, capsys)


@pytest.fixture
def ready(cli: Cli, prefect_api: str, without_charts: None, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with both databases set up, a Prefect server, and tasks that try again at once."""
    from tasks.fetch import fetch

    monkeypatch.setattr(fetch, "retry_delay_seconds", [0, 0])
    assert cli("setup").status == 0
    cli.sandbox.journal.clear()
    return cli


@pytest.fixture
def program(sandbox: Sandbox, tmp_path: Path) -> Program:
    """The program with the sandbox's settings, and folders of its own."""
    program = Program(tmp_path)
    program.variables = sandbox.environment() | {"LLM_USAGE_NOW": NOW.isoformat()}
    return program
