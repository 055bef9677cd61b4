"""Notion's own client logs each refusal, with its words: none of it reaches the terminal or a run's log."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sandbox.notion import trouble
from sandbox.notion.store import Database
from tests.notion.office import Notion

ASK = """
import logging, logging.config, sys
from notion.client.gateway import Gateway
from usage.settings import load_settings
connections = [Gateway(load_settings(None, ()).notion, sleep=lambda _: None) for _ in range(2)]
{set_up}
told = []
class Note(logging.Handler):
    def emit(self, record):
        told.append(f"{{record.name}}: {{record.getMessage()}}")
notes = Note(0)
for name in list(logging.root.manager.loggerDict):
    logging.getLogger(name).addHandler(notes)
logging.root.addHandler(notes)
for connection in connections:
    connection.update_row(sys.argv[1], {{}})
    connection.close()
print("\\n".join(line for line in told if "httpx" not in line and "httpcore" not in line))
"""
NOTHING = ""
STANDARD = """
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "DEBUG", "handlers": ["console"]},
    "loggers": {"notion_client": {"level": "DEBUG"}},
})
for name in ("httpx", "httpcore"):
    logging.getLogger(name).propagate = False
"""
PREFECT = """
from prefect.logging.configuration import setup_logging
setup_logging(incremental=False)
"""


@pytest.mark.parametrize("set_up", [NOTHING, STANDARD, PREFECT], ids=["nothing", "everything", "prefect"])
def test_the_client_is_silent(notion: Notion, base: Database, set_up: str, tmp_path: Any) -> None:
    """In a program of its own, whose logging is set up after the connection is made."""
    notion.server.faults.add(trouble.conflicting(times=3))
    environment = {
        **notion.server.environment(),
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "notion,notion_client",
        "TMPDIR": str(tmp_path),
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(set_up=set_up), base.row("là").id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(notion.writes()) == 5
    for words in ("request", "conflict", "409", "Conflict"):
        assert words not in done.stdout
        assert not [line for line in done.stderr.splitlines() if words in line and "http" not in line.lower()]


@pytest.fixture
def base(notion: Notion) -> Database:
    base: Database = notion.api.store.make_database("Base", {"Nom": {"title": {}}})
    notion.api.store.add_row(base, {"Nom": "là"})
    return base
